"""an .npz of images and labels, called what people call them, in -> those of a split out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.errors import DatasetError, PlaceError, readable
from bpcli.files import atomic
from bpcli.files.archive import list_arrays, read_arrays
from bpcli.files.labels import PARTS, Labelled, Part, to_classes, to_labels
from bpcli.files.path import link_target, open_file
from bpcli.files.pixels import to_images

# What Keras, MedMNIST and others call the two arrays of a split, and KMNIST the one of a file.
IMAGES = ("x_{}", "{}_images", "{}_x", "images_{}", "{}_data", "{}x")
LABELS = ("y_{}", "{}_labels", "{}_y", "labels_{}", "{}_targets", "{}y")
ONE = "arr_0"


def read_npz(path: Path, split: str) -> Labelled:
    """Return the images and labels of `train` or `test`.

    Raises DatasetError where they are missing, damaged, or nothing that can be bytes.
    """
    images, name = _read(path, [form.format(split) for form in IMAGES])
    labels, other = _read(path, [form.format(split) for form in LABELS])
    return Labelled(to_images(images, f"{path}: {name}"), *to_classes(labels, f"{path}: {other}"))


def list_parts(path: Path) -> tuple[Part, ...]:
    """Return of which of `train` and `test` there are images. Raises DatasetError."""
    there = _list(path)
    return tuple(split for split in PARTS if any(form.format(split) in there for form in IMAGES))


def read_one(path: Path) -> npt.NDArray[Any]:
    """Return the one array of an .npz, as KMNIST has them. Raises DatasetError."""
    return _read(path, [ONE])[0]


def check_free(path: str | Path) -> None:
    """Raise PlaceError if there is a file at `path` already: data are never replaced."""
    if atomic.check_place(path) or link_target(path):
        raise PlaceError(f"{path}: found a file, expected none there; choose another with -o")


def write_npz(path: str | Path, splits: Mapping[str, Labelled]) -> None:
    """Write an .npz that `read_npz` reads, of images and labels by split: all, or nothing.

    Raises SaveError, BusyError, and PlaceError as `check_free` does.
    """
    arrays: dict[str, Any] = {}
    for split, found in splits.items():
        arrays[IMAGES[0].format(split)] = found.images
        arrays[LABELS[0].format(split)] = to_labels(found.labels, found.names)
    with atomic.reserved(path), atomic.replacing(path) as file:
        check_free(path)
        np.savez_compressed(file, **arrays)


def _read(path: Path, names: list[str]) -> tuple[npt.NDArray[Any], str]:
    """Return the first array with one of these names, in lower or upper case, and its name."""
    there = _list(path)
    name = next((there[name] for name in names if name in there), "")
    try:
        with open_file(path, DatasetError) as file:
            arrays = read_arrays(file, name, deflated=True) if name else {}
    except ValueError as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error
    if not name:
        found = ", ".join(map(readable, there.values())) or "nothing"
        raise DatasetError(f"{path}: found {found[:200]}, expected {names[0]}")
    return arrays[name], name


def _list(path: Path) -> dict[str, str]:
    """Return the names of the arrays, by these in lower case. Raises DatasetError."""
    try:
        with open_file(path) as file:
            return {name.lower(): name for name in list_arrays(file)}
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error
