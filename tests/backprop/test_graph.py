"""The computational graph: the chapter's figures, autograd as oracle, and the layers it fuses to."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays, mutually_broadcastable_shapes

from bpcli.backprop import functions, layers
from bpcli.backprop import node as nodes
from bpcli.backprop.functions import (
    CrossEntropy,
    Exp,
    Log,
    Maximum,
    Mean,
    ReLU,
    Sigmoid,
    Softmax,
    Sum,
    Tanh,
    Transpose,
)
from bpcli.backprop.graph import Graph
from bpcli.backprop.node import (
    Add,
    Divide,
    MatMul,
    Multiply,
    Negate,
    Node,
    Power,
    Subtract,
    Variable,
)


def run(output):
    g = Graph(output)
    g.forward()
    g.backward()
    return g


def test_two_apples_and_tax():  # figures 5-2 and 5-5
    apple, apple_count, tax = Variable(100), Variable(2), Variable(1.1)
    apples = apple * apple_count
    price = run(apples * tax).output
    assert float(price.value) == pytest.approx(220)
    gradients = [float(node.gradient) for node in (apple, apple_count, tax, apples, price)]
    assert gradients == pytest.approx([2.2, 110, 200, 1.1, 1])


def test_apples_and_oranges():  # figure 5-17
    apple, apple_count, orange, orange_count, tax = map(Variable, (100, 2, 150, 3, 1.1))
    price = run((apple * apple_count + orange * orange_count) * tax).output
    assert float(price.value) == pytest.approx(715)
    gradients = [float(n.gradient) for n in (apple, apple_count, orange, orange_count, tax)]
    assert gradients == pytest.approx([2.2, 110, 3.3, 165, 650])


# Each node as a function of nodes, and the same for autograd; positive inputs suit them all.
CASES = [
    pytest.param(Add, lambda x, y: x + y, id="Add"),
    pytest.param(Subtract, lambda x, y: x - y, id="Subtract"),
    pytest.param(Multiply, lambda x, y: x * y, id="Multiply"),
    pytest.param(Divide, lambda x, y: x / y, id="Divide"),
    pytest.param(Power, lambda x, y: x**y, id="Power"),
    pytest.param(Maximum, lambda x, y: anp.where(x > y, x + 0 * y, y + 0 * x), id="Maximum"),
    pytest.param(lambda x, y: Negate(x) * y, lambda x, y: -x * y, id="Negate"),
    pytest.param(lambda x, y: Exp(x) * y, lambda x, y: anp.exp(x) * y, id="Exp"),
    pytest.param(lambda x, y: Log(x) * y, lambda x, y: anp.log(x) * y, id="Log"),
    pytest.param(lambda x, y: Sigmoid(x) * y, lambda x, y: y / (1 + anp.exp(-x)), id="Sigmoid"),
    pytest.param(lambda x, y: Tanh(x) * y, lambda x, y: anp.tanh(x) * y, id="Tanh"),
    pytest.param(lambda x, y: ReLU(x - 1) * y, lambda x, y: (x - 1) * (x > 1) * y, id="ReLU"),
    pytest.param(lambda x, y: Sum(x) * y, lambda x, y: anp.sum(x) * y, id="Sum"),
]


def test_every_node_is_a_case():
    defined = {
        name for name, member in (vars(nodes) | vars(functions)).items()
        if isinstance(member, type) and issubclass(member, Node)
    }  # fmt: skip
    own = {"Node", "Variable", "Constant", *MATRICES}  # which are tested below
    assert defined - own == {case.id for case in CASES}


def softmax_of(x):
    e = anp.exp(x)
    return e / anp.sum(e, axis=-1, keepdims=True)


# Nodes on matrices, the shapes of their inputs, and the same for autograd.
MATRICES = {
    "MatMul": (MatMul, [(3, 4), (4, 2)], lambda x, y: x @ y),
    "Mean": (Mean, [(3, 4)], anp.mean),
    "Transpose": (Transpose, [(3, 4)], lambda x: x.T),
    "Affine": (functions.Affine, [(3, 4), (4, 2), (2,)], lambda x, W, b: x @ W + b),
    "BatchNorm": (
        functions.BatchNorm, [(3, 4), (4,), (4,)],
        lambda x, gamma, beta: gamma * (x - anp.mean(x, 0)) / anp.sqrt(anp.var(x, 0) + 1e-6) + beta,
    ),
    "Softmax": (Softmax, [(3, 4)], softmax_of),
    "CrossEntropy": (CrossEntropy, [(3, 4), (3, 4)], lambda y, t: -anp.sum(t * anp.log(y)) / 3),
    "SoftmaxWithLoss": (
        functions.SoftmaxWithLoss, [(3, 4), (3, 4)],
        lambda x, t: -anp.sum(t * anp.log(softmax_of(x))) / 3,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MATRICES)
def test_nodes_on_matrices_agree_with_autograd(name, rng):
    kind, shapes, function = MATRICES[name]
    values = [rng.uniform(0.2, 2, shape) for shape in shapes]
    variables = [Variable(value) for value in values]
    weights = rng.normal(size=np.shape(function(*values)))
    output = run(Sum(kind(*variables) * weights)).output
    assert float(output.value) == pytest.approx(np.sum(function(*values) * weights))
    every = tuple(range(len(shapes)))
    expected = grad(lambda *v: anp.sum(function(*v) * weights), every)(*values)
    for variable, gradient in zip(variables, expected, strict=True):
        np.testing.assert_allclose(variable.gradient, gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("x", "y"), [((4,), (4, 2)), ((3, 4), (4,)), ((4,), (4,))])
def test_vectors_are_rows_on_the_left_and_columns_on_the_right(x, y, rng):
    values = rng.normal(size=x), rng.normal(size=y)
    variables = [Variable(value) for value in values]
    run(Sum(Exp(MatMul(*variables))))
    expected = grad(lambda x, y: anp.sum(anp.exp(anp.dot(x, y))), (0, 1))(*values)
    for variable, gradient in zip(variables, expected, strict=True):
        np.testing.assert_allclose(variable.gradient, gradient, rtol=1e-9)


@st.composite
def broadcastable(draw):
    shapes = draw(mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3)).input_shapes
    values = st.floats(0.125, 3, width=16)
    return [draw(arrays(np.float64, shape, elements=values)) for shape in shapes]


@pytest.mark.parametrize(("node", "function"), CASES)
@given(values=broadcastable(), seed=st.integers(0, 99))
def test_nodes_agree_with_autograd_and_broadcast(node, function, values, seed):
    x, y = map(Variable, values)
    z = node(x, y)
    weights = np.random.default_rng(seed).normal(size=function(*values).shape)
    output = run(Sum(z * weights)).output
    np.testing.assert_allclose(output.value, np.sum(function(*values) * weights), atol=1e-9)
    expected = grad(lambda x, y: anp.sum(function(x, y) * weights), (0, 1))(*values)
    for variable, gradient in zip((x, y), expected, strict=True):
        assert variable.gradient.shape == variable.value.shape
        np.testing.assert_allclose(variable.gradient, gradient, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_sum_over_an_axis(axis, rng):
    values = rng.normal(size=(3, 4))
    x = Variable(values)
    output = run(Sum(Exp(Sum(x, axis)))).output

    def function(x):
        return anp.sum(anp.exp(anp.sum(x, axis=axis)))

    assert float(output.value) == pytest.approx(function(values))
    np.testing.assert_allclose(x.gradient, grad(function)(values))


def test_a_value_that_is_used_twice_adds_up_its_gradients():
    x = Variable(3)
    run(x * x + x)
    assert float(x.gradient) == 7
    run(x ** Variable(2) - x / x)
    assert float(x.gradient) == pytest.approx(6)


def test_numbers_may_stand_on_either_side():
    x = Variable(2)
    run(1 + x - 3 * x / 4 + 5 / x - (6 - x) ** 2 + 2**x - (-x))
    assert float(x.gradient) == pytest.approx(1 - 0.75 - 1.25 + 8 + 4 * np.log(2) + 1)


def count_calls(node, name, calls):
    method = getattr(node, name)

    def call(*args):
        calls.append((node, name))
        return method(*args)

    setattr(node, name, call)


def test_each_node_is_visited_once_in_either_direction_inputs_first():
    x = Variable(1.5)
    shared = x * 2
    output = shared * shared + Exp(shared) / x
    nodes, calls = Graph(output).nodes, []
    for node in nodes:
        count_calls(node, "forward", calls)
        count_calls(node, "backward", calls)
    run(output)
    assert calls == [(n, "forward") for n in nodes] + [(n, "backward") for n in reversed(nodes)]
    assert all(nodes.index(x) < nodes.index(node) for node in nodes for x in node.inputs)


def test_a_graph_may_be_very_deep():
    x = node = Variable(1)
    for _ in range(20_000):
        node = node + 1
    assert float(run(node).output.value) == 20_001
    assert float(x.gradient) == 1


def test_where_maximum_is_undecided_the_second_gets_the_gradient():
    x, zero = Variable(0), Variable(0)
    run(Maximum(x, zero))
    assert (float(x.gradient), float(zero.gradient)) == (0, 1)


def test_an_array_may_stand_on_either_side():
    x = Variable([1.0, 2.0, 3.0])
    for node, symbol in (
        (np.ones(3) * x, "×"), (x * np.ones(3), "×"), (np.ones(3) + x, "+"), (np.ones(3) - x, "-"),
        (np.ones(3) / x, "÷"), (np.ones(3) ** x, "**"), (np.ones((2, 3)) @ x, "dot"),
        (np.float64(2) * x, "×"),
    ):  # fmt: skip
        assert isinstance(node, Node)
        assert node.symbol == symbol
    output = run(Sum(np.array([1.0, 10.0, 100.0]) * x)).output
    assert float(output.value) == 321
    np.testing.assert_array_equal(x.gradient, [1, 10, 100])


def test_a_node_and_a_graph_say_what_they_are():
    apple, tax = Variable(100, "apple"), Variable(1.1)
    price = apple * 2 * tax
    assert repr(price) == "<Multiply>"
    assert repr(apple) == "<Variable 'apple', value 100>"
    assert repr(run(price)) == "<Graph of 5 nodes, at the end <Multiply, value 220, gradient 1>>"
    assert repr(tax) == "<Variable, value 1.1, gradient 200>"
    assert repr(run(Variable([[1, 2]], "W") * 2).output).startswith("<Multiply, value (1, 2), grad")


def test_what_a_node_passes_on_adds_up_to_the_gradients():
    x = Variable(3)
    graph = run(x * x + x)
    pairs = [p for n in graph.nodes for p in zip(n.inputs, n.passed, strict=True)]
    ways = [dx for node, dx in pairs if node is x]
    assert [float(dx) for dx in ways] == [3, 3, 1]
    assert float(x.gradient) == sum(map(float, ways))


# A layer is a node that fuses a piece of graph.

VALUES = st.floats(-5, 5).filter(lambda value: abs(value) > 1e-3)


def matrices(*shapes):
    return st.tuples(*(arrays(np.float64, shape, elements=VALUES) for shape in shapes))


def fused_agrees(layer, pieces, x, dout):
    """Compare a layer with a graph: forward, and backward for a given `dout`."""
    value, dx = layer.forward(x.value), layer.backward(dout)
    np.testing.assert_allclose(Graph(pieces).forward(), value, atol=1e-12)
    run(Sum(pieces * dout))
    np.testing.assert_allclose(x.gradient, dx, atol=1e-11)


@given(matrices((2, 3), (2, 3)))
def test_sigmoid_is_made_of_divide_add_exp_and_multiply(arguments):  # figure 5-20
    x = Variable(arguments[0])
    fused_agrees(layers.Sigmoid(), 1 / (1 + Exp(x * -1)), x, arguments[1])


@given(matrices((2, 3), (2, 3)))
def test_tanh_and_relu_are_made_of_nodes_too(arguments):
    x = Variable(arguments[0])
    fused_agrees(layers.Tanh(), (Exp(x) - Exp(-x)) / (Exp(x) + Exp(-x)), x, arguments[1])
    fused_agrees(layers.ReLU(), Maximum(x, 0), x, arguments[1])


@given(matrices((4, 3), (3, 2), (2,), (4, 2)))
def test_affine_is_made_of_dot_and_add(arguments):  # figure 5-27
    *values, dout = arguments
    x, W, b = map(Variable, values)
    layer = layers.Affine(W.value, b.value)
    fused_agrees(layer, MatMul(x, W) + b, x, dout)
    np.testing.assert_allclose(W.gradient, layer.grads["W"], atol=1e-11)
    np.testing.assert_allclose(b.gradient, layer.grads["b"], atol=1e-11)


@given(matrices((4, 3)), st.lists(st.integers(0, 2), min_size=4, max_size=4))
def test_softmax_with_loss_is_made_of_six_kinds_of_node(arguments, labels):  # figure A-5
    x, onehot = Variable(arguments[0]), np.eye(3)[labels]
    exp = Exp(x)
    y = exp * (1 / Sum(exp, axis=1))
    loss = Sum(Log(y) * onehot) * (-1 / 4)
    layer = layers.SoftmaxWithLoss()
    value = layer.forward(arguments[0], np.array(labels))
    assert float(run(loss).output.value) == pytest.approx(value, abs=1e-12)
    np.testing.assert_allclose(x.gradient, layer.backward(), atol=1e-12)
    np.testing.assert_allclose(y.value, (layer.exp / layer.total).T, atol=1e-12)


def test_a_variable_may_be_given_another_value():
    x = Variable(3)
    graph = run(x * x)
    x.value = 5
    graph.forward()
    graph.backward()
    assert float(x.gradient) == 10
