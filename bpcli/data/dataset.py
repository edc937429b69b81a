"""the parts of a source in -> a Dataset out: what to learn from, and what to report on."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from bpcli.arrays import WHITE, Bytes, Size
from bpcli.data.holdout import Digests
from bpcli.data.split import BUNDLED, MNIST, Split, load_known, load_part
from bpcli.errors import DatasetError
from bpcli.files.labels import find_places, list_names
from bpcli.files.part import FOUND, Reading
from bpcli.files.source import parts

Rule = Literal["digest", "last"]  # of what is held out; the second is that of older models

MNIST_IMAGES = 60_000  # for training, of the bundled data
SAMPLE = 1000  # images


@dataclass(frozen=True)
class Dataset:
    """What to learn from (`train`) and what to report on (`held_out`: test, or validation).

    Where there is nothing else to report on, `held_out` is `train`. `left_out` counts images that
    were to be reported on and are not, as they are among those that are learnt from; `unused` are
    digests of training images that are neither, as it is to learn from few; `held_out_by` says how
    images were held out.
    """

    train: Split
    held_out: Split
    left_out: int = 0
    unused: Digests | None = None
    held_out_by: Rule = "digest"

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
    def remarks(self) -> tuple[str, ...]:
        """What was taken for what when the images were read, a sentence each."""
        own = self.held_out.remarks if self.held_out.name == "test" else ()
        return self.train.remarks + own

    @property
    def sample(self) -> Bytes:
        """Some of the training images, (N, height, width): enough to see what they are like."""
        return self.train.images[:SAMPLE].reshape(-1, *self.size)

    def ordered_as(self, names: tuple[str, ...]) -> "Dataset":
        """Return the data with classes numbered as a model does that knows them by `names`.

        Whole names stay, where the model's are cut; and all stays where the classes are others.
        """
        places = find_places(self.names, names)
        if None in places or len(places) != len(names):
            return self
        whole = tuple(name for _, name in sorted(zip(places, self.names, strict=True)))
        train = self.train.renumbered(whole)
        is_same = self.held_out is self.train
        held_out = train if is_same else self.held_out.renumbered(whole)
        return replace(self, train=train, held_out=held_out)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what is learnt from: sizes, labels and images."""
        digest = hashlib.sha256(repr(self.train.images.shape).encode())
        digest.update(self.train.labels.data)
        digest.update(self.train.images.data)
        return digest.hexdigest()


def load_dataset(
    source: str = MNIST,
    validation: float = 0,
    train: float = 0,
    *,
    label: str = FOUND,
    size: int = 0,
    deskew: bool = False,
    transpose: bool = False,
    held_out_by: Rule = "digest",
    learnt: Digests | None = None,
) -> Dataset:
    """Load the bundled MNIST (`mnist`), a folder of IDX files, CSV or pictures, `.npz` or `.csv`.

    With `validation`, so many of the training images, or such a share of them, are held out in
    place of the test images: as many of each class, by their digests, or as older models had it the
    last ones. With `train`, so many of the others are learnt from, or such a share of them, chosen
    likewise. Where there are neither, `held_out` is what is learnt from. Held-out images that
    equal others that are learnt from, or were `learnt` from before, are left out.

    `label` says where the labels of a table are (`first`, `last`, or the name of the column), or
    which array of an .npz they are; images become `size` x `size` pixels, unless that is 0.
    With `transpose`, rows of all images become columns, as EMNIST's want; with `deskew`, they are
    made upright. IDX files that are not compressed are memory-mapped. The largest grey level of the
    training images is white, for all images. Raises DatasetError, which names the file, what was
    found in it and what was expected.
    """
    # The bundled test images are known to be none of its training images.
    is_hashed = bool(validation or train) or source != MNIST or learnt is not None
    reading = Reading(label, size)
    own = load_part(source, "train", reading, transpose=transpose, is_hashed=is_hashed)
    _check_classes(own)
    own = replace(own, white=WHITE if source == MNIST else max(1, int(own.images.max())))
    held_out, unused = None, None
    if validation:
        own, held_out = _hold_out(own, validation, held_out_by)
    if train:
        own, unused = _take_few(own, train)
    if not validation and "test" in parts(source, BUNDLED, label):
        held_out = _fit(_load_test(own, learnt, transpose=transpose), own)
    unseen = own if held_out is None else _leave_out(own, held_out, learnt)
    left_out = 0 if held_out is None else len(held_out) - len(unseen)
    reported = unseen if len(unseen) else own
    if deskew:
        upright = own.deskewed()
        reported = upright if reported is own else reported.deskewed()
        own = upright
    return Dataset(own, reported, left_out, unused, held_out_by)


