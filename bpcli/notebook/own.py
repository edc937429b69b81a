"""a Network that somebody has built and taught in -> a Model that every command takes out."""

import itertools
from collections.abc import Mapping

import numpy as np

from bpcli.arrays import MATRIX, Array
from bpcli.backprop.architecture import ACTIVATIONS, LOSSES
from bpcli.backprop.layers import BatchNormalization
from bpcli.backprop.network import Network
from bpcli.data.dataset import Dataset, load_dataset
from bpcli.data.split import to_inputs
from bpcli.errors import ArgumentError
from bpcli.notebook.model import Model
from bpcli.training.config import Config, change
from bpcli.training.run import Run

IMAGES = 200  # by which it is told whether two networks are the same
# Of the largest logit: what float32 differs by, however it is added up, and no other layer does.
CLOSE = 1e-4


def model(network: Network, source: str = "mnist") -> Model:
    """Return a model of a network that you have built and taught yourself.

    `source` is what its images are from. Its layers are ours, or yours where they do the same: with
    its parameters, one of our networks says the same of IMAGES training images, to CLOSE of the
    largest logit and of the loss. What it has learnt from is not known, which is said where it is
    measured.

    Raises ArgumentError if none of ours is like it, which says how near it is, and DatasetError.
    """
    dataset = load_dataset(source)
    sizes = _sizes(network, dataset)
    x = np.empty((min(IMAGES, len(dataset.train)), dataset.pixels), network.parameters.dtype)
    to_inputs(dataset.train.images[: len(x)], dataset.white, x)
    t = dataset.train.labels[: len(x)].astype(np.intp)
    logits, nearest = network.predict(x), np.inf
    expected = network.loss_layer.forward(logits, t)
    for activation, loss in itertools.product(ACTIVATIONS, LOSSES):
        run = _build(network, dataset, source, sizes[:-1], activation, loss)
        found = run.network.predict(x.astype(np.float32))
        distances = (
            float(np.abs(found - logits).max() / (np.abs(logits).max() or 1)),
            abs(run.network.loss_layer.forward(found, t) - expected) / (abs(expected) or 1),
        )
        if max(distances) <= CLOSE:
            return Model.of(run)
        nearest = min(nearest, max(distances))
    raise ArgumentError(
        "found a network that does other than ours with the same parameters: the nearest differs "
        f"by {nearest:.1e} of the largest logit, or of the loss, expected at most {CLOSE:g}; "
        "bpcli.check(layer, x) tells which of its layers are right"
    )


def _sizes(network: Network, dataset: Dataset) -> list[int]:
    """Return how many units each affine layer has. Raises ArgumentError for no net of such data."""
    shapes = [array.shape for array in network.arrays.values() if array.ndim == MATRIX]
    expected = f"matrices that lead from {dataset.pixels} pixels to {dataset.classes} classes"
    if not shapes or shapes[0][0] != dataset.pixels or shapes[-1][1] != dataset.classes:
        raise ArgumentError(f"found {shapes or 'no matrices'}, expected {expected}")
    return [columns for _, columns in shapes]


def _build(
    network: Network, dataset: Dataset, source: str, hidden: list[int], activation: str, loss: str
) -> Run:
    """Return a run of one of our networks, with the parameters of another."""
    values = {
        "dataset.source": source,
        "network.hidden": tuple(hidden),
        "network.activation": activation,
        "network.loss": loss,
        "network.batch_norm": any(isinstance(x, BatchNormalization) for x in network.layers),
    }
    config = change(Config(), values)
    run = Run(config, dataset, learnt_before=None)
    theirs = [layer for layer in network.layers if layer.params]
    ours = [layer for layer in run.network.layers if layer.params]
    for one, other in zip(ours, theirs, strict=False):
        _copy(one.params, other.params)
        _copy(one.statistics, getattr(other, "statistics", {}))
    return run


def _copy(ours: Mapping[str, Array], theirs: Mapping[str, Array]) -> None:
    """Write their arrays into ours: those of the same name, or else of the same shape."""
    for name, array in ours.items():
        alike = [a for n, a in theirs.items() if n == name] or [
            a for a in theirs.values() if a.shape == array.shape
        ]
        if alike and alike[0].shape == array.shape:
            array[...] = alike[0]
