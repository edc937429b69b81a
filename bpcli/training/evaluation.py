"""a network and images in -> an Evaluation out: accuracy, loss, confusion matrix."""

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Array
from bpcli.backprop.network import Network
from bpcli.data.split import Split, to_inputs

CHUNK = 1000  # images at a time, so that memory does not grow with the data
NUMBERS = 25_000_000  # that a layer makes of them at a time, so that it does not with the layers

quietly = np.errstate(all="ignore")  # of huge weights: what they give is reported as it is


@dataclass(frozen=True)
class Mistake:
    """An image whose class was not predicted; `index` is its place in the Split, from 0.

    `margin` is by how much the logit of `predicted` exceeds that of `label`: with softmax, the
    logarithm of how many times likelier the network takes it to be.
    """

    index: int
    label: int
    predicted: int
    margin: float


@dataclass(frozen=True)
class Evaluation:
    """How a network does on a split.

    `loss` is the loss layer's mean; `confusion` (classes, classes) counts images, a row for each
    true class and a column for each predicted one.
    """

    loss: float
    confusion: npt.NDArray[np.intp]

    @property
    def images(self) -> int:
        """Number of images that were looked at."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Fraction of images whose class was predicted, 0 to 1."""
        return int(self.confusion.trace()) / self.images

    @property
    def precision(self) -> list[float | None]:
        """For each class, the fraction of its predictions that are right, None if it has none."""
        return _fractions(self.confusion.diagonal(), self.confusion.sum(axis=0))

    @property
    def recall(self) -> list[float | None]:
        """For each class, the fraction of its images that are found, None if it has none."""
        return _fractions(self.confusion.diagonal(), self.confusion.sum(axis=1))

    @property
    def f1(self) -> list[float | None]:
        """For each class, the harmonic mean of precision and recall.

        None for one that no image is of or taken for.
        """
        both = self.confusion.sum(axis=0) + self.confusion.sum(axis=1)
        return _fractions(2 * self.confusion.diagonal(), both)

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the classes that an image is of or taken for: each counts the same."""
        return _mean(self.f1)

    @property
    def balanced_accuracy(self) -> float:
        """The mean recall of the classes that there are images of: each counts the same.

        Brodersen et al. 2010.
        """
        return _mean(self.recall)

    def confused(self, most: int) -> list[tuple[int, int, int]]:
        """Return the pairs that are confused most: the class, what it is taken for, how often.

        The most frequent come first, then those of the first classes.
        """
        wrong = self.confusion - np.diag(self.confusion.diagonal())
        order = np.argsort(-wrong, axis=None, kind="stable")[:most]
        pairs = zip(*np.unravel_index(order, wrong.shape), strict=True)
        return [(int(c), int(p), int(wrong[c, p])) for c, p in pairs if wrong[c, p]]


def _mean(fractions: list[float | None]) -> float:
    return statistics.fmean(fraction for fraction in fractions if fraction is not None)


def _fractions(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> list[float | None]:
    return [int(p) / int(w) if w else None for p, w in zip(part, whole, strict=True)]


@quietly
def evaluate(network: Network, split: Split) -> Evaluation:
    """Measure `network` on all images of `split`, whose labels must be classes it knows."""
    loss = 0.0
    t = split.labels.astype(np.intp)
    predicted = np.empty_like(t)
    for chunk, logits in predict_logits(network, split):
        predicted[chunk] = logits.argmax(axis=1)
        loss += network.loss_layer.forward(logits, t[chunk]) * len(logits)
    classes = logits.shape[1]
    confusion = np.bincount(t * classes + predicted, minlength=classes**2)
    return Evaluation(loss / len(split), confusion.reshape(classes, classes))


@quietly
def find_mistakes(network: Network, split: Split, most: int) -> list[Mistake]:
    """Return the mistakes that `network` is most confident of, the worst first, at most `most`."""
    found = []
    for chunk, logits in predict_logits(network, split):
        t, predicted = split.labels[chunk], logits.argmax(axis=1)
        for i in np.flatnonzero(predicted != t):
            margin = float(logits[i, predicted[i]] - logits[i, t[i]])
            found.append(Mistake(chunk.start + int(i), int(t[i]), int(predicted[i]), margin))
    return sorted(found, key=lambda mistake: (math.isnan(mistake.margin), -mistake.margin))[:most]


def images_at_once(network: Network) -> int:
    """Return how many images a network is given at a time, by its widest layer."""
    widest = max(max(spec.input + spec.output) for spec in network.specs)
    return max(1, min(CHUNK, NUMBERS // widest))


def predict_logits(network: Network, split: Split) -> Iterator[tuple[slice, Array]]:
    """Yield which images are next, and their logits (n, classes), new arrays."""
    count = min(images_at_once(network), len(split))
    x = np.empty((count, split.images.shape[1]), network.parameters.dtype)
    for start in range(0, len(split), count):
        chunk = slice(start, start + count)
        images = split.images[chunk]
        yield chunk, network.predict(to_inputs(images, split.white, x[: len(images)]))
