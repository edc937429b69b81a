"""the values of a node's inputs -> its own, and its gradient -> theirs: the nodes of arithmetic.

Sections 5.1 to 5.4. A node knows only its own inputs and output: local computation.
"""

from typing import Union

import numpy as np
import numpy.typing as npt

from bpcli.arrays import MATRIX

Value = npt.NDArray[np.float64]
Operand = Union["Node", npt.ArrayLike]


class Node:
    """A value of the graph, a scalar or an array, computed from those of its `inputs`.

    `value` is there after the graph's forward; after its backward `gradient`, the derivative of
    the graph's output by the value and of its shape, and `passed`, what each input gains from
    here. `is_fixed` tells that no variable changes it, and so nobody asks for its derivative; it
    may have a `name` for people. Arithmetic on nodes, and on a node and an array, makes new nodes.
    """

    symbol = ""
    name = ""
    is_fixed: bool
    __array_ufunc__ = None  # so that numpy leaves `array * node` to the node

    def __init__(self, *inputs: Operand) -> None:
        self.inputs = tuple(x if isinstance(x, Node) else Constant(x) for x in inputs)
        self.is_fixed = bool(inputs) and all(x.is_fixed for x in self.inputs)
        self.value: Value = np.array(np.nan)
        self.gradient: Value = np.array(np.nan)
        self.passed: tuple[Value, ...] = ()

    def __repr__(self) -> str:
        words = [f"{type(self).__name__} {self.name!r}" if self.name else type(self).__name__]
        for word, array in (("value", self.value), ("gradient", self.gradient)):
            if array.ndim:
                words.append(f"{word} {array.shape}")
            elif not np.isnan(array):
                words.append(f"{word} {array:.6g}")
        return f"<{', '.join(words)}>"

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

    def __rmatmul__(self, other: Operand) -> "Node":
        return MatMul(other, self)

    def __neg__(self) -> "Node":
        return Negate(self)


class Variable(Node):
    """An input of the graph, with a name for people."""

    def __init__(self, value: npt.ArrayLike, name: str = "") -> None:
        super().__init__()
        self.name = name
        self.value = np.asarray(value, np.float64)

    def forward(self) -> Value:
        return np.asarray(self.value, np.float64)  # somebody may have set another

    def backward(self, dout: Value) -> tuple[Value, ...]:  # noqa: ARG002 - it ends here
        return ()


class Constant(Variable):
    """A number that stands in an expression."""

    def __init__(self, value: npt.ArrayLike, name: str = "") -> None:
        super().__init__(value, name)
        self.is_fixed = True


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
        log = np.log(np.where(self.x > 0, self.x, np.nan))
        return dx, dout * np.where(self.value == 0, 0, self.value * log)


class Negate(Node):
    """z = -x;  dx = -dz."""

    symbol = "-"

    def forward(self) -> Value:
        return -self.x

    def backward(self, dout: Value) -> tuple[Value, ...]:
        return (-dout,)


class MatMul(Node):
    """z = x y, the product of two matrices;  dx = dz y^T, dy = x^T dz.  Section 5.6.1.

    A vector x is a row, and a vector y a column.
    """

    symbol = "dot"

    def forward(self) -> Value:
        if max(self.x.ndim, self.y.ndim) > MATRIX:
            raise ValueError("expected two matrices or vectors")
        return np.asarray(self.x @ self.y)

    def backward(self, dout: Value) -> tuple[Value, ...]:
        x = np.atleast_2d(self.x)
        y = self.y if self.y.ndim > 1 else self.y[:, np.newaxis]
        dz = dout.reshape(len(x), y.shape[1])
        return (dz @ y.T).reshape(self.x.shape), (x.T @ dz).reshape(self.y.shape)
