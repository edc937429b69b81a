"""a network and a mini-batch in -> how the gradient by every parameter compares out."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Array, Labels
from bpcli.backprop.network import Network, Slots
from bpcli.errors import ArgumentError
from bpcli.gradcheck.comparer import Build, Comparer
from bpcli.gradcheck.comparison import Comparison
from bpcli.gradcheck.diagnosis import describe
from bpcli.gradcheck.numerical import Function
from bpcli.gradcheck.rewind import make_rewind


def check_network(
    network: Network, x: Array, t: Labels, comparer: Callable[[Build], Comparer]
) -> Iterator[Comparison]:
    """Compare the gradients by every parameter of the whole network.

    Raises ArgumentError where the method cannot see what the tolerance asks for.
    """

    def build(dtype: npt.DTypeLike) -> Function:
        twin = network.astype(dtype)
        rewind = make_rewind(twin)

        def loss() -> float:
            rewind()
            return twin.forward(x, t)

        magnitude = max(1.0, abs(loss()), float(np.abs(twin.predict(x)).max()))
        return Function(loss, twin.arrays, magnitude)

    try:
        checker = comparer(build)
        network.forward(x, t)
        network.backward()
        checker.check_visible(network.gradient)
        for spec, layer in zip(network.specs, [*network.layers, None], strict=True):
            if layer and layer.params and not isinstance(layer.grads, Slots):
                problem = "it replaces self.grads; set self.grads[name] in what is there"
                yield Comparison(spec.name, "", problem=problem)
                continue
            for name in spec.shapes:
                yield checker.compare(spec.name, name, network.gradient_arrays[name], len(x))
    except (MemoryError, ArgumentError):
        raise  # which say nothing of the network
    except Exception as error:  # noqa: BLE001 - whatever a wrong layer raises is to be reported
        yield Comparison("Network", "", problem=describe(error))
