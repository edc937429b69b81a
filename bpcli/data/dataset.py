"""the files of a source in -> a Dataset of arrays out."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from bpcli.arrays import WHITE, Array, Bytes, Size
from bpcli.data.warp import deskew_images
from bpcli.errors import DatasetError
from bpcli.files.labels import Part, list_names
from bpcli.files.source import parts, read_split

SplitName = Literal["train", "test", "validation"]

BUNDLED = Path(__file__).parent / "mnist"
MNIST_IMAGES = 60_000  # for training, of the bundled data
SAMPLE = 1000  # images


@dataclass(frozen=True)
class Split:
    """Images of one purpose: `images` (N, pixels) and `labels` (N,), both uint8.

    A label is the number of a class, from 0; what the class is called is in `names`. `size` is that
    of an image, (height, width), in pixels. `white` is the grey level that becomes 1 when the
    images go into a network.
    """

    name: SplitName
    images: Bytes
    labels: Bytes
    names: tuple[str, ...]
    source: str
    size: Size
    white: int = WHITE

    def __len__(self) -> int:
        return len(self.images)

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
        unknown = [name for name in self.names if name not in names]
        if unknown:
            raise DatasetError(
                f"{self.source}: {self.name} labels: found {list_names(unknown)}, expected only "
                f"{list_names(names)}, the classes of the training images"
            )
        numbers = np.array([names.index(name) for name in self.names], np.uint8)
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


@dataclass(frozen=True)
class Dataset:
    """What to learn from (`train`) and what to report on (`held_out`: test, or validation)."""

    train: Split
    held_out: Split

    @property
    def pixels(self) -> int:
        """Number of pixels in each image."""
        return int(self.train.images.shape[1])

    @property
    def size(self) -> Size:
        """Height and width of each image, in pixels."""
        return self.train.size

    @property
    def white(self) -> int:
        """The grey level that becomes 1: the largest of the training images."""
        return self.train.white

    @property
    def names(self) -> tuple[str, ...]:
        """What the classes are called, in order: as the labels in the files."""
        return self.train.names

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.names)

    @property
    def sample(self) -> Bytes:
        """Some of the training images, (N, height, width): enough to see what they are like."""
        return self.train.images[:SAMPLE].reshape(-1, *self.size)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what is learnt from: sizes, labels and images."""
        digest = hashlib.sha256(repr(self.train.images.shape).encode())
        digest.update(self.train.labels.data)
        digest.update(self.train.images.data)
        return digest.hexdigest()


def load_dataset(
    source: str = "mnist",
    validation: int = 0,
    *,
    deskew: bool = False,
    transpose: bool = False,
) -> Dataset:
    """Load the bundled MNIST (`mnist`), a folder of IDX files, CSV or pictures, `.npz` or `.csv`.

    With `validation`, that many of the last training images are held out in place of the test
    images; with `transpose`, rows of all images become columns, as EMNIST's want; with `deskew`,
    they are made upright. IDX files that are not compressed are memory-mapped. The largest grey
    level of the training images is white, for all images. Raises DatasetError, which names the
    file, what was found in it and what was expected.
    """
    train = load_split(source, "train", deskew=deskew, transpose=transpose)
    is_whole = "test" in parts(source, BUNDLED)
    if not is_whole and not validation:
        raise DatasetError(
            f"{source}: found images without others to test on, expected a folder with both, as "
            "train.csv and test.csv, or train/ and test/; or hold some out by dataset.validation"
        )
    white = WHITE if source == "mnist" else max(1, int(train.images.max()))
    train = replace(train, white=white)
    if is_whole:
        test = load_split(source, "test", deskew=deskew, transpose=transpose, white=white)
        if train.images.shape[1] != test.images.shape[1]:
            raise DatasetError(
                f"{source}: training images have {train.images.shape[1]} pixels and test images "
                f"{test.images.shape[1]}, expected the same"
            )
        test = test.renumbered(train.names)
        if not validation:
            return Dataset(train, test)
    return _hold_out(train, validation)


def _hold_out(train: Split, validation: int) -> Dataset:
    """Return a Dataset that reports on the last training images, and does not learn from them."""
    if not 0 < validation < len(train):
        raise DatasetError(
            f"dataset.validation: found {validation}, expected fewer than the {len(train)} "
            f"training images of {train.source}"
        )
    kept = len(train) - validation
    return Dataset(
        replace(train, images=train.images[:kept], labels=train.labels[:kept]),
        replace(train, name="validation", images=train.images[kept:], labels=train.labels[kept:]),
    )


def load_split(
    source: str,
    name: Part,
    *,
    deskew: bool = False,
    transpose: bool = False,
    white: int = WHITE,
) -> Split:
    """Load the training or the test images of a source, as `load_dataset` takes it.

    `white` is the grey level that becomes 1.
    """
    found = read_split(source, name, BUNDLED)
    n, height, width = found.images.shape
    flat, size = found.images.reshape(n, height * width), (height, width)
    split = Split(name, flat, found.labels, found.names, source, size, white)
    if transpose:
        split = split.transposed()
    return replace(split, images=deskew_images(split.images, split.size)) if deskew else split
