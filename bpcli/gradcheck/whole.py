"""a network and a mini-batch in -> how the gradient by every parameter compares out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Array, Labels
from bpcli.backprop.adapter import adapt_loss
from bpcli.backprop.network import Network, Slots
from bpcli.errors import ArgumentError
from bpcli.gradcheck.comparer import Call, Missing
from bpcli.gradcheck.comparison import Comparison
from bpcli.gradcheck.constant import are_excusable, correct_loss, excuse
from bpcli.gradcheck.elements import ROUNDINGS, Build, Comparer
from bpcli.gradcheck.numerical import Function
from bpcli.gradcheck.raised import describe
from bpcli.gradcheck.rewind import make_rewind

ROUNDED = float(np.finfo(np.float64).eps)  # of a parameter the part that rounding may change
TRIALS = 3  # in which parameters are so changed, at random
BEYOND = 1e-9  # of the largest gradient; what differs by more is not rounded, but random
REPLACED = "it replaces self.grads; set self.grads[name] in what is there"


@dataclass(frozen=True)
class Rounding:
    """How far a loss, and the gradients by each array, are known: what rounding makes of them.

    Where a layer takes numbers from one another that are nearly equal, and divides by what is left,
    as batch normalisation does for images that are alike, that is much more than of the result.
    """

    loss: float
    gradients: dict[str, float]


def find_rounding(network: Network, x: Array, t: Labels) -> Rounding:
    """Change the parameters by their last digit, and look what becomes of loss and gradients.

    A gradient that differs by more than digits is not rounded, but random: that is no excuse.
    """
    back, rng = make_rewind(None), np.random.default_rng(7)
    losses, gradients = [], []
    for trial in range(1 + TRIALS):
        back()
        twin = network.astype(np.float64)
        signs = rng.choice([-1, 1], twin.parameters.shape)
        twin.parameters *= 1 + (ROUNDED * signs if trial else 0)
        losses.append(twin.forward(x, t))
        twin.backward()
        gradients.append(twin.gradient)
    back()
    apart = np.abs(np.subtract(gradients[1:], gradients[0])).max(axis=0)
    apart[apart > BEYOND * np.abs(gradients[0]).max()] = 0
    ends = np.cumsum([array.size for array in twin.arrays.values()])
    parts = zip(twin.arrays, np.split(apart, ends[:-1]), strict=True)
    return Rounding(
        float(np.abs(np.subtract(losses, losses[0])).max()),
        {name: float(part.max()) for name, part in parts},
    )


def call_of(network: Network, x: Array, t: Labels, rounded: float = 0.0) -> Call:
    """Call a copy of a network forward and backward on x (N, pixels), t (N,).

    `rounded` is what rounding makes of its loss.
    """
    back = make_rewind(None)

    def build(dtype: npt.DTypeLike) -> Function:
        back()
        twin = network.astype(dtype)
        rewind = make_rewind(twin)

        def loss() -> float:
            rewind()
            return twin.forward(x, t)

        logits = float(np.abs(twin.predict(x)).max())
        magnitude = max(1.0, abs(loss()), logits, rounded / ROUNDED)
        return Function(loss, twin.arrays, magnitude)

    back()
    used = network.astype(np.float64)
    used.forward(x, t)
    used.backward()
    gradients: dict[str, Array | Missing] = dict(used.gradient_arrays)
    for spec, layer in zip(used.specs, used.layers, strict=False):
        if layer.params and not isinstance(layer.grads, Slots):
            gradients |= dict.fromkeys(spec.shapes, Missing(REPLACED))
    return Call(build, gradients)


def check_network(
    network: Network, x: Array, t: Labels, comparer: Callable[[Build], Comparer]
) -> Iterator[Comparison]:
    """Compare the gradients by every parameter of the whole network.

    Raises ArgumentError where the method cannot see what the tolerance asks for.
    """
    try:
        rounding = find_rounding(network, x, t)
        call = call_of(network, x, t, rounding.loss)
        checker = comparer(call.build)
        floor = checker.floor
        checker.check_visible([g for g in call.gradients.values() if isinstance(g, np.ndarray)])
        for spec in network.specs:
            for name in spec.shapes:
                gradient = call.gradients[name]
                if isinstance(gradient, Missing):
                    yield Comparison(spec.name, name, problem=gradient.words)
                else:
                    noise = ROUNDINGS * rounding.gradients[name]
                    checker.floor = max(floor, noise / checker.tolerance)
                    yield checker.compare(spec.name, name, gradient, len(x))
    except (MemoryError, ArgumentError):
        raise  # which say nothing of the network
    except Exception as error:  # noqa: BLE001 - whatever a wrong layer raises is to be reported
        yield Comparison("Network", "", problem=describe(error))


def excuse_network(
    rows: tuple[Comparison, ...],
    network: Network,
    x: Array,
    t: Labels,
    comparer: Callable[[Build], Comparer],
) -> tuple[Comparison, ...]:
    """Return the comparisons of a network, with a note where its loss has a constant."""
    right = correct_loss(network.loss_layer) if are_excusable(rows) else None
    if right is None:
        return rows
    corrected = network.astype(np.float64)
    corrected.loss_layer = adapt_loss(right)
    try:
        return excuse(rows, tuple(check_network(corrected, x, t, comparer)), right.c)
    except ArgumentError:  # so little is left of the gradient that differences do not see it
        words = f"the constant in the logarithm of the loss, log(y + {right.c:.1g}), hides it"
        return tuple(r if r.passed else replace(r, problem=words, unknown=True) for r in rows)
