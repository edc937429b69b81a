"""Relative errors, kinks, rounding: what the comparison takes for right and for wrong."""

import re

import numpy as np
import pytest
from mistakes import build, changed_result, check, methods, scaled

from bpcli.backprop.layers import Affine, ReLU, SoftmaxWithLoss
from bpcli.backprop.network import Network
from bpcli.gradcheck.comparison import relative_error
from bpcli.gradcheck.numerical import METHODS
from bpcli.show.gradcheck import draw_check


def test_relative_error_has_a_floor():
    error = relative_error(np.array([1.0, 1e-12, 0]), np.array([3.0, -1e-12, 0]), 1e-3)
    np.testing.assert_allclose(error, [0.5, 2e-9, 0])


@methods
def test_small_errors_of_small_elements_are_rejected(method, rng, monkeypatch):
    def change(layer, _result):
        if layer.grads["W"].shape == (12, 6):
            dW = layer.grads["W"]
            dW[np.abs(dW) < np.median(np.abs(dW))] *= 1 + 1e-5

    network = build(rng, hidden=(6,), weight_init="he", activation="tanh")
    changed_result(Affine, "backward_params", change)(monkeypatch)
    found = check(network, rng, method=method)
    assert not found.parameters[0].passed
    assert found.parameters[0].max_relative_error == pytest.approx(5e-6, rel=0.1)


def kinked(rng, offset):
    """A net whose hidden unit 0 has an input that close to 0, for every image."""
    W1, b1 = rng.normal(size=(12, 6)), rng.normal(size=6)
    W1[:, 0], b1[0] = 0, offset
    layers = [Affine(W1, b1), ReLU(), Affine(rng.normal(size=(6, 5)), rng.normal(size=5))]
    return Network(layers, SoftmaxWithLoss())


@pytest.mark.parametrize("offset", [2e-6, -2e-6])
def test_kinks_are_counted_and_do_not_fail(offset, rng):
    found = check(kinked(rng, offset), rng)
    assert found.passed
    assert found.parameters[1].kinks == 1  # b1[0]; W1's pixels can also reach the kink
    assert found.parameters[0].kinks > 0
    assert found.kinks == sum(row.kinks for row in found.parameters)


def test_many_kinks_are_told_of(bpcli, tiny):
    options = ["-s", f"dataset.source={tiny}", "-s", "network.weight_init=0.00001"]
    shown = bpcli("gradcheck", *options).stdout
    assert re.search(r"\d+ of the gradients lie at kinks of ReLU", shown)


def test_a_wrong_gradient_is_no_kink(rng, monkeypatch):
    network = kinked(rng, 2e-6)
    scaled("b", 1.01)(monkeypatch)
    assert not check(network, rng).parameters[1].passed


@pytest.mark.parametrize("weight_init", [1e-8, 10.0, 100.0])
def test_steep_and_flat_networks_pass(weight_init, rng):
    for activation in ("sigmoid", "tanh"):
        network = build(rng, hidden=(6, 4), activation=activation, weight_init=weight_init)
        for method in METHODS:
            assert check(network, rng, method=method).passed


def test_what_rounding_hides_is_not_called_right(rng):
    network = build(rng, hidden=(6,), weight_init=1e4)
    found = check(network, rng)
    assert found.failures[0].problem.startswith("cannot be checked: values up to ")
    assert draw_check(found).endswith("s: Affine1 could not be checked")
    assert "FAILED" not in draw_check(found)
    assert draw_check(found).startswith("each layer alone: Affine1 not checked, ReLU1 ok")
    assert check(network, rng, method="complex").passed


def test_the_complex_step_agrees_to_the_last_digits(rng):
    for activation in ("relu", "sigmoid", "tanh"):
        network = build(rng, hidden=(6, 6), activation=activation, weight_init="he", dropout=0.3)
        found = check(network, rng, method="complex")
        assert max(row.max_relative_error for row in found.parameters) < 1e-12
