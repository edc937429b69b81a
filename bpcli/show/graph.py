"""a Graph in -> a drawing from left to right as in the book, text for Graphviz, or JSON, out."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from bpcli.backprop.graph import Graph
from bpcli.backprop.node import Constant, Node, Value, Variable
from bpcli.show.block import ASCII, WIDTH, digraph, leaf, quoted
from bpcli.show.number import draw_number
from bpcli.show.picture import draw_row

SHOWN = 60  # numbers of an array that are shown in full


class _Painter:
    """Draws nodes with all that leads to them; `blocks` has what is drawn already."""

    def __init__(self, graph: Graph) -> None:
        self.blocks = {
            id(node): leaf(_name(node)) for node in graph.nodes if isinstance(node, Variable)
        }

    def paint(self, node: Node) -> None:
        """Draw a node whose inputs have been drawn."""
        edges = [
            (self.blocks[id(x)], _flow(x.value), _gradient_text(x, dx))
            for x, dx in zip(node.inputs, node.passed, strict=True)
        ]
        width = max(block.arrow(value, gradient).width for block, value, gradient in edges)
        parts = [block.arrow(value, gradient, width) for block, value, gradient in edges]
        label = f"({node.symbol})"
        is_unary = len(parts) == 1
        self.blocks[id(node)] = parts[0].node(label) if is_unary else parts[0].join(parts[1], label)

    def picture(self, node: Node) -> list[str]:
        """Return the drawing of a node with its arrow to the right."""
        texts = _flow(node.value), _gradient_text(node, node.gradient)
        lines = self.blocks[id(node)].arrow(*texts).node("▶").lines
        return "\n".join(line.rstrip() for line in lines).rstrip().split("\n")


def _name(node: Variable) -> str:
    return node.name or _flow(node.value)


def _flow(value: Value) -> str:
    """Return a number, or the shape of an array."""
    return str(value.shape) if value.ndim else draw_number(float(value))


def _gradient_text(node: Node, gradient: Value) -> str:
    """Return a derivative that is a number; arrays stand below the drawing."""
    return "" if isinstance(node, Constant) or gradient.ndim else draw_number(float(gradient))


def draw_graph(graph: Graph) -> str:
    """Draw a graph that has run forward and backward.

    The values stand above the arrows, the derivatives of the output below them; of arrays it is
    their shapes, and they themselves come at the end. A name that is used more than once is drawn
    at each place with what its derivative gains on that way, and the sum is told. What would be
    wider than a terminal is drawn in pieces, which come first and are called [1], [2], ... in those
    that follow.
    """
    painter = _Painter(graph)
    pieces: list[str] = []
    for node in graph.nodes:
        if isinstance(node, Variable):
            continue
        painter.paint(node)
        widest_first = sorted(node.inputs, key=lambda x: -painter.blocks[id(x)].width)
        for x in widest_first:
            if max(map(len, painter.picture(node))) <= WIDTH:
                break
            if not isinstance(x, Variable):
                name = f"[{len(pieces) + 1}]"
                pieces.append("\n".join([f"{name} =", *painter.picture(x)]))
                painter.blocks[id(x)] = leaf(name)
                painter.paint(node)
    pieces.append("\n".join(painter.picture(graph.output)))
    inputs = [x for node in graph.nodes for x in node.inputs]
    for node in graph.nodes:
        times = sum(x is node for x in inputs)
        if isinstance(node, Variable) and times > 1:
            if node.value.ndim:
                continue  # the sum stands among the arrays
            total = draw_number(float(node.gradient))
            pieces.append(
                f"{_name(node)} is used {times} times: its derivative is the sum, {total}"
            )
    return "\n\n".join([*pieces, *_arrays(graph)])


def _arrays(graph: Graph) -> Iterator[str]:
    """Yield the arrays among the names, and the last one on the way, beside their derivatives."""
    last = [x for x in graph.output.inputs if not isinstance(x, Variable)]
    for node in [*(n for n in graph.nodes if isinstance(n, Variable)), *last]:
        if node.value.ndim:
            name = _name(node) if isinstance(node, Variable) else f"({node.symbol})"
            shown = [[f"{name} =", *_matrix(node.value)]]
            if not isinstance(node, Constant):
                shown.append(["its derivative =", *_matrix(node.gradient)])
            yield draw_row(shown, WIDTH)


def _matrix(array: Value) -> list[str]:
    """Return the lines of an array, in part if it is large."""
    with np.printoptions(precision=4, threshold=SHOWN, edgeitems=2, linewidth=WIDTH, suppress=True):
        return str(array).split("\n")


def graph_fields(graph: Graph) -> dict[str, Any]:
    """Return the JSON fields of a graph: its `nodes`, and the id of its `output`.

    A node has `op`, or `name` if it is a variable, or neither if it is a number; a number has no
    gradient, as nobody can change it.
    """
    ids = {id(node): i for i, node in enumerate(graph.nodes)}
    nodes = []
    for node in graph.nodes:
        fields: dict[str, Any] = {"id": ids[id(node)]}
        if isinstance(node, Variable):
            fields |= {} if isinstance(node, Constant) else {"name": node.name}
        else:
            fields["op"] = node.symbol.translate(ASCII)
        gradient = None if isinstance(node, Constant) else node.gradient.tolist()
        inputs = [ids[id(x)] for x in node.inputs]
        nodes.append(
            fields | {"inputs": inputs, "value": node.value.tolist(), "gradient": gradient}
        )
    return {"nodes": nodes, "output": ids[id(graph.output)]}


def graph_dot(graph: Graph) -> str:
    """Return text from which Graphviz's `dot` draws a graph."""
    ids = {id(node): i for i, node in enumerate(graph.nodes)}
    lines = []
    for node in graph.nodes:
        i = ids[id(node)]
        if isinstance(node, Variable):
            lines.append(f"{i} [label={quoted(_name(node))}, shape=plaintext]")
        else:
            lines.append(f"{i} [label={quoted(node.symbol)}]")
        for x, dx in zip(node.inputs, node.passed, strict=True):
            texts = _flow(x.value), _gradient_text(x, dx)
            lines.append(f"{ids[id(x)]} -> {i} [label={quoted(*texts)}]")
    output = graph.output
    texts = _flow(output.value), _gradient_text(output, output.gradient)
    lines += [
        'result [label="", shape=none]',
        f"{ids[id(output)]} -> result [label={quoted(*texts)}]",
    ]
    return digraph(lines)
