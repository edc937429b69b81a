"""a folder of IDX files, as MNIST's own site has them, in -> images and labels of a split out."""

import gzip
import math
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from bpcli.arrays import Bytes
from bpcli.errors import DatasetError
from bpcli.files.archive import DEFLATE_RATIO

UNSIGNED_BYTE = 0x08  # IDX's code for the element type
IMAGES, LABELS = 3, 1  # dimensions of the two kinds of IDX file


def read_folder(folder: Path, split: str) -> tuple[Bytes, Bytes]:
    """Return images (N, height, width) and labels (N,) of `train` or `test`.

    Raises DatasetError where one of the two files is missing, damaged or too short for the other.
    """
    prefix = "train" if split == "train" else "t10k"
    image_path = _find(folder, f"{prefix}-images", "idx3-ubyte")
    label_path = _find(folder, f"{prefix}-labels", "idx1-ubyte")
    images, labels = read_idx(image_path, IMAGES), read_idx(label_path, LABELS)
    if len(images) != len(labels):
        raise DatasetError(
            f"{label_path}: found {len(labels)} labels, expected one for each of the "
            f"{len(images)} images in {image_path}"
        )
    return images, labels


def _find(folder: Path, stem: str, kind: str) -> Path:
    names = [f"{stem}{mark}{kind}{end}" for end in ("", ".gz") for mark in "-."]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise DatasetError(f"{folder}: found none of {', '.join(names)}, expected one of them")


def read_idx(path: Path, dimensions: int) -> Bytes:
    """Read an IDX file of bytes with so many dimensions, plain (memory-mapped) or gzip.

    Layout: http://yann.lecun.com/exdb/mnist, big-endian: two zero bytes, 8 for unsigned byte, the
    number of dimensions, each dimension as four bytes, then the data.
    """
    try:
        if path.suffix == ".gz":
            return _inflate_idx(path, dimensions)
        with path.open("rb") as file:
            shape = _read_idx_header(file, path, dimensions)
        start = 4 + 4 * dimensions
        found = path.stat().st_size - start
        if found != math.prod(shape):
            raise _size_error(path, f"{found:,} bytes of data", shape)
        return np.asarray(np.memmap(path, np.uint8, "r", offset=start, shape=shape))
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error


def _inflate_idx(path: Path, dimensions: int) -> Bytes:
    size = path.stat().st_size
    with gzip.open(path) as file:
        shape = _read_idx_header(file, path, dimensions)
        expected = math.prod(shape)
        if expected > DEFLATE_RATIO * size:
            raise _size_error(path, f"a gzip file of {size:,} bytes, too few", shape)
        # One byte more than expected is enough to tell, however much there is to inflate.
        data = file.read(expected + 1)
    if len(data) != expected:
        more = "more than " if len(data) > expected else ""
        raise _size_error(path, f"{more}{min(len(data), expected):,} bytes of data", shape)
    return np.frombuffer(data, np.uint8).reshape(shape)


def _read_idx_header(
    file: BinaryIO | gzip.GzipFile, path: Path, dimensions: int
) -> tuple[int, ...]:
    header = file.read(4 + 4 * dimensions)
    magic = bytes([0, 0, UNSIGNED_BYTE, dimensions])
    if header[:4] != magic or len(header) != 4 + 4 * dimensions:
        raise DatasetError(
            f"{path}: starts with {header[:4].hex(' ') or 'nothing'}, expected {magic.hex(' ')} "
            f"and {dimensions} sizes: an IDX file of bytes with {dimensions} dimensions"
        )
    shape = tuple(int(size) for size in np.frombuffer(header, ">u4", offset=4))
    if 0 in shape:
        raise DatasetError(f"{path}: its header says {shape}, expected no size to be 0")
    return shape


def _size_error(path: Path, found: str, shape: tuple[int, ...]) -> DatasetError:
    sizes = " x ".join(map(str, shape))
    return DatasetError(
        f"{path}: found {found}, expected {math.prod(shape):,} bytes of data, {sizes} by its header"
    )
