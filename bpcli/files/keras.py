"""an .npz as Keras has them in -> the images and labels of a split out."""

from pathlib import Path

import numpy as np

from bpcli.arrays import Bytes
from bpcli.errors import DatasetError
from bpcli.files.archive import open_file, read_arrays

WHITE = 255  # the largest grey level, and label


def read_keras(path: Path, split: str) -> tuple[Bytes, Bytes]:
    """Return images (N, height, width) and labels (N,) of `train` or `test`.

    Raises DatasetError where they are missing, damaged, no bytes or not as many.
    """
    images, labels = _read(path, f"x_{split}", 3), _read(path, f"y_{split}", 1)
    if len(images) != len(labels):
        raise DatasetError(
            f"{path}: found {len(labels)} labels, expected one for each of the "
            f"{len(images)} images in {path}"
        )
    return images, labels


def _read(path: Path, name: str, dimensions: int) -> Bytes:
    try:
        with open_file(path) as file:
            arrays = read_arrays(file, name, deflated=True)
    except ValueError as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error
    if name not in arrays:
        raise DatasetError(f"{path}: found no {name}, expected x_train, y_train, x_test and y_test")
    array = arrays[name]
    if array.ndim != dimensions or array.dtype.kind not in "ui" or not array.size:
        raise DatasetError(
            f"{path}: {name} has shape {array.shape} and type {array.dtype}, expected "
            f"{dimensions} dimensions of integers"
        )
    if array.min() < 0 or array.max() > WHITE:
        raise DatasetError(
            f"{path}: {name} goes from {array.min()} to {array.max()}, expected 0 to {WHITE}"
        )
    return np.ascontiguousarray(array, np.uint8)
