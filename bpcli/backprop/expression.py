"""text in -> a Graph out: arithmetic on names and numbers, and nothing else of Python.

The text is parsed by Python's own parser and never run: each kind of syntax that is not listed
here is refused.
"""

import ast
import difflib
import math
import operator
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from bpcli.backprop.expansion import EXPANSIONS
from bpcli.backprop.functions import (
    Affine,
    BatchNorm,
    CrossEntropy,
    Exp,
    Log,
    Maximum,
    Mean,
    ReLU,
    Sigmoid,
    Softmax,
    SoftmaxWithLoss,
    Sum,
    Tanh,
    Transpose,
)
from bpcli.backprop.graph import Graph
from bpcli.backprop.node import Constant, Divide, MatMul, Negate, Node, Power, Variable
from bpcli.errors import ExpressionError, quote, readable, visible

SIGNS = {"×": "*", "·": "*", "÷": "/", "\N{MINUS SIGN}": "-", "²": "** 2", "³": "** 3"}
LONGEST = 2000  # characters
DEEPEST = 50  # levels of operators and functions within one another

OPERATORS: dict[type[ast.operator], Callable[[Node, Node], Node]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
}
Function = Callable[..., Node]
# The functions of the language, each with how many arguments it takes.
ARGUMENTS: dict[type[Node], int] = {
    Exp: 1,
    Log: 1,
    Sigmoid: 1,
    Tanh: 1,
    ReLU: 1,
    Maximum: 2,
    Sum: 1,
    Mean: 1,
    MatMul: 2,
    Transpose: 1,
    Affine: 3,
    BatchNorm: 3,
    Softmax: 1,
    CrossEntropy: 2,
    SoftmaxWithLoss: 2,
}
FUNCTIONS: dict[str, tuple[Function, int]] = {
    kind.symbol: (kind, count) for kind, count in ARGUMENTS.items()
}


