"""Drawings of graphs: any one fits a terminal and shows every operator."""

import re

from hypothesis import given
from strategies import VALUES, expressions

from bpcli.backprop.expression import Expression
from bpcli.backprop.graph import Graph, Variable
from bpcli.errors import ExpressionError
from bpcli.show.graph import draw_graph, graph_dot, graph_fields


def test_dot_has_a_line_for_each_node_and_arrow():
    text = graph_dot(Expression("x * y + x", {"x": 2, "y": 3}).graph)
    assert '0 [label="x", shape=plaintext];' in text
    assert text.count("->") == 5
    assert '3 -> result [label="8\\n1"];' in text
    assert '[label="2\\n3"]' in text


@given(expressions(), VALUES)
def test_any_drawing_fits_and_shows_every_operator(text, values):
    used = {name: value for name, value in values.items() if re.search(rf"\b{name}\b", text)}
    try:
        graph = Expression(text, used).graph
    except ExpressionError:
        return
    lines = draw_graph(graph).splitlines()
    assert max(map(len, lines)) <= 80
    assert not any(line != line.rstrip() for line in lines)
    operators = [node.symbol for node in graph.nodes if node.symbol]
    assert sorted(re.findall(r"\(([^()]+)\)", "\n".join(lines))) == sorted(operators)
    assert graph_fields(graph)["output"] == len(graph.nodes) - 1


def test_wide_expressions_are_drawn_in_pieces():
    lines = draw_graph(Expression("tanh(" * 12 + "x" + ")" * 12, {"x": 0.3}).graph).splitlines()
    assert [line for line in lines if line.endswith("=")] == ["[1] =", "[2] ="]
    assert [line[:6] for line in lines if line.startswith("[") and "─" in line] == [
        "[1] ──",
        "[2] ──",
    ]


def test_a_library_user_may_leave_variables_without_names():
    graph = Graph(Variable(2) * Variable(3))
    graph.forward()
    graph.backward()
    assert "2 ──" in draw_graph(graph)
