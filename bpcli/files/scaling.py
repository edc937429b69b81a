"""images of one size in -> the same images of another size out."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Bytes, Size, to_bytes

Grey = npt.NDArray[np.float64]

TOGETHER = 1_000_000  # pixels that are scaled at a time


def resize(image: npt.NDArray[Any], size: Size | list[int]) -> Grey:
    """Return an image of another size; each pixel is the mean of what it covers.

    However long a side is, what is taken meanwhile is no more than the image itself.
    """
    height, width = size
    return _resize_rows(_resize_rows(image, height).T, width).T


def resize_all(images: Bytes, size: Size) -> Bytes:
    """Return images (N, height, width) of another size, as `resize` makes each."""
    if images.shape[1:] == size:
        return images
    height, width = images.shape[1:]
    made = np.empty((len(images), *size), np.uint8)
    count = max(1, TOGETHER // (height * width))
    for start in range(0, len(images), count):
        part = images[start : start + count]
        n = len(part)
        rows = _resize_rows(part.transpose(1, 2, 0).reshape(height, width * n), size[0])
        turned = rows.reshape(size[0], width, n).transpose(1, 0, 2).reshape(width, size[0] * n)
        columns = _resize_rows(turned, size[1]).reshape(size[1], size[0], n)
        made[start : start + count] = to_bytes(columns.transpose(2, 1, 0))
    return made


def _resize_rows(image: npt.NDArray[Any], m: int) -> Grey:
    """Return m rows, each made of the n old ones in shares of a triangle as wide as the larger."""
    n = len(image)
    reach = max(1.0, n / m)
    rows = np.empty((m, image.shape[1]))
    for i, middle in enumerate((np.arange(m) + 0.5) * n / m - 0.5):
        first, last = max(0, math.ceil(middle - reach)), min(n - 1, math.floor(middle + reach))
        shares = np.maximum(0, 1 - np.abs(middle - np.arange(first, last + 1)) / reach)
        rows[i] = shares @ image[first : last + 1] / shares.sum()
    return rows
