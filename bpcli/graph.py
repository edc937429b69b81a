"""nodes in -> their values, from left to right, and their gradients, from right to left.

The computational graph of sections 5.1 to 5.4. A node knows only its own inputs and output: local
computation. The graph puts the nodes in order, shares what they have computed, and multiplies the
local derivatives along the way: the chain rule.

>>> apple, apple_count, tax = Variable(100), Variable(2), Variable(1.1)
>>> graph = Graph(apple * apple_count * tax)
>>> round(float(graph.forward()), 10)
220.0
>>> graph.backward()
>>> round(float(apple.gradient), 10), round(float(apple_count.gradient), 10), float(tax.gradient)
(2.2, 110.0, 200.0)
"""

from typing import Union

import numpy as np
import numpy.typing as npt

Value = npt.NDArray[np.float64]
Operand = Union["Node", npt.ArrayLike]


class Node:
    """A value of the graph, a scalar or an array, computed from those of its `inputs`.

    `value` is there after the graph's forward and `gradient`, the derivative of the graph's output
    by it and of its shape, after the graph's backward. Arithmetic on nodes makes new nodes.
    """

    symbol = ""

    def __init__(self, *inputs: Operand) -> None:
        self.inputs = tuple(x if isinstance(x, Node) else Constant(x) for x in inputs)
        self.value: Value = np.array(np.nan)
        self.gradient: Value = np.array(np.nan)

    @property
    def x(self) -> Value:
        """Value of the first input."""
        return self.inputs[0].value

    @property
    def y(self) -> Value:
        """Value of the second input."""
        return self.inputs[1].value

    def forward(self) -> Value:
        """Return the node's value, from those of its inputs."""
        raise NotImplementedError

    def backward(self, dout: Value) -> tuple[Value, ...]:
        """Return the gradient for each input; `dout` is that of the node's own value."""
        raise NotImplementedError

    def __add__(self, other: Operand) -> "Node":
        return Add(self, other)

    def __radd__(self, other: Operand) -> "Node":
        return Add(other, self)

    def __sub__(self, other: Operand) -> "Node":
        return Subtract(self, other)

    def __rsub__(self, other: Operand) -> "Node":
        return Subtract(other, self)

    def __mul__(self, other: Operand) -> "Node":
        return Multiply(self, other)

    def __rmul__(self, other: Operand) -> "Node":
        return Multiply(other, self)

    def __truediv__(self, other: Operand) -> "Node":
        return Divide(self, other)

    def __rtruediv__(self, other: Operand) -> "Node":
        return Divide(other, self)

    def __pow__(self, other: Operand) -> "Node":
        return Power(self, other)

    def __rpow__(self, other: Operand) -> "Node":
        return Power(other, self)

    def __matmul__(self, other: Operand) -> "Node":
        return MatMul(self, other)

    def __neg__(self) -> "Node":
        return Negate(self)


class Variable(Node):
    """An input of the graph, with a name for people."""

    def __init__(self, value: npt.ArrayLike, name: str = "") -> None:
        super().__init__()
        self.name = name
        self.value = np.asarray(value, np.float64)

    def forward(self) -> Value:
        return self.value

    def backward(self, dout: Value) -> tuple[Value, ...]:  # noqa: ARG002 - it ends here
        return ()


class Constant(Variable):
    """A number that stands in an expression."""


class Add(Node):
    """z = x + y;  dx = dz, dy = dz: the gradient passes unchanged.  Section 5.3.1."""

    symbol = "+"

    def forward(self) -> Value:
        return self.x + self.y

    def backward(self, dout: Value) -> tuple[Value, ...]:
        return dout, dout


class Subtract(Node):
    """z = x - y;  dx = dz, dy = -dz."""

    symbol = "-"

    def forward(self) -> Value:
        return self.x - self.y

    def backward(self, dout: Value) -> tuple[Value, ...]:
        return dout, -dout


class Multiply(Node):
    """z = x y;  dx = dz y, dy = dz x: each input gets the other one.  Section 5.3.2."""

    symbol = "×"

    def forward(self) -> Value:
        return self.x * self.y

    def backward(self, dout: Value) -> tuple[Value, ...]:
        return dout * self.y, dout * self.x


class Divide(Node):
    """z = x / y;  dx = dz / y, dy = -dz z / y.  Section 5.5.2 has it as 1 / x, dx = -dz z^2."""

    symbol = "÷"

    def forward(self) -> Value:
        return self.x / self.y

    def backward(self, dout: Value) -> tuple[Value, ...]:
        return dout / self.y, -dout * self.value / self.y


class Power(Node):
    """z = x^y;  dx = dz y x^(y - 1), dy = dz z log x.

    Where x < 0 a power with a fractional y is not real: dy is not a number.
    """

    symbol = "**"

    def forward(self) -> Value:
        return self.x**self.y

    def backward(self, dout: Value) -> tuple[Value, ...]:
        dx = dout * np.where(self.y == 0, 0, self.y * self.x ** (self.y - 1))
        if isinstance(self.inputs[1], Constant):  # x may be negative then, and nobody needs dy
            return dx, np.zeros_like(self.y)
        return dx, dout * np.where(self.value == 0, 0, self.value * np.log(self.x))


class Negate(Node):
    """z = -x;  dx = -dz."""

    symbol = "-"

    def forward(self) -> Value:
        return -self.x

    def backward(self, dout: Value) -> tuple[Value, ...]:
        return (-dout,)


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


class MatMul(Node):
    """z = x y, the product of two matrices;  dx = dz y^T, dy = x^T dz.  Section 5.6.1."""

    symbol = "dot"

    def forward(self) -> Value:
        return self.x @ self.y

    def backward(self, dout: Value) -> tuple[Value, ...]:
        return dout @ self.y.T, self.x.T @ dout


class Graph:
    """The nodes that `output` depends on, each once, inputs before what is computed from them."""

    def __init__(self, output: Node) -> None:
        self.output = output
        self.nodes: list[Node] = []
        # Depth first and without recursion: the deepest graph is as long as memory is.
        seen: set[int] = set()
        stack = [(output, False)]
        while stack:
            node, inputs_are_listed = stack.pop()
            if inputs_are_listed:
                self.nodes.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack += [(x, False) for x in reversed(node.inputs)]

    def forward(self) -> Value:
        """Compute every node's value, from left to right, and return that of the output."""
        for node in self.nodes:
            node.value = node.forward()
        return self.output.value

    def backward(self) -> None:
        """Compute every node's gradient, from right to left, for the values of `forward`.

        What reaches a node along several ways is added up. The output's own gradient is 1.
        """
        for node in self.nodes:
            node.gradient = np.zeros_like(node.value)
        self.output.gradient = np.ones_like(self.output.value)
        for node in reversed(self.nodes):
            gradients = node.backward(node.gradient)
            for x, dx in zip(node.inputs, gradients, strict=True):
                x.gradient = x.gradient + _sum_to(dx, x.value.shape)


def _sum_to(gradient: Value, shape: tuple[int, ...]) -> Value:
    """Add up the gradient over what broadcasting has repeated: the backward of a repeat node."""
    extra = gradient.ndim - len(shape)
    repeated = [extra + i for i, n in enumerate(shape) if n == 1 and gradient.shape[extra + i] > 1]
    return np.asarray(gradient.sum(axis=(*range(extra), *repeated))).reshape(shape)
