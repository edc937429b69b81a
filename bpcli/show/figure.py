"""a Graph, or the layers of a network, in -> symbols and arrows, whatever draws them, out.

Everything that draws takes a Figure: as characters, as SVG, as a picture, or as text for Graphviz.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bpcli.backprop.graph import Graph
from bpcli.backprop.network import LayerSpec
from bpcli.backprop.node import Constant, Node, Value, Variable
from bpcli.errors import visible
from bpcli.show.naming import Names
from bpcli.show.number import draw_matrix, draw_number, draw_shape
from bpcli.show.text import draw_row


@dataclass(frozen=True)
class Arrow:
    """What leads from the symbol number `source` into another, and the derivative on that way."""

    source: int
    derivative: str = ""


@dataclass(frozen=True)
class Symbol:
    """A node or a layer: `value` flows out of it to the right, `derivative` comes back to it.

    `kind` is `input`, `operation` or `layer`; `arrows` lead into it, the upper ones first; `below`
    is a remark under it.
    """

    label: str
    kind: str
    value: str
    derivative: str = ""
    arrows: tuple[Arrow, ...] = ()
    below: str = ""


Arrays = tuple[tuple[str, Value], ...]  # side by side, each under what it is called


@dataclass(frozen=True)
class Figure:
    """Symbols, each after those that lead into it, the output last; notes and arrays go below."""

    symbols: tuple[Symbol, ...]
    title: str
    notes: tuple[str, ...] = ()
    arrays: tuple[Arrays, ...] = ()

    @property
    def uses(self) -> list[int]:
        """How many arrows leave each symbol."""
        counts = [0] * len(self.symbols)
        for symbol in self.symbols:
            for arrow in symbol.arrows:
                counts[arrow.source] += 1
        return counts


def graph_figure(
    graph: Graph, *notes: str, numbered: bool = False, complete: bool = False
) -> Figure:
    """Return the figure of a graph; what has not run yet has no values or derivatives.

    If it is `numbered`, operators of which there are several have numbers, as the steps have them;
    if `complete`, every array on the way stands below, and else only those of names and the last.
    """
    names = Names(graph)
    told = _marked(graph, names)
    ids = {id(node): i for i, node in enumerate(graph.nodes)}
    symbols = []
    for node in graph.nodes:
        is_input = isinstance(node, Variable)
        passed = node.passed or (np.array(np.nan),) * len(node.inputs)
        symbols.append(
            Symbol(
                names.label(node)
                if not is_input and (numbered or id(node) in told)
                else _name(node),
                "input" if is_input else "operation",
                _result(node),
                _derivative(node, node.gradient),
                tuple(
                    Arrow(ids[id(x)], _derivative(x, dx))
                    for x, dx in zip(node.inputs, passed, strict=True)
                ),
            )
        )
    title = f"computational graph of {len(symbols)} nodes, whose result is {symbols[-1].value}"
    return Figure(
        tuple(symbols),
        title,
        (*notes, *_sums(graph)),
        tuple(_arrays(graph, names, complete=complete)),
    )


def entitle(figure: Figure, expression: str) -> Figure:
    """Return a figure whose title, which is read out to who cannot see it, has its expression."""
    value = figure.symbols[-1].value
    title = f"computational graph of {visible(expression)}, whose result is {value}"
    return replace(figure, title=title)


def network_figure(specs: Sequence[LayerSpec]) -> Figure:
    """Return the figure of a network: shapes on the arrows, numbers of parameters below layers."""
    symbols = [Symbol("x", "input", _images(specs[0].input))]
    for i, spec in enumerate(specs):
        below = f"{spec.parameters:,}" if spec.shapes else ""
        flow = _images(spec.output)
        symbols.append(Symbol(spec.name, "layer", flow, arrows=(Arrow(i),), below=below))
    total = f"{sum(spec.parameters for spec in specs):,} parameters"
    shapes = (f"{name} {draw_shape(s)}" for spec in specs for name, s in spec.shapes.items())
    title = f"network of {len(specs)} layers with {total}"
    return Figure(tuple(symbols), title, (f"{total}: {', '.join(shapes)}",))


def _name(node: Node) -> str:
    name = visible(node.name) if isinstance(node, Variable) else node.symbol
    return name or _flow(node.value)


def _result(node: Node) -> str:
    """Return what flows out of a node, and what somebody has called it."""
    named = node.name and not isinstance(node, Variable)
    return f"{visible(node.name)} = {_flow(node.value)}" if named else _flow(node.value)


def _flow(value: Value) -> str:
    """Return a number, or the shape of an array; nothing for what is not known yet."""
    if value.ndim:
        return str(value.shape)
    return "" if np.isnan(value) else draw_number(float(value))


def _derivative(node: Node, gradient: Value) -> str:
    """Return a derivative, or its shape; arrays stand below the drawing."""
    return "" if isinstance(node, Constant) else _flow(gradient)


def _images(shape: tuple[int, ...]) -> str:
    """Return the shape of what flows between layers for N images, or 1 for the loss."""
    return draw_shape(("N", *shape)) if shape else "1"


def _sums(graph: Graph) -> Iterator[str]:
    """Tell of each number that is used more than once that its derivatives are added up."""
    inputs = [id(x) for node in graph.nodes for x in node.inputs]
    for node in graph.nodes:
        times = inputs.count(id(node)) if isinstance(node, Variable) else 0
        if times > 1 and not node.gradient.ndim and _derivative(node, node.gradient):
            total = _derivative(node, node.gradient)
            yield f"{_name(node)} is used {times} times: its derivative is the sum, {total}"


def _marked(graph: Graph, names: Names) -> set[int]:
    """Return the ids of operators whose arrays stand below, and who need a number to be found."""
    operators = [node for node in graph.output.inputs if not isinstance(node, Variable)]
    return {id(node) for node in operators if node.value.ndim and names.is_one_of_several(node)}


def _arrays(graph: Graph, names: Names, *, complete: bool) -> Iterator[Arrays]:
    """Yield the arrays among the names, and on the way, beside their derivatives."""
    inputs = [node for node in graph.nodes if isinstance(node, Variable)]
    on_way = graph.nodes if complete else graph.output.inputs
    for node in [*inputs, *(n for n in on_way if not isinstance(n, Variable))]:
        if node.value.ndim:
            if isinstance(node, Variable):
                name = _name(node)
            else:
                name = names.head(node) if complete else names.caption(node)
            has_derivative = node.gradient.ndim and not isinstance(node, Constant)
            derivative = (("its derivative =", node.gradient),) if has_derivative else ()
            yield (f"{name} =", node.value), *derivative


def draw_arrays(figure: Figure, width: int) -> list[str]:
    """Return the arrays that go below a figure as texts of `width` characters a line."""
    return [
        draw_row([[caption, *draw_matrix(array, width)] for caption, array in arrays], width)
        for arrays in figure.arrays
    ]
