"""a network and a mini-batch in -> how the gradient by every parameter compares out."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Array, Labels
from bpcli.backprop.adapter import adapt_loss
from bpcli.backprop.network import Network, Slots
from bpcli.errors import ArgumentError
from bpcli.gradcheck.comparer import Call, Missing
from bpcli.gradcheck.comparison import Comparison
from bpcli.gradcheck.constant import are_excusable, correct_loss, excuse
from bpcli.gradcheck.diagnosis import describe
from bpcli.gradcheck.elements import Build, Comparer
from bpcli.gradcheck.numerical import Function
from bpcli.gradcheck.rewind import make_rewind

REPLACED = "it replaces self.grads; set self.grads[name] in what is there"


def call_of(network: Network, x: Array, t: Labels) -> Call:
    """Call a copy of a network forward and backward on x (N, pixels), t (N,)."""
    back = make_rewind(None)

    def build(dtype: npt.DTypeLike) -> Function:
        back()
        twin = network.astype(dtype)
        rewind = make_rewind(twin)

        def loss() -> float:
            rewind()
            return twin.forward(x, t)

        magnitude = max(1.0, abs(loss()), float(np.abs(twin.predict(x)).max()))
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
        call = call_of(network, x, t)
        checker = comparer(call.build)
        checker.check_visible([g for g in call.gradients.values() if isinstance(g, np.ndarray)])
        for spec in network.specs:
            for name in spec.shapes:
                gradient = call.gradients[name]
                if isinstance(gradient, Missing):
                    yield Comparison(spec.name, name, problem=gradient.words)
                else:
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
