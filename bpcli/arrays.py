"""an array of anybody's in -> the types that flow out, and the words for them: white, axes."""

from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.errors import ArrayError

Array = npt.NDArray[np.floating[Any]]
Labels = npt.NDArray[np.intp]
Indices = npt.NDArray[np.intp]
Bytes = npt.NDArray[np.uint8]
Shape = tuple[int, ...]
Size = tuple[int, int]  # of an image, in pixels: its height and its width

MATRIX = 2  # axes: rows and columns, as (N, D) between layers and (D, M) in weights
DECIMALS = 6  # of a grey level that count, where one is rounded
WHITE = 255  # the largest grey level of a byte, which MNIST's white is


def to_bytes(levels: npt.NDArray[Any]) -> Bytes:
    """Return the nearest grey levels, the even one of two that are as near.

    What is nearly halfway counts as halfway: the last bits of a sum depend on the machine, and on
    how many images are summed together, but an image is the same bytes wherever it is read.
    """
    return np.round(np.round(levels, DECIMALS)).astype(np.uint8)


def check_inputs(x: Array) -> None:
    """Raise ArrayError unless x is (N, D) of floating-point numbers: a row for each image."""
    # Complex numbers take the complex step of the gradient check.
    if isinstance(x, np.ndarray) and x.ndim == MATRIX and x.size and x.dtype.kind in "fc":
        return
    if not isinstance(x, np.ndarray):
        raise ArrayError(f"x: found a {type(x).__name__}, expected an array (N, D)")
    if x.ndim != MATRIX or not x.size:
        raise ArrayError(
            f"x: found the shape {x.shape}, expected (N, D), a row for each image; "
            "one image alone is x[np.newaxis]"
        )
    raise ArrayError(
        f"x: found {x.dtype}, expected floating-point numbers; grey levels are divided by {WHITE}"
    )


def check_labels(t: Labels, n: int) -> None:
    """Raise ArrayError unless t is (n,) of whole numbers: the class of each of n images."""
    if isinstance(t, np.ndarray) and t.shape == (n,) and t.dtype.kind in "iu":
        return
    if not isinstance(t, np.ndarray):
        raise ArrayError(f"t: found a {type(t).__name__}, expected an array ({n},) of integers")
    raise ArrayError(
        f"t: found the shape {t.shape} of {t.dtype}, expected ({n},) of integers, the class of "
        "each image; of one-hot rows that is t.argmax(axis=1)"
    )


def check_classes(t: Labels, classes: int) -> None:
    """Raise ArrayError unless labels t, of whole numbers, are each one of so many classes."""
    # As numbers without a sign -1 is the largest: one pass over them tells.
    if np.maximum.reduce(t.astype(np.uintp)) < classes:
        return
    wrong = t[(t < 0) | (t >= classes)][0]
    raise ArrayError(f"t: found the label {wrong}, expected classes from 0 to {classes - 1}")


def check_room(count: int, dtype: npt.DTypeLike) -> None:
    """Raise MemoryError if there is no memory for so many numbers; none is taken."""
    try:
        np.empty(count, dtype)
    except ValueError as error:  # more than can be counted
        raise MemoryError(f"Unable to allocate an array of {count:,} numbers") from error
