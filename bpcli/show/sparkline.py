"""the losses of a run in -> its curve as one line of a terminal out."""

import math
from itertools import pairwise

from bpcli.training.losses import Losses

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = "_.-=+*#@"
MOST = 40  # blocks of a line


def draw_losses(losses: Losses, width: int, *, ascii_only: bool) -> str:
    """Return how the loss of mini-batches has fallen, from its first mean to its last.

    The heights are logarithms, as a loss falls by factors. It is empty where there is no curve to
    be seen, or no room for one in `width` columns.
    """
    means = [mean for mean in losses.means if math.isfinite(mean) and mean > 0]
    if len(means) < 2:
        return ""
    first, last = (f"{mean:.2f}" for mean in (means[0], means[-1]))
    head, tail = f"mini-batch loss {first} ", f" {last}"
    count = min(MOST, len(means), width - len(head) - len(tail))
    if count < 2:
        return ""
    ends = [round(i * len(means) / count) for i in range(count + 1)]
    parts = [means[a:b] for a, b in pairwise(ends)]
    heights = [sum(map(math.log, part)) / len(part) for part in parts]
    low, high = min(heights), max(heights)
    step = (high - low) / (len(BLOCKS) - 1) or 1.0  # of a level line
    blocks = ASCII if ascii_only else BLOCKS
    return head + "".join(blocks[round((height - low) / step)] for height in heights) + tail