def _load_test(train: Split, learnt: Digests | None, *, transpose: bool) -> Split:
    """Load the test images beside training images, as these were read."""
    source, reading = train.source, train.reading
    if train.digests is None:
        return load_part(source, "test", reading, transpose=transpose, is_hashed=False)
    return load_known(source, "test", reading, _join(train.digests, learnt), transpose=transpose)


def _join(digests: Digests, learnt: Digests | None) -> Digests:
    return digests if learnt is None else np.concatenate([digests, learnt])


def _check_classes(train: Split) -> None:
    if len(train.names) == 1:
        is_table = train.reading.label != FOUND
        hint = "; dataset.label says which column the labels are" * is_table
        raise DatasetError(
            f"{train.source}: found one class alone, {list_names(train.names)}, expected several: "
            f"there is nothing to tell apart{hint}"
        )


def _leave_out(train: Split, held_out: Split, learnt: Digests | None) -> Split:
    """Return the held-out images that are not learnt from, nor were before."""
    if train.digests is None:
        return held_out
    unseen = held_out.without(_join(train.digests, learnt))
    if held_out.name == "validation" and not len(unseen):
        raise DatasetError(
            f"dataset.validation: all of the {len(held_out):,} images of {train.source} that it "
            "holds out have been learnt from before, expected others: begin without these weights"
        )
    return unseen


def _fit(test: Split, train: Split) -> Split:
    """Return test images with the classes and the white of the training images."""
    if train.images.shape[1] != test.images.shape[1]:
        raise DatasetError(
            f"{train.source}: training images have {train.images.shape[1]} pixels and test images "
            f"{test.images.shape[1]}, expected the same"
        )
    return replace(test.renumbered(train.names), white=train.white)


def _hold_out(train: Split, validation: float, rule: Rule) -> tuple[Split, Split]:
    """Return what is left to learn from, and what is held out."""
    n, count = len(train), _count(validation, len(train))
    held = train.choose(count) if rule == "digest" else np.arange(n) >= n - count
    if held.all() or not held.any():
        different = n if train.digests is None else len(np.unique(train.digests))
        words = f"; {different} of them are different, and equal ones stay together"
        hint = words * (different < n)
        raise DatasetError(
            f"dataset.validation: found {validation}, expected fewer than the {n} training images "
            f"of {train.source}, and one or more{hint}"
        )
    return train.take(~held, "train"), train.take(held, "validation")


def _take_few(train: Split, wanted: float) -> tuple[Split, Digests]:
    """Return what is to be learnt from, and the digests of what is left over, in order."""
    chosen = train.choose(_count(wanted, len(train)))
    if not chosen.any():
        raise DatasetError(
            f"dataset.train: found {wanted}, expected at most the {len(train)} training images of "
            f"{train.source} that are not held out, and one or more"
        )
    return train.take(chosen, "train"), np.unique(train.take(~chosen, "train").known_digests)


def _count(wanted: float, n: int) -> int:
    """Return how many of n images a number of them is, or a share."""
    return int(wanted * n + 0.5) if 0 < wanted < 1 else int(wanted)
