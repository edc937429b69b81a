"""arrays of images as people save them in -> bytes (N, height, width) out."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import WHITE, Bytes, Shape
from bpcli.errors import DatasetError

TOGETHER = 1_000_000  # numbers that are turned into bytes at a time
COLOURS = (3, 4)  # channels of a picture that is not grey
IMAGE, CHANNELS = 3, 4  # dimensions of grey images, and of images with channels


def to_images(array: npt.NDArray[Any], place: str) -> Bytes:
    """Return grey images (N, height, width), in bytes, of an array that messages call `place`.

    It may be (N, height, width), (N, height, width, 1), (N, 1, height, width), or (N, pixels) of
    squares; whole numbers from 0 to 255, or floating-point ones from 0 to 1 or from 0 to 255.
    Raises DatasetError.
    """
    if array.dtype.kind not in "buif" or not array.size:
        raise DatasetError(f"{place}: found {array.dtype} {array.shape}, expected numbers")
    shape = _shape(array.shape, place)
    levels = array if array.dtype == np.uint8 else _to_levels(array, place)
    return np.ascontiguousarray(levels.reshape(shape))


def _to_levels(array: npt.NDArray[Any], place: str) -> Bytes:
    """Return numbers as grey levels; part by part, as they would take eight times as much."""
    low, high = array.min(), array.max()
    check_levels(low, high, place, "; divide it by 257" if array.dtype == np.uint16 else "")
    is_real = array.dtype.kind == "f"
    scale = WHITE if is_real and high <= 1 else 1
    levels = np.empty(array.shape, np.uint8)
    count = max(1, TOGETHER // (array.size // len(array)))
    for first in range(0, len(array), count):
        part = array[first : first + count]
        levels[first : first + count] = np.round(part * scale) if is_real else part
    return levels


def check_levels(low: float, high: float, place: str, hint: str = "") -> None:
    """Raise DatasetError unless numbers from `low` to `high` may be grey levels.

    The hint is for those that are too large.
    """
    if not (low >= 0 and high <= WHITE):
        hint = hint if high > WHITE else ""
        raise DatasetError(f"{place}: goes from {low:g} to {high:g}, expected 0 to {WHITE}{hint}")


def _shape(shape: Shape, place: str) -> Shape:
    """Return (N, height, width) for the shape of an array of images."""
    if len(shape) == CHANNELS and 1 in (shape[1], shape[3]):
        return (shape[0], *(shape[1:3] if shape[3] == 1 else shape[2:]))
    if len(shape) == CHANNELS and (shape[1] in COLOURS or shape[3] in COLOURS):
        raise DatasetError(
            f"{place}: found colour images {shape}, expected grey ones; of (N, height, width, 3) "
            "they are images @ [0.299, 0.587, 0.114]"
        )
    if len(shape) == IMAGE:
        return shape
    side = math.isqrt(shape[1]) if len(shape) == 2 else 0  # rows and columns
    if side and side * side == shape[1]:
        return (shape[0], side, side)
    raise DatasetError(
        f"{place}: found the shape {shape}, expected (N, height, width), or (N, pixels) of squares"
    )
