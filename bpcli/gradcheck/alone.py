"""the layers of a network in -> how the gradients of each alone, on random numbers, compare out."""

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Array, Labels, Shape
from bpcli.backprop.layers import Layer, LossLayer
from bpcli.backprop.network import Network, cast
from bpcli.gradcheck.comparer import Build, Comparer
from bpcli.gradcheck.comparison import Comparison
from bpcli.gradcheck.diagnosis import check_shape, describe
from bpcli.gradcheck.numerical import Function
from bpcli.gradcheck.rewind import make_rewind

LARGE = 500  # elements of an array of a layer alone, above which a direction comes first


def check_layers(
    network: Network,
    x: Array,
    t: Labels,
    rng: np.random.Generator,
    comparer: Callable[[Build], Comparer],
) -> Iterator[Comparison]:
    """Check each layer alone; after one that raises there is nothing to give to the next.

    A layer takes what x (N, pixels) becomes on its way to it, in shape; the numbers are random.
    """
    layers = [*network.layers, _Loss(network.loss_layer, t)]
    for spec, layer in zip(network.specs, layers, strict=True):
        names = dict(zip(layer.params, spec.shapes, strict=True))
        try:
            calls = [_Call(layer, names, x.shape, rng) for _ in range(2)]
            yield from _check_calls(spec.name, calls, rng, comparer)
            x = layer.forward(x)
        except MemoryError:
            raise  # which says nothing of the layer
        except Exception as error:  # noqa: BLE001 - whatever a wrong layer raises is to be reported
            yield Comparison(spec.name, "", problem=describe(error))
            return


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
        self, layer: Layer, names: dict[str, str], shape: Shape, rng: np.random.Generator
    ) -> None:
        self.untouched = copy.deepcopy(layer)  # will draw the same dropout mask
        self.names = names
        # Small and large, but not near 0, where ReLU has its kink.
        self.x = rng.choice([-1, 1], shape) * 10 ** rng.uniform(-1, 1, shape)
        x = self.x.copy()
        before = {name: array.copy() for name, array in layer.params.items()}
        y = layer.forward(x)
        check_shape("forward returned", y, None, "return y")
        self.dout = rng.normal(size=y.shape)
        self.magnitude = 1 + float(np.abs(self.dout * y).sum())
        dout = self.dout.copy()
        dx = layer.backward(dout)
        check_shape("backward returned", dx, shape, "return dx")
        for name, array in layer.params.items():
            found = layer.grads.get(name)
            check_shape(
                f'self.grads["{name}"] is', found, array.shape, f'self.grads["{name}"] = ...'
            )
        self.gradients = {"x": dx.copy()}
        self.gradients |= {names[name]: layer.grads[name].copy() for name in names}
        pairs: dict[str, tuple[Array, Array]] = {"x": (x, self.x), "dout": (dout, self.dout)}
        pairs |= {names[name]: (layer.params[name], before[name]) for name in names}
        self.damaged = [name for name, pair in pairs.items() if not np.array_equal(*pair)]

    def build(self, dtype: npt.DTypeLike) -> Function:
        """Return the sum of dout * forward(x): its gradient by x is the layer's dx."""
        (twin,) = cast([self.untouched], dtype)
        x = self.x.astype(dtype)
        rewind = make_rewind([twin])

        def value() -> Any:
            rewind()
            return np.vdot(self.dout, twin.forward(x.copy()))

        parameters = {self.names[name]: array for name, array in twin.params.items()}
        return Function(value, {"x": x} | parameters, self.magnitude)


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
