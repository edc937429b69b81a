"""the values of a node's inputs -> its own, and its gradient -> theirs: nodes that are functions.

Section 5.5 and appendix A, as nodes of a graph; as layers of a network they are in `layers.py`.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import MATRIX
from bpcli.backprop.node import Node, Operand, Value

EPSILON = 1e-6  # keeps a deviation from being 0, as in the book's batch normalisation


class Exp(Node):
    """z = exp(x);  dx = dz z."""

    symbol = "exp"

    def forward(self) -> Value:
        return np.exp(self.x)

    def backward(self, dout: Value) -> tuple[Value, ...]:
        return (dout * self.value,)


class Log(Node):
    """z = log(x);  dx = dz / x."""

    symbol = "log"

    def forward(self) -> Value:
        return np.log(self.x)

    def backward(self, dout: Value) -> tuple[Value, ...]:
        return (dout / self.x,)


class Sigmoid(Node):
    """z = 1 / (1 + exp(-x));  dx = dz z (1 - z).  Section 5.5.2, figure 5-22."""

    symbol = "sigmoid"

    def forward(self) -> Value:
        return np.exp(-np.logaddexp(0, -self.x))  # exact in both tails, and cannot overflow

    def backward(self, dout: Value) -> tuple[Value, ...]:
        return (dout * self.value * (1 - self.value),)


class Tanh(Node):
    """z = tanh(x);  dx = dz (1 - z^2)."""

    symbol = "tanh"

    def forward(self) -> Value:
        return np.tanh(self.x)

    def backward(self, dout: Value) -> tuple[Value, ...]:
        return (dout * (1 - self.value**2),)


class ReLU(Node):
    """z = max(x, 0);  dx = dz where x > 0, else 0.  Section 5.5.1."""

    symbol = "relu"

    def forward(self) -> Value:
        return np.maximum(self.x, 0)

    def backward(self, dout: Value) -> tuple[Value, ...]:
        return (dout * (self.x > 0),)


class Maximum(Node):
    """z = max(x, y);  the gradient goes to the larger one, to y where they are equal."""

    symbol = "max"

    def forward(self) -> Value:
        return np.maximum(self.x, self.y)

    def backward(self, dout: Value) -> tuple[Value, ...]:
        return np.where(self.x > self.y, dout, 0), np.where(self.x > self.y, 0, dout)


class Sum(Node):
    """z = sum of x over `axis`, kept with length 1;  dx = dz for each summand.

    Without `axis`, over all axes, and z is a scalar. Figure A-3: the gradient is repeated.
    """

    symbol = "sum"

    def __init__(self, x: Operand, axis: int | None = None) -> None:
        super().__init__(x)
        self.axis = axis

    def forward(self) -> Value:
        return np.asarray(self.x.sum(axis=self.axis, keepdims=self.axis is not None))

    def backward(self, dout: Value) -> tuple[Value, ...]:
        return (np.broadcast_to(dout, self.x.shape),)


class Mean(Node):
    """z = mean of x;  dx = dz / n for each of its n numbers."""

    symbol = "mean"

    def forward(self) -> Value:
        return np.asarray(self.x.mean())

    def backward(self, dout: Value) -> tuple[Value, ...]:
        return (np.broadcast_to(dout / self.x.size, self.x.shape),)


class Transpose(Node):
    """z = x^T;  dx = dz^T."""

    symbol = "T"

    def forward(self) -> Value:
        return self.x.T

    def backward(self, dout: Value) -> tuple[Value, ...]:
        return (dout.T,)


class Affine(Node):
    """z = x W + b;  dx = dz W^T, dW = x^T dz, db = sum of dz over the rows.  Section 5.6.2."""

    symbol = "affine"

    def forward(self) -> Value:
        _expect(self.x.ndim <= MATRIX == self.y.ndim, "x W + b")
        product = np.asarray(self.x @ self.y)
        value = np.asarray(product + self.inputs[2].value)
        _expect(value.shape == product.shape, "a bias for each column")
        return value

    def backward(self, dout: Value) -> tuple[Value, ...]:
        x, dz = np.atleast_2d(self.x), np.atleast_2d(dout)
        return (dz @ self.y.T).reshape(self.x.shape), x.T @ dz, dout  # broadcasting is the graph's


class BatchNorm(Node):
    """z = normal gamma + beta, where normal = (x - mean) / deviation.

    dx = (g - mean of g - normal mean of g normal) / deviation, where g = dz gamma;
    dgamma = sum of dz normal over the rows, dbeta = sum of dz.  Section 6.3; Ioffe & Szegedy 2015.
    Means and the deviation, sqrt(variance + epsilon), are those of each column of x (N, D).
    """

    symbol = "batch_norm"

    def forward(self) -> Value:
        _expect(self.x.ndim == MATRIX and len(self.x) > 1, "a row for each of several images")
        self.deviation = np.sqrt(self.x.var(axis=0) + EPSILON)
        self.normal = (self.x - self.x.mean(axis=0)) / self.deviation
        value = np.asarray(self.normal * self.y + self.inputs[2].value)
        _expect(value.shape == self.x.shape, "a gamma and a beta for each column")
        return value

    def backward(self, dout: Value) -> tuple[Value, ...]:
        g = dout * self.y
        dx = g - g.mean(axis=0) - self.normal * (g * self.normal).mean(axis=0)
        return dx / self.deviation, dout * self.normal, dout  # sums over rows are the graph's


def softmax(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return exp(x) / sum of exp(x) along the last axis, whose largest x is taken off first.

    So no exp can overflow.  Section 3.5.2.
    """
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


