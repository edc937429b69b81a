"""arrays in -> arrays out, and gradients back: the layers of sections 5.5, 5.6, 6.3 and 6.4.3.

What a layer is, and what it may do, is in `layer.py`.
"""

import numpy as np

from bpcli.arrays import MATRIX, Array, Labels
from bpcli.backprop.functions import EPSILON, softmax
from bpcli.backprop.layer import Layer, LossLayer
from bpcli.errors import ArgumentError, ArrayError

BOOLEAN = np.dtype(np.bool_)
SEVERAL = "expected a mini-batch of several: the deviation of one alone is 0"


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


class BatchNormalization(Layer):
    """y = gamma normal + beta, where normal = (x - mean) / deviation.

    dx = gamma / deviation (dout - mean of dout - normal mean of dout normal),
    dgamma = sum of dout normal over the batch,  dbeta = sum of dout over the batch.

    Section 6.3; Ioffe & Szegedy 2015. x (N, M), gamma and beta (M,). While training, mean and
    deviation = sqrt(variance + epsilon) are those of each unit over the batch, N > 1, and the
    layer keeps running averages of mean and variance, by which it predicts.
    """

    def __init__(self, gamma: Array, beta: Array, momentum: float = 0.9) -> None:
        if gamma.ndim != 1 or beta.shape != gamma.shape or gamma.dtype.kind not in "fc":
            raise ArrayError(
                f"BatchNormalization: found gamma {gamma.shape} of {gamma.dtype} and beta "
                f"{beta.shape}, expected (M,) and (M,) of floating-point numbers"
            )
        super().__init__(gamma=gamma, beta=beta)
        self.momentum = momentum  # how much of a running average stays at each call of forward
        self.statistics = {"mean": np.zeros_like(gamma), "variance": np.ones_like(gamma)}

    def forward(self, x: Array) -> Array:
        if len(x) == 1:
            raise ArrayError(f"{type(self).__name__}: found one image, {SEVERAL}")
        y = self.memory("y", x.shape, x.dtype)
        mean = self._mean("mean", x)
        self.normal = np.subtract(x, mean, out=self.memory("normal", x.shape, x.dtype))
        variance = self._mean("variance", np.square(self.normal, out=y))
        self.deviation = self.memory("deviation", mean.shape, x.dtype)
        np.sqrt(np.add(variance, EPSILON, out=self.deviation), out=self.deviation)
        self.normal /= self.deviation
        self._keep(mean, variance)
        np.multiply(self.normal, self.params["gamma"], out=y)
        y += self.params["beta"]
        return y

    def predict(self, x: Array) -> Array:
        y = np.subtract(x, self.statistics["mean"], out=self.memory("y", x.shape, x.dtype))
        y *= self._scale()
        y += self.params["beta"]
        return y

    def backward(self, dout: Array) -> Array:
        self.backward_params(dout)
        return self.backward_input(dout)

    def backward_params(self, dout: Array) -> None:
        ones = self.memory("ones", (len(dout),), dout.dtype, fill=1)
        np.matmul(ones, dout, out=self.grads["beta"])
        products = self.memory("dx", dout.shape, dout.dtype)
        np.multiply(dout, self.normal, out=products)
        np.matmul(ones, products, out=self.grads["gamma"])

    def backward_input(self, dout: Array) -> Array:
        dx = np.multiply(dout, self.normal, out=self.memory("dx", dout.shape, dout.dtype))
        np.multiply(self.normal, self._mean("products", dx), out=dx)
        np.subtract(dout, dx, out=dx)
        dx -= self._mean("dout", dout)
        dx *= self.params["gamma"]
        dx /= self.deviation
        return dx

    def fold(self, W: Array, b: Array) -> tuple[Array, Array]:
        """Return W and b of the affine layer that predicts as one of this W and b and this do."""
        scale = self._scale()
        return W * scale, (b - self.statistics["mean"]) * scale + self.params["beta"]

    def _scale(self) -> Array:
        deviation = np.sqrt(self.statistics["variance"] + EPSILON)
        return np.asarray(self.params["gamma"] / deviation)

    def _keep(self, *found: Array) -> None:
        """Move the running averages a little towards mean and variance, which are used up."""
        for average, now in zip(self.statistics.values(), found, strict=True):
            average *= self.momentum
            now *= 1 - self.momentum
            average += now

    def _mean(self, name: str, x: Array) -> Array:
        """Return the mean of x over the batch: a product, as it is faster than np.mean."""
        share = self.memory("share", (len(x),), x.dtype, fill=1 / len(x))
        return np.matmul(share, x, out=self.memory(name, x.shape[1:], x.dtype))


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
