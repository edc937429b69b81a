"""the name of one of the book's modules in -> what a file imports from it, out.

People keep `common/functions.py` in the folder of the book, and their own file elsewhere. These are
functions of the same names, arguments and values, as the book describes them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]
SMALL = 1e-7  # that the book adds within its logarithm
STEP = 1e-4  # of the book's numerical gradient


def identity_function(x: Numbers) -> Numbers:
    """y = x."""
    return x


def step_function(x: Numbers) -> Numbers:
    """y = 1 where x > 0, else 0."""
    return np.asarray(x > 0, dtype=int)


def sigmoid(x: Numbers) -> Numbers:
    """y = 1 / (1 + exp(-x))."""
    return np.asarray(1 / (1 + np.exp(-x)))


def sigmoid_grad(x: Numbers) -> Numbers:
    """dy/dx = y (1 - y) of the sigmoid."""
    y = sigmoid(x)
    return np.asarray((1 - y) * y)


def relu(x: Numbers) -> Numbers:
    """y = max(0, x)."""
    return np.asarray(np.maximum(0, x))


def relu_grad(x: Numbers) -> Numbers:
    """dy/dx = 1 where x >= 0, else 0."""
    return np.where(x >= 0, 1.0, 0.0)


def softmax(x: Numbers) -> Numbers:
    """y = exp(x) / sum exp(x), over the last axis, of x less its largest."""
    powers = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def mean_squared_error(y: Numbers, t: Numbers) -> Any:
    """L = 1/2 sum (y - t)^2."""
    return 0.5 * np.sum((y - t) ** 2)


def cross_entropy_error(y: Numbers, t: Numbers) -> Any:
    """L = -sum t log(y + 1e-7) / N, of labels as numbers or as rows of 0 and 1."""
    y, t = np.atleast_2d(y), np.asarray(t)
    if t.size == y.size:
        t = t.reshape(y.shape).argmax(axis=1)
    return -np.sum(np.log(y[np.arange(len(y)), t.ravel()] + SMALL)) / len(y)


def softmax_loss(x: Numbers, t: Numbers) -> Any:
    """Cross entropy of the softmax of x."""
    return cross_entropy_error(softmax(x), t)


def numerical_gradient(f: Callable[[Numbers], Any], x: Numbers) -> Numbers:
    """Return the central differences of f by each element of x, (f(x + h) - f(x - h)) / 2h."""
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        value = x[i]
        x[i] = value + STEP
        above = f(x)
        x[i] = value - STEP
        gradient[i] = (above - f(x)) / (2 * STEP)
        x[i] = value
    return gradient


def conv_output_size(input_size: int, filter_size: int, stride: int = 1, pad: int = 0) -> float:
    """Return how many windows there are along a side."""
    return (input_size + 2 * pad - filter_size) / stride + 1


def im2col(
    input_data: Numbers, filter_h: int, filter_w: int, stride: int = 1, pad: int = 0
) -> Numbers:
    """Return the windows of pictures (N, C, H, W) as rows, (N out_h out_w, C filter_h filter_w)."""
    n, c = input_data.shape[:2]
    sides = [(0, 0), (0, 0), (pad, pad), (pad, pad)]
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(input_data, sides), (filter_h, filter_w), axis=(2, 3)
    )[:, :, ::stride, ::stride]
    out_h, out_w = windows.shape[2:4]
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(n * out_h * out_w, c * filter_h * filter_w)


def col2im(
    col: Numbers,
    input_shape: tuple[int, int, int, int],
    filter_h: int,
    filter_w: int,
    stride: int = 1,
    pad: int = 0,
) -> Numbers:
    """Return pictures (N, C, H, W) that have the sum of all windows over a pixel in its place."""
    n, c, height, width = input_shape
    out_h = (height + 2 * pad - filter_h) // stride + 1
    out_w = (width + 2 * pad - filter_w) // stride + 1
    windows = col.reshape(n, out_h, out_w, c, filter_h, filter_w).transpose(0, 3, 4, 5, 1, 2)
    # A window that does not fit in whole steps leaves a margin, which is cut off with the padding.
    image = np.zeros((n, c, height + 2 * pad + stride - 1, width + 2 * pad + stride - 1), col.dtype)
    for i in range(filter_h):
        for j in range(filter_w):
            image[:, :, i : i + stride * out_h : stride, j : j + stride * out_w : stride] += (
                windows[:, :, i, j]
            )
    return image[:, :, pad : height + pad, pad : width + pad]


FUNCTIONS = (
    identity_function,
    step_function,
    sigmoid,
    sigmoid_grad,
    relu,
    relu_grad,
    softmax,
    mean_squared_error,
    cross_entropy_error,
    softmax_loss,
)
MODULES: dict[str, dict[str, Any]] = {
    "common.functions": {function.__name__: function for function in FUNCTIONS},
    "common.gradient": {"numerical_gradient": numerical_gradient},
    "common.util": {f.__name__: f for f in (conv_output_size, im2col, col2im)},
    "common.np": {"np": np},
    "common.config": {"GPU": False},
}
for _module in ("common.functions", "common.gradient", "common.util"):
    MODULES[_module]["np"] = np  # which import * gives, too
