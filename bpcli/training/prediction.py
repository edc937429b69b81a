"""a model and a picture of somebody's own in -> the digits that it shows, and every doubt, out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bpcli.arrays import WHITE, Array, Bytes
from bpcli.backprop.network import Network
from bpcli.data.preparation import Prepared, fit, prepare
from bpcli.data.split import load_split, to_inputs
from bpcli.data.warp import deskew_images
from bpcli.errors import CheckpointError, DatasetError, PictureError
from bpcli.files.image import Picture, read_frames, to_grey
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.doubt import find_doubts
from bpcli.training.evaluation import images_at_once, quietly

Probabilities = npt.NDArray[np.float64]

LIKELIEST = 3
WIDE = 2.0  # times as wide as most gaps of its row is one that parts numbers
STRANGE = 0.008  # of MNIST's test images, which have a smaller largest logit than strange pictures


@dataclass(frozen=True)
class Seen:
    """An image (height, width) as the net sees it, and how it came to be.

    `way` is `as is`, `fitted` (size and polarity alone) or `prepared`, and then `how` says more;
    `inverted` tells whether dark and light have changed places.
    """

    image: Bytes
    way: str
    inverted: bool = False
    how: Prepared | None = None


@dataclass(frozen=True)
class Prediction:
    """What one digit, or whatever the classes are, on a picture is taken for.

    `likeliest` are the classes with the highest probabilities, highest first.
    """

    seen: Seen
    likeliest: list[tuple[str, float]]
    doubts: list[str]
    chances: list[float]  # of all classes, in order

    @property
    def label(self) -> str:
        """The name of the likeliest class."""
        return self.likeliest[0][0]


def spell(found: Sequence[Prediction]) -> list[str]:
    """Return what was read, a text for each row, with spaces where gaps are wide."""
    rows = [list(row) for _, row in groupby(found, lambda one: one.seen.how and one.seen.how.row)]
    return ["".join(_with_spaces(row)) for row in rows]


def _with_spaces(row: Sequence[Prediction]) -> Iterator[str]:
    """Yield what is read in a row, and a space where there is room for a digit, as not everywhere.

    Somebody may leave so much between all of them.
    """
    boxes = [one.seen.how.ink for one in row if one.seen.how]
    gaps = [after[0] - (before[0] + before[2]) for before, after in pairwise(boxes)]
    usual = sorted(gaps)[(len(gaps) - 1) // 2] if len(gaps) > 1 else 0
    least = max([WIDE * usual, *(height for *_, height in boxes)], default=0)
    for one, gap in zip(row, [0, *gaps] if gaps else [0] * len(row), strict=True):
        yield " " * (gap > least) + one.label


class Reader:
    """A model that reads pictures: as MNIST's were prepared, if it has learnt from such images."""

    def __init__(self, saved: Checkpoint) -> None:
        self.saved = saved
        self.network = saved.network()

    def read_file(
        self, path: Path, content: bytes | None = None, *, as_is: bool = False, name: str = ""
    ) -> tuple[Picture, list[Prediction]]:
        """Return what a file shows, or its `content`: of several frames the first that has ink.

        Raises as `read` does, and ExtraError without the package that reads pictures.
        """
        none: PictureError | None = None
        for picture in read_frames(path, content, is_reduced=not as_is):
            try:
                return picture, self.read(
                    picture.pixels, as_is=as_is, name=name or str(path), reduced=picture.reduced
                )
            except PictureError as error:
                none = none or error
        raise none or PictureError(f"{name or path}: found no frame in it, expected a picture")

    def read(
        self,
        picture: Bytes,
        *,
        as_is: bool = False,
        name: str = "the picture",
        reduced: int = 1,
    ) -> list[Prediction]:
        """Return what a picture (height, width, 3), so many times `reduced`, shows, row by row.

        `as_is` it is an image already, of the size that the model has learnt from. Raises
        PictureError, with its name, where there is nothing on it, or it is no such image, and
        CheckpointError where the model's numbers are too large for an answer.
        """
        images = self._see(picture, reduced, as_is=as_is, name=name)
        logits = self._logits(np.stack([seen.image for seen in images]))
        chances = self._to_chances(logits)
        largest = logits.max(axis=1)
        are_strange = largest < self.least_logit if self.saved.is_prepared else largest < -np.inf
        doubts = find_doubts([seen.how for seen in images], chances.max(axis=1), are_strange)
        return [self._answer(*one) for one in zip(images, chances, doubts, strict=True)]

    def _see(self, picture: Bytes, reduced: int, *, as_is: bool, name: str) -> list[Seen]:
        size = self.saved.size
        if as_is:
            if picture.shape[:2] != size:
                found = f"{picture.shape[1]} x {picture.shape[0]} pixels"
                raise PictureError(
                    f"{name}: found {found}, expected {size[1]} x {size[0]} for a picture that is "
                    "taken as it is"
                )
            return [Seen(to_grey(picture), "as is")]
        if not self.saved.is_prepared:
            image, inverted = fit(picture, size, dark=self.saved.is_dark)
            return [Seen(self._to_levels(image), "fitted", inverted)]
        digits = prepare(picture, reduced)
        if not digits:
            raise PictureError(f"{name}: found nothing drawn on it, expected ink on paper")
        return [Seen(self._to_levels(d.image), "prepared", d.is_dark, d) for d in digits]

    def _to_levels(self, image: Bytes) -> Bytes:
        """Return an image whose white is that of the images that the model has learnt from."""
        return np.round(image * (self.saved.white / WHITE)).astype(np.uint8)

    def _answer(self, seen: Seen, chances: Probabilities, doubts: list[str]) -> Prediction:
        order = np.argsort(-chances, kind="stable")[:LIKELIEST].tolist()
        likeliest = [(self.saved.names[c], float(chances[c])) for c in order]
        return Prediction(seen, likeliest, doubts, chances.tolist())

    def classify(self, images: Bytes, name: str) -> Iterator[Probabilities]:
        """Yield the probabilities (n, classes) of images (N, height, width), some at a time.

        They are data, called `name`, and taken as the model's own were. Raises DatasetError for
        images of another size, and CheckpointError where the model's numbers are too large.
        """
        if self.saved.config.dataset.transpose:
            images = images.transpose(0, 2, 1)
        if images.shape[1:] != self.saved.size:
            found, expected = (f"{h} x {w}" for h, w in (images.shape[1:], self.saved.size))
            hint = "; a model that is trained with dataset.size scales what it is given"
            raise DatasetError(
                f"{name}: found images of {found} pixels, expected {expected}, as the model was "
                f"trained on{hint}"
            )
        count = images_at_once(self.network)
        x = np.empty((min(count, len(images)), self.saved.pixels), self.network.parameters.dtype)
        for start in range(0, len(images), count):
            part = np.ascontiguousarray(images[start : start + count])
            yield self._classify(part.reshape(len(part), -1), x[: len(part)])

    @quietly
    def _classify(self, flat: Bytes, x: Array) -> Probabilities:
        if self.saved.config.dataset.deskew:
            flat = deskew_images(flat, self.saved.size)
        logits = self.network.predict(to_inputs(flat, self.saved.white, x))
        return self._to_chances(logits)

    def _to_chances(self, logits: Array) -> Probabilities:
        chances = to_probabilities(self.network, logits)
        if not np.isfinite(chances).all():
            raise CheckpointError(f"{self.saved.path}: found weights too large for any answer")
        return chances

    @quietly
    def _logits(self, images: Bytes) -> Array:
        dataset = self.saved.config.dataset
        if dataset.source == "mnist" and dataset.transpose:
            images = images.transpose(0, 2, 1)
        flat = np.ascontiguousarray(images).reshape(len(images), -1)
        if dataset.deskew:
            flat = deskew_images(flat, self.saved.size)
        x = flat.astype(self.network.parameters.dtype)
        x *= 1 / self.saved.white
        return self.network.predict(x)

    @cached_property
    def least_logit(self) -> float:
        """The largest logit that all but STRANGE of MNIST's test images reach."""
        test = load_split("mnist", "test")
        images = test.images.reshape(-1, *test.size)
        count = images_at_once(self.network)
        largest = [
            self._logits(self._to_levels(images[start : start + count])).max(axis=1)
            for start in range(0, len(images), count)
        ]
        return float(np.quantile(np.concatenate(largest), STRANGE))


@quietly
def to_probabilities(network: Network, logits: Array) -> Probabilities:
    """Return probabilities (N, classes), in float64, of a network's logits."""
    return network.loss_layer.probabilities(logits.astype(np.float64)).astype(np.float64)
