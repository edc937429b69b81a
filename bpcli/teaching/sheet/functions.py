"""arrays in -> arrays and a cache out, and gradients back: the layers of the chapter as functions.

Each forward returns what its backward needs beside what it computes; see `book.py`.
"""

import numpy as np

from bpcli.arrays import Array, Labels

Cache = tuple[Array, ...]


def relu_forward(x: Array) -> tuple[Array, Array]:
    return np.maximum(x, 0), x


def relu_backward(dout: Array, cache: Array) -> Array:
    x = cache
    dx = dout * (x > 0)
    return dx


def sigmoid_forward(x: Array) -> tuple[Array, Array]:
    y = 1 / (1 + np.exp(-x))
    return y, y


def sigmoid_backward(dout: Array, cache: Array) -> Array:
    y = cache
    dx = dout * y * (1 - y)
    return dx


def tanh_forward(x: Array) -> tuple[Array, Array]:
    y = np.tanh(x)
    return y, y


def tanh_backward(dout: Array, cache: Array) -> Array:
    y = cache
    dx = dout * (1 - y**2)
    return dx


def affine_forward(x: Array, W: Array, b: Array) -> tuple[Array, Cache]:
    return x @ W + b, (x, W, b)


def affine_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    x, W, _ = cache
    dx = dout @ W.T
    dW = x.T @ dout
    db = np.sum(dout, axis=0)
    return dx, dW, db


def softmax_loss_forward(x: Array, t: Labels) -> tuple[float, tuple[Array, Labels]]:
    exp = np.exp(x - np.max(x, axis=1, keepdims=True))
    y = exp / np.sum(exp, axis=1, keepdims=True)
    loss: float = -np.mean(np.log(y[np.arange(len(t)), t]))
    return loss, (y, t)


def softmax_loss_backward(dout: float, cache: tuple[Array, Labels]) -> Array:
    y, t = cache
    onehot = np.eye(y.shape[1])[t]
    dx = dout * (y - onehot) / len(t)
    return dx
