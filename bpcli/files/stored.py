"""where arrays of images and of labels are stored in -> a part of a source out."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.errors import DatasetError, readable
from bpcli.files.idx import read_idx
from bpcli.files.labels import to_classes
from bpcli.files.naming import PartName, Role, list_others, read_name
from bpcli.files.npz_dataset import list_names_of, read_array
from bpcli.files.part import FIRST, FOUND, LAST, Images, Labelled, Reading
from bpcli.files.pixels import to_images

Loaded = tuple["Stored", npt.NDArray[Any]]

ROWS = 2  # dimensions of an image in one row, the fewest of any


@dataclass(frozen=True)
class Stored:
    """An array in an IDX file, or in an .npz under a name."""

    path: Path
    name: str = ""

    @property
    def place(self) -> str:
        """What messages call it."""
        return f"{self.path}: {readable(self.name)}" if self.name else str(self.path)

    def read(self, *dimensions: int) -> npt.NDArray[Any]:
        """Return the array, which of an IDX file has one of these numbers of dimensions."""
        if self.path.suffix == ".npz":
            return read_array(self.path, self.name)
        return read_idx(self.path, *dimensions)


@dataclass(frozen=True)
class StoredMember:
    """Images and labels as arrays: of each there may be several, of which one is meant."""

    part: PartName
    images: tuple[Stored, ...]
    labels: tuple[Stored, ...]

    @property
    def place(self) -> str:
        """What messages call it."""
        return self.images[0].place

    @property
    def is_labelled(self) -> bool:
        """Whether there is an array of labels."""
        return bool(self.labels)

    def read(self, reading: Reading) -> Labelled:
        """Return images and labels. Raises DatasetError where they do not belong together."""
        images = self.read_images(reading)
        stored, array = self._choose_labels(len(images.images), reading.label)
        if array.ndim > 1 and not stored.name:
            array = array[:, 0]  # QMNIST's other columns are on the writer
        labels, names = to_classes(array, stored.place)
        label = reading.label if len(self.labels) > 1 else FOUND
        if len(labels) != len(images.images):
            raise DatasetError(
                f"{stored.place}: found {len(labels)} labels, expected one for each of the "
                f"{len(images.images)} images in {self.place}"
            )
        return Labelled(**vars(images), labels=labels, names=names, label=label)

    def read_images(self, reading: Reading) -> Images:
        """Return the images alone. Raises DatasetError."""
        stored, array = self._choose_images()
        return to_images(array, stored.place, reading)

    def _choose_images(self) -> Loaded:
        """Return the images; of arrays that hold the same, as of scikit-learn, the one in rows."""
        found = [(stored, stored.read(3)) for stored in self.images]
        if len(found) > 1:
            found = [one for one in found if one[1].ndim >= ROWS] or found
        first, *others = sorted(found, key=lambda one: -one[1].ndim)
        for other in others:
            if not _is_same(first[1], other[1]):
                raise _ambiguous([stored for stored, _ in found], "images")
        return first

    def _choose_labels(self, count: int, name: str) -> Loaded:
        """Return the labels, by their name where one is given, or as there are as many of them."""
        found = [(stored, stored.read(1, 2)) for stored in self.labels]
        if len(found) > 1:
            found = [one for one in found if one[1].ndim and len(one[1]) == count] or found
        if len(found) > 1 and name not in (FOUND, FIRST, LAST):  # a name, or the same of train
            said = list_others(name)
            same = [one for one in found if one[0].name == name]
            found = same or [one for one in found if list_others(one[0].name) == said] or found
        if len(found) > 1:
            raise _ambiguous([stored for stored, _ in found], "labels")
        return found[0]


def _is_same(array: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    if len(array) != len(other) or array.size != other.size:
        return False
    return np.array_equal(array.reshape(len(array), -1), other.reshape(len(other), -1))


def _ambiguous(found: Sequence[Stored], what: str) -> DatasetError:
    names = " and ".join(readable(stored.name) for stored in found)
    hint = f"; dataset.label names it, as -s dataset.label={found[0].name}" * (what == "labels")
    return DatasetError(f"{found[0].path}: found {names}, expected {what} once{hint}")


def find_arrays(path: Path) -> list[StoredMember]:
    """Return the parts that an .npz has, by the names of its arrays. Raises DatasetError."""
    return join((*read_name(name), Stored(path, name)) for name in list_names_of(path))


def join(found: Iterable[tuple[PartName, Role, Stored]]) -> list[StoredMember]:
    """Return the parts that arrays make, of which each says what it is.

    Raises DatasetError for labels of a part that has no images.
    """
    parts: dict[PartName, dict[Role, list[Stored]]] = defaultdict(lambda: defaultdict(list))
    for part, role, stored in found:
        parts[part][role].append(stored)
    members = []
    for part, arrays in parts.items():
        images, labels = arrays["images"], arrays["labels"]
        if images:
            members.append(StoredMember(part, tuple(images), tuple(labels)))
        elif labels and part:  # others may be names of classes
            raise DatasetError(f"{labels[0].place}: found labels without images, expected both")
    return members
