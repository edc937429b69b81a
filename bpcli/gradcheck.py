"""a network and a mini-batch in -> a GradientCheck out: backpropagation against differences.

Section 5.7.3. The numerical gradient goes through the network's own `forward`, in float64.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bpcli.layers import Array, Dropout, Labels
from bpcli.network import Network

STEP = 1e-5  # balances the error of the difference, h^2, and that of rounding, 1 / h
KINK_TOLERANCE = 1e-4  # a difference to one side has an error of order h


@dataclass(frozen=True)
class ParameterCheck:
    """How the gradients of one parameter array compare.

    `max_relative_error` is at the element `worst_index`, whose two gradients are `backprop` and
    `numerical`. `kinks` counts elements with a bend of ReLU within the step, where the central
    difference says nothing: there backpropagation has to agree with the slope to one side.
    """

    layer: str
    name: str
    shape: tuple[int, ...]
    checked: int
    kinks: int
    max_relative_error: float
    worst_index: tuple[int, ...]
    backprop: float
    numerical: float
    passed: bool


@dataclass(frozen=True)
class GradientCheck:
    """The comparison of every gradient of a network; `seconds` is the time that it took."""

    method: str
    samples: int
    tolerance: float
    seconds: float
    parameters: tuple[ParameterCheck, ...]

    @property
    def passed(self) -> bool:
        """Whether every array passed."""
        return all(parameter.passed for parameter in self.parameters)

    @property
    def checked(self) -> int:
        """Number of gradients compared."""
        return sum(parameter.checked for parameter in self.parameters)


def check_gradients(
    network: Network, x: Array, t: Labels, tolerance: float = 1e-6
) -> GradientCheck:
    """Compare every gradient of the loss on x (N, pixels), t (N,) with a central difference.

    The network has to be a float64 one. An array passes if no relative error, as
    `relative_error` defines it, is above `tolerance`. Dropout keeps one mask throughout.
    """
    start = time.perf_counter()
    loss = _fixed_loss(network, x, t)
    size = max(1.0, abs(loss()), float(np.abs(network.predict(x)).max()))
    # What eight roundings of numbers of that size can make of a difference is no disagreement.
    floor = 8 * np.finfo(np.float64).eps * size / (2 * STEP) / tolerance
    loss()
    network.backward()
    owners = [
        name
        for name, layer in zip(network.names, network.layers, strict=True)
        for _ in layer.params
    ]
    parameters = tuple(
        _check_array(loss, layer, name, network.arrays[name], gradient.copy(), tolerance, floor)
        for layer, (name, gradient) in zip(owners, network.gradient_arrays.items(), strict=True)
    )
    seconds = time.perf_counter() - start
    return GradientCheck("central", len(x), tolerance, seconds, parameters)


def relative_error(a: Array, b: Array, floor: float) -> Array:
    """Return |a - b| / (|a| + |b|), with at least `floor` in the denominator.

    >>> relative_error(np.array([1.0, 1e-12]), np.array([3.0, 0.0]), 1e-3)
    array([5.e-01, 1.e-09])
    """
    error: Array = np.abs(a - b) / np.maximum(np.abs(a) + np.abs(b), floor)
    return error


def numerical_gradient(loss: Callable[[], float], parameter: Array) -> Array:
    """Return (f(p + h) - f(p - h)) / 2h for each element p of `parameter`, left as it was."""
    gradient = np.empty(parameter.size)
    elements = parameter.reshape(-1)
    for i, value in enumerate(elements.tolist()):
        elements[i] = value + STEP
        above = loss()
        elements[i] = value - STEP
        below = loss()
        elements[i] = value
        gradient[i] = (above - below) / (2 * STEP)
    return gradient.reshape(parameter.shape)


def _fixed_loss(network: Network, x: Array, t: Labels) -> Callable[[], float]:
    """Return the loss as a function of the parameters alone, the same dropout mask in each call."""
    generators = [layer.rng.bit_generator for layer in network.layers if isinstance(layer, Dropout)]
    states = [generator.state for generator in generators]

    def loss() -> float:
        for generator, state in zip(generators, states, strict=True):
            generator.state = state
        return network.forward(x, t)

    return loss


def _check_array(
    loss: Callable[[], float],
    layer: str,
    name: str,
    parameter: Array,
    backprop: Array,
    tolerance: float,
    floor: float,
) -> ParameterCheck:
    numerical = numerical_gradient(loss, parameter)
    error = relative_error(backprop, numerical, floor)
    failed = np.flatnonzero(~(error <= tolerance)).tolist()  # not a number fails too
    kinks = [i for i in failed if _is_kink(loss, parameter.reshape(-1), i, backprop.reshape(-1)[i])]
    error.reshape(-1)[kinks] = 0
    index = np.unravel_index(np.argmax(error), error.shape)
    return ParameterCheck(
        layer=layer,
        name=name,
        shape=parameter.shape,
        checked=parameter.size,
        kinks=len(kinks),
        max_relative_error=float(error[index]),
        worst_index=tuple(int(i) for i in index),
        backprop=float(backprop[index]),
        numerical=float(numerical[index]),
        passed=len(kinks) == len(failed),
    )


def _is_kink(loss: Callable[[], float], elements: Array, i: int, backprop: float) -> bool:
    """Tell whether the slopes to both sides differ and `backprop` is one of them."""
    value, middle = elements[i], loss()
    elements[i] = value + STEP
    right = (loss() - middle) / STEP
    elements[i] = value - STEP
    left = (middle - loss()) / STEP
    elements[i] = value
    near = KINK_TOLERANCE * max(abs(left), abs(right))
    return abs(left - right) > near and min(abs(backprop - left), abs(backprop - right)) <= near
