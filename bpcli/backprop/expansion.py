"""a function that fuses several nodes in -> the graph of those out: figure 5-20, appendix A."""

from collections.abc import Callable

import numpy as np

from bpcli.backprop.functions import EPSILON, Exp, Log, Sum
from bpcli.backprop.node import Node, Value


class Rows(Node):
    """The number of rows of x, by which a mean over them divides; it gains nothing."""

    symbol = "rows"

    def forward(self) -> Value:
        return np.asarray(float(len(np.atleast_2d(self.x))))

    def backward(self, dout: Value) -> tuple[Value, ...]:  # noqa: ARG002 - x may be any numbers
        return (np.zeros_like(self.x),)


def sigmoid(x: Node) -> Node:
    """Return 1 / (1 + exp(-x)), as figure 5-20 has it: times -1, exp, plus 1, and divide."""
    return 1 / (1 + Exp(x * -1))


def affine(x: Node, W: Node, b: Node) -> Node:
    """Return x W + b of a product and a sum: figure 5-27."""
    return x @ W + b


def softmax(x: Node) -> Node:
    """Return exp(x) / sum of exp(x), by way of 1 / sum: figure A-2."""
    e = Exp(x)
    return e * (1 / Sum(e, axis=-1))


def cross_entropy(y: Node, t: Node) -> Node:
    """Return -1 / N times the sum of t log(y): figure A-4."""
    return Sum(Log(y) * t) * (-1 / Rows(t))


def softmax_with_loss(x: Node, t: Node) -> Node:
    """Return the cross entropy of softmax: figure A-5."""
    return cross_entropy(softmax(x), t)


def batch_norm(x: Node, gamma: Node, beta: Node) -> Node:
    """Return x minus its mean, over its deviation, times gamma, plus beta: section 6.3.1."""
    rows = Rows(x)
    centred = x - Sum(x, axis=0) / rows
    variance = Sum(centred**2, axis=0) / rows
    return centred / (variance + EPSILON) ** 0.5 * gamma + beta


EXPANSIONS: dict[str, Callable[..., Node]] = {
    function.__name__: function
    for function in (sigmoid, affine, batch_norm, softmax, cross_entropy, softmax_with_loss)
}
