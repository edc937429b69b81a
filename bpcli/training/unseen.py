"""a model and a source in -> the images that it is measured on, as it has not seen them, out."""

from dataclasses import dataclass, replace

import numpy as np

from bpcli.data.dataset import load_dataset
from bpcli.data.holdout import Digests, Mask
from bpcli.data.split import BUNDLED, MNIST, Split, SplitName, load_known, load_part
from bpcli.errors import BpcliError, DatasetError
from bpcli.files.part import FOUND, Part, Reading, is_comparable
from bpcli.files.source import parts
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.run import NOTHING


@dataclass(frozen=True)
class Measured:
    """Images to measure a model on; what they are called, `images.name` says.

    `left_out` counts others in the same part of the source that the model has learnt from, or for
    `train` those that it has not; it is None where it is not known which these are. What its
    `dataset.train` has left over is counted nowhere else.
    `is_comparable` tells whether a picture of its own data would be the same bytes among these.
    """

    images: Split
    left_out: int | None
    is_comparable: bool = True

    @property
    def doubt(self) -> str:
        """What to know before one trusts a figure of these images, or ""."""
        if self.left_out is not None and self.is_comparable:
            return ""
        if self.left_out is not None:
            return (
                "black and white were other numbers in its own data: what it has learnt from may "
                f"not be known again among these {self.images.name} images"
            )
        return (
            "it is not known what it has learnt from: there may be some of it among these "
            f"{self.images.name} images; train anew to be sure"
        )


def find_images(
    saved: Checkpoint,
    split: SplitName | None = None,
    source: str | None = None,
    *,
    transpose: bool = False,
    label: str | None = None,
) -> Measured:
    """Return images of a source, or of a model's own data, prepared as what it was trained on.

    `test` are those of the source's test images that the model has not learnt from, `validation`
    those of its training images, but for what `dataset.train` has left over, and `train` those that
    it has learnt from, whatever has become of the file since. Without a split they are `test` where
    the source has such images, and what it has not learnt from where there is one part alone:
    `validation` if it has learnt from others of them, `test` if from none. With `transpose` their
    rows become columns; `label` says where labels are, as `dataset.label` does, if not where the
    model's own are. Raises DatasetError where
    there are none.
    """
    own = saved.config.dataset
    where = saved.find_dataset().source if source is None else source
    found = saved.label if source is None else FOUND  # which in some test images cannot be found
    label = label or (found if own.label == FOUND else own.label)
    reading = Reading(label, own.size, saved.levels)
    is_whole = "test" in parts(where, BUNDLED, reading.label)
    is_test = is_whole and split in (None, "test")
    # The bundled test images are known to be none of its training images.
    is_known = is_test and where == own.source == MNIST and saved.can_find_learnt
    learnt = None if is_known else find_learnt(saved)
    part: Part = "test" if is_test else "train"
    transpose ^= own.transpose
    if learnt is None:
        is_hashed = not is_known
        images = load_part(where, part, reading, transpose=transpose, is_hashed=is_hashed)
    else:
        images = load_known(where, part, reading, learnt, transpose=transpose)
    images = replace(images, name=split or "test", white=saved.white)
    images.check_fits(saved.pixels, saved.classes)
    images = images.renumbered(saved.names)
    if is_known:
        measured = Measured(images, 0)
    else:
        measured = _choose(saved, images, split, learnt, is_test=is_test)
    alike = is_comparable(saved.levels, images.reading.levels)
    measured = replace(measured, is_comparable=alike)
    if own.deskew:
        measured = replace(measured, images=measured.images.deskewed())
    return measured


def find_learnt(saved: Checkpoint) -> Digests | None:
    """Return digests of the images that a model has learnt from, or None where nothing says it.

    Those of MNIST are found again by what was held out; so are those of models that were written
    before digests were kept, in their data, if these are still what they were.
    """
    return saved.learnt if saved.learnt is not None else _find_again(saved)[0]


def _find_unused(saved: Checkpoint) -> Digests:
    """Return digests of the images that a model was not to learn from, nor to be measured on."""
    if not saved.config.dataset.train:
        return NOTHING
    return saved.unused if saved.unused is not None else _find_again(saved)[1]


def _find_again(saved: Checkpoint) -> tuple[Digests | None, Digests]:
    """Return digests of what a model has learnt from, if its data have them, and has left over."""
    dataset = saved.config.dataset
    if not (saved.can_find_learnt or dataset.source == MNIST):
        return None, NOTHING
    try:
        there = vars(saved.find_dataset())
        found = load_dataset(**there, held_out_by=saved.held_out_by, learnt=NOTHING)
    except BpcliError:
        return None, NOTHING
    is_same = dataset.source == MNIST or (found.fingerprint, found.train.names) == (
        saved.fingerprint,
        saved.names,
    )
    unused = NOTHING if found.unused is None else found.unused
    return found.train.digests if is_same and saved.can_find_learnt else None, unused


def _choose(
    saved: Checkpoint,
    images: Split,
    split: SplitName | None,
    learnt: Digests | None,
    *,
    is_test: bool,
) -> Measured:
    """Return those of the images of one part that are of a split. Raises DatasetError if none."""
    if learnt is None:
        if is_test or split == "test":
            return Measured(images, None)
        raise DatasetError(
            f"{saved.path}: cannot tell which images of {images.source} it has learnt from: it "
            f"does not say so, and {saved.config.dataset.source} is not what it was; put that "
            "back, or take eval --split test if it has learnt from none of them"
        )
    seen = images.is_among(learnt)
    if split == "train":
        chosen, left_out = images.take(seen, "train"), ~seen
    elif is_test:
        chosen, left_out = images.take(~seen, "test"), seen
    else:
        own = seen | images.is_among(_find_unused(saved))
        chosen, left_out = images.take(~own, "validation" if own.any() else "test"), seen
    if split in (None, chosen.name) and len(chosen):
        return Measured(chosen, int(np.count_nonzero(left_out)))
    raise DatasetError(f"{saved.path}: {_explain(images, split, seen, is_test=is_test)}")


def _explain(images: Split, split: SplitName | None, seen: Mask, *, is_test: bool) -> str:
    """Say why there are no images of a split, and what to do."""
    where, has_seen = images.source, bool(seen.any())
    if split == "train":
        return (
            f"found no image of {where} that it has learnt from, expected some for --split train; "
            "without --split it is measured on the others"
        )
    if split == "validation" and not has_seen:
        return (
            f"found no validation images, expected a source that it has learnt from; it has seen "
            f"none of {where}: --split test measures on them"
        )
    if split == "test" and has_seen and not is_test:
        return (
            f"found no test images in {where}, which is one part that it has learnt from, expected "
            "train and test; --split validation measures on what it has not learnt from"
        )
    what = "validation" if split == "validation" else "test or validation"
    learnt = f"all {len(images):,} of {where}"
    if not seen.all():
        count = np.count_nonzero(seen)
        learnt = f"{count:,} of {where}, and dataset.train has left over the others"
    return (
        f"found no {what} images, expected a model that was trained with dataset.validation, or "
        f"other data: it has learnt from {learnt}; train with "
        "-s dataset.validation=0.1, measure on others by --data, or by --split train on these"
    )
