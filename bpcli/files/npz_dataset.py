"""an .npz of images and labels in -> its arrays, by their names, out; and such an .npz written."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.errors import DatasetError
from bpcli.files import atomic
from bpcli.files.archive import list_arrays, read_arrays
from bpcli.files.labels import to_labels
from bpcli.files.part import Labelled
from bpcli.files.path import open_file

ONE = "arr_0"  # what the one array of a file is called that numpy has named


def list_names_of(path: Path) -> list[str]:
    """Return the names of the arrays. Raises DatasetError."""
    try:
        with open_file(path) as file:
            return list_arrays(file)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error


def read_array(path: Path, name: str) -> npt.NDArray[Any]:
    """Return an array by its name. Raises DatasetError."""
    try:
        with open_file(path, DatasetError) as file:
            return read_arrays(file, name, deflated=True)[name]
    except KeyError as error:
        raise DatasetError(f"{path}: found no array {name}, expected one") from error
    except ValueError as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error


def write_npz(path: str | Path, parts: Mapping[str, Labelled]) -> None:
    """Write an .npz that is read as a source, of images and labels by part: all, or nothing.

    Raises SaveError, BusyError, and PlaceError as `atomic.check_free` does.
    """
    arrays: dict[str, Any] = {}
    for part, found in parts.items():
        arrays[f"x_{part}"] = found.images
        arrays[f"y_{part}"] = to_labels(found.labels, found.names)
    with atomic.reserved(path), atomic.replacing(path) as file:
        atomic.check_free(path)
        np.savez_compressed(file, **arrays)
