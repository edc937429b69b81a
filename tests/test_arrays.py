"""What enters a network is what layers take, and anything else is refused by name."""

import numpy as np
import pytest

from bpcli.backprop import Affine, ReLU, SoftmaxWithLoss, SquaredError, build_network
from bpcli.data import load_split
from bpcli.errors import ArrayError
from bpcli.gradcheck import check


@pytest.fixture
def network(rng):
    return build_network(784, 10, rng, weight_init="he")


@pytest.fixture
def images():
    return load_split("mnist", "test")


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int64])
@pytest.mark.parametrize("loss", [SoftmaxWithLoss, SquaredError])
def test_labels_may_be_any_integers(dtype, loss, rng):
    x, t = rng.normal(size=(100, 10)), rng.integers(0, 10, 100)
    one, other = loss(), loss()
    assert one.forward(x, t) == other.forward(x, t.astype(dtype))
    np.testing.assert_array_equal(one.backward(), other.backward())


def test_a_network_takes_the_labels_of_a_split_as_they_are(network, images):
    x, t = images.images[:100] / 255, images.labels[:100]
    assert t.dtype == np.uint8
    logits = network.predict(x)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    loss = network.forward(x, t)
    assert loss == pytest.approx(-np.log(p[np.arange(100), t]).mean(), rel=1e-5)
    network.backward()
    db2 = (p - np.eye(10)[t]).mean(axis=0)
    np.testing.assert_allclose(network.gradient_arrays["b2"], db2, atol=1e-6)


NO_INPUTS = [
    (lambda x: x[0], r"x: found the shape \(784,\), expected \(N, D\), a row for each image; one"),
    (lambda x: x.reshape(-1, 28, 28), r"x: found the shape \(5, 28, 28\), expected \(N, D\)"),
    (lambda x: (255 * x).astype(np.uint8), "x: found uint8, expected floating-point numbers; grey"),
    (lambda x: x.tolist(), r"x: found a list, expected an array \(N, D\)"),
    (lambda x: x > 0, "x: found bool, expected floating-point numbers"),
]
NO_LABELS = [
    (lambda t: np.eye(10)[t], r"t: found the shape \(5, 10\) of float64, .* t.argmax\(axis=1\)"),
    (lambda t: t[:4], r"t: found the shape \(4,\) of uint8, expected \(5,\) of integers"),
    (lambda t: t[0], "t: found a uint8, expected an array"),
    (lambda t: t.astype(float), r"t: found the shape \(5,\) of float64, expected \(5,\) of integers"),
    (lambda t: t.tolist(), "t: found a list, expected an array"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), NO_INPUTS)
def test_what_are_no_inputs_is_refused_by_name(change, message, network, images, rng):
    x, t = images.images[:5] / 255, images.labels[:5]
    for enter in (
        network.predict,
        lambda wrong: network.forward(wrong, t),
        lambda wrong: check(network, wrong, t),
    ):
        with pytest.raises(ArrayError, match=message):
            enter(change(x))


@pytest.mark.parametrize(("change", "message"), NO_LABELS)
def test_what_are_no_labels_is_refused_by_name(change, message, network, images, rng):
    x, t = images.images[:5] / 255, images.labels[:5]
    for enter in (network.forward, lambda x, wrong: check(network, x, wrong)):
        with pytest.raises(ArrayError, match=message):
            enter(x, change(t))


@pytest.mark.parametrize("make", [lambda: Affine(np.eye(3), np.zeros(3)), ReLU])
@pytest.mark.parametrize("before", [True, False])
def test_a_layer_refuses_a_vector(make, before):
    layer = make()
    if before:  # memory that is there already does not hide it
        layer.forward(np.ones((3, 3)))
    with pytest.raises(ArrayError, match=rf"{type(layer).__name__}: .*\(3,\), expected \(N, D\)"):
        layer.forward(np.ones(3))


def test_what_leaves_a_network_is_the_callers_own(network, images):
    x, t = images.images[:10] / 255, images.labels[:5]
    first, second = network.predict(x[:5]), network.predict(x[5:])
    np.testing.assert_array_equal(first, network.predict(x[:5]))
    assert not np.shares_memory(first, second)
    network.forward(x[:5], t)
    dx = network.backward_input()
    before = dx.copy()
    network.forward(x[5:], t)
    network.backward_input()
    np.testing.assert_array_equal(dx, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("method", ["central", "complex"])
def test_a_right_network_in_float32_is_called_right(dtype, method, rng):
    network = build_network(12, 5, rng, hidden=[6], weight_init="he", dropout=0.2, dtype=dtype)
    x, t = rng.uniform(size=(3, 12)).astype(dtype), rng.integers(0, 5, 3)
    before = network.parameters.copy()
    assert check(network, x, t, method=method).passed
    assert network.parameters.dtype == dtype
    np.testing.assert_array_equal(network.parameters, before)
