"""a Graph or a Network in -> text out: a drawing from left to right as in the book, DOT, JSON."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bpcli.graph import Constant, Graph, Node, Variable
from bpcli.layers import Array
from bpcli.network import Network

WIDTH = 80  # columns of a terminal
LARGEST_WHOLE = 1e15  # above it float64 has no digit for each unit
ASCII = str.maketrans("─│┐┘▶×÷", "-|++>*/")


def number_text(value: float) -> str:
    """Return a number as a person would write it, to six digits.

    >>> [number_text(x) for x in (2.2000000000000002, 220.00000000000003, 1 / 3, 1234567, 1.5e-7)]
    ['2.2', '220', '0.333333', '1234567', '1.5e-07']
    """
    if value == int(value) and abs(value) < LARGEST_WHOLE:
        return str(int(value))
    return f"{value:.6g}"


def draw(drawn: Graph | Network) -> str:
    """Draw a graph of scalars that has run forward and backward, or a network.

    In a graph the values stand above the arrows, the derivatives of the output below them; a name
    that is used more than once is drawn at each place with what its derivative gains on that way,
    and the sum is told at the end. What would be wider than a terminal is drawn in pieces, which
    come first and are called [1], [2], ... in those that follow. In a network the shapes stand
    above the arrows, the numbers of parameters below the layers.
    """
    return _draw_graph(drawn) if isinstance(drawn, Graph) else _draw_network(drawn)


def to_fields(drawn: Graph | Network) -> dict[str, Any]:
    """Return the JSON fields of a graph or a network.

    A graph has `nodes` and the id of its `output`. A node has `op`, or `name` if it is a variable,
    or neither if it is a number; a number has no gradient, as nobody can change it. A network has
    its `layers` in order and the number of its `parameters`.
    """
    return _fields_graph(drawn) if isinstance(drawn, Graph) else _fields_network(drawn)


def to_dot(drawn: Graph | Network) -> str:
    """Return text from which Graphviz's `dot` draws a graph or a network."""
    return _dot_graph(drawn) if isinstance(drawn, Graph) else _dot_network(drawn)


