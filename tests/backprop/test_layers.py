"""The layers against HIPS autograd and against their formulas in high precision."""

import inspect

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import elementwise_grad, grad
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bpcli.backprop import layers
from bpcli.backprop.functions import EPSILON
from bpcli.backprop.layers import (
    Affine,
    BatchNormalization,
    Dropout,
    Layer,
    ReLU,
    Sigmoid,
    SoftmaxWithLoss,
    SquaredError,
    Tanh,
)
from bpcli.errors import ArrayError

# Each activation, and the same function as autograd differentiates it.
ACTIVATIONS = [
    pytest.param(ReLU, lambda x: anp.where(x > 0, x, 0.0), id="ReLU"),
    pytest.param(Sigmoid, lambda x: 1 / (1 + anp.exp(-x)), id="Sigmoid"),
    pytest.param(Tanh, anp.tanh, id="Tanh"),
]
# Away from 0, where ReLU has no derivative.
VALUES = st.floats(-20, 20).filter(lambda value: abs(value) > 1e-3)


def matrix(n, m):
    return arrays(np.float64, (n, m), elements=VALUES)


@st.composite
def x_and_dout(draw):
    n, m = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    return draw(matrix(n, m)), draw(matrix(n, m))


@st.composite
def affine_arguments(draw):
    n, d, m = (draw(st.integers(1, 5)) for _ in range(3))
    return [draw(matrix(n, d)), draw(matrix(d, m)), draw(matrix(1, m))[0], draw(matrix(n, m))]


@st.composite
def logits_and_labels(draw):
    n, classes = draw(st.integers(1, 5)), draw(st.integers(2, 6))
    labels = st.lists(st.integers(0, classes - 1), min_size=n, max_size=n)
    return draw(matrix(n, classes)), np.array(draw(labels))


@pytest.mark.parametrize(("layer", "function"), ACTIVATIONS)
@given(x_and_dout())
def test_activations_agree_with_autograd(layer, function, arguments):
    x, dout = arguments
    layer = layer()
    np.testing.assert_allclose(layer.forward(x), function(x), rtol=1e-12, atol=1e-15)
    expected = elementwise_grad(function)(x) * dout
    np.testing.assert_allclose(layer.backward(dout), expected, rtol=1e-9, atol=1e-13)


@given(affine_arguments())
def test_affine_agrees_with_autograd(arguments):
    x, W, b, dout = arguments

    def weighted(x, W, b):
        return anp.sum((anp.dot(x, W) + b) * dout)

    layer = Affine(W, b)
    np.testing.assert_allclose(layer.forward(x), np.dot(x, W) + b, atol=1e-9)
    dx, dW, db = grad(weighted, (0, 1, 2))(x, W, b)
    np.testing.assert_allclose(layer.backward(dout), dx, atol=1e-9)
    np.testing.assert_allclose(layer.grads["W"], dW, atol=1e-9)
    np.testing.assert_allclose(layer.grads["b"], db, atol=1e-9)


@st.composite
def batch_norm_arguments(draw):
    n, m = draw(st.integers(2, 5)), draw(st.integers(1, 5))
    x, dout = draw(matrix(n, m)), draw(matrix(n, m))
    return [x, draw(matrix(1, m))[0], draw(matrix(1, m))[0], dout]


def normalise(x, gamma, beta):
    deviation = anp.sqrt(anp.mean((x - anp.mean(x, axis=0)) ** 2, axis=0) + EPSILON)
    return gamma * (x - anp.mean(x, axis=0)) / deviation + beta


@given(batch_norm_arguments())
def test_batch_normalisation_agrees_with_autograd(arguments):
    """Also where some images are alike, and so units are the same for all of them."""
    x, gamma, beta, dout = arguments
    layer = BatchNormalization(gamma, beta)
    np.testing.assert_allclose(layer.forward(x), normalise(x, gamma, beta), rtol=1e-7, atol=1e-9)
    expected = grad(lambda *args: anp.sum(normalise(*args) * dout), (0, 1, 2))(x, gamma, beta)
    near = {"rtol": 1e-6, "atol": 1e-8 * (1 + np.abs(expected[0]).max())}
    np.testing.assert_allclose(layer.backward(dout), expected[0], **near)
    np.testing.assert_allclose(layer.grads["gamma"], expected[1], **near)
    np.testing.assert_allclose(layer.grads["beta"], expected[2], **near)
    np.testing.assert_allclose(layer.backward_input(dout), expected[0], **near)


