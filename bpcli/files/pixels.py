"""arrays of images as people save them in -> bytes (N, height, width) out, and what was black."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import WHITE, Bytes, Shape
from bpcli.errors import DatasetError
from bpcli.files.image import to_grey
from bpcli.files.part import AROUND, AS_FOUND, BYTES, SHARES, Images, Levels, Reading

TOGETHER = 1_000_000  # numbers that are turned into bytes at a time
COLOURS = 3  # channels of a picture that is not grey
IMAGE, CHANNELS = 3, 4  # dimensions of grey images, and of images with channels
HALF = 128  # a brightest pixel from here on is one of bytes
BEYOND = 0.1  # of the reach from black to white that other images may lie outside of it
GREY = "made grey by ITU-R BT.601: 0.299 red + 0.587 green + 0.114 blue"


def to_images(
    array: npt.NDArray[Any], place: str, reading: Reading = AS_FOUND, *, is_real: bool = False
) -> Images:
    """Return grey images, in bytes, of an array that messages call `place`.

    It may be (N, height, width), (N, height, width, 1 or 3), (N, 1 or 3, height, width), or
    (N, pixels) of squares; whole numbers from 0 to 255, or others, `is_real` also where they are
    kept in bytes: from 0 to 1, from -1 to 1, or of any reach, as of standardised images, whose
    least and largest are black and white then. `reading` says what is black and white in the
    training images. Raises DatasetError.
    """
    if array.dtype.kind not in "buif" or not array.size:
        raise DatasetError(f"{place}: found {array.dtype} {array.shape}, expected numbers")
    shape, axis = _shape(array.shape, place)
    is_real = is_real or array.dtype.kind == "f"
    levels = BYTES
    if is_real or array.dtype != np.uint8:
        levels = _find_levels(array, place, reading, is_real=is_real)
        array = _to_bytes(array, levels) if levels != BYTES or array.dtype != np.uint8 else array
    array, remarks = array.reshape(shape), []
    if axis is not None:
        array = to_grey(np.moveaxis(array, axis, -1))
        height, width = array.shape[1:]
        remarks.append(f"{place}: {height} x {width} in colour, {GREY}")
    if levels not in (BYTES, reading.levels):
        remarks.append(f"{place}: {levels[0]:g} is taken for black and {levels[1]:g} for white")
    return Images(images=np.ascontiguousarray(array), levels=levels, remarks=tuple(remarks))


def _find_levels(array: npt.NDArray[Any], place: str, reading: Reading, *, is_real: bool) -> Levels:
    """Return which numbers are black and white. Raises DatasetError where none can be."""
    known = reading.levels
    low, high = float(array.min()), float(array.max())
    if not is_real or not math.isfinite(low + high):
        _check(low, high, place, array.dtype)
        return BYTES
    if known and reading.is_exact:
        return known
    if known not in (None, BYTES):
        beyond = BEYOND * (known[1] - known[0])
        is_other = known[0] < 0 <= low < high  # from 0 to 1, say, where the others had their means
        if known[0] - beyond <= low and high <= known[1] + beyond and not is_other:
            return known
    if low >= 0 and high <= 1:
        return SHARES
    if low >= -1 and high <= 1:
        return AROUND
    if _is_whole(array):
        _check(low, high, place, array.dtype)
        return BYTES
    if low >= 0:
        return BYTES if HALF <= high <= WHITE else (0.0, high)
    if low == high:
        _check(low, high, place, array.dtype)
    return low, high


def _check(low: float, high: float, place: str, dtype: np.dtype[Any]) -> None:
    if not (low >= 0 and high <= WHITE):
        hint = "; divide it by 257" if dtype == np.uint16 and high > WHITE else ""
        raise DatasetError(f"{place}: goes from {low:g} to {high:g}, expected 0 to {WHITE}{hint}")


def _is_whole(array: npt.NDArray[Any]) -> bool:
    return array.dtype == np.uint8 or all(
        bool((part == np.round(part)).all()) for part in _parts(array)
    )


def _to_bytes(array: npt.NDArray[Any], levels: Levels) -> Bytes:
    """Return numbers as grey levels; part by part, as they would take eight times as much."""
    black, white = levels
    made = np.empty(array.shape, np.uint8)
    for part, out in zip(_parts(array), _parts(made), strict=True):
        if levels == BYTES:
            out[...] = np.clip(np.round(part), *BYTES) if part.dtype.kind == "f" else part
        else:
            shares = (part.astype(np.float64) - black) / (white - black)
            out[...] = np.round(np.clip(shares, 0, 1) * WHITE)
    return made


def _parts(array: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """Return an array in parts, of some images each."""
    count = max(1, TOGETHER // (array.size // len(array)))
    return [array[start : start + count] for start in range(0, len(array), count)]


def _shape(shape: Shape, place: str) -> tuple[Shape, int | None]:
    """Return (N, height, width) for the shape of an array of images, or where its colours are."""
    if len(shape) == CHANNELS:
        single = [axis for axis in (1, 3) if shape[axis] == 1]
        if single:
            return tuple(n for axis, n in enumerate(shape) if axis != single[-1]), None
        colours = [axis for axis in (1, 3) if shape[axis] == COLOURS]
        if len(colours) == 1:
            return shape, colours[0]
        if colours:
            raise DatasetError(
                f"{place}: found {shape}, in which colours may be first or last, expected "
                "(N, height, width)"
            )
    if len(shape) == IMAGE:
        return shape, None
    pixels = shape[1] if len(shape) == 2 else 0  # rows and columns
    if pixels and math.isqrt(pixels) ** 2 == pixels:
        side = math.isqrt(pixels)
        return (shape[0], side, side), None
    hint = ""
    if pixels % COLOURS == 0 and pixels and math.isqrt(pixels // COLOURS) ** 2 * COLOURS == pixels:
        side = math.isqrt(pixels // COLOURS)
        hint = (
            f"; if these are colours, reshape them to (N, 3, {side}, {side}) or "
            f"(N, {side}, {side}, 3), as nothing tells which"
        )
    raise DatasetError(
        f"{place}: found the shape {shape}, expected (N, height, width), with colours first or "
        f"last, or (N, pixels) of squares{hint}"
    )
