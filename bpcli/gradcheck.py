"""a network and a mini-batch in -> a GradientCheck out: is backpropagation right?

Section 5.7.3. Each layer is checked alone first, on random numbers, so that a mistake is found
where it was made; then the whole network, every parameter by itself. The numerical gradients go
through the layers' own `forward`, in float64, or in complex128 for the complex step.
"""

import copy
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.comparison import Build, Comparer, Comparison
from bpcli.layers import Array, Dropout, Labels, Layer, LossLayer, ReLU
from bpcli.network import Network
from bpcli.numerical import Function

LARGE = 3000  # elements; comparing so many of a layer alone takes about 0.1 s


@dataclass(frozen=True)
class GradientCheck:
    """The comparison of every gradient: `layers` each alone, `parameters` in the whole network."""

    method: str
    samples: int
    tolerance: float
    seconds: float
    layers: tuple[Comparison, ...]
    parameters: tuple[Comparison, ...]

    @property
    def passed(self) -> bool:
        """Whether all comparisons passed."""
        return not self.failures

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


def check_gradients(
    network: Network,
    x: Array,
    t: Labels,
    rng: np.random.Generator,
    *,
    method: str = "central",
    tolerance: float = 1e-6,
) -> GradientCheck:
    """Compare each gradient of a float64 network on x (N, pixels), t (N,) with a numerical one.

    `method` is `central`, (f(p + h) - f(p - h)) / 2h, or `complex`, Im f(p + ih) / h (Squire &
    Trapp 1998). Relative errors up to `tolerance` pass. Dropout keeps one mask throughout; weight
    decay is part of the loss. The network's parameters are left as they were. `rng` draws what
    layers are checked on alone.
    """
    start = time.perf_counter()
    with np.errstate(all="ignore"):  # a gradient that is not a number is reported, not warned of
        comparer = partial(Comparer, method=method, tolerance=tolerance)
        layers = tuple(_check_layers(network, x, t, rng, comparer))
        parameters = tuple(_check_network(network, x, t, comparer))
    seconds = time.perf_counter() - start
    return GradientCheck(method, len(x), tolerance, seconds, layers, parameters)


def clearest(
    network: Network, mini_batches: Iterable[tuple[Array, Labels]]
) -> tuple[Array, Labels]:
    """Return the mini-batch (x, t) on which ReLU's inputs stay farthest from its kink at 0."""
    return max(mini_batches, key=lambda mini_batch: _clearance(network, mini_batch[0]))


def _clearance(network: Network, x: Array) -> float:
    nearest = np.inf
    for layer in copy.deepcopy(network.layers):  # the check needs layers that were never used
        if isinstance(layer, ReLU):
            nearest = min(nearest, float(np.abs(x).min()))
        x = layer.forward(x)
    return nearest


class _Loss(Layer):
    """The loss layer with fixed labels `t`, as a layer with one output, the loss."""

    def __init__(self, loss_layer: LossLayer, t: Labels) -> None:
        super().__init__()
        self.loss_layer = loss_layer
        self.t = t

    def forward(self, x: Array) -> Array:
        return np.asarray(self.loss_layer.forward(x, self.t))

    def backward(self, dout: Array) -> Array:
        return dout * self.loss_layer.backward()


class _Call:
    """One forward and backward of a layer, on random numbers, and what came of it."""

    def __init__(
        self, layer: Layer, names: dict[str, str], shape: tuple[int, ...], rng: np.random.Generator
    ) -> None:
        self.untouched = copy.deepcopy(layer)  # will draw the same dropout mask
        self.names = names
        # Small and large, but not near 0, where ReLU has its kink.
        self.x = rng.choice([-1, 1], shape) * 10 ** rng.uniform(-1, 1, shape)
        x = self.x.copy()
        before = {name: array.copy() for name, array in layer.params.items()}
        y = layer.forward(x)
        self.dout = rng.normal(size=y.shape)
        self.size = 1 + float(np.abs(self.dout * y).sum())
        dout = self.dout.copy()
        dx = layer.backward(dout)
        self.gradients = {"x": dx.copy()}
        self.gradients |= {names[name]: layer.grads[name].copy() for name in names}
        pairs: dict[str, tuple[Array, Array]] = {"x": (x, self.x), "dout": (dout, self.dout)}
        pairs |= {names[name]: (layer.params[name], before[name]) for name in names}
        self.damaged = [name for name, pair in pairs.items() if not np.array_equal(*pair)]

    def build(self, dtype: npt.DTypeLike) -> Function:
        """Return the sum of dout * forward(x): its gradient by x is the layer's dx."""
        (twin,) = _cast([self.untouched], dtype)
        x = self.x.astype(dtype)
        repeat = _repeater([twin])

        def value() -> Any:
            repeat()
            return np.vdot(self.dout, twin.forward(x.copy()))

        parameters = {self.names[name]: array for name, array in twin.params.items()}
        return Function(value, {"x": x} | parameters, self.size)


