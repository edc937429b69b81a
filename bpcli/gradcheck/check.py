"""a network and a mini-batch in -> a GradientCheck out: is backpropagation right?

Section 5.7.3. Each layer is checked alone first, on random numbers, so that a mistake is found
where it was made; then the whole network, every parameter by itself. The numerical gradients go
through the layers' own `forward`, in float64, or in complex128 for the complex step.
"""

import copy
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from bpcli.arrays import Array, Labels, check_inputs, check_labels
from bpcli.backprop.network import Network
from bpcli.errors import ArgumentError, choose
from bpcli.gradcheck.alone import check_layers
from bpcli.gradcheck.comparer import Comparer, Watch
from bpcli.gradcheck.comparison import Comparison
from bpcli.gradcheck.numerical import METHODS
from bpcli.gradcheck.whole import check_network

quietly = np.errstate(all="ignore")  # a gradient that is not a number is reported, not warned of


@dataclass(frozen=True)
class GradientCheck:
    """The comparison of every gradient: `layers` each alone, `parameters` in the whole network."""

    method: str
    samples: int
    tolerance: float
    seconds: float
    layers: tuple[Comparison, ...]
    parameters: tuple[Comparison, ...]
    stopped: bool = False  # by Ctrl-C, before all was compared

    @property
    def passed(self) -> bool:
        """Whether all comparisons passed, and none is missing."""
        return not self.failures and not self.stopped

    @property
    def failures(self) -> list[Comparison]:
        """What is wrong with layers alone, or, if nothing is, with the whole network."""
        return [row for row in self.layers if not row.passed] or [
            row for row in self.parameters if not row.passed
        ]

    @property
    def checked(self) -> int:
        """Number of parameters whose gradients in the whole network were compared."""
        return sum(row.checked for row in self.parameters)

    @property
    def kinks(self) -> int:
        """How many of these lie at kinks."""
        return sum(row.kinks for row in self.parameters)


@quietly
def check_gradients(
    network: Network,
    x: Array,
    t: Labels,
    rng: np.random.Generator,
    *,
    method: str = "central",
    tolerance: float = 1e-6,
    elements: int | None = None,
    watch: Watch = lambda _elements: None,
) -> GradientCheck:
    """Compare each gradient of a network on x (N, pixels), t (N,) with a numerical one.

    `method` is `central`, (f(p + h) - f(p - h)) / 2h, or `complex`, Im f(p + ih) / h (Squire &
    Trapp 1998). Relative errors up to `tolerance` pass. Dropout keeps one mask throughout; weight
    decay is part of the loss. A network in float32, in which differences say nothing, is checked
    as a copy in float64; in neither case do its parameters change. `rng` draws what layers are
    checked on alone. With `elements`, no more of an array are compared one by one, and the whole
    along random directions; `watch` is told how many have been compared. Ctrl-C ends it, with what
    has been compared until then. Raises ArrayError for an x or a t that no network takes, and
    ArgumentError for another method, or a tolerance that is not above 0 or finer than the method
    can see.
    """
    check_inputs(x)
    check_labels(t, len(x))
    choose("method", method, METHODS)
    if not tolerance > 0:
        raise ArgumentError(f"tolerance: found {tolerance}, expected a number above 0")
    start = time.perf_counter()
    network, x = network.astype(np.float64), x.astype(np.float64)
    comparer = partial(Comparer, method=method, tolerance=tolerance, elements=elements)
    alone = check_layers(network, x, t, rng, comparer)
    layers, stopped = _collect(alone)
    whole = check_network(network, x, t, partial(comparer, watch=watch))
    parameters, stopped = ((), True) if stopped else _collect(whole)
    seconds = time.perf_counter() - start
    return GradientCheck(method, len(x), tolerance, seconds, layers, parameters, stopped)


def _collect(rows: Iterable[Comparison]) -> tuple[tuple[Comparison, ...], bool]:
    """Return the rows that there are, and whether Ctrl-C came before the last of them."""
    found: list[Comparison] = []
    try:
        found.extend(rows)
    except KeyboardInterrupt:
        return tuple(found), True
    return tuple(found), False


@quietly
def clearest(
    network: Network, mini_batches: Iterable[tuple[Array, Labels]]
) -> tuple[Array, Labels]:
    """Return the mini-batch (x, t) on which inputs of layers stay farthest from their kinks."""
    return max(mini_batches, key=lambda mini_batch: _clearance(network, mini_batch[0]))


def _clearance(network: Network, x: Array) -> float:
    nearest = np.inf
    for layer in copy.deepcopy(network.layers):  # the check needs layers that were never used
        if layer.has_kink:
            nearest = min(nearest, float(np.abs(x).min()))
        x = layer.forward(x)
    return nearest