class Expression:
    """An expression with a value for each name: a `graph` that has run forward and backward.

    `variables` has its names in the order in which they first stand; a name that stands twice is
    one node. A result that is an array is `summed`. With `expand`, functions that fuse several
    nodes, as affine and softmax do, are graphs of those. Raises ExpressionError where the text is
    not such an expression, a name has no value, shapes do not fit, or a value or a derivative is
    not a finite number.
    """

    def __init__(
        self, text: str, values: Mapping[str, npt.ArrayLike], *, expand: bool = False
    ) -> None:
        self.text = " ".join(text.split())
        self.values = values
        self.functions: dict[str, tuple[Function, int]] = dict(FUNCTIONS)
        if expand:
            self.functions |= {
                name: (made, FUNCTIONS[name][1]) for name, made in EXPANSIONS.items()
            }
        self.variables: dict[str, Variable] = {}
        self._columns: dict[int, int] = {}  # where each node stands
        self.graph = Graph(self._node(self._parse(), 0))
        unused = [name for name in values if name not in self.variables]
        if unused:
            names = ", ".join(self.variables) or "none"
            raise ExpressionError(
                f"{readable(unused[0])}: no such name in the expression, which has {names}"
            )
        with np.errstate(all="ignore"):  # said in words below
            self._forward()
            self.summed = self.graph.output.value.ndim > 0
            if self.summed:
                self.graph = Graph(Sum(self.graph.output))
                self._columns[id(self.graph.output)] = 0
                self._forward()
            self.graph.backward()
            self._check_gradients()

    def _parse(self) -> ast.expr:
        if len(self.text) > LONGEST:
            raise ExpressionError(
                f"an expression of {len(self.text):,} characters, expected at most {LONGEST:,}"
            )
        if not self.text:
            raise ExpressionError("found nothing, expected an expression")
        try:
            with warnings.catch_warnings(action="ignore"):
                return ast.parse(self.text, mode="eval").body
        except SyntaxError as error:
            column = (error.offset or 1) - 1
            sign = self.text[column : column + 1]
            hint = f"; {sign} is written {SIGNS[sign]}" if sign in SIGNS else ""
            hint += "; a product is written 2 * x" * ("decimal literal" in error.msg)
            self._refuse(column, f"not an expression: {error.msg}{hint}")
        except (ValueError, MemoryError, RecursionError):
            raise ExpressionError("not an expression: too deep, or with null characters") from None

    def _refuse(self, column: int, reason: str) -> NoReturn:
        """Raise an error that shows the expression with a caret under `column`."""
        start = max(0, column - 60)
        before, after = visible(self.text[start:column]), visible(self.text[column : start + 76])
        raise ExpressionError(reason, f"  {before}{after}", f"  {' ' * len(before)}^")

    def _node(self, tree: ast.expr, depth: int) -> Node:
        if depth > DEEPEST:
            self._refuse(self._column(tree), f"nested more than {DEEPEST} levels deep")
        node = self._make(tree, depth + 1)
        self._columns.setdefault(id(node), self._column(tree))
        return node

    def _column(self, tree: ast.expr) -> int:
        """Return where an operator, or what has none, stands, in characters and not in bytes."""
        start = tree.left.end_col_offset if isinstance(tree, ast.BinOp) else tree.col_offset
        column = len(self.text.encode()[: start or 0].decode())
        if isinstance(tree, ast.BinOp):
            rest = self.text[column:]
            column += len(rest) - len(rest.lstrip(") "))
        return column

    def _make(self, tree: ast.expr, depth: int) -> Node:
        match tree:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return Constant(self._number(tree, value))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return Constant(-self._number(tree, value))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._node(operand, depth)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Negate(self._node(operand, depth))
            case ast.Name(id=name):
                return self._variable(name, tree)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                return OPERATORS[type(op)](self._node(left, depth), self._node(right, depth))
            case ast.Attribute(value=inner, attr="T"):
                return Transpose(self._node(inner, depth))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
                return self._call(tree, name, [self._node(argument, depth) for argument in args])
            case ast.Call(func=ast.Name(id=name)) if name not in FUNCTIONS:
                self._refuse(
                    self._column(tree), f"{name} is no function; expected {', '.join(FUNCTIONS)}"
                )
        words = "+ - * / **, parentheses, numbers, names, " + ", ".join(FUNCTIONS)
        hint = " (a power is written **)" if isinstance(getattr(tree, "op", 0), ast.BitXor) else ""
        hint += " (a product is written 2 * x)" * (
            isinstance(tree, ast.Call) and not isinstance(tree.func, ast.Name)
        )
        return self._refuse(self._column(tree), f"cannot be used here{hint}; expected {words}")

    def _number(self, tree: ast.expr, value: float) -> float:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self._refuse(self._column(tree), "overflow: too large for a number")
        return number

    def _variable(self, name: str, tree: ast.expr) -> Variable:
        if name in FUNCTIONS:
            self._refuse(self._column(tree), f"{name} is a function; expected {name}(...)")
        if name not in self.values:
            near = difflib.get_close_matches(name, self.values, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; add {name}=NUMBER"
            self._refuse(self._column(tree), f"{name} has no value{hint}")
        if not np.isfinite(self.values[name]).all():
            self._refuse(
                self._column(tree), f"{name} is {quote(self.values[name])}, expected a number"
            )
        if name not in self.variables:
            self.variables[name] = Variable(self.values[name], name)
        return self.variables[name]

    def _call(self, tree: ast.expr, name: str, arguments: Sequence[Node]) -> Node:
        function, expected = self.functions[name]
        if len(arguments) != expected:
            found = f"{name} with {len(arguments)} arguments"
            self._refuse(self._column(tree), f"found {found}, expected {expected}")
        node = function(*arguments)
        for inner in Graph(node).nodes:  # of an expansion, whose nodes stand in no text
            self._columns.setdefault(id(inner), self._column(tree))
        return node

    def _forward(self) -> None:
        """Compute the values, and say where shapes do not fit or a value is not finite."""
        for node in self.graph.nodes:
            try:
                node.value = node.forward()
            except (ValueError, IndexError, np.exceptions.AxisError):
                shapes = " and ".join(_spell(x.value.shape) for x in node.inputs)
                self._refuse(self._columns[id(node)], f"the shapes {shapes} do not fit")
            if not np.isfinite(node.value).all():
                self._refuse(self._columns[id(node)], _reason(node))

    def _check_gradients(self) -> None:
        for node in reversed(self.graph.nodes):
            if not np.isfinite(node.gradient).all():
                by = node.name if isinstance(node, Variable) else "this"
                self._refuse(
                    self._columns[id(node)], f"the derivative by {by} is not a finite number here"
                )


def _spell(shape: tuple[int, ...]) -> str:
    return str(shape) if shape else "of a number"


def _reason(node: Node) -> str:
    """Say in words why the value of a node whose inputs are finite is not."""
    match node:
        case Divide() if (node.y == 0).any():
            return "division by zero"
        case Log() if (node.x <= 0).any():
            return f"log of {float(node.x.min()):g}, expected a number above 0"
        case Power():
            bad = ~np.isfinite(node.value)
            x, y = (float(np.broadcast_to(v, bad.shape)[bad][0]) for v in (node.x, node.y))
            if x == 0:
                return f"division by zero: 0 to the power {y:g}"
            if x < 0 and not y.is_integer():
                return f"{x:g} to the power {y:g} is not a real number"
        case CrossEntropy() if (node.x <= 0).any():
            return f"log of {float(node.x.min()):g}, expected probabilities above 0"
    return "overflow: the result is too large for a number"
