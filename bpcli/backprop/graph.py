"""nodes in -> their values, from left to right, and their gradients, from right to left.

The computational graph of sections 5.1 to 5.4. It puts nodes in order, shares what they have
computed, and multiplies the local derivatives along the way: the chain rule.

>>> apple, apple_count = Variable(100, "apple"), Variable(2, "apple_count")
>>> tax = Variable(1.1, "tax")
>>> graph = Graph(apple * apple_count * tax)
>>> round(float(graph.forward()), 10)
220.0
>>> graph.backward()
>>> round(float(apple.gradient), 10), round(float(apple_count.gradient), 10), float(tax.gradient)
(2.2, 110.0, 200.0)
"""

import numpy as np

from bpcli.arrays import Shape
from bpcli.backprop.node import Node, Value, Variable  # noqa: F401 - for the example


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

    def __repr__(self) -> str:
        return f"<Graph of {len(self.nodes)} nodes, at the end {self.output!r}>"

    def forward(self) -> Value:
        """Compute every node's value, from left to right, and return that of the output."""
        for node in self.nodes:
            node.value = node.forward()
        return self.output.value

    def output_after(self, variable: Node, step: float) -> Value:
        """Return what the output becomes if a variable is moved; the graph stays as it is."""
        values = [node.value for node in self.nodes]
        variable.value = variable.value + step
        found = self.forward()
        for node, value in zip(self.nodes, values, strict=True):
            node.value = value
        return found

    def backward(self) -> None:
        """Compute every node's gradient, from right to left, for the values of `forward`.

        What reaches a node along several ways is added up. The output's own gradient is 1.
        """
        for node in self.nodes:
            node.gradient = np.zeros_like(node.value)
        self.output.gradient = np.ones_like(self.output.value)
        for node in reversed(self.nodes):
            gradients = zip(node.inputs, node.backward(node.gradient), strict=True)
            node.passed = tuple(_sum_to(dx, x.value.shape) for x, dx in gradients)
            for x, dx in zip(node.inputs, node.passed, strict=True):
                x.gradient = x.gradient + dx


def _sum_to(gradient: Value, shape: Shape) -> Value:
    """Add up the gradient over what broadcasting has repeated: the backward of a repeat node."""
    extra = gradient.ndim - len(shape)
    repeated = [extra + i for i, n in enumerate(shape) if n == 1 and gradient.shape[extra + i] > 1]
    return np.asarray(gradient.sum(axis=(*range(extra), *repeated))).reshape(shape)