def test_batch_normalisation_predicts_by_running_averages(rng):
    layer = BatchNormalization(rng.normal(size=6), rng.normal(size=6))
    mean, variance = np.zeros(6), np.ones(6)
    for _ in range(30):
        x = rng.normal(3, 2, size=(50, 6))
        before = layer.predict(x).copy()
        scale = layer.params["gamma"] / np.sqrt(variance + EPSILON)
        np.testing.assert_allclose(before, (x - mean) * scale + layer.params["beta"])
        layer.forward(x)
        mean, variance = 0.9 * mean + 0.1 * x.mean(axis=0), 0.9 * variance + 0.1 * x.var(axis=0)
        np.testing.assert_allclose(layer.statistics["mean"], mean)
        np.testing.assert_allclose(layer.statistics["variance"], variance)
    alone = layer.predict(x[:1]).copy()  # whatever else is asked for beside it
    np.testing.assert_array_equal(layer.predict(x)[:1], alone)


def test_batch_normalisation_wants_several_images_to_learn_from(rng):
    layer = BatchNormalization(np.ones(3), np.zeros(3))
    with pytest.raises(ArrayError, match="found one image, expected a mini-batch of several"):
        layer.forward(rng.normal(size=(1, 3)))
    assert layer.predict(rng.normal(size=(1, 3))).shape == (1, 3)
    for method in (layer.forward, layer.predict):
        with pytest.raises(
            ArrayError, match=r"expected \(N, D\); one image alone is x\[np.newaxis\]"
        ):
            method(rng.normal(size=3))


@pytest.mark.parametrize("gamma", [np.ones((3, 1)), np.ones(2), np.ones(3, int)])
def test_batch_normalisation_says_what_it_expects(gamma):
    with pytest.raises(ArrayError, match=r"found gamma .*, expected \(M,\) and \(M,\)"):
        BatchNormalization(gamma, np.zeros(3))


@given(logits_and_labels())
def test_softmax_with_loss_agrees_with_autograd(arguments):
    x, t = arguments

    def mean_cross_entropy(x):
        log_total = anp.log(anp.sum(anp.exp(x), axis=1))  # at most exp(20) here
        return anp.mean(log_total - x[anp.arange(len(t)), t])

    layer = SoftmaxWithLoss()
    np.testing.assert_allclose(layer.forward(x, t), mean_cross_entropy(x), atol=1e-12)
    np.testing.assert_allclose(layer.backward(), grad(mean_cross_entropy)(x), atol=1e-12)


