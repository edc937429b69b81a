"""the layers of a network in -> how the gradients of each alone, on random numbers, compare out."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from bpcli.arrays import Array, Labels
from bpcli.backprop.layer import Layer
from bpcli.backprop.network import Network, cast
from bpcli.gradcheck.calls import Examination
from bpcli.gradcheck.comparer import compare_calls
from bpcli.gradcheck.comparison import Comparison
from bpcli.gradcheck.constant import are_excusable, correct_loss, excuse
from bpcli.gradcheck.elements import Build, Comparer
from bpcli.gradcheck.execution import BackwardError
from bpcli.gradcheck.leaves import Where
from bpcli.gradcheck.raised import describe
from bpcli.gradcheck.recognition import make_subject
from bpcli.gradcheck.subject import Subject

NO_PARAMETERS: Where = {}
STIRRED = 0.5, 1.5  # times what a parameter was


def check_layers(
    network: Network,
    x: Array,
    t: Labels,
    rng: np.random.Generator,
    comparer: Callable[[Build], Comparer],
) -> Iterator[Comparison]:
    """Check each layer alone; after one that raises there is nothing to give to the next.

    A layer takes what x (N, pixels) becomes on its way to it, in shape; the numbers are random, and
    parameters that are all alike are made different.
    """
    for spec, layer in zip(network.specs, [*network.layers, None], strict=True):
        # Small and large, but not near 0, where ReLU has its kink.
        drawn = rng.choice([-1, 1], x.shape) * 10 ** rng.uniform(-1, 1, x.shape)
        try:
            if layer is None:
                subject, where = make_subject(network.loss_layer, (drawn, t)), NO_PARAMETERS
            else:
                subject, where = subject_of(_stir(layer), drawn, tuple(spec.shapes))
            found = Examination(subject, where)
            rows = tuple(compare_calls(spec.name, found.calls, comparer, len(x)))
            right = correct_loss(subject.owner) if are_excusable(rows) else None
            if right:
                found = Examination(make_subject(right, (drawn, t)), where)
                rows = excuse(
                    rows, tuple(compare_calls("", found.calls, comparer, len(x))), right.c
                )
            yield from (replace(row, layer=spec.name) for row in rows)
            x = x if layer is None else layer.forward(x)
        except MemoryError:
            raise  # which says nothing of the layer
        except BackwardError as error:
            yield Comparison(spec.name, "", problem=describe(error.__cause__ or error))
            return
        except Exception as error:  # noqa: BLE001 - whatever a wrong layer raises is to be reported
            yield Comparison(spec.name, "", problem=describe(error))
            return


def _stir(layer: Layer) -> Layer:
    """Return a copy whose parameters are not alike: where gamma is 1, it is not missed in dx."""
    (twin,) = cast([layer], np.float64)
    rng = np.random.default_rng(5)
    for array in twin.params.values():
        if array.all() and np.ptp(array) == 0:
            array *= rng.uniform(*STIRRED, array.shape)
    return twin


def subject_of(layer: Layer, x: Array, names: tuple[str, ...] = ()) -> tuple[Subject, Where]:
    """Return a layer of ours with memory of its own, as a network gives it, and its parameters.

    They have other `names`, if there are any, than the layer has for them.
    """
    (twin,) = cast([layer], np.float64)
    places = [(f"params[{name!r}]", f"grads[{name!r}]") for name in twin.params]
    return make_subject(twin, (x,)), dict(zip(names or twin.params, places, strict=True))
