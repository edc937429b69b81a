"""the sizes of a run in -> the bytes that it takes, and whether the machine has them, out."""

import contextlib
import itertools
import os
import resource
from collections.abc import Iterator
from pathlib import Path

from bpcli.config import Config
from bpcli.errors import ConfigError
from bpcli.evaluation import CHUNK

FLOAT, DRAWN = 4, 8  # bytes of a number, and of one that is being drawn
VECTORS = 5  # parameters, gradient, the optimizer's scratch memory and up to two of its own
ARRAYS = 4  # that layers keep for each unit and image: output, mask, gradient, dropout
BUFFERS, DISTORTING = 2, 42  # bytes for each pixel of a mini-batch: in use and coming; at work
CGROUP = Path("/sys/fs/cgroup/memory.max")


def check_memory(config: Config, pixels: int, classes: int) -> None:
    """Raise ConfigError if a run needs more memory than there is: the system would kill it."""
    weights, images = needed(config, pixels, classes)
    if weights + images > available():
        large = images > weights and config.training.batch_size > CHUNK
        key = "training.batch_size" if large else "network.hidden"
        raise ConfigError(
            f"{key}: this run needs {_gigabytes(weights + images)} of memory, and there are "
            f"{_gigabytes(available())}; make it smaller"
        )


def needed(config: Config, pixels: int, classes: int) -> tuple[int, int]:
    """Return about how many bytes the weights take, and the images that are worked on."""
    sizes = [pixels, *config.network.hidden, classes]
    weights = [n * m for n, m in itertools.pairwise(sizes)]
    pixel = BUFFERS if config.distortion.identity else BUFFERS + DISTORTING
    learning = config.training.batch_size * (sum(sizes) * ARRAYS * FLOAT + pixels * pixel)
    evaluating = CHUNK * sum(sizes) * FLOAT
    return sum(weights) * VECTORS * FLOAT + max(weights) * DRAWN, learning + evaluating


def available() -> int:
    """Return the bytes that this process may take: of the machine, its container and its limit."""
    return min(_limits())


def _limits() -> Iterator[int]:
    yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        yield soft
    with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
        yield int(CGROUP.read_text())


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB"
