"""The language of `bpcli graph`: what it is, what it is not, and errors with a caret."""

import math
import re

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import FUNCTIONS, VALUES, expressions

from bpcli.backprop.expression import Expression
from bpcli.backprop.functions import EPSILON
from bpcli.errors import ExpressionError


@given(expressions(), VALUES)
def test_values_are_those_of_python_and_derivatives_those_of_differences(text, values):
    used = {name: value for name, value in values.items() if re.search(rf"\b{name}\b", text)}

    def python(**changed):
        return eval(text, {"__builtins__": {}}, FUNCTIONS | values | changed)

    try:
        expression = Expression(text, used)
    except ExpressionError as error:
        assert "^" in str(error)
        return
    expected = python()
    assert float(expression.graph.output.value) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    for name, variable in expression.variables.items():
        slopes = []
        for h in (1e-6, -1e-6):  # at a kink the derivative is that of one side
            try:
                slopes.append((python(**{name: values[name] + h}) - expected) / h)
            except (ArithmeticError, ValueError, TypeError):
                return
        if any(isinstance(slope, complex) for slope in slopes):
            return
        size = max(1.0, abs(expected), *map(abs, slopes))
        low, high = min(slopes) - 1e-3 * size, max(slopes) + 1e-3 * size
        if size < 1e3:
            assert low <= float(variable.gradient) <= high


def test_a_name_that_stands_twice_is_one_node():
    expression = Expression("x * x + x", {"x": 3})
    assert list(expression.variables) == ["x"]
    assert sum(node is expression.variables["x"] for node in expression.graph.nodes) == 1
    assert float(expression.variables["x"].gradient) == 7


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 ** 3 ** 2", 512),
        ("-2 ** 2", -4),
        ("0 ** 0", 1),
        ("(-2) ** 2", 4),
        ("7 - 2 - 1", 4),
        ("8 / 4 / 2", 1),
        ("--3", 3),
        ("sigmoid(-1000)", 0),
        ("tanh(1000)", 1),
        ("relu(-1)", 0),
        (" \n 1 +\t2\n", 3),
        ("é * 2", 4),
    ],
)
def test_values(text, value):
    values = {"é": 2} if "é" in text else {}
    assert float(Expression(text, values).graph.output.value) == value


@pytest.mark.parametrize(
    ("text", "message", "caret"),
    [
        ("a + b * 2", "b has no value; add b=NUMBER", 4),
        ("1 / (a - a)", "division by zero", 2),
        ("0 ** -1", "division by zero: 0 to the power -1", 2),
        ("2 * log(a - 3)", "log of -2, expected a number above 0", 4),
        ("log(0)", "log of 0, expected a number above 0", 0),
        ("exp(1000 * a)", "overflow: the result is too large", 0),
        ("(-a) ** 0.5", "-1 to the power 0.5 is not a real number", 5),
        ("(a - 1) ** 0.5", "the derivative by this is not a finite number here", 3),
        ("(a - 2) ** a", "the derivative by a is not a finite number here", 1),
        ("1e999", "overflow: too large for a number", 0),
        ("9" * 400, "overflow: too large for a number", 0),
        ("a ^ 2", "cannot be used here (a power is written **); expected + - * / **", 2),
        ("a // 2", "cannot be used here; expected + - * / **", 2),
        ("é + (2) @ 3", "é has no value", 0),
        ("a + (2) @ 3", "the shapes of a number and of a number do not fit", 8),
        ("a b", "not an expression: invalid syntax", 2),
        ("a * (1 + 2", "not an expression: '(' was never closed", 4),
        ("max(a)", "found max with 1 arguments, expected 2", 0),
        ("exp(a, a)", "found exp with 2 arguments, expected 1", 0),
        ("2 * exp", "exp is a function; expected exp(...)", 4),
        ("a + True", "cannot be used here", 4),
        ("a + 1j", "cannot be used here", 4),
        ("a + 'x'", "cannot be used here", 4),
        ("a if a else a", "cannot be used here", 0),
        ("a.real", "cannot be used here", 0),
        ("a[0]", "cannot be used here", 0),
        ("__import__('os').system('ls')", "cannot be used here", 0),
        ("(lambda: 1)()", "cannot be used here", 0),
        ("[a for a in a]", "cannot be used here", 0),
        ("exp(x=a)", "cannot be used here", 0),
        ("exp(*a)", "cannot be used here", 4),
        ("~a", "cannot be used here", 0),
        ("a < 2", "cannot be used here", 0),
        ("(a := 2)", "cannot be used here", 1),
    ],
)
def test_errors_point_at_the_column(text, message, caret):
    with pytest.raises(ExpressionError) as caught:
        Expression(text, {"a": 1} if re.search(r"\ba\b", text) else {})
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(message)
    assert lines[2].index("^") - 2 == min(caret, 60)
    assert lines[1].strip() == text[:76]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 1_000_000,
        "(" * 999 + "1" + ")" * 999,
        "-" * 1999 + "1",
        "exp(" * 300 + "1" + ")" * 300,
        "1" + "+1" * 900,
        "1" + "**1" * 600,
        "a." * 900 + "a",
        "[" * 1500,
        "\0",
        "",
        " ",
    ],
    ids=range(11),
)
def test_depth_and_length_are_bounded(text):
    with pytest.raises(ExpressionError) as caught:
        Expression(text, {})
    assert len(str(caught.value)) < 300


