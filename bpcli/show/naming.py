"""the nodes of a Graph in -> what each is called, and the operation that it is, in words, out."""

from collections import Counter

from bpcli.backprop.graph import Graph
from bpcli.backprop.node import Negate, Node, Value, Variable
from bpcli.show.number import draw_number

INFIX = {"+": "+", "-": "-", "×": "·", "÷": "÷", "**": "**", "dot": "@"}


class Names:
    """What the nodes of a graph are called: by names of their own, numbers, else [1], [2], ...

    Operators and functions have these numbers in the order in which they are computed.
    """

    def __init__(self, graph: Graph) -> None:
        operators = [node for node in graph.nodes if not isinstance(node, Variable)]
        self._numbers = {id(node): f"[{i}]" for i, node in enumerate(operators, 1)}
        self._counts = Counter(node.symbol for node in operators)

    def of(self, node: Node) -> str:
        """Return what a node is called where something is computed from it."""
        return node.name or self._numbers.get(id(node)) or spell(node.value)

    def number(self, node: Node) -> str:
        """Return the number of an operator."""
        return self._numbers[id(node)]

    def call(self, node: Node) -> str:
        """Return an operation on what its inputs are called, and its own name if it has one."""
        return f"{node.name} = " * bool(node.name) + call(node, [self.of(x) for x in node.inputs])

    def head(self, node: Node) -> str:
        """Return the number of an operator, and what is computed there."""
        return f"{self.number(node)} {node.symbol} : {self.call(node)}"

    def is_one_of_several(self, node: Node) -> bool:
        """Tell whether other operators have the same symbol."""
        return self._counts[node.symbol] > 1

    def label(self, node: Node) -> str:
        """Return the symbol of an operator, with its number if it is one of several."""
        several = self.is_one_of_several(node)
        return f"{self.number(node)} {node.symbol}" if several else node.symbol

    def caption(self, node: Node) -> str:
        """Return what stands above the array of an operator: its symbol as it is drawn."""
        return self.label(node) if self.is_one_of_several(node) else f"({node.symbol})"

    def place(self, node: Node) -> str:
        """Return which operator it is; of a function that stands several times also of what."""
        several = self.is_one_of_several(node) and node.symbol not in INFIX
        return f"{self.number(node)} {self.call(node) if several else node.symbol}"


def spell(value: Value) -> str:
    """Return a number, or the shape of an array."""
    return f"{value.shape}" if value.ndim else draw_number(float(value))


def call(node: Node, inputs: list[str]) -> str:
    """Return an operation on inputs in the person's notation."""
    if node.symbol in INFIX and len(inputs) == 2:  # left and right
        return f" {INFIX[node.symbol]} ".join(inputs)
    if isinstance(node, Negate):
        return f"-{inputs[0]}"
    return f"{node.symbol}({', '.join(inputs)})"
