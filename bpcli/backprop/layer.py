"""an array in -> an array out, and its gradient back: what every layer is.

A layer is a node of the computational graph that fuses several simpler ones. It knows only its own
input, output and parameters. `forward` goes from left to right and keeps what `backward` needs;
`backward` takes `dout`, the derivative of the loss by the layer's output, and returns `dx`, the
derivative by its input. Neither changes its arguments. The arrays that they return are the layer's
own and are overwritten by its next call, so that a training loop allocates nothing.
"""

import numpy as np
import numpy.typing as npt

from bpcli.arrays import MATRIX, Array, Labels, Shape
from bpcli.errors import ArrayError


class Workspace:
    """Memory that a layer works in from call to call."""

    def __init__(self) -> None:
        self._memory: dict[str, Array] = {}

    def memory(self, name: str, shape: Shape, dtype: npt.DTypeLike, fill: float = 0) -> Array:
        """Return an array, at first full of `fill`; the same one while shape and dtype stay.

        Raises ArrayError if it is to be `y`, what a layer returns, and has no row for each image.
        """
        held = self._memory.get(name)
        if held is None or held.shape != shape or held.dtype != dtype:
            if name == "y" and len(shape) != MATRIX:
                layer, hint = type(self).__name__, "one image alone is x[np.newaxis]"
                raise ArrayError(f"{layer}: found an output {shape}, expected (N, D); {hint}")
            held = self._memory[name] = np.full(shape, fill, dtype)
        return held


class Layer(Workspace):
    """A layer with its parameters `params` and, under the same names, their gradients `grads`.

    A network puts its own memory in their place: a layer of your own reads `self.params["W"]` at
    each call, and sets `self.grads["W"] = x.T @ dout` or writes into what is there. `statistics`
    are what a layer with parameters keeps of its inputs to predict by; no gradient changes them.
    """

    training_only = False  # whether the network leaves the layer out when it only predicts
    has_kink = False  # whether its slope jumps where an input is 0

    def __init__(self, **params: Array) -> None:
        super().__init__()
        self.params = params
        self.grads = {name: np.zeros_like(array) for name, array in params.items()}
        self.statistics: dict[str, Array] = {}

    def __repr__(self) -> str:
        shapes = (f"{name} {'×'.join(map(str, p.shape))}" for name, p in self.params.items())
        return f"{type(self).__name__}({', '.join(shapes)})"

    def forward(self, x: Array) -> Array:
        """Return the output for the input `x` (N, D)."""
        raise NotImplementedError

    def predict(self, x: Array) -> Array:
        """Return the output for `x` where nothing is to be learnt, as `forward` does for most."""
        return self.forward(x)

    def backward(self, dout: Array) -> Array:
        """Set `grads` and return dx (N, D), for the last call of `forward`."""
        raise NotImplementedError

    def backward_params(self, dout: Array) -> None:
        """Set `grads` alone: enough for a first layer, as nobody asks for d loss / d image."""
        self.backward(dout)

    def backward_input(self, dout: Array) -> Array:
        """Return dx alone: enough where nobody asks for d loss / d parameter."""
        return self.backward(dout)


class LossLayer(Workspace):
    """The layer at the end: it compares what comes to it with the labels."""

    def forward(self, x: Array, t: Labels) -> float:
        """Return the mean loss of `x` (N, C) for the labels `t` (N,)."""
        raise NotImplementedError

    def backward(self) -> Array:
        """Return dx (N, C) for the last call of `forward`."""
        raise NotImplementedError

    def probabilities(self, x: Array) -> Array:
        """Return the probability (N, C) of each class that `x` stands for, a new array."""
        raise NotImplementedError
