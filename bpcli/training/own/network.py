"""our network, and what computes in its place, in -> a network that learns by that, out."""

import time
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from bpcli.arrays import Array, Labels
from bpcli.backprop.learning import learn
from bpcli.backprop.network import Network
from bpcli.backprop.optimizer import build_optimizer

ROUNDS, STEPS = 20, 5  # in which time is taken, of so many mini-batches each


class Partner(Protocol):
    """What computes losses and gradients: a network, or what speaks to one elsewhere.

    `parameters` and `gradient` are vectors in the order of our network's, `statistics` all that its
    layers keep of their inputs, layer by layer.
    """

    parameters: Array
    gradient: Array

    @property
    def statistics(self) -> list[Array]:
        """What layers keep of their inputs, to be read and written."""

    def forward(self, x: Array, t: Labels) -> float:
        """Return the loss."""

    def backward(self) -> None:
        """Set `gradient`."""

    def backward_input(self) -> Array:
        """Return the derivative of the loss by x."""

    def predict(self, x: Array) -> Array:
        """Return the logits of x."""

    def differences(self, x: Array) -> "list[Difference]":
        """Return by how much each of its layers differs from ours where they predict."""

    def times(self, x: Array, t: Labels) -> float:
        """Return how many times as long as ours it takes to learn from a mini-batch."""


class LentNetwork(Network):
    """Our network, with its memory and names, whose losses and gradients a partner computes.

    Whatever is asked of a network can be asked of it: it learns, predicts, is evaluated and saved.
    `own` is the network of our layers, of the same memory.
    """

    def __init__(self, network: Network, partner: Partner) -> None:
        vars(self).update(vars(network))  # the same memory, on which an optimizer works already
        self.own = network
        self.partner = partner

    def __reduce__(self) -> tuple[Any, ...]:
        """Give a copy our own layers alone: a partner may be in another process."""
        return Network, (self.layers, self.loss_layer, self.weight_decay)

    def forward(self, x: Array, t: Labels) -> float:
        self._lend()
        loss = self.partner.forward(x, t)
        for own, theirs in zip(self._statistics, self.partner.statistics, strict=True):
            own[...] = theirs
        return loss + self._penalty() if self.weight_decay else loss

    def backward(self) -> None:
        self.partner.backward()
        self.gradient[...] = self.partner.gradient
        if self.weight_decay:
            self._add_penalty_gradient()

    def backward_input(self) -> Array:
        return self.partner.backward_input()

    def predict(self, x: Array) -> Array:
        self._lend()
        return self.partner.predict(x).astype(x.dtype)

    def _lend(self) -> None:
        self.partner.parameters[...] = self.parameters
        for own, theirs in zip(self._statistics, self.partner.statistics, strict=True):
            theirs[...] = own

    @property
    def _statistics(self) -> list[Array]:
        return list_statistics(self)


def list_statistics(network: Network) -> list[Array]:
    """Return all statistics of a network's layers, in order."""
    return [array for layer in network.layers for array in layer.statistics.values()]


@dataclass(frozen=True)
class Difference:
    """By how much the output of a layer of somebody's differs from ours, for the same input.

    It is the largest difference, as a share of the largest number that ours returns.
    """

    layer: str
    share: float


def differences(network: Network, theirs: Network, x: Array) -> list[Difference]:
    """Compare layers where they predict, each with ours, given what ours has made of x before it.

    Both networks have the same parameters.
    """
    found = []
    for name, ours, other in zip(network.names, network.layers, theirs.layers, strict=True):
        if not ours.training_only:
            y = ours.predict(x)
            found.append(Difference(name, share_of_difference(other.predict(x), y)))
            x = y.copy()
    return found


def share_of_difference(found: Array, expected: Array) -> float:
    """Return the largest difference as a share of the largest number that is expected."""
    if found.shape != expected.shape:
        return float("inf")
    largest = float(np.abs(expected).max(initial=0)) or 1.0
    share = float(np.abs(found - expected).max(initial=0)) / largest
    return share if np.isfinite(share) else float("inf")


def times_slower(network: Network, theirs: Network, x: Array, t: Labels) -> float:
    """Return how many times as long the four steps take with their layers as with ours.

    Both learn from the same mini-batch, at a learning rate of 0, in turn; the least time of all
    rounds is what is not for others on the machine. What layers keep of their inputs changes, and
    is of no use then. It is told, and decides nothing.
    """
    pairs = [(_seconds(network, x, t), _seconds(theirs, x, t)) for _ in range(ROUNDS)]
    ours, others = map(min, zip(*pairs, strict=True))
    ratio: float = others / ours
    return ratio


def _seconds(network: Network, x: Array, t: Labels) -> float:
    optimizer = build_optimizer("sgd", network.parameters, network.gradient)
    began = time.perf_counter()
    for _ in learn(network, optimizer, [(x, t)] * STEPS, [0.0] * STEPS):
        pass
    return time.perf_counter() - began


class InProcess:
    """A network of a person's layers in this process, as a partner of ours."""

    def __init__(self, ours: Network, network: Network) -> None:
        self.ours, self.network = ours, network
        self.parameters, self.gradient = network.parameters, network.gradient
        self.forward, self.predict = network.forward, network.predict
        self.backward, self.backward_input = network.backward, network.backward_input

    @property
    def statistics(self) -> list[Array]:
        return list_statistics(self.network)

    def differences(self, x: Array) -> list[Difference]:
        return differences(self.ours, self.network, x)

    def times(self, x: Array, t: Labels) -> float:
        return times_slower(self.ours.astype(x.dtype), self.network, x, t)
