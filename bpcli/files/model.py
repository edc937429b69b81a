"""a model file in -> its metadata and its arrays out, or one sentence on why it is none."""

import contextlib
import errno
import json
import os
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from bpcli.errors import CheckpointError, FileError
from bpcli.files.archive import ZIP, holds, read_arrays
from bpcli.files.path import exists, find_alike, look, open_file
from bpcli.files.settings import list_own

METADATA = "metadata"  # the name of the one member that is no array of numbers but JSON
BEGINNING = f"{METADATA}.npy".encode()  # the name of the first member
NAME_AT = 30  # where the name of a member is, from its beginning
ALWAYS = {f"{METADATA}.npy", "b1.npy"}  # members of every model, and of hardly anything else

Arrays = dict[str, npt.NDArray[Any]]


def open_model(path: Path) -> BinaryIO:
    """Open a model file. Raises CheckpointError, which says how to make one that is not there."""
    if not exists(path, CheckpointError):
        hint = _find_alike(path) or _say_how_it_is_made(path)
        raise CheckpointError(f"{path}: cannot be read: {os.strerror(errno.ENOENT)}; {hint}")
    return open_file(path, CheckpointError)


def read_model(file: BinaryIO, path: Path) -> tuple[dict[str, Any], Arrays]:
    """Return the metadata and the arrays, by name, of a model file, whatever they may mean.

    Raises CheckpointError, with its path, for one that is damaged, cut off, made to do harm or no
    model at all.
    """
    try:
        arrays = read_arrays(file) if is_model(file) else {}
    except ValueError as error:
        raise CheckpointError(f"{path}: not a model file, or damaged: {error}") from error
    if METADATA not in arrays:
        raise CheckpointError(
            f"{path}: found no model, or a damaged one, expected an .npz as bpcli train writes it"
        )
    try:
        metadata = json.loads(
            str(arrays.pop(METADATA)), parse_constant=_refuse, object_pairs_hook=_to_fields
        )
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: found no valid metadata of bpcli: {error}") from error
    if not isinstance(metadata, dict):
        raise CheckpointError(f"{path}: found no valid metadata of bpcli: no names with values")
    return metadata, arrays


def _find_alike(path: Path) -> str:
    """Return a hint at what is begun there, or at models whose names are nearly that of `path`."""
    part = path.with_name(f"{path.name}.part")
    with contextlib.suppress(FileError):
        if exists(part):
            return f"{part} is there: bpcli train -o {path} --resume goes on with it"
    alike = find_alike(path, (".npz",))
    return f"did you mean {' or '.join(alike)}?" if alike else ""


def _say_how_it_is_made(path: Path) -> str:
    config = f"{path.stem} " if path.stem in list_own() else ""
    return f"bpcli train {config}-o {path} makes one"


def _refuse(word: str) -> None:
    """Refuse what Python reads and JSON has not."""
    raise ValueError(f"found {word}, expected JSON")


def _to_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("found a name that stands twice")
    return fields


def write_model(file: BinaryIO, metadata: dict[str, Any], arrays: Arrays) -> None:
    """Write what `read_model` reads."""
    # As np.savez does, whose archive is not closed by numpy 1.26 where the disk is full.
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in {METADATA: np.array(json.dumps(metadata)), **arrays}.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def is_model_file(path: str | Path) -> bool:
    """Tell whether there is a file that looks like a model. Raises FileError."""
    if look(path) != "file":
        return False
    with open_file(path) as file:
        return is_model(file)


def is_model(file: BinaryIO) -> bool:
    """Tell whether a file looks like a model, of whatever version, or like what is left of one."""
    if holds(file, ALWAYS):
        return True
    start = file.read(len(BEGINNING) + NAME_AT)
    file.seek(0)
    return start.startswith(ZIP) and start[NAME_AT:] == BEGINNING