def _check_layers(
    network: Network,
    x: Array,
    t: Labels,
    rng: np.random.Generator,
    comparer: Callable[[Build], Comparer],
) -> Iterator[Comparison]:
    """Check each layer alone; after one that raises there is nothing to give to the next."""
    layers = [*network.layers, _Loss(network.loss_layer, t)]
    names = [*_names(network), {}]
    labels = [*network.names, type(network.loss_layer).__name__]
    for label, layer, names_of_layer in zip(labels, layers, names, strict=True):
        try:
            calls = [_Call(layer, names_of_layer, x.shape, rng) for _ in range(2)]
            yield from _check_calls(label, calls, rng, comparer)
            x = layer.forward(x)
        except Exception as error:  # noqa: BLE001 - whatever a wrong layer raises is to be reported
            yield Comparison(label, "", problem=_raised(error))
            return


def _check_calls(
    layer: str,
    calls: Sequence[_Call],
    rng: np.random.Generator,
    comparer: Callable[[Build], Comparer],
) -> Iterator[Comparison]:
    """Compare the gradients of two calls of a layer, element by element.

    Large arrays are compared along a random direction first, and by element if that disagrees: the
    check of the whole network goes through all of their elements anyway.
    """
    for name in calls[0].damaged:
        yield Comparison(layer, name, problem="changed in place by forward or backward")
    first, second = (comparer(call.build) for call in calls)
    samples = len(calls[0].x)
    for name, gradient in calls[0].gradients.items():
        next_gradient = calls[1].gradients[name]
        if gradient.size > LARGE:
            error = first.error_along(name, gradient, rng.normal(size=gradient.shape))
            next_error = second.error_along(name, next_gradient, rng.normal(size=gradient.shape))
            if error <= first.tolerance and next_error <= second.tolerance:
                worst = max(error, next_error)
                yield Comparison(
                    layer, name, gradient.shape, gradient.size, max_relative_error=worst
                )
                continue
        found = first.compare(layer, name, gradient, samples)
        if found.passed:
            found = second.compare(layer, name, next_gradient, samples, before=gradient)
        yield found


def _check_network(
    network: Network, x: Array, t: Labels, comparer: Callable[[Build], Comparer]
) -> Iterator[Comparison]:
    """Compare the gradients by every parameter of the whole network."""

    def build(dtype: npt.DTypeLike) -> Function:
        twin = Network(
            _cast(network.layers, dtype), copy.deepcopy(network.loss_layer), network.weight_decay
        )
        repeat = _repeater(twin.layers)

        def loss() -> float:
            repeat()
            return twin.forward(x, t)

        size = max(1.0, abs(loss()), float(np.abs(twin.predict(x)).max()))
        return Function(loss, twin.arrays, size)

    try:
        checker = comparer(build)
        network.forward(x, t)
        network.backward()
        for layer, names in zip(network.names, _names(network), strict=True):
            for name in names.values():
                yield checker.compare(layer, name, network.gradient_arrays[name], len(x))
    except Exception as error:  # noqa: BLE001 - whatever a wrong layer raises is to be reported
        yield Comparison("Network", "", problem=_raised(error))


def _names(network: Network) -> list[dict[str, str]]:
    """Return for each layer what the network calls its parameters: W is W1, or W2, ..."""
    names = iter(network.arrays)
    return [{name: next(names) for name in layer.params} for layer in network.layers]


def _cast(layers: Sequence[Layer], dtype: npt.DTypeLike) -> list[Layer]:
    """Return copies of layers whose parameters have another precision."""
    twins = copy.deepcopy(list(layers))
    for twin in twins:
        twin.params = {name: array.astype(dtype) for name, array in twin.params.items()}
    return twins


def _repeater(layers: Sequence[Layer]) -> Callable[[], None]:
    """Return what makes dropout draw the same masks once more."""
    generators = [layer.rng.bit_generator for layer in layers if isinstance(layer, Dropout)]
    states = [generator.state for generator in generators]

    def repeat() -> None:
        for generator, state in zip(generators, states, strict=True):
            generator.state = state

    return repeat


def _raised(error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} raised at {Path(place.filename).name}:{place.lineno}: {error}"
