"""a folder of data files, called and nested as people have them, in -> those of a split out."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy.typing as npt

from bpcli.errors import DatasetError, readable
from bpcli.files.idx import is_idx, read_idx
from bpcli.files.image import SUFFIXES
from bpcli.files.image_folder import find_classes, has_splits, read_classes
from bpcli.files.labels import PARTS, Labelled, Part, to_classes
from bpcli.files.npz_dataset import read_one
from bpcli.files.path import link_target, list_folder, look, say_path
from bpcli.files.pixels import to_images
from bpcli.files.table import is_csv, read_csv

DEPTH = 2  # of folders inside the folder: MNIST/raw, or one for each file
MOST = 1000  # entries that are looked at, in all
SHOWN = 8  # entries that a message lists
# train-images-idx3-ubyte, emnist-letters-test-labels-idx1-ubyte.gz, kmnist-train-imgs.npz, ...
NAME = r"(?:^|[-_. ]){split}[-_. ]?{what}(?![a-z])"
SPLITS = {"train": "train(?:ing)?", "test": "(?:test|t10k)"}
IMAGES, LABELS = "(?:images?|imgs)", "labels?"
OTHER = (".txt", ".md", ".md5", ".html", ".zip", ".tar", ".part", ".csv", *SUFFIXES)
CSV = r"(?:^|[-_. ]){split}(?![a-z]).*\.csv(?:\.gz)?$"


def read_folder(folder: Path, split: str) -> Labelled:
    """Return the images and labels of `train` or `test`.

    The folder, or one inside it, has an IDX file for each, an .npz of one array for each, a CSV
    with both, or pictures in a folder for each class. Raises DatasetError where it has not, or has
    two files that might be meant.
    """
    image_path = _find(folder, NAME.format(split=SPLITS[split], what=IMAGES))
    label_path = _find(folder, NAME.format(split=SPLITS[split], what=LABELS))
    if image_path and label_path:
        images = to_images(_read(image_path, 3), str(image_path))
        array = _read(label_path, 1, 2)
        if array.ndim > 1 and label_path.suffix != ".npz":
            array = array[:, 0]  # QMNIST's other columns are on the writer
        labels, names = to_classes(array, str(label_path))
        if len(images) != len(labels):
            raise DatasetError(
                f"{label_path}: found {len(labels)} labels, expected one for each of the "
                f"{len(images)} images in {image_path}"
            )
        return Labelled(images, labels, names)
    table = _find(folder, CSV.format(split=SPLITS[split]), csv=True)
    if table:
        return read_csv(table)
    classes = find_classes(folder, split)
    if classes:
        return read_classes(classes)
    prefix = "train" if split == "train" else "t10k"
    missing = "labels-idx1-ubyte" if image_path else "images-idx3-ubyte"
    raise DatasetError(
        f"{folder}: found {_list(folder)}, expected {prefix}-{missing} or the like, {split}.csv, "
        f"or a folder {split} with a folder of pictures for each class"
    )


def find_parts(folder: Path) -> tuple[Part, ...]:
    """Return of which of `train` and `test` there is anything; pictures without either are train.

    Raises DatasetError where two files might be meant.
    """
    return tuple(
        split
        for split in PARTS
        if any(_find(folder, NAME.format(split=SPLITS[split], what=w)) for w in (IMAGES, LABELS))
        or _find(folder, CSV.format(split=SPLITS[split]), csv=True)
        or ((split == "train" or has_splits(folder)) and find_classes(folder, split))
    )


def _read(path: Path, *dimensions: int) -> npt.NDArray[Any]:
    return read_one(path) if path.suffix == ".npz" else read_idx(path, *dimensions)


def _find(folder: Path, pattern: str, *, csv: bool = False) -> Path | None:
    """Return the file with such a name that is nearest to the top of the folder, if any is."""
    for level in _levels(folder):
        named = [
            path
            for path in level
            if re.search(pattern, path.name, re.IGNORECASE)
            and (is_csv(path) if csv else not path.name.lower().endswith(OTHER))
            and look(path, DatasetError) != "folder"
        ]
        # A file beside its own .gz is the same file, and needs no unpacking.
        named = [p for p in named if p.suffix != ".gz" or p.with_suffix("") not in named]
        if len(named) > 1:
            named = [path for path in named if csv or is_idx(path)] or named
        if len(named) > 1:
            found = " and ".join(str(path.relative_to(folder)) for path in sorted(named)[:SHOWN])
            raise DatasetError(f"{folder}: found {found}, expected one of them alone")
        if named:
            return named[0]
    return None


def _levels(folder: Path) -> Iterator[list[Path]]:
    """Yield what is in the folder, then what is in its folders, and so on."""
    level, left = [folder], MOST
    for _ in range(DEPTH + 1):
        entries: list[Path] = []
        for place in level:
            entries += list_folder(place, DatasetError)[: left - len(entries)]
        left -= len(entries)
        yield entries
        level = [path for path in entries if look(path, DatasetError) == "folder"]


def _list(folder: Path) -> str:
    paths = list_folder(folder, DatasetError)
    shown = ", ".join(map(_name, paths[:SHOWN]))
    return (shown + ", ..." * (len(paths) > SHOWN)) or "nothing in it"


def _name(path: Path) -> str:
    """Return what messages call an entry of a folder: a folder, or a link that leads nowhere."""
    found, target = look(path, DatasetError), link_target(path)
    if found == "nothing" and target:
        return f"{readable(path.name)} (a link to {say_path(target)}, where nothing is)"
    return readable(path.name) + "/" * (found == "folder")
