"""a complete run in -> that its network has learnt nothing, and why, or nothing out."""

from dataclasses import dataclass

import numpy as np

from bpcli.backprop.layers import ReLU
from bpcli.backprop.network import Network
from bpcli.data.split import Split, to_inputs
from bpcli.errors import readable
from bpcli.training.inside import find_steepness
from bpcli.training.run import Run

SAMPLE = 1000  # images that tell whether units are dead
HARDLY = 2.0  # times the accuracy of guessing; a network above it has learnt something
ABOVE = 1.02  # times the loss of guessing; initial weights alone can make it a little more
FAR = 2.0  # times the loss of guessing; above it the network is worse than none
SMALL = 0.1  # deviation of initial weights with which sigmoids hardly pass a gradient on


@dataclass(frozen=True)
class Failure:
    """That a network has learnt nothing, in words; it has `diverged` if it is worse than none."""

    words: str
    diverged: bool


def find_failure(run: Run) -> Failure | None:
    """Return the Failure of a run that has learnt nothing by its last evaluation, else None.

    That is one whose held-out images, of several classes, are all taken for one, or whose loss is
    not below that of guessing and whose accuracy is near it.
    """
    record, evaluation = run.kept.record, run.kept.evaluation
    if record is None or evaluation is None:
        return None
    loss, shares = record.loss, _shares(run.dataset.train)
    if np.count_nonzero(shares) == 1:
        return None  # there is nothing to learn
    guess = _loss_of_guessing(shares, run.config.network.loss)
    there, predicted = (np.flatnonzero(evaluation.confusion.sum(axis=axis)) for axis in (1, 0))
    near = record.accuracy < HARDLY * shares.max()
    if len(predicted) == 1 < len(there):
        name = readable(run.dataset.names[predicted[0]])
        found = f"it takes every {record.split} image for class {name}"
    elif loss >= guess and near:
        found = f"its loss, {loss:.4g}, is not below that of guessing, {guess:.4g}"
    else:
        return None
    words = f"the network has learnt nothing: {found}; {_explain(run, loss > ABOVE * guess)}"
    if near and loss > FAR * guess:
        return Failure(f"training diverged: {words}", diverged=True)
    return Failure(words, diverged=False)


def _shares(split: Split) -> np.ndarray:
    """Return the share of each class among the labels: (classes,)."""
    return np.bincount(split.labels) / len(split)


def _loss_of_guessing(shares: np.ndarray, loss: str) -> float:
    """Return the least loss of a network that answers the same for every image."""
    if loss == "squared":
        return float((shares * (1 - shares)).sum()) / 2
    present = shares[shares > 0]
    return -float((present * np.log(present)).sum())


def _explain(run: Run, too_high: bool) -> str:
    """Say what is likely to blame, and what to try."""
    config, rate = run.config.network, run.config.optimizer.learning_rate
    if not all(W.any() for W in run.network.arrays.values() if W.ndim > 1):
        return "there are weights that are all 0, and so stay: set network.weight_init, as to he"
    dead = _find_dead_layer(run.network, run.dataset.held_out)
    if dead:
        return (
            f"every unit of {dead} is dead (0 for every image): try an optimizer.learning_rate "
            f"smaller than {rate:g}, or network.weight_init: he"
        )
    steep = explain_steepness(run)
    if steep:
        return steep
    if config.activation == "sigmoid" and config.hidden and _is_small(config.weight_init):
        return (
            "sigmoids with small weights hardly pass a gradient on: try network.weight_init: xavier"
        )
    if too_high:
        return f"try an optimizer.learning_rate smaller than {rate:g}"
    return "its iterations may be too few to tell: try more, or a larger optimizer.learning_rate"


def explain_steepness(run: Run) -> str:
    """Say that gradients vanish or explode, if they did at the last evaluation, and what to try."""
    steep, config = find_steepness(run.inside, -1), run.config.network
    if not steep:
        return ""
    meant = "he" if config.activation == "relu" else "xavier"
    ways = [] if config.weight_init == meant else [f"network.weight_init: {meant}"]
    ways += [] if config.batch_norm else ["network.batch_norm: true"]
    return f"{steep}: try {', or '.join(ways or ['fewer layers'])}"


def _is_small(weight_init: float | str) -> bool:
    return not isinstance(weight_init, str) and weight_init < SMALL


def _find_dead_layer(network: Network, split: Split) -> str:
    """Return the name of the first layer of ReLU whose output is 0 for every image, if any."""
    images = split.images[:SAMPLE]
    x = to_inputs(images, split.white, np.empty(images.shape, network.parameters.dtype))
    for name, layer in zip(network.names, network.layers, strict=True):
        if not layer.training_only:
            x = layer.predict(x)
            if isinstance(layer, ReLU) and not x.any():
                return name
    return ""
