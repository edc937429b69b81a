"""an .npz file in -> the arrays in it out, none of them larger than the file can hold."""

import math
import os
import struct
import warnings
import zipfile
from collections.abc import Set
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from bpcli.errors import BpcliError, readable

ZIP = b"PK\x03\x04"  # what an archive, and each of its members, begins with
DEFLATE_RATIO = 1032  # bytes that deflate makes of one at the most


def read_arrays(file: BinaryIO, *names: str, deflated: bool = False) -> dict[str, npt.NDArray[Any]]:
    """Return by name the arrays of an archive: those of `names` that are there, without any, all.

    What the archive says of their sizes is checked by arithmetic, before memory is taken for it:
    together they are no larger than the file or, where arrays may be `deflated`, than 1,032 times
    the file. Raises ValueError for an archive that is damaged, holds anything but arrays, or
    objects of Python.
    """
    try:
        with zipfile.ZipFile(file) as archive, warnings.catch_warnings(action="error"):
            members = [m for m in archive.infolist() if not names or _name(m) in names]
            _check_members(members, file.seek(0, os.SEEK_END), deflated=deflated)
            return {_name(member): _read_array(archive, member) for member in members}
    except (MemoryError, BpcliError):
        raise  # there is too little, or the disk fails, which is no damage
    except Exception as error:  # zipfile, zlib and numpy raise a dozen kinds for damage
        raise ValueError(str(error).partition("\n")[0] or "it ends too early") from error


def list_arrays(file: BinaryIO) -> list[str]:
    """Return the names of the members of an archive. Raises ValueError if it is none."""
    try:
        with zipfile.ZipFile(file) as archive:
            return [_name(member) for member in archive.infolist()]
    except (zipfile.BadZipFile, NotImplementedError, struct.error) as error:
        raise ValueError(str(error)) from error


def holds(file: BinaryIO, members: Set[str]) -> bool:
    """Tell whether a file is an archive with such members, and leave it at its beginning."""
    try:
        with zipfile.ZipFile(file) as archive:
            return members <= set(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error):
        return False
    finally:
        file.seek(0)


def _name(member: zipfile.ZipInfo) -> str:
    return member.filename.removesuffix(".npy")


def _check_members(members: list[zipfile.ZipInfo], size: int, *, deflated: bool) -> None:
    """Raise ValueError if a file of `size` bytes cannot hold its members, or should not."""
    names = [member.filename for member in members]
    if len(set(names)) < len(names) or not all(name.endswith(".npy") for name in names):
        found = ", ".join(map(readable, names[:9]))
        raise ValueError(f"found {found}, expected arrays, each once")
    ratios = {zipfile.ZIP_STORED: 1} | ({zipfile.ZIP_DEFLATED: DEFLATE_RATIO} if deflated else {})
    for member in members:
        if member.compress_type not in ratios:
            expected = "by deflate or not at all" if deflated else "not at all"
            raise ValueError(f"found {readable(member.filename)} compressed, expected {expected}")
        if member.file_size > ratios[member.compress_type] * member.compress_size:
            raise ValueError(
                f"found {readable(member.filename)} of {member.file_size:,} bytes in "
                f"{member.compress_size:,}, too few"
            )
    if sum(member.compress_size for member in members) > size:
        raise ValueError(f"found more in it, by what it says, than a file of {size:,} bytes holds")


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> npt.NDArray[Any]:
    name = readable(member.filename)
    with archive.open(member) as content:
        if np.lib.format.read_magic(content) != (1, 0):
            raise ValueError(f"found {name} of another version, expected 1.0")
        try:
            shape, _, dtype = np.lib.format.read_array_header_1_0(content)
        except MemoryError as error:  # what Python's parser says of deep nesting
            raise ValueError(f"found a header of {name} that is too deep") from error
        size = math.prod(shape) * dtype.itemsize
        if dtype.hasobject:
            raise ValueError(
                f"found {name} of Python's objects, which may run code, expected numbers or words; "
                "array.astype(str) makes words of them"
            )
        if not dtype.itemsize or content.tell() + size != member.file_size:
            raise ValueError(
                f"found {member.file_size:,} bytes of {name}, expected {size:,} by its header"
            )
    with archive.open(member) as content:
        return np.lib.format.read_array(content, allow_pickle=False)
