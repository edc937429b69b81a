"""Drawings of characters: any one fits a terminal and shows every node once in each piece."""

import re

from hypothesis import given
from strategies import VALUES, expressions

from bpcli.backprop.expression import Expression
from bpcli.backprop.graph import Graph, Variable
from bpcli.errors import ExpressionError
from bpcli.show import draw_figure, graph_fields, graph_figure


@given(expressions(), VALUES)
def test_any_drawing_fits_and_shows_every_node_once(text, values):
    used = {name: value for name, value in values.items() if re.search(rf"\b{name}\b", text)}
    try:
        graph = Expression(text, used).graph
    except ExpressionError:
        return
    drawn = draw_figure(graph_figure(graph), 80)
    lines = drawn.splitlines()
    assert max(map(len, lines)) <= 80
    assert not any(line != line.rstrip() for line in lines)
    operators = [node.symbol for node in graph.nodes if node.symbol]
    assert sorted(re.findall(r"\(([^()]+)\)", drawn)) == sorted(operators)
    pieces = drawn.split("\n\n")
    for name in used:
        assert all(len(re.findall(rf"^{name} ─", piece, re.M)) <= 1 for piece in pieces)
        assert any(re.search(rf"^{name} ─", piece, re.M) for piece in pieces)
    assert graph_fields(graph)["output"] == len(graph.nodes) - 1


def test_wide_expressions_are_drawn_in_pieces_and_say_why():
    graph = Expression("tanh(" * 12 + "x" + ")" * 12, {"x": 0.3}).graph
    lines = draw_figure(graph_figure(graph), 80).splitlines()
    assert [line for line in lines if line.endswith("=")] == ["[A] =", "[B] ="]
    assert [line[:6] for line in lines if line.startswith("[") and "─" in line] == [
        "[A] ──",
        "[B] ──",
    ]
    assert lines[-2:] == [
        "The whole is wider than 80 columns: [A] to [B] are drawn first, and what several",
        "pieces need stands in each.",
    ]


def test_a_library_user_may_leave_variables_without_names():
    graph = Graph(Variable(2) * Variable(3))
    graph.forward()
    graph.backward()
    assert "2 ──" in draw_figure(graph_figure(graph), 80)


def test_a_graph_that_has_not_run_has_no_values():
    x = Variable(2, "x")
    graph = Graph(x * x)
    drawn = draw_figure(graph_figure(graph), 80)
    assert "x ───┬─────┐" in drawn
    assert set(drawn.split()) == {"2", "x", "───┬─────┐", "│", "(×)──▶", "└─────┘"}


def test_a_deep_graph_of_a_library_user_is_drawn_in_pieces():
    node = x = Variable(1, "x")
    for _ in range(2000):
        node = node + x
    graph = Graph(node)
    graph.forward()
    graph.backward()
    drawn = draw_figure(graph_figure(graph), 80)
    assert drawn.count("(+)") == 2000
    assert max(map(len, drawn.splitlines())) <= 80
    assert "x is used 2001 times: its derivative is the sum, 2001" in drawn
