"""a picture of somebody's own in -> how much ink lies on each pixel of its paper out.

Ink is what stands out from its surroundings: dark on light or light on dark, in any colour, on
paper that may lie half in the shadow.
"""

from dataclasses import dataclass

import numpy as np

from bpcli.arrays import WHITE, Bytes
from bpcli.data.pieces import Mask
from bpcli.files.scaling import Grey, resize

LONGEST = 400  # pixels of a picture's longer side that are looked at
SURROUNDINGS = 4  # the part of the longer side over which a pixel's surroundings reach
MARGIN = 4  # the part of the longer side that is added as paper on each side
PAPER = 3  # the part of the longer side that no stroke is as wide as
FEW, RARE = 16, 1000  # pixels, at most one in so many, that a tail is measured without
FAINTEST = 0.25  # of the cut; what is fainter is paper, even along the edges of strokes
TWICE = 2.0  # as far from the paper as rulings is a pen
FAINT, NOISES = 8.0, 5.0  # contrast, in grey levels and in noises, below which there is nothing


@dataclass(frozen=True)
class Contrast:
    """By how many grey levels pixels (height, width) differ from their paper, dark or light.

    `noise` is that of most paper; `shrunk` by how many times a side of the picture is longer.
    """

    levels: Grey
    noise: float
    is_dark: bool
    shrunk: float


@dataclass(frozen=True)
class Ink:
    """`levels` (height, width), from 0 for paper to 1 for ink, and where they are surely ink.

    `contrast`, in grey levels, is that of most ink with its paper.
    """

    levels: Grey
    mask: Mask
    is_dark: bool
    contrast: float
    shrunk: float


def find_contrast(
    picture: Bytes, *, is_dark: bool | None = None, longest: int = LONGEST
) -> Contrast | None:
    """Return how a picture (height, width, 3) of bytes differs from its paper, None for no paper.

    At most `longest` pixels of its longer side are looked at. Unless it is told whether the ink
    `is_dark`, that is what differs most from its surroundings.
    """
    shrunk = max(1.0, max(picture.shape[:2]) / longest)
    size = [max(1, round(n / shrunk)) for n in picture.shape[:2]]
    margin = max(size) // MARGIN
    colours = [_with_margin(resize(picture[..., i], size), margin) for i in range(3)]
    if is_dark is None:
        is_dark = _is_dark((colours[0] + colours[1] + colours[2]) / 3)
    if is_dark:
        colours = [WHITE - colour for colour in colours]
    reach = max(size) // PAPER // 2
    levels = np.max([colour - _paper(colour, reach) for colour in colours], axis=0)
    levels = levels[margin : margin + size[0], margin : margin + size[1]]
    paper = levels[levels < _otsu(levels)]
    if not paper.size:
        return None
    middle = float(np.median(paper))
    noise = float(np.median(np.abs(paper - middle)))
    return Contrast(np.maximum(levels - middle, 0), noise, is_dark, shrunk)


def cut(found: Contrast, *, without: Mask | None = None) -> Ink | None:
    """Return the ink, as far as it is not left out, or None where there is none."""
    there = found.levels if without is None else np.where(without, 0, found.levels)
    if there.max() < max(FAINT, NOISES * found.noise):
        return None
    least = _cut(there)
    mask = there >= least
    low, contrast = FAINTEST * least, float(np.median(there[mask]))
    levels = np.clip((there - low) / (contrast - low), 0, 1)
    return Ink(levels, mask, found.is_dark, contrast, found.shrunk)


def _with_margin(colour: Grey, margin: int) -> Grey:
    """Return a colour of a picture within paper, for digits that fill their picture.

    From the edges on it goes over to the colour of most of the outer ring, wider than a frame.
    """
    height, width = colour.shape
    rows, columns = np.arange(height)[:, np.newaxis], np.arange(width)
    away = np.minimum(np.minimum(rows, height - 1 - rows), np.minimum(columns, width - 1 - columns))
    ring = colour[away < margin // 2] if margin > 1 else colour
    return np.pad(colour, margin, "linear_ramp", end_values=float(np.median(ring)))


def _is_dark(grey: Grey) -> bool:
    """Tell whether what differs most from its surroundings is darker than they are."""
    local = grey - _mean(grey, max(grey.shape) // SURROUNDINGS)
    tail = np.sort(local, axis=None)
    few, middle = min(FEW, tail.size // RARE), float(np.median(tail))
    return bool(middle - tail[few] > tail[-1 - few] - middle)


def _mean(grey: Grey, reach: int) -> Grey:
    """Return the mean around each pixel, `reach` pixels to each side, as far as there are any."""
    for axis in (0, 1):
        n = grey.shape[axis]
        sums = np.insert(np.cumsum(grey, axis), 0, 0, axis)
        first = np.maximum(np.arange(n) - reach, 0)
        last = np.minimum(np.arange(n) + reach + 1, n)
        counts = np.expand_dims(last - first, 1 - axis)
        grey = (sums.take(last, axis) - sums.take(first, axis)) / counts
    return grey


def _paper(grey: Grey, reach: int) -> Grey:
    """Return the paper of light ink: the opening, which takes away what is narrower than 2 reach.

    Paper that lies half in the shadow is level after it.
    """
    return _extreme(_extreme(grey, reach, np.minimum), reach, np.maximum)


def _extreme(grey: Grey, reach: int, pick: np.ufunc) -> Grey:
    """Return the least or the largest of the pixels up to `reach` rows and columns away."""
    for _ in range(2):
        n, span = len(grey), 1
        grey = np.pad(grey, ((reach, reach), (0, 0)), mode="edge")
        while 2 * span <= 2 * reach + 1:
            grey = pick(grey[:-span], grey[span:])
            span *= 2
        rest = 2 * reach + 1 - span
        grey = pick(grey[:n], grey[rest : rest + n]).T
    return grey


def _cut(ink: Grey) -> float:
    """Return the grey level from which on there is ink; of a pen and rulings, only the pen's."""
    cut = _otsu(ink)
    higher = _otsu(ink[ink >= cut])
    pen, rulings = ink[ink >= higher], ink[(ink >= cut) & (ink < higher)]
    if len(pen) and len(rulings) and pen.mean() > TWICE * rulings.mean():
        return higher
    return cut


def _otsu(ink: Grey) -> float:
    """Return the grey level that divides pixels into two kinds that differ most (Otsu 1979)."""
    counts = np.bincount(ink.astype(np.intp).ravel(), minlength=WHITE + 1)
    below, sums = np.cumsum(counts), np.cumsum(counts * np.arange(len(counts)))
    above = ink.size - below
    with_both = (below > 0) & (above > 0)
    below, above, left = below[with_both], above[with_both], sums[with_both]
    between = below * above * (left / below - (sums[-1] - left) / above) ** 2
    return float(np.flatnonzero(with_both)[np.argmax(between)] + 1) if len(between) else 0.0
