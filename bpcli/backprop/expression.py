"""text in -> a Graph out: arithmetic on names and numbers, and nothing else of Python.

Each kind of syntax that is not listed here is refused.
"""

import ast
import difflib
import math
import operator
from collections.abc import Callable, Mapping, Sequence

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
from bpcli.backprop.syntax import Source, Step
from bpcli.errors import ExpressionError, quote, readable

DEEPEST = 50  # levels of parentheses and functions within one another
MOST = 1000  # operators, functions, names and numbers

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
    one node. Several steps, `t = x + y; t ** 2`, are one graph, in which `steps` have names. A
    result that is an array is `summed`. With `expand`, functions that fuse several nodes, as affine
    and softmax do, are graphs of those. Raises ExpressionError where the text is not such an
    expression, a name has no value, shapes do not fit, or a value or a derivative is not a finite
    number.
    """

    def __init__(
        self, text: str, values: Mapping[str, npt.ArrayLike], *, expand: bool = False
    ) -> None:
        self.source = Source(text)
        self.values = values
        self.functions: dict[str, tuple[Function, int]] = dict(FUNCTIONS)
        if expand:
            self.functions |= {
                name: (made, FUNCTIONS[name][1]) for name, made in EXPANSIONS.items()
            }
        self.variables: dict[str, Variable] = {}
        self.steps: dict[str, Node] = {}
        self.count = 0  # of operators and functions
        self._columns: dict[int, int] = {}  # where each node stands
        self.graph = Graph([self._compute(step) for step in self.source.steps][-1])
        self._check_names()
        with np.errstate(all="ignore"):  # said in words below
            self._forward()
            self.summed = self.graph.output.value.ndim > 0
            if self.summed:
                self.graph = Graph(Sum(self.graph.output))
                self._columns[id(self.graph.output)] = 0
                self._forward()
            self.graph.backward()
            self._check_gradients()

    @property
    def underived(self) -> list[str]:
        """The names of variables by which there is no derivative: exponents of what is below 0."""
        return [v.name for v in self.variables.values() if not np.isfinite(v.gradient).all()]

    def _compute(self, step: Step) -> Node:
        """Return the node of a step; whatever has a name of its own is called so from there on."""
        node = self._node(step.tree, 0)
        if step.name in FUNCTIONS:
            self.source.refuse(step.column, f"{step.name} is a function; expected another name")
        if step.name:
            node.name = node.name or step.name
            self.steps[step.name] = node
        return node

    def _check_names(self) -> None:
        """Refuse a value, or a step, that nothing is computed from."""
        used = set(map(id, self.graph.nodes))
        for step in self.source.steps[:-1]:
            if id(self.steps[step.name]) not in used:
                self.source.refuse(
                    step.column, f"{step.name} is computed, and no later step needs it"
                )
        unused = [name for name in self.values if name not in self.variables]
        if unused:
            names = ", ".join(self.variables) or "none"
            why = f"no such name in the expression, which has {names}"
            if unused[0] in self.steps:
                why = "found a value for what the expression computes, expected none"
            raise ExpressionError(f"{readable(unused[0])}: {why}")

    def _node(self, tree: ast.expr, depth: int) -> Node:
        """Return the node of a tree. Operators that follow one another are on one level."""
        behind: list[ast.BinOp] = []
        while isinstance(tree, ast.BinOp) and type(tree.op) in OPERATORS:
            behind.append(tree)
            tree = tree.left
        if depth > DEEPEST:
            self.source.refuse(tree, f"nested more than {DEEPEST} levels deep")
        node = self._place(self._make(tree, depth + 1), tree)
        for one in reversed(behind):
            right = self._node(one.right, depth + 1)
            node = self._place(OPERATORS[type(one.op)](node, right), one)
        return node

    def _place(self, node: Node, tree: ast.expr) -> Node:
        """Note where a node stands, and return it."""
        column = self.source.column(tree)
        self.count += 1
        if self.count > MOST:
            self.source.refuse(column, f"more than {MOST} operators, functions, names and numbers")
        self._columns.setdefault(id(node), column)
        return node

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
            case ast.Name(id=name) if name in self.steps:
                return self.steps[name]
            case ast.Name(id=name):
                return self._variable(name, tree)
            case ast.Attribute(value=inner, attr="T"):
                return Transpose(self._node(inner, depth))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
                return self._call(tree, name, [self._node(argument, depth) for argument in args])
            case ast.Call(func=ast.Name(id=name)) if name not in FUNCTIONS:
                words = ", ".join(FUNCTIONS)
                self.source.refuse(tree, f"{name} is no function; expected {words}")
        words = "+ - * / **, parentheses, numbers, names, " + ", ".join(FUNCTIONS)
        hint = " (a power is written **)" if isinstance(getattr(tree, "op", 0), ast.BitXor) else ""
        hint += " (a product is written 2 * x)" * (
            isinstance(tree, ast.Call) and not isinstance(tree.func, ast.Name)
        )
        return self.source.refuse(tree, f"cannot be used here{hint}; expected {words}")

    def _number(self, tree: ast.expr, value: float) -> float:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.source.refuse(tree, "overflow: too large for a number")
        return number

    def _variable(self, name: str, tree: ast.expr) -> Variable:
        if name in FUNCTIONS:
            self.source.refuse(tree, f"{name} is a function; expected {name}(...)")
        if name not in self.values:
            near = difflib.get_close_matches(name, [*self.values, *self.steps], n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; add {name}=NUMBER"
            self.source.refuse(tree, f"{name} has no value{hint}")
        if not np.isfinite(self.values[name]).all():
            self.source.refuse(tree, f"{name} is {quote(self.values[name])}, expected a number")
        if name not in self.variables:
            self.variables[name] = Variable(self.values[name], name)
        return self.variables[name]

    def _call(self, tree: ast.expr, name: str, arguments: Sequence[Node]) -> Node:
        function, expected = self.functions[name]
        if len(arguments) != expected:
            found = f"{name} with {len(arguments)} arguments"
            self.source.refuse(tree, f"found {found}, expected {expected}")
        node = function(*arguments)
        for inner in Graph(node).nodes:  # of an expansion, whose nodes stand in no text
            self._columns.setdefault(id(inner), self.source.column(tree))
        return node

    def _forward(self) -> None:
        """Compute the values, and say where shapes do not fit or a value is not finite."""
        for node in self.graph.nodes:
            try:
                node.value = node.forward()
            except (ValueError, IndexError, np.exceptions.AxisError):
                shapes = " and ".join(_spell(x.value.shape) for x in node.inputs)
                self.source.refuse(self._columns[id(node)], f"the shapes {shapes} do not fit")
            if not np.isfinite(node.value).all():
                self.source.refuse(self._columns[id(node)], _reason(node))

    def _check_gradients(self) -> None:
        """Say where a derivative that is asked for is not finite.

        By the exponent of a number below 0 there is none; the others are there all the same.
        """
        excused = self._find_exponents() if len(self.underived) < len(self.variables) else set()
        for node in reversed(self.graph.nodes):
            if not (node.is_fixed or id(node) in excused or np.isfinite(node.gradient).all()):
                by = node.name if isinstance(node, Variable) else "this"
                self.source.refuse(
                    self._columns[id(node)], f"the derivative by {by} is not a finite number here"
                )

    def _find_exponents(self) -> set[int]:
        """Return which nodes are exponents of numbers below 0, or lead to some."""
        found: set[int] = set()
        for node in reversed(self.graph.nodes):
            if isinstance(node, Power) and (node.x < 0).any():
                found.add(id(node.inputs[1]))
            if id(node) in found:
                found |= set(map(id, node.inputs))
        return found


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