def test_a_long_expression_shows_the_part_with_the_mistake():
    with pytest.raises(ExpressionError) as caught:
        Expression("1 + " * 20 + "q" + " + 1" * 20, {})
    _, shown, caret = str(caught.value).splitlines()
    assert shown[caret.index("^")] == "q"
    assert len(shown) <= 80


@given(st.text(max_size=30))
def test_any_text_is_an_expression_or_an_error(text):
    try:
        Expression(text, {})
    except ExpressionError as error:
        assert str(error)


def test_names_that_do_not_stand_in_the_expression():
    with pytest.raises(ExpressionError, match="b: no such name in the expression, which has a"):
        Expression("a * 2", {"a": 1, "b": 2})


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_values_that_are_no_numbers_are_refused(value):
    with pytest.raises(ExpressionError, match=f"x is {value}, expected a number"):
        Expression("x * 2", {"x": value})


def test_powers_of_zero_have_derivatives():
    for text, values, slopes in (
        ("x ** 0", {"x": 0}, [0]),
        ("x ** y", {"x": 0, "y": 2}, [0, 0]),
        ("x ** y", {"x": 2, "y": 0}, [0, math.log(2)]),
    ):
        expression = Expression(text, values)
        found = [float(variable.gradient) for variable in expression.variables.values()]
        assert found == pytest.approx(slopes)


def test_sigmoid_is_exact_in_both_tails():
    for x in (-700, -40, -5, 5, 40):
        expression = Expression("log(sigmoid(x))", {"x": x})
        assert float(expression.graph.output.value) == pytest.approx(
            -np.logaddexp(0, -x), rel=1e-12
        )


def softmax(x):
    e = anp.exp(x - anp.max(x, axis=-1, keepdims=True))
    return e / anp.sum(e, axis=-1, keepdims=True)


# The language's functions of arrays, for autograd.
OF_ARRAYS = {
    "exp": anp.exp,
    "log": anp.log,
    "sigmoid": lambda x: 1 / (1 + anp.exp(-x)),
    "tanh": anp.tanh,
    "relu": lambda x: x * (x > 0),
    "max": lambda x, y: anp.where(x > y, x + 0 * y, y + 0 * x),
    "sum": anp.sum,
    "mean": anp.mean,
    "dot": anp.dot,
    "T": anp.transpose,
    "affine": lambda x, W, b: x @ W + b,
    "batch_norm": lambda x, gamma, beta: (
        (x - anp.mean(x, axis=0)) / anp.sqrt(anp.var(x, axis=0) + EPSILON) * gamma + beta
    ),
    "softmax": softmax,
    "cross_entropy": lambda y, t: -anp.sum(t * anp.log(y)) / len(y),
    "softmax_with_loss": lambda x, t: -anp.sum(t * anp.log(softmax(x))) / len(x),
}
LEAVES = [
    "x",
    "y",
    "0.5",
    "row",
    "softmax(x)",
    "dot(x, W)",
    "affine(x, W, y)",
    "x.T.T",
    "y @ T(W)",
    "batch_norm(x, row, row)",
]


