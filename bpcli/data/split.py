"""a part of a source in -> a Split of arrays, with what belongs to them, out."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from bpcli.arrays import WHITE, Array, Bytes, Indices, Size
from bpcli.data.holdout import Digests, Mask, choose_images, digest_images
from bpcli.data.warp import deskew_images
from bpcli.errors import DatasetError
from bpcli.files.labels import find_places, list_names
from bpcli.files.part import AS_FOUND, Part, Reading
from bpcli.files.source import read_split

SplitName = Literal["train", "test", "validation"]

MNIST = "mnist"  # what the bundled data are called
BUNDLED = Path(__file__).parent / MNIST


@dataclass(frozen=True)
class Split:
    """Images of one purpose: `images` (N, pixels) and `labels` (N,), both uint8.

    A label is the number of a class, from 0; what the class is called is in `names`. `size` is that
    of an image, (height, width), in pixels. `white` is the grey level that becomes 1 when the
    images go into a network. Where these are some of the images of a part of the source, `places`
    (N,) has the number of each in that part. `digests` (N,) tell images from one another, as they
    were before they were deskewed; None where nobody asked for them. `reading` is how they were
    read, as the other parts of the source are, and `remarks` say what was taken for what.
    """

    name: SplitName
    images: Bytes
    labels: Bytes
    names: tuple[str, ...]
    source: str
    size: Size
    white: int = WHITE
    places: Indices | None = None
    digests: Digests | None = None
    reading: Reading = AS_FOUND
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    def place(self, index: int) -> int:
        """Return the number that an image has in its part of the source, from 0."""
        return index if self.places is None else int(self.places[index])

    def take(self, which: Mask, name: SplitName) -> "Split":
        """Return some of the images, by a mask (N,), for a purpose."""
        chosen = np.flatnonzero(which)
        return replace(
            self,
            name=name,
            images=self.images[chosen],
            labels=self.labels[chosen],
            places=chosen if self.places is None else self.places[chosen],
            digests=None if self.digests is None else self.digests[chosen],
        )

    def sample(self, most: int) -> "Split":
        """Return at most so many of the images, evenly spaced, so that none of a kind is missed."""
        count = min(most, len(self))
        which = np.zeros(len(self), bool)
        which[np.arange(count) * len(self) // count] = True
        return self.take(which, self.name)

    def is_among(self, seen: Digests) -> Mask:
        """Return which of the images, which have digests, are among those that were seen: (N,)."""
        return np.isin(self.known_digests, seen)

    def choose(self, count: int) -> Mask:
        """Return which of the images, `count` of them, their digests choose: none of too few."""
        if not 0 < count <= len(self):
            return np.zeros(len(self), bool)
        return choose_images(self.known_digests, self.labels, count)

    @property
    def known_digests(self) -> Digests:
        """The digests, of images that have them."""
        assert self.digests is not None  # noqa: S101 - whoever asks has asked for them
        return self.digests

    def without(self, seen: Digests) -> "Split":
        """Return the images that are not among those that were seen."""
        return self.take(~self.is_among(seen), self.name)

    def hashed(self) -> "Split":
        """Return the images with their digests."""
        return replace(self, digests=digest_images(self.images, self.size))

    def deskewed(self) -> "Split":
        """Return the images made upright."""
        return replace(self, images=deskew_images(self.images, self.size))

    def transposed(self) -> "Split":
        """Return the images with rows for columns."""
        images = self.images.reshape(-1, *self.size).transpose(0, 2, 1)
        height, width = self.size
        flat = np.ascontiguousarray(images).reshape(self.images.shape)
        return replace(self, images=flat, size=(width, height))

    def renumbered(self, names: tuple[str, ...]) -> "Split":
        """Return the images with other numbers for the same classes: their places in `names`.

        Raises DatasetError if there is a class that is not among them.
        """
        if names == self.names:
            return self
        places = find_places(self.names, names)
        unknown = [name for name, at in zip(self.names, places, strict=True) if at is None]
        if unknown:
            raise DatasetError(
                f"{self.source}: {self.name} labels: found {list_names(unknown)}, expected only "
                f"{list_names(names)}, the classes of the training images"
            )
        numbers = np.array(places, np.uint8)
        return replace(self, labels=numbers[self.labels], names=names)

    def check_fits(self, pixels: int, classes: int) -> None:
        """Raise DatasetError if a network for so many pixels and classes cannot take the images."""
        if self.images.shape[1] != pixels:
            raise DatasetError(
                f"{self.source}: {self.name} images: found {self.images.shape[1]} pixels, "
                f"expected {pixels}, as the model was trained on"
            )
        if len(self.names) > classes:
            raise DatasetError(
                f"{self.source}: {self.name} labels: found {len(self.names)} classes, expected "
                f"{classes}, as the model was trained on"
            )


def to_inputs(images: Bytes, white: int, out: Array) -> Array:
    """Turn grey levels (N, pixels) from 0 to `white` into inputs from 0 to 1, written to `out`."""
    np.copyto(out, images)  # faster than to convert and to multiply in one
    out *= 1 / white
    return out


def load_part(
    source: str, part: Part, reading: Reading, *, transpose: bool, is_hashed: bool
) -> Split:
    """Load a part of a source as `load_split` does, with digests where they are asked for."""
    found = read_split(source, part, BUNDLED, reading)
    n, height, width = found.images.shape
    split = Split(
        name=part,
        images=found.images.reshape(n, height * width),
        labels=found.labels,
        names=found.names,
        source=source,
        size=(height, width),
        reading=replace(reading, label=found.label, levels=found.levels),
        remarks=found.remarks,
    )
    if transpose:
        split = split.transposed()
    return split.hashed() if is_hashed else split


def load_known(
    source: str, part: Part, reading: Reading, seen: Digests, *, transpose: bool
) -> Split:
    """Load a part with digests, so that images are known again that were `seen`.

    Where other images beside them have other black and white, these are taken from `reading` if
    more of them are known so.
    """
    found = load_part(source, part, reading, transpose=transpose, is_hashed=True)
    if reading.levels in (None, found.reading.levels):
        return found
    reading = replace(reading, is_exact=True)
    exact = load_part(source, part, reading, transpose=transpose, is_hashed=True)
    return max(found, exact, key=lambda split: np.count_nonzero(split.is_among(seen)))


def load_split(
    source: str,
    name: Part,
    reading: Reading = AS_FOUND,
    *,
    deskew: bool = False,
    transpose: bool = False,
    white: int = WHITE,
) -> Split:
    """Load the training or the test images of a source, as `load_dataset` takes it.

    `white` is the grey level that becomes 1.
    """
    split = load_part(source, name, reading, transpose=transpose, is_hashed=False)
    split = replace(split, white=white)
    return split.deskewed() if deskew else split
