"""The gradient check passes right networks, and rejects every wrong one that is made here."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.config import NetworkConfig
from bpcli.gradcheck import check_gradients, numerical_gradient, relative_error
from bpcli.layers import Affine, ReLU, Sigmoid, SoftmaxWithLoss, Tanh
from bpcli.network import Network, build_network


def build(rng, **values):
    return build_network(NetworkConfig(**values), 12, 5, rng, rng, np.float64)


def images(rng, n=3):
    return rng.integers(0, 256, (n, 12)) / 255, rng.integers(0, 5, n)


@given(
    st.lists(st.integers(1, 8), max_size=3),
    st.sampled_from(["relu", "sigmoid", "tanh"]),
    st.sampled_from([0.01, "he", "xavier", 1.0]),
    st.sampled_from([0.0, 0.5]),
    st.sampled_from([0.0, 0.1]),
    st.integers(1, 5),
    st.integers(0, 10**6),
)
def test_right_networks_pass(hidden, activation, weight_init, dropout, decay, n, seed):
    rng = np.random.default_rng(seed)
    network = build(
        rng,
        hidden=tuple(hidden),
        activation=activation,
        weight_init=weight_init,
        dropout=dropout,
        weight_decay=decay,
    )
    before = network.parameters.copy()
    found = check_gradients(network, *images(rng, n))
    assert found.passed, found
    assert found.checked == len(network.parameters)
    np.testing.assert_array_equal(network.parameters, before)


def wrong(method, change):
    """Return a context in which a method of a layer returns, or leaves behind, something else."""

    def apply(monkeypatch):
        layer, name = method
        right = getattr(layer, name)

        def broken(self, *args):
            result = right(self, *args)
            changed = change(self, result)
            return result if changed is None else changed

        monkeypatch.setattr(layer, name, broken)

    return apply


def scale(name, factor):
    def change(layer, _result):
        layer.grads[name] *= factor

    return change


MISTAKES = {
    "dW is 0.1 % off": wrong((Affine, "backward_params"), scale("W", 1.001)),
    "db is forgotten": wrong((Affine, "backward_params"), scale("b", 0)),
    "dW has the wrong sign": wrong((Affine, "backward_params"), scale("W", -1)),
    "dx is twice what it should be": wrong((Affine, "backward"), lambda _, dx: 2 * dx),
    "relu does not mask": wrong((ReLU, "backward"), lambda _, dx: dx + 0.01),
    "the loss is not divided by the batch": wrong(
        (SoftmaxWithLoss, "backward"), lambda _, dx: 3 * dx
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_wrong_gradients_are_rejected(mistake, rng, monkeypatch):
    MISTAKES[mistake](monkeypatch)
    network = build(rng, hidden=(6,), weight_init="he")
    found = check_gradients(network, *images(rng))
    assert not found.passed


@pytest.mark.parametrize("layer", [Sigmoid, Tanh])
def test_a_wrong_activation_is_rejected(layer, rng, monkeypatch):
    wrong((layer, "backward"), lambda _, dx: dx * 1.001)(monkeypatch)
    network = build(rng, hidden=(6,), activation=layer.__name__.lower(), weight_init="he")
    found = check_gradients(network, *images(rng))
    assert [row.passed for row in found.parameters] == [False, False, True, True]


def test_a_single_wrong_element_is_found_and_named(rng, monkeypatch):
    def change(layer, _result):
        if layer.grads["W"].shape == (12, 6):
            layer.grads["W"][7, 2] += 0.01

    wrong((Affine, "backward_params"), change)(monkeypatch)
    network = build(rng, hidden=(6,), weight_init="he")
    found = check_gradients(network, *images(rng))
    assert [(row.layer, row.name, row.passed) for row in found.parameters] == [
        ("Affine1", "W1", False), ("Affine1", "b1", True),
        ("Affine2", "W2", True), ("Affine2", "b2", True),
    ]  # fmt: skip
    (W1, *_) = found.parameters
    assert W1.worst_index == (7, 2)
    assert W1.backprop - W1.numerical == pytest.approx(0.01, rel=1e-5)
    assert W1.max_relative_error == pytest.approx(
        0.01 / (abs(W1.backprop) + abs(W1.numerical)), rel=1e-5
    )


def test_a_gradient_that_is_not_a_number_fails(rng, monkeypatch):
    wrong((Affine, "backward_params"), scale("b", np.nan))(monkeypatch)
    found = check_gradients(build(rng, hidden=()), *images(rng))
    assert [row.passed for row in found.parameters] == [True, False]


def kinked(rng, offset):
    """A net whose hidden unit 0 has an input that close to 0, for every image."""
    W1, b1 = rng.normal(size=(12, 6)), rng.normal(size=6)
    W1[:, 0], b1[0] = 0, offset
    return Network([Affine(W1, b1), ReLU(), Affine(rng.normal(size=(6, 5)), rng.normal(size=5))])


@pytest.mark.parametrize("offset", [2e-6, -2e-6])
def test_kinks_are_counted_and_do_not_fail(offset, rng):
    found = check_gradients(kinked(rng, offset), *images(rng))
    assert found.passed
    assert found.parameters[1].kinks == 1  # b1[0]; W1's pixels can also reach the kink
    assert found.parameters[0].kinks > 0


def test_a_wrong_gradient_is_no_kink(rng, monkeypatch):
    wrong((Affine, "backward_params"), scale("b", 1.01))(monkeypatch)
    found = check_gradients(kinked(rng, 2e-6), *images(rng))
    assert not found.parameters[1].passed


def test_numerical_gradient_of_a_known_function():
    p = np.array([[1.0, -2.0], [0.5, 3.0]])
    gradient = numerical_gradient(lambda: float((p**3).sum()), p)
    np.testing.assert_allclose(gradient, 3 * p**2, rtol=1e-9)
    np.testing.assert_array_equal(p, [[1, -2], [0.5, 3]])


def test_relative_error_has_a_floor():
    error = relative_error(np.array([1.0, 1e-12, 0]), np.array([3.0, -1e-12, 0]), 1e-3)
    np.testing.assert_allclose(error, [0.5, 2e-9, 0])
