"""a picture of somebody's own in -> each digit on it as MNIST's images are, and how, out.

The digits of MNIST fit a box of 20 x 20 pixels, and the centre of mass of their ink is at the
middle of 28 x 28 (LeCun et al. 1998): a picture that is only made smaller looks like none of them.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import WHITE, Bytes, Size, to_bytes
from bpcli.data.ink import LONGEST, Contrast, Ink, cut, find_contrast
from bpcli.data.pieces import Piece
from bpcli.data.rows import Layout, find_digits
from bpcli.files.image import to_grey
from bpcli.files.scaling import Grey, resize

BOX, SIDE = 20, 28  # pixels that a digit, and an image, are high and wide
MOSTLY = 0.9  # of images that are as MNIST's; of its own it is all but a few
FULL, WIDE = 0.7, 0.2  # of its box, and of a picture, that a sheet with digits on it covers
TINY, CLOSER = 16, 2  # pixels, below which digits are looked at so many times as closely
STROKE = 2.1  # pixels; thinner strokes are thickened


@dataclass(frozen=True)
class Prepared:
    """An image (height, width) of bytes, as MNIST's are, and what was done to get it.

    `ink` is the box around the digit on the picture, as left, top, width and height; `scaled` its
    width and height in the image; `moved` by how many pixels, to the right and down, the centre of
    its mass was moved to the middle. `contrast` is that of ink and paper, in grey levels, `stroke`
    the width of the strokes before any were thickened, in pixels of the image. `row` is the number
    of the row, from 0, that the digit stands in; `left_out` counts marks on the whole picture that
    are too low for digits.
    """

    image: Bytes
    is_dark: bool
    contrast: float
    ink: tuple[int, int, int, int]
    scaled: tuple[int, int]
    stroke: float
    is_thickened: bool
    moved: tuple[int, int]
    row: int
    left_out: int


def prepare(picture: Bytes, reduced: int = 1) -> list[Prepared]:
    """Return the digits on a picture (height, width, 3) of bytes, row by row, if any.

    Their boxes are those on a picture whose sides are `reduced` times as long.
    """
    found = find_contrast(picture)
    seen = found and _lay_out(found)
    if seen and _is_sheet(seen[1]):
        turned = find_contrast(picture, is_dark=not seen[0].is_dark)
        seen = (turned and _lay_out(turned)) or seen
    if seen and _are_tiny(*seen):
        closer = find_contrast(picture, is_dark=seen[0].is_dark, longest=CLOSER * LONGEST)
        seen = (closer and _lay_out(closer)) or seen
    if not seen:
        return []
    ink, layout = seen
    ink = replace(ink, shrunk=ink.shrunk * reduced)
    return [
        _prepare(ink, layout, pieces, row)
        for row, digits in enumerate(layout.rows)
        for pieces in digits
    ]


def fit(picture: Bytes, size: Size, *, dark: bool) -> tuple[Bytes, bool]:
    """Return a picture (height, width, 3) as an image of grey levels of another size.

    It is made dark on light, or light on dark; that is all that can be done where an image may show
    anything. Returns, too, whether that was the other way round.
    """
    grey = resize(to_grey(picture), size)
    inverted = lies_on_light(grey[np.newaxis]) != dark
    return to_bytes(WHITE - grey if inverted else grey), inverted


def lies_on_light(images: npt.NDArray[Any], white: int = WHITE) -> bool:
    """Tell whether most of what lies along the edges of images (N, height, width) is light."""
    edges = [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]]
    return bool(np.median(np.concatenate(edges, axis=1)) > white / 2)


def are_prepared(images: Bytes) -> bool:
    """Tell whether images (N, height, width) are as MNIST's: in their box, around their middle."""
    if images.shape[1:] != (SIDE, SIDE) or lies_on_light(images):
        return False
    ink = images > 0
    high, wide = _reach(ink.max(axis=2)), _reach(ink.max(axis=1))
    mass = np.maximum(images.sum(axis=(1, 2), dtype=np.float64), 1)
    places = np.arange(SIDE)
    middle = [images.sum(axis=a, dtype=np.float64) @ places / mass for a in (2, 1)]
    fits = np.abs(np.maximum(high, wide) - BOX) <= 1
    for found in middle:
        fits &= np.abs(found - SIDE / 2) <= 1
    return bool(fits.mean() > MOSTLY)