class Softmax(Node):
    """z = exp(x) / sum of exp(x), in each row;  dx = z (dz - sum of dz z).  Section 3.5."""

    symbol = "softmax"

    def forward(self) -> Value:
        return softmax(self.x)

    def backward(self, dout: Value) -> tuple[Value, ...]:
        z = self.value
        return (z * (dout - (dout * z).sum(axis=-1, keepdims=True)),)


class CrossEntropy(Node):
    """z = -sum of t log(y) / N;  dy = -dz t / (y N), dt = -dz log(y) / N.  Section 4.2.2.

    N is the number of rows, 1 for a vector; t is one-hot, or probabilities.
    """

    symbol = "cross_entropy"

    def forward(self) -> Value:
        _expect(self.x.shape == self.y.shape, "a probability for each class")
        logs = np.log(self.x, where=self.y != 0, out=np.zeros(np.broadcast(self.x, self.y).shape))
        return np.asarray(-(self.y * logs).sum() / len(np.atleast_2d(self.x)))

    def backward(self, dout: Value) -> tuple[Value, ...]:
        rows = len(np.atleast_2d(self.x))
        return -dout * self.y / self.x / rows, -dout * np.log(self.x) / rows


class SoftmaxWithLoss(Node):
    """z = cross entropy of y = softmax(x) and t;  dx = dz (y - t) / N.  Section 5.6.3."""

    symbol = "softmax_with_loss"

    def forward(self) -> Value:
        _expect(self.x.shape == self.y.shape, "a probability for each class")
        x = self.x - self.x.max(axis=-1, keepdims=True)
        logs = x - np.log(np.exp(x).sum(axis=-1, keepdims=True))
        self.logs = logs
        return np.asarray(-(self.y * logs).sum() / len(np.atleast_2d(x)))

    def backward(self, dout: Value) -> tuple[Value, ...]:
        rows, total = len(np.atleast_2d(self.x)), self.y.sum(axis=-1, keepdims=True)
        return dout * (np.exp(self.logs) * total - self.y) / rows, -dout * self.logs / rows


def _expect(fits: bool, what: str) -> None:
    if not fits:
        raise ValueError(f"expected shapes for {what}")