@given(logits_and_labels())
def test_squared_error_agrees_with_autograd(arguments):
    x, t = arguments

    def mean_squared_error(x):
        y = 1 / (1 + anp.exp(-x))
        return anp.mean(anp.sum((y - np.eye(x.shape[1])[t]) ** 2, axis=1)) / 2

    layer = SquaredError()
    np.testing.assert_allclose(layer.forward(x, t), mean_squared_error(x), atol=1e-12)
    np.testing.assert_allclose(layer.backward(), grad(mean_squared_error)(x), atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_squared_error_is_stable_far_out(dtype):
    layer = SquaredError()
    x = np.array([[1e4, -1e4, 0], [1e4, -1e4, 0]], dtype)
    assert layer.forward(x, np.array([0, 1])) == pytest.approx((0.25 + 2.25) / 4)
    np.testing.assert_allclose(layer.backward(), [[0, 0, 1 / 16]] * 2)


@given(x_and_dout(), st.floats(0.05, 0.95), st.integers(0, 99))
def test_dropout_zeroes_a_share_and_scales_the_rest(arguments, ratio, seed):
    x, dout = arguments
    layer = Dropout(ratio, np.random.default_rng(seed))
    y, dx = layer.forward(x), layer.backward(dout)
    kept = y != 0
    np.testing.assert_allclose(y[kept], x[kept] / (1 - ratio))
    np.testing.assert_allclose(dx, np.where(kept, dout / (1 - ratio), 0))


def test_dropout_keeps_the_mean_and_draws_anew(rng):
    layer = Dropout(0.3, rng)
    x = np.ones((1000, 100))
    first = layer.forward(x).copy()
    assert abs((first == 0).mean() - 0.3) < 0.01
    assert abs(first.mean() - 1) < 0.01
    assert (layer.forward(x) != first).any()


CASES = [
    pytest.param(lambda rng: Affine(rng.normal(size=(6, 6)), rng.normal(size=6)), id="Affine"),
    pytest.param(
        lambda rng: BatchNormalization(rng.normal(size=6), rng.normal(size=6)),
        id="BatchNormalization",
    ),
    pytest.param(lambda rng: ReLU(), id="ReLU"),
    pytest.param(lambda rng: Sigmoid(), id="Sigmoid"),
    pytest.param(lambda rng: Tanh(), id="Tanh"),
    pytest.param(lambda rng: Dropout(0.5, rng), id="Dropout"),
]


def test_every_layer_is_a_case():
    defined = {
        name for name, member in inspect.getmembers(layers, inspect.isclass)
        if issubclass(member, Layer) and member is not Layer
    }  # fmt: skip
    assert defined == {case.id for case in CASES}


@pytest.mark.parametrize("make", CASES)
def test_arguments_stay_as_they_were(make, rng):
    x, dout = rng.normal(size=(2, 4, 6))
    x_before, dout_before = x.copy(), dout.copy()
    layer = make(rng)
    layer.forward(x)
    layer.backward(dout)
    np.testing.assert_array_equal(x, x_before)
    np.testing.assert_array_equal(dout, dout_before)


@pytest.mark.parametrize("make", CASES)
def test_a_second_call_of_the_same_shape_uses_the_same_memory(make, rng):
    layer = make(rng)
    x, dout = rng.normal(size=(2, 4, 6))
    y, dx = layer.forward(x), layer.backward(dout)
    assert layer.forward(x) is y
    assert layer.backward(dout) is dx
    assert layer.forward(rng.normal(size=(3, 6))).shape == (3, 6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", CASES)
def test_precision_is_that_of_the_input(make, dtype, rng):
    layer = make(rng)
    layer.params = {name: array.astype(dtype) for name, array in layer.params.items()}
    layer.grads = {name: np.empty_like(array) for name, array in layer.params.items()}
    x, dout = rng.normal(size=(2, 4, 6)).astype(dtype)
    assert layer.forward(x).dtype == dtype
    assert layer.backward(dout).dtype == dtype
    assert all(array.dtype == dtype for array in layer.grads.values())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("layer", "limits"), [(ReLU, (0, 1e4)), (Sigmoid, (0, 1)), (Tanh, (-1, 1))]
)
def test_activations_are_stable_far_out(layer, limits, dtype):
    layer = layer()
    x = np.array([[-1e4, 1e4]], dtype)
    np.testing.assert_array_equal(layer.forward(x), [limits])  # a warning would be an error
    assert np.isfinite(layer.backward(np.ones_like(x))).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_with_loss_is_stable_far_out(dtype):
    layer = SoftmaxWithLoss()
    x = np.array([[1e4, -1e4, 0], [1e4, -1e4, 0]], dtype)
    assert layer.forward(x, np.array([0, 1])) == 1e4  # the mean of 0 and 2e4
    np.testing.assert_array_equal(layer.backward(), [[0, 0, 0], [0.5, -0.5, 0]])


def test_a_layer_says_the_shapes_of_its_parameters():
    assert repr(Affine(np.ones((3, 4)), np.ones(4))) == "Affine(W 3×4, b 4)"
    assert repr(ReLU()) == "ReLU()"