@st.composite
def array_expressions(draw, depth=3):
    """An expression of arrays (3, 3), or of what is broadcast to that."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(LEAVES))
    kind = draw(st.sampled_from(["+", "-", "*", "/", "@", "max", "call", "sum", "loss"]))
    left = draw(array_expressions(depth - 1))
    if kind == "call":
        return f"{draw(st.sampled_from(['exp', 'sigmoid', 'tanh', 'relu', 'softmax']))}(x + {left})"
    if kind == "sum":
        return f"{draw(st.sampled_from(['sum', 'mean']))}({left}) * x"
    if kind == "loss":
        return f"softmax_with_loss(x - {left}, t) + cross_entropy(softmax({left} + y), t) * x"
    right = draw(array_expressions(depth - 1))
    if kind == "/":
        return f"({left}) / (1 + sigmoid({right}))"
    if kind == "@":
        return f"(x + {left}) @ (y + {right})"
    return f"max({left}, {right})" if kind == "max" else f"({left}) {kind} ({right})"


@pytest.mark.parametrize("expand", [False, True])
@given(array_expressions(), st.integers(0, 9))
def test_derivatives_by_arrays_are_those_of_autograd(expand, text, seed):
    rng = np.random.default_rng(seed)
    values = {name: rng.normal(size=(3, 3)) / 2 for name in ("x", "y", "W")}
    values |= {"row": rng.normal(size=3), "t": np.eye(3)[rng.integers(0, 3, 3)]}
    used = {name: v for name, v in values.items() if re.search(rf"(?<!\.)\b{name}\b", text)}
    python = re.sub(r"\bT\(", "transpose(", text)

    def function(*arrays):
        names = OF_ARRAYS | {"transpose": anp.transpose} | dict(zip(used, arrays, strict=True))
        return anp.sum(eval(python, {"__builtins__": {}}, names))

    try:
        expression = Expression(text, used, expand=expand)
    except ExpressionError as error:
        assert "overflow" in str(error) or "not a finite number" in str(error)
        return
    arguments = list(used.values())
    result = function(*arguments)
    assert float(expression.graph.output.value) == pytest.approx(result, rel=1e-9, abs=1e-9)
    expected = autograd.grad(function, tuple(range(len(used))))(*arguments) if used else ()
    for name, gradient in zip(used, expected, strict=True):
        found = expression.variables[name].gradient
        np.testing.assert_allclose(found, gradient, rtol=1e-7, atol=1e-8, err_msg=f"{text}: {name}")


@pytest.mark.parametrize(
    ("text", "values", "message", "caret"),
    [
        ("1 + dot(x, W)", {"x": [1, 2, 3], "W": [[1, 2]]}, "the shapes (3,) and (1, 2) do not fit", 4),
        ("x + y", {"x": [1, 2], "y": [1, 2, 3]}, "the shapes (2,) and (3,) do not fit", 2),
        ("log(x)", {"x": [1, -2]}, "log of -2, expected a number above 0", 0),
        ("1 / x", {"x": [1, 0]}, "division by zero", 2),
        ("x ** 0.5", {"x": [[1, -4]]}, "-4 to the power 0.5 is not a real number", 2),
        ("cross_entropy(x, t)", {"x": [0.0, 1], "t": [1, 0]}, "log of 0, expected probabilities above 0", 0),
        ("batch_norm(x, g, g)", {"x": [[1, 2]], "g": [1, 1]}, "the shapes (1, 2) and (2,) and (2,) do not fit", 0),
        ("2 * batch_norm(x, g, 2)", {"x": [[1], [2]], "g": [1, 2]}, "the shapes (2, 1) and (2,) and of a number do not fit", 4),
        ("affine(x, x)", {"x": 1}, "found affine with 2 arguments, expected 3", 0),
    ],
)  # fmt: skip
def test_errors_of_arrays_point_at_the_column(text, values, message, caret):
    with pytest.raises(ExpressionError) as caught:
        Expression(text, values)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(message)
    assert lines[2].index("^") - 2 == caret


def test_a_result_that_is_an_array_is_summed():
    assert Expression("x", {"x": [1, 2]}).summed
    assert not Expression("sum(x)", {"x": [1, 2]}).summed
    assert float(Expression("x * 2", {"x": [1, 2]}).graph.output.value) == 6