def _reach(found: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Return how many rows (N, SIDE) lie from the first to the last one that has ink."""
    reach: npt.NDArray[np.intp] = SIDE - found[:, ::-1].argmax(axis=1) - found.argmax(axis=1)
    return reach


def _lay_out(found: Contrast) -> tuple[Ink, Layout] | None:
    """Return ink and its digits; what comes in from the edges has no part in where it is cut."""
    ink = cut(found)
    if ink is None:
        return None
    layout = find_digits(ink.mask)
    again = cut(found, without=layout.beyond) if layout.beyond.any() else None
    return (ink, layout) if again is None else (again, find_digits(again.mask))


def _is_sheet(layout: Layout) -> bool:
    """Tell whether the main piece is a sheet of paper, or a window, and no digit."""
    pieces = [piece for row in layout.rows for digit in row for piece in digit]
    main = max(pieces, key=lambda p: p.size, default=None)
    if main is None:
        return False
    is_full = main.size > FULL * main.width * main.height
    return is_full and main.size > WIDE * layout.labels.size


def _are_tiny(ink: Ink, layout: Layout) -> bool:
    """Tell whether most digits are so low that more of the picture's own pixels are needed."""
    heights = [
        max(p.bottom for p in digit) - min(p.top for p in digit)
        for row in layout.rows
        for digit in row
    ]
    return ink.shrunk > 1 and len(heights) > 0 and float(np.median(heights)) < TINY


def _prepare(ink: Ink, layout: Layout, pieces: list[Piece], row: int) -> Prepared:
    top, bottom = min(p.top for p in pieces), max(p.bottom for p in pieces)
    left, right = min(p.left for p in pieces), max(p.right for p in pieces)
    inside = layout.labels[top:bottom, left:right]
    own = np.isin(inside, [0, *(p.label for p in pieces)])  # with the faint edges of strokes
    levels = np.where(own, ink.levels[top:bottom, left:right], 0)
    stroke = stroke_width(levels) * BOX / max(levels.shape)
    if stroke < STROKE:
        levels = _thicken(levels)
    scale = BOX / max(levels.shape)
    digit = resize(levels, [max(1, round(n * scale)) for n in levels.shape])
    digit /= digit.max()
    image, moved = _centre(digit)
    on_picture = (round(n * ink.shrunk) for n in (left, top, right - left, bottom - top))
    x, y, width, height = on_picture
    return Prepared(
        image=np.round(WHITE * image).astype(np.uint8),
        is_dark=ink.is_dark,
        contrast=ink.contrast,
        ink=(x, y, width, height),
        scaled=(digit.shape[1], digit.shape[0]),
        stroke=stroke,
        is_thickened=stroke < STROKE,
        moved=moved,
        row=row,
        left_out=layout.left_out,
    )


def stroke_width(digit: Grey) -> float:
    """Return the mean width of the strokes: twice their area by the length of their outline."""
    padded = np.pad(digit, 1)
    down, right = np.diff(padded, axis=0)[:, :-1], np.diff(padded, axis=1)[:-1]
    return float(2 * digit.sum() / np.hypot(down, right).sum())


def _centre(digit: Grey) -> tuple[Grey, tuple[int, int]]:
    """Put the centre of mass of a digit at the middle of an image."""
    image = np.zeros((SIDE, SIDE))
    height, width = digit.shape
    row, column = (_start(digit.sum(axis=axis)) for axis in (1, 0))
    image[row : row + height, column : column + width] = digit
    return image, (column - (SIDE - width) // 2, row - (SIDE - height) // 2)


def _start(weights: Grey) -> int:
    """Return where rows, or columns, begin if the middle of their ink is to be number SIDE / 2."""
    middle = float(weights @ np.arange(len(weights)) / weights.sum())
    return min(max(math.floor(SIDE / 2 - middle + 0.5), 0), SIDE - len(weights))


def _thicken(levels: Grey) -> Grey:
    """Return ink whose strokes will be STROKE pixels wide when it fits its box.

    It grows by as much on each side, whole pixels and then a part of one. That is done before it is
    scaled: a hairline that is made smaller is faint all along, but where two of them cross.
    """
    # Of a box that grows by 2 growth, a stroke that does so, too, is to be the part STROKE / BOX.
    growth = (STROKE * max(levels.shape) - BOX * stroke_width(levels)) / (2 * (BOX - STROKE))
    whole = int(growth)
    levels = np.pad(levels, whole)
    for amount in (*(1.0 for _ in range(whole)), growth - whole):
        padded = np.pad(levels, 1)
        around = [padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
        levels = np.maximum(levels, amount * np.max(around, axis=0))
    return levels
