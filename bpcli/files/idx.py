"""an IDX file, plain or gzip, in -> the array in it out."""

import contextlib
import gzip
import math
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Shape
from bpcli.errors import DatasetError
from bpcli.files.archive import DEFLATE_RATIO
from bpcli.files.path import open_file

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
UNSIGNED_BYTE = 0x08  # the type that MNIST has
DAMAGE = (gzip.BadGzipFile, EOFError, zlib.error)  # of a gzip file
GZIP = b"\x1f\x8b"  # what a gzip file begins with, whatever it is called


def is_idx(path: Path) -> bool:
    """Tell whether a file begins as an IDX file does, packed or not."""
    try:
        with unpacked(path) as (file, _):
            start = file.read(4)
    except (DatasetError, *DAMAGE):
        return False
    return start[:2] == b"\0\0" and start[2:3] in map(int.to_bytes, TYPES) and start[3:] > b"\0"


def read_idx(path: Path, *dimensions: int) -> npt.NDArray[Any]:
    """Read an IDX file with one of these numbers of dimensions, plain (memory-mapped) or gzip.

    Layout: http://yann.lecun.com/exdb/mnist, big-endian: two zero bytes, the type of elements (8
    for unsigned byte), the number of dimensions, each dimension as four bytes, then the data.
    Raises DatasetError.
    """
    try:
        with unpacked(path) as (file, bytes_of_file):
            shape, dtype = _read_header(file, path, dimensions)
            size, start = math.prod(shape) * dtype.itemsize, 4 + 4 * len(shape)
            if isinstance(file, gzip.GzipFile):
                data = _inflate(file, bytes_of_file, path, shape, size)
                return np.frombuffer(data, dtype).reshape(shape)
            found = bytes_of_file - start
            if found != size:
                raise _size_error(path, f"{found:,} bytes of data", shape, size)
            return np.asarray(np.memmap(file, dtype, "r", offset=start, shape=shape))
    except DAMAGE as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[tuple[BinaryIO | gzip.GzipFile, int]]:
    """Open a file to read what is packed in it, if anything is: its name does not matter.

    Beside that comes its size as it is, in bytes. Raises DatasetError where it cannot be read, and
    one of DAMAGE where what is packed cannot.
    """
    with open_file(path, DatasetError) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if file.peek(len(GZIP)).startswith(GZIP):
            with gzip.GzipFile(fileobj=file) as inside:
                yield inside, size
        else:
            yield file, size


def _inflate(file: gzip.GzipFile, packed: int, path: Path, shape: Shape, size: int) -> bytes:
    if size > DEFLATE_RATIO * packed:
        raise _size_error(path, f"a gzip file of {packed:,} bytes, too few", shape, size)
    # One byte more than expected is enough to tell, however much there is to inflate.
    data = file.read(size + 1)
    if len(data) != size:
        found = f"{'more than ' * (len(data) > size)}{min(len(data), size):,} bytes of data"
        raise _size_error(path, found, shape, size)
    return data


def _read_header(
    file: BinaryIO | gzip.GzipFile, path: Path, dimensions: tuple[int, ...]
) -> tuple[Shape, np.dtype[Any]]:
    start = file.read(4)
    count = start[3] if len(start) > 3 else 0  # the fourth byte
    sizes = file.read(4 * count)
    if (
        start[:2] != b"\0\0"
        or count not in dimensions
        or start[2] not in TYPES
        or len(sizes) != 4 * count
    ):
        magic = bytes([0, 0, UNSIGNED_BYTE, dimensions[0]])
        raise DatasetError(
            f"{path}: starts with {start.hex(' ') or 'nothing'}, expected {magic.hex(' ')} and "
            f"{dimensions[0]} sizes: an IDX file with {dimensions[0]} dimensions"
        )
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    if 0 in shape:
        raise DatasetError(f"{path}: its header says {shape}, expected no size to be 0")
    return shape, np.dtype(TYPES[start[2]])


def _size_error(path: Path, found: str, shape: Shape, size: int) -> DatasetError:
    sizes = " x ".join(map(str, shape))
    return DatasetError(
        f"{path}: found {found}, expected {size:,} bytes of data, {sizes} by its header"
    )
