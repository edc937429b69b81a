"""a grey image in -> a small picture of it as text out."""

import numpy as np

from bpcli.arrays import WHITE, Bytes

HALVES = " ▀▄█"  # a character is two pixels, one above the other: neither, upper, lower, both
DARK_TO_BRIGHT = " .:-=+*#%@"
BRIGHT = (WHITE + 1) // 2


def draw_picture(image: Bytes, white: int = WHITE, *, ascii_only: bool) -> list[str]:
    """Return lines, half as many as the rows of `image` (height, width), of grey levels to `white`.

    Half-block characters show which pixels are at least half bright; ASCII characters show how
    bright two pixels are together.
    """
    rows = np.minimum(image.astype(int) * WHITE // white, WHITE).tolist()
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    pairs = zip(rows[::2], rows[1::2], strict=True)
    character = _shade if ascii_only else _halves
    return ["".join(map(character, *pair)) for pair in pairs]


def _halves(upper: int, lower: int) -> str:
    return HALVES[(upper >= BRIGHT) + 2 * (lower >= BRIGHT)]


def _shade(upper: int, lower: int) -> str:
    return DARK_TO_BRIGHT[(upper + lower) * (len(DARK_TO_BRIGHT) - 1) // (2 * WHITE)]
