"""a model in -> what there is to see of it: its evaluation, its doubts, its hidden units, out."""

from dataclasses import dataclass

import numpy as np

from bpcli.arrays import Array, Bytes
from bpcli.backprop.layers import Affine
from bpcli.backprop.network import Network
from bpcli.data.split import Split
from bpcli.errors import CheckpointError
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.evaluation import (
    Evaluation,
    Mistake,
    evaluate,
    find_mistakes,
    images_at_once,
    predict_logits,
    quietly,
)
from bpcli.training.prediction import to_probabilities
from bpcli.training.unseen import Measured, find_images

MISTAKES = 24  # that are kept
BINS = 10  # of the probabilities of answers
IN_A_CELL = 8  # images of each class taken for each other, or for itself, that are kept


@dataclass(frozen=True)
class Units:
    """The first hidden layer's units, those that matter most first.

    `weights` (units, height, width) are what each looks for, `order` their numbers in the net. What
    matters is the mean size of an output on the images times the size of its outgoing weights.
    """

    weights: Array
    order: list[int]


@dataclass(frozen=True)
class Analysis:
    """A model seen on images: `right` and `wrong` count answers by their probability, in BINS.

    `cells` has, for each class and what it was taken for, the numbers of at most IN_A_CELL images:
    the mistakes that it is surest of, and the right answers that it is least sure of.
    """

    saved: Checkpoint
    measured: Measured
    evaluation: Evaluation
    mistakes: list[Mistake]
    right: list[int]
    wrong: list[int]
    cells: dict[tuple[int, int], list[int]]
    units: Units | None

    @property
    def images(self) -> Split:
        """What it was measured on."""
        return self.measured.images


@quietly
def analyze(saved: Checkpoint, source: str | None) -> Analysis:
    """Measure a model on what it has not seen of its own data, or of a source.

    `mistakes` has at most MISTAKES. Raises DatasetError.
    """
    measured, network = find_images(saved, source=source), saved.network()
    images = measured.images
    logits = np.concatenate([chunk for _, chunk in predict_logits(network, images)])
    chances = to_probabilities(network, logits)
    if not np.isfinite(chances).all():
        raise CheckpointError(f"{saved.path}: found weights too large for any answer")
    is_right = chances.argmax(axis=1) == images.labels
    bins = np.minimum((chances.max(axis=1) * BINS).astype(np.intp), BINS - 1)
    right, wrong = (np.bincount(bins[which], minlength=BINS) for which in (is_right, ~is_right))
    return Analysis(
        saved,
        measured,
        evaluate(network, images),
        find_mistakes(network, images, MISTAKES),
        right.tolist(),
        wrong.tolist(),
        _cells(images.labels, chances),
        _units(network, images),
    )


def _cells(labels: Bytes, chances: Array) -> dict[tuple[int, int], list[int]]:
    """Return which images stand behind each cell of the confusion matrix, in their order."""
    predicted, sureness = chances.argmax(axis=1), chances.max(axis=1)
    order = np.argsort(np.where(predicted == labels, sureness, -sureness), kind="stable")
    cells: dict[tuple[int, int], list[int]] = {}
    for i in order.tolist():
        found = cells.setdefault((int(labels[i]), int(predicted[i])), [])
        if len(found) < IN_A_CELL:
            found.append(i)
    return cells


def _units(network: Network, images: Split) -> Units | None:
    """Return the first hidden layer's units, or None where there is none."""
    layers = network.folded().layers
    affine = [layer for layer in layers if isinstance(layer, Affine)]
    if len(affine) == 1:
        return None
    W, outgoing = (layer.params["W"] for layer in affine[:2])
    activation = layers[layers.index(affine[0]) + 1]
    sizes, count = np.zeros(W.shape[1]), images_at_once(network)
    for start in range(0, len(images), count):
        x = images.images[start : start + count].astype(W.dtype) / images.white
        sizes += np.abs(activation.forward(affine[0].forward(x))).sum(axis=0)
    matter = sizes / len(images) * np.linalg.norm(outgoing, axis=1)
    order = np.argsort(-matter, kind="stable").tolist()
    height, width = images.size
    return Units(W.T[order].reshape(-1, height, width), order)
