"""a run that has learnt with a person's layers in -> whether ours answer as theirs do, out."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from bpcli.data.split import to_inputs
from bpcli.training.evaluation import images_at_once, predict_logits
from bpcli.training.own.network import Difference, LentNetwork, share_of_difference
from bpcli.training.run import Run

# Rounding in float32 makes logits differ by about 1e-6 of the largest, and another small number
# beside a variance, as the 1e-5 of many, by up to 1e-4. What computes something else is beyond.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Agreement:
    """How far the logits of held-out images by a person's layers are from those by ours.

    `difference` is the largest, as a share of the largest logit by ours; `first` is the first layer
    that differs from ours for the same input, where they do not agree.
    """

    difference: float
    split: str
    first: Difference | None

    @property
    def agrees(self) -> bool:
        """Whether the two are the same but for rounding: at most TOLERANCE apart."""
        return self.difference <= TOLERANCE


def compare(run: Run) -> Agreement:
    """Compare, at the weights that are kept, and take time: both go into `run.learnt_with`.

    The run's network has to be a LentNetwork.
    """
    network, split = run.network, run.dataset.held_out
    assert isinstance(network, LentNetwork)  # noqa: S101 - see above
    assert run.learnt_with  # noqa: S101 - who lends says so
    with _kept_weights(run), _same_randomness(run):
        both = zip(predict_logits(network, split), predict_logits(network.own, split), strict=True)
        difference = max(share_of_difference(theirs, ours) for (_, theirs), (_, ours) in both)
        found = Agreement(difference, split.name, None)
        if not found.agrees:
            images = split.images[: images_at_once(network)]
            x = to_inputs(images, split.white, np.empty(images.shape, np.float32))
            beyond = [d for d in network.partner.differences(x) if d.share > TOLERANCE]
            found = replace(found, first=beyond[0] if beyond else None)
        x, t = run.mini_batches.draw(0)
        times = network.partner.times(x, t)
    shown = None if found.difference == float("inf") else found.difference
    run.learnt_with = replace(run.learnt_with, times=times, difference=shown)
    return found


@contextlib.contextmanager
def _kept_weights(run: Run) -> Iterator[None]:
    """Give the network, for a while, what its model is made of."""
    last = {name: array.copy() for name, array in run.network.contents.items()}
    kept = {name: run.kept.arrays[name].copy() for name in last}
    try:
        for name, array in run.network.contents.items():
            array[...] = kept[name]
        yield
    finally:
        for name, array in run.network.contents.items():
            array[...] = last[name]


@contextlib.contextmanager
def _same_randomness(run: Run) -> Iterator[None]:
    state = run.dropout_rng.bit_generator.state
    try:
        yield
    finally:
        run.dropout_rng.bit_generator.state = state
