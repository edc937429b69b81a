"""the values of a node's inputs -> its own, and its gradient -> theirs: nodes that are functions.

Section 5.5 and appendix A, as nodes of a graph; as layers of a network they are in `layers.py`.
"""

import numpy as np

from bpcli.backprop.node import Node, Operand, Value


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
