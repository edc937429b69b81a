"""arrays in -> arrays out, and gradients back: the layers as whoever reads the chapter writes them.

They compute what those of `backprop/layers.py` do, with a new array at each step, and under the
book's names; an exercise sheet has their text.
"""

import numpy as np

from bpcli.arrays import Array, Labels


class Relu:
    def forward(self, x: Array) -> Array:
        self.mask = x > 0
        return x * self.mask

    def backward(self, dout: Array) -> Array:
        dx = dout * self.mask
        return dx


class Sigmoid:
    def forward(self, x: Array) -> Array:
        self.y = 1 / (1 + np.exp(-x))
        return self.y

    def backward(self, dout: Array) -> Array:
        dx = dout * self.y * (1 - self.y)
        return dx


class Tanh:
    def forward(self, x: Array) -> Array:
        self.y = np.tanh(x)
        return self.y

    def backward(self, dout: Array) -> Array:
        dx: Array = dout * (1 - self.y**2)
        return dx


class Affine:
    def __init__(self, W: Array, b: Array) -> None:
        self.W = W
        self.b = b

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout: Array) -> Array:
        self.dW = self.x.T @ dout
        self.db = np.sum(dout, axis=0)
        dx = dout @ self.W.T
        return dx


class SoftmaxWithLoss:
    def forward(self, x: Array, t: Labels) -> float:
        self.t = t
        exp = np.exp(x - np.max(x, axis=1, keepdims=True))
        self.y = exp / np.sum(exp, axis=1, keepdims=True)
        loss: float = -np.mean(np.log(self.y[np.arange(len(t)), t]))
        return loss

    def backward(self, dout: float = 1) -> Array:
        onehot = np.eye(self.y.shape[1])[self.t]
        dx: Array = dout * (self.y - onehot) / len(self.t)
        return dx