class Block:
    """A piece of drawing: lines of one length; an arrow leaves to the right at line `exit`."""

    def __init__(self, lines: Sequence[str], exit_line: int) -> None:
        self.lines = list(lines)
        self.exit = exit_line
        self.width = len(self.lines[0])

    def beside(self, column: Sequence[str], exit_line: int) -> "Block":
        """Return this block with a column of as many lines to its right."""
        lines = [left + right for left, right in zip(self.lines, column, strict=True)]
        return Block(lines, exit_line)

    def arrow(self, above: str, below: str, width: int = 0) -> "Block":
        """Add an arrow with a text above and one below it, to at least `width` in all."""
        shown = max(len(above), len(below)) + 2
        length = max(shown, width - self.width)
        column = [" " * length] * len(self.lines)
        column[self.exit - 1] = above.center(shown).ljust(length)
        column[self.exit] = "─" * length
        column[self.exit + 1] = below.center(shown).ljust(length)
        return self.beside(column, self.exit)

    def node(self, label: str, below: str = "") -> "Block":
        """Lead the arrow into a node."""
        column = [" " * len(label)] * len(self.lines)
        column[self.exit] = label
        column[self.exit + 1] = below.center(len(label))
        return self.beside(column, self.exit)

    def join(self, lower: "Block", label: str) -> "Block":
        """Lead the arrows of this block and of a block below it, of equal width, into a node."""
        top, bottom = self.exit, len(self.lines) + lower.exit
        middle = (top + bottom) // 2
        stem, rest = "─" * (len(label) // 2), " " * (len(label) - len(label) // 2 - 1)
        column = [" " * len(label)] * (len(self.lines) + len(lower.lines))
        for i in range(top, bottom + 1):
            column[i] = " " * len(stem) + "│" + rest
        column[top], column[middle], column[bottom] = stem + "┐" + rest, label, stem + "┘" + rest
        return Block([*self.lines, *lower.lines], middle).beside(column, middle)


def leaf(name: str) -> Block:
    """Return the block of an input: its name, with room for the texts beside its arrow."""
    room = " " * (len(name) + 1)
    return Block([room, f"{name} ", room], 1)


class _Painter:
    """Draws nodes with all that leads to them; `blocks` has what is drawn already."""

    def __init__(self, graph: Graph) -> None:
        self.blocks = {
            id(node): leaf(_name(node)) for node in graph.nodes if isinstance(node, Variable)
        }

    def paint(self, node: Node) -> None:
        """Draw a node whose inputs have been drawn."""
        edges = [
            (self.blocks[id(x)], number_text(float(x.value)), _gradient_text(x, float(dx)))
            for x, dx in zip(node.inputs, node.backward(node.gradient), strict=True)
        ]
        width = max(block.arrow(value, gradient).width for block, value, gradient in edges)
        parts = [block.arrow(value, gradient, width) for block, value, gradient in edges]
        label = f"({node.symbol})"
        is_unary = len(parts) == 1
        self.blocks[id(node)] = parts[0].node(label) if is_unary else parts[0].join(parts[1], label)

    def picture(self, node: Node) -> list[str]:
        """Return the drawing of a node with its arrow to the right."""
        texts = number_text(float(node.value)), _gradient_text(node, float(node.gradient))
        lines = self.blocks[id(node)].arrow(*texts).node("▶").lines
        return "\n".join(line.rstrip() for line in lines).rstrip().split("\n")


def _name(node: Variable) -> str:
    return node.name or number_text(float(node.value))


def _gradient_text(node: Node, gradient: float) -> str:
    return "" if isinstance(node, Constant) else number_text(gradient)


def _draw_graph(graph: Graph) -> str:
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
            total = number_text(float(node.gradient))
            pieces.append(
                f"{_name(node)} is used {times} times: its derivative is the sum, {total}"
            )
    return "\n\n".join(pieces)


def _draw_network(network: Network) -> str:
    rows, row = [], leaf("x")
    for step in _steps(network):
        label, below = f"({step.name})", f"{step.parameters:,}" if step.parameters else ""
        longer = row.arrow(step.input, "").node(label, below)
        if longer.arrow(step.output, "").node("▶").width > WIDTH:
            rows.append(row.arrow(step.input, "").node("▶"))
            longer = leaf("").arrow(step.input, "").node(label, below)
        row = longer
    rows.append(row.arrow(step.output, "").node("▶"))
    arrays = (f"{name} {shape_text(array.shape)}" for name, array in network.arrays.items())
    total = f"{network.parameters.size:,} parameters: {', '.join(arrays)}"
    lines = "\n".join(line.rstrip() for block in rows for line in block.lines)
    return f"{lines.rstrip()}\n\n{textwrap.fill(total, WIDTH, break_on_hyphens=False)}"


@dataclass(frozen=True)
class _Step:
    """A layer's name, the shapes of what it takes and returns, its number of parameters."""

    name: str
    input: str
    output: str
    parameters: int


def _steps(network: Network) -> Iterator[_Step]:
    x = np.zeros((1, len(network.arrays["W1"])), network.parameters.dtype)
    for name, layer in zip(network.names, network.layers, strict=True):
        y = layer.forward(x)
        parameters = sum(array.size for array in layer.params.values())
        yield _Step(name, _rows(x), _rows(y), parameters)
        x = y
    yield _Step(type(network.loss_layer).__name__, _rows(x), "1", 0)


def _rows(x: Array) -> str:
    return shape_text(("N", *x.shape[1:]))


def shape_text(shape: Sequence[int | str]) -> str:
    """Return the shape of an array as people write it, such as 784×50."""
    return "×".join(map(str, shape))


def _fields_graph(graph: Graph) -> dict[str, Any]:
    ids = {id(node): i for i, node in enumerate(graph.nodes)}
    nodes = []
    for node in graph.nodes:
        fields: dict[str, Any] = {"id": ids[id(node)]}
        if isinstance(node, Variable):
            fields |= {} if isinstance(node, Constant) else {"name": node.name}
        else:
            fields["op"] = node.symbol.translate(ASCII)
        gradient = None if isinstance(node, Constant) else float(node.gradient)
        inputs = [ids[id(x)] for x in node.inputs]
        nodes.append(fields | {"inputs": inputs, "value": float(node.value), "gradient": gradient})
    return {"nodes": nodes, "output": ids[id(graph.output)]}


def _fields_network(network: Network) -> dict[str, Any]:
    layers = [asdict(step) for step in _steps(network)]
    return {"layers": layers, "parameters": network.parameters.size}


def _dot_graph(graph: Graph) -> str:
    ids = {id(node): i for i, node in enumerate(graph.nodes)}
    lines = []
    for node in graph.nodes:
        i = ids[id(node)]
        if isinstance(node, Variable):
            lines.append(f"{i} [label={_quoted(_name(node))}, shape=plaintext]")
        else:
            lines.append(f"{i} [label={_quoted(node.symbol)}]")
        for x, dx in zip(node.inputs, node.backward(node.gradient), strict=True):
            texts = number_text(float(x.value)), _gradient_text(x, float(dx))
            lines.append(f"{ids[id(x)]} -> {i} [label={_quoted(*texts)}]")
    output = graph.output
    texts = number_text(float(output.value)), _gradient_text(output, float(output.gradient))
    lines += [
        'result [label="", shape=none]',
        f"{ids[id(output)]} -> result [label={_quoted(*texts)}]",
    ]
    return _digraph(lines)


def _dot_network(network: Network) -> str:
    lines = ['x [label="x", shape=plaintext]', 'loss [label="loss", shape=plaintext]']
    previous = "x"
    for step in _steps(network):
        texts = (step.name, f"{step.parameters:,} parameters" if step.parameters else "")
        lines.append(f"{step.name} [label={_quoted(*texts)}, shape=box]")
        lines.append(f"{previous} -> {step.name} [label={_quoted(step.input)}]")
        previous = step.name
    return _digraph([*lines, f'{previous} -> loss [label="1"]'])


def _digraph(lines: Sequence[str]) -> str:
    body = "".join(f"  {line};\n" for line in ["rankdir=LR", "node [shape=circle]", *lines])
    return f"digraph {{\n{body}}}"


def _quoted(*lines: str) -> str:
    return '"' + "\\n".join(line.replace('"', '\\"') for line in lines if line) + '"'
