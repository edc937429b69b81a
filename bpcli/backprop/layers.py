"""arrays in -> arrays out, and gradients back: the layers of sections 5.5 and 5.6, and dropout.

A layer is a node of the computational graph that fuses several simpler ones. It knows only its own
input, output and parameters. `forward` goes from left to right and keeps what `backward` needs;
`backward` takes `dout`, the derivative of the loss by the layer's output, and returns `dx`, the
derivative by its input. Neither changes its arguments. The arrays that they return are the layer's
own and are overwritten by its next call, so that a training loop allocates nothing.
"""

import numpy as np
import numpy.typing as npt

from bpcli.arrays import MATRIX, Array, Labels, Shape
from bpcli.backprop.functions import softmax
from bpcli.errors import ArgumentError, ArrayError

BOOLEAN = np.dtype(np.bool_)


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
    each call, and sets `self.grads["W"] = x.T @ dout` or writes into what is there.
    """

    training_only = False  # whether the network leaves the layer out when it only predicts
    has_kink = False  # whether its slope jumps where an input is 0

    def __init__(self, **params: Array) -> None:
        super().__init__()
        self.params = params
        self.grads = {name: np.zeros_like(array) for name, array in params.items()}

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


class Affine(Layer):
    """y = x W + b;  dW = x^T dout,  db = sum of dout over the batch,  dx = dout W^T.

    Section 5.6.2. x (N, D), W (D, M), b (M,), y (N, M).
    """

    def __init__(self, W: Array, b: Array) -> None:
        if W.ndim != MATRIX or b.shape != W.shape[1:] or W.dtype.kind not in "fc":
            raise ArrayError(
                f"Affine: found W {W.shape} of {W.dtype} and b {b.shape}, expected W (D, M) of "
                "floating-point numbers and b (M,)"
            )
        super().__init__(W=W, b=b)

    def forward(self, x: Array) -> Array:
        W, b = self.params.values()
        self.x = x
        y = np.matmul(x, W, out=self.memory("y", x.shape[:-1] + b.shape, W.dtype))
        y += b
        return y

    def backward(self, dout: Array) -> Array:
        self.backward_params(dout)
        return self.backward_input(dout)

    def backward_params(self, dout: Array) -> None:
        np.matmul(self.x.T, dout, out=self.grads["W"])
        ones = self.memory("ones", (len(dout),), dout.dtype, fill=1)
        np.matmul(ones, dout, out=self.grads["b"])  # a sum, but faster than np.sum

    def backward_input(self, dout: Array) -> Array:
        dx = self.memory("dx", self.x.shape, dout.dtype)
        return np.matmul(dout, self.params["W"].T, out=dx)


class ReLU(Layer):
    """y = max(x, 0);  dx = dout where x > 0, else 0.  Section 5.5.1."""

    has_kink = True

    def forward(self, x: Array) -> Array:
        zeros = self.memory("zeros", x.shape, x.dtype)  # twice as fast as with the number 0
        self.y = np.maximum(x, zeros, out=self.memory("y", x.shape, x.dtype))
        return self.y

    def backward(self, dout: Array) -> Array:
        mask = np.greater(self.y, 0, out=self.memory("mask", dout.shape, BOOLEAN))
        return np.multiply(dout, mask, out=self.memory("dx", dout.shape, dout.dtype))


class Sigmoid(Layer):
    """y = 1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2;  dx = dout y (1 - y).

    Section 5.5.2; the form with tanh cannot overflow.
    """

    def forward(self, x: Array) -> Array:
        self.y = _sigmoid(x, out=self.memory("y", x.shape, x.dtype))
        return self.y

    def backward(self, dout: Array) -> Array:
        dx = np.subtract(1, self.y, out=self.memory("dx", dout.shape, dout.dtype))
        dx *= self.y
        dx *= dout
        return dx


def _sigmoid(x: Array, out: Array) -> Array:
    np.multiply(x, 0.5, out=out)
    np.tanh(out, out=out)
    out += 1
    out *= 0.5
    return out


class Tanh(Layer):
    """y = tanh(x);  dx = dout (1 - y^2)."""

    def forward(self, x: Array) -> Array:
        self.y = np.tanh(x, out=self.memory("y", x.shape, x.dtype))
        return self.y

    def backward(self, dout: Array) -> Array:
        dx = np.square(self.y, out=self.memory("dx", dout.shape, dout.dtype))
        np.subtract(1, dx, out=dx)
        dx *= dout
        return dx


class Dropout(Layer):
    """y = x mask,  dx = dout mask;  mask is 0 for a share `ratio` of entries, 1 / (1 - ratio) else.

    Srivastava et al. 2014; section 6.4.3, but scaled here while training (inverted dropout), so
    that a network that only predicts needs no such layer. Each `forward` draws a new mask.
    """

    training_only = True

    def __init__(self, ratio: float, rng: np.random.Generator) -> None:
        super().__init__()
        if not 0 <= ratio < 1:
            raise ArgumentError(f"ratio: found {ratio}, expected a number from 0 and below 1")
        self.ratio = ratio
        self.rng = rng

    def forward(self, x: Array) -> Array:
        real = x.real.dtype  # x is complex in the complex step of the gradient check
        mask = self.rng.random(out=self.memory("mask", x.shape, real), dtype=real.type)
        np.greater_equal(mask, self.ratio, out=mask)
        mask *= 1 / (1 - self.ratio)
        self.mask = mask
        return np.multiply(x, mask, out=self.memory("y", x.shape, x.dtype))

    def backward(self, dout: Array) -> Array:
        return np.multiply(dout, self.mask, out=self.memory("dx", dout.shape, dout.dtype))


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


class SoftmaxWithLoss(LossLayer):
    """y = exp(x) / row sums of exp(x);  loss = mean of -log y[t];  dx = (y - onehot(t)) / N.

    Section 5.6.3 and appendix A. x are the logits (N, C), t the labels (N,). The loss, in nats, is
    computed as log(row sum of exp(x)) - x[t], with each row's largest x taken off first: that is
    exact, and no exp can overflow. The exp are kept transposed, (C, N), as it is faster to go over
    many images at a time than over few classes.
    """

    def forward(self, x: Array, t: Labels) -> float:
        exp = self.exp = self.memory("exp", x.shape[::-1], x.dtype)
        np.copyto(exp, x.T)
        exp -= np.maximum.reduce(exp)
        self.true = t, np.arange(len(x))  # where in exp each image's own class is
        loss = -exp[self.true]
        np.exp(exp, out=exp)
        self.total = np.add.reduce(exp)
        loss += np.log(self.total)
        mean: float = np.add.reduce(loss).item() / len(x)
        return mean

    def backward(self) -> Array:
        n = len(self.total)
        dx = self.memory("dx", self.exp.shape, self.exp.dtype)
        np.divide(self.exp, self.total * n, out=dx)
        dx[self.true] -= 1 / n
        return dx.T

    def probabilities(self, x: Array) -> Array:
        return softmax(x)


class SquaredError(LossLayer):
    """y = sigmoid(x);  error = y - onehot(t);  loss = mean of row sums of error^2 / 2.

    dx = error y (1 - y) / N.  Section 4.2.1, on outputs between 0 and 1. x (N, C), t (N,).
    """

    def forward(self, x: Array, t: Labels) -> float:
        self.y = _sigmoid(x, out=self.memory("y", x.shape, x.dtype))
        self.error = self.memory("error", x.shape, x.dtype)
        np.copyto(self.error, self.y)
        self.error[np.arange(len(t)), t] -= 1
        errors = self.error.reshape(-1)
        mean: float = np.dot(errors, errors).item() / 2 / len(x)
        return mean

    def backward(self) -> Array:
        dx = np.subtract(1, self.y, out=self.memory("dx", self.y.shape, self.y.dtype))
        dx *= self.y
        dx *= self.error
        dx /= len(dx)
        return dx

    def probabilities(self, x: Array) -> Array:
        """Return y / sum of y, by way of log y, so that no sum is 0."""
        return softmax(-np.logaddexp(0, -x))
