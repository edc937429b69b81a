"""The gradient check passes right networks, and places and names every mistake that is made here."""

import itertools
import re

import false_alarms
import mutations
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mistakes import build, changed_result, check, failures, images, methods, scaled

from bpcli import gradcheck
from bpcli.backprop.layers import (
    Affine,
    BatchNormalization,
    Dropout,
    Layer,
    ReLU,
    Sigmoid,
    SoftmaxWithLoss,
    Tanh,
)
from bpcli.backprop.network import Network
from bpcli.errors import ArgumentError
from bpcli.gradcheck.check import clearest
from bpcli.gradcheck.numerical import METHODS


@given(
    st.lists(st.integers(1, 8), max_size=3),
    st.sampled_from(["relu", "sigmoid", "tanh"]),
    st.sampled_from([0.01, "he", "xavier", 1.0]),
    st.booleans(),
    st.sampled_from([0.0, 0.5]),
    st.sampled_from([0.0, 0.1]),
    st.sampled_from(["softmax", "squared"]),
    st.integers(1, 5),
    st.integers(0, 10**6),
    st.sampled_from(sorted(METHODS)),
)
def test_right_networks_pass(
    hidden, activation, weight_init, batch_norm, dropout, decay, loss, n, seed, method
):
    rng = np.random.default_rng(seed)
    network = build(
        rng,
        hidden=tuple(hidden),
        activation=activation,
        weight_init=weight_init,
        batch_norm=batch_norm,
        dropout=dropout,
        input_dropout=dropout / 2,
        weight_decay=decay,
        loss=loss,
    )
    before = network.parameters.copy()
    found = check(network, rng, n + batch_norm, method=method)
    assert found.passed, found
    assert found.checked == len(network.parameters)
    np.testing.assert_array_equal(network.parameters, before)


def alike(rng, n, apart):
    """Images that are nearly the same one, of which normalisation leaves little but rounding."""
    x = rng.uniform(0, 1, 12) + apart * rng.uniform(-1, 1, (n, 12))
    return x, rng.integers(0, 5, n)


@methods
@pytest.mark.parametrize("apart", [1e-1, 1e-2, 1e-3])
@pytest.mark.parametrize(("hidden", "n"), [([4], 2), ([4], 3), ([5, 3], 2), ([5, 3], 4)])
def test_rounding_that_a_layer_makes_larger_is_no_mistake(method, apart, hidden, n):
    for seed, activation in enumerate(["relu", "tanh", "relu"]):
        rng = np.random.default_rng(seed)
        values = {"hidden": hidden, "activation": activation, "weight_init": "he"}
        network = build(rng, **values, batch_norm=True)
        for name, array in network.arrays.items():
            if name.startswith("b"):
                array[...] = rng.normal(size=array.shape)
        found = gradcheck.check(network, *alike(rng, n, apart), method=method)
        assert found.passed, found


@pytest.mark.parametrize("factor", [1.0001, -1, 0])
def test_rounding_excuses_no_mistake(factor, rng, monkeypatch):
    network = build(rng, hidden=[6, 3], weight_init="he", batch_norm=True)
    scaled("W", factor)(monkeypatch)
    found = gradcheck.check(network, *alike(rng, 4, 1e-2), method="complex")
    assert not all(row.passed for row in found.parameters if row.name == "W1")


def test_a_gradient_that_is_random_is_not_excused_as_rounded(rng, monkeypatch):
    network, calls = build(rng, hidden=[6], weight_init="he", batch_norm=True), itertools.count()

    def change(layer, _result):
        layer.grads["b"] += 1e-3 * np.sin(next(calls))

    changed_result(Affine, "backward_params", change)(monkeypatch)
    found = gradcheck.check(network, *alike(rng, 4, 1e-1))
    assert not all(row.passed for row in found.parameters if row.name == "b1")


def test_all_networks_pass_that_the_command_is_given():
    found, failed = false_alarms.false_alarms(8, **{"network.hidden": "[3, 2]"})
    assert failed == []
    assert len(found) == 8


WAYS = [["--method", "central"], ["--method", "complex"], ["--elements", "10"]]


@pytest.mark.parametrize("turn", range(len(WAYS)), ids=lambda turn: " ".join(WAYS[turn]))
def test_every_mutant_of_every_backward_is_caught_and_placed(turn, tmp_path, rng, request):
    """Every second in one of the ways in turn; in the long form each in all of them."""
    is_long = request.config.getoption("--long")
    chosen = slice(None) if is_long else slice(turn, None, 2 * len(WAYS))
    folder = mutations.write_images(tmp_path / "data", rng)
    found = list(mutations.survivors(folder, *WAYS[turn], chosen=chosen))
    assert [(mutant.key, wrong) for mutant, wrong in found if wrong] == []
    assert len(found) > 10


def test_every_layer_has_mutants():
    assert {mutant.layer for mutant in mutations.mutants()} == {
        "Affine", "BatchNormalization", "ReLU", "Sigmoid", "Tanh", "Dropout", "SoftmaxWithLoss",
        "SquaredError",
    }  # fmt: skip


def replaced(layer, method, function):
    return lambda monkeypatch: monkeypatch.setattr(layer, method, function)


def transposed(self, dout):
    dW = self.x.T @ dout
    self.grads["W"][...] = dW.T if dW.shape[0] == dW.shape[1] else dW
    self.grads["b"][...] = dout.sum(axis=0)


def one_element_off(layer, _result):
    layer.grads["W"][2, 3] += 0.01


def added(self, dout):
    self.grads["W"] += self.x.T @ dout
    self.grads["b"][...] = dout.sum(axis=0)


def stale(self, x):
    if not hasattr(self, "x"):
        self.x = x.copy()
    return x @ self.params["W"] + self.params["b"]


def damages_dout(self, dout):
    dout[self.y == 0] = 0
    return dout


def damages_x(self, x):
    x[x < 0] = 0
    self.y = x.copy()
    return self.y


def damages_W(self, _result):
    self.params["W"] += 1


def does_not_fit(self, dout):
    self.grads["W"][...] = dout.T @ dout


def forgets_the_mean(self, dout):
    dout = self.params["gamma"] * dout
    return (dout - self.normal * (dout * self.normal).mean(axis=0)) / self.deviation


def forgets_gamma(self, dout):
    dx = dout - dout.mean(axis=0) - self.normal * (dout * self.normal).mean(axis=0)
    return dx / self.deviation


# How a layer is broken; the arrays whose gradients are wrong then; what the report says of it.
MISTAKES = {
    "0.1 % off": (scaled("W", 1.001), "Affine W", "every element is 1.001 times"),
    "a factor 2": (
        changed_result(Affine, "backward", lambda _, dx: 2 * dx), "Affine x", "2 times what it should be",
    ),
    "1 / batch missing": (
        changed_result(SoftmaxWithLoss, "backward", lambda _, dx: 3 * dx),
        "SoftmaxWithLoss x", "3 times .* is the division by the 3 images missing",
    ),
    "1 / batch twice": (
        changed_result(SoftmaxWithLoss, "backward", lambda _, dx: dx / 3),
        "SoftmaxWithLoss x", "0.3333 times .* divided by the 3 images twice",
    ),
    "wrong sign": (scaled("W", -1), "Affine W", "the sign is wrong"),
    "transposed": (replaced(Affine, "backward_params", transposed), "Affine W", "transposed"),
    "zero": (scaled("b", 0), "Affine b", "zero everywhere: is it never set"),
    "missing mask of ReLU": (
        replaced(ReLU, "backward", lambda _, dout: dout.copy()), "ReLU x", "is a mask missing",
    ),
    "missing mask of dropout": (
        replaced(Dropout, "backward", lambda _, dout: dout.copy()), "Dropout x", "is a mask missing",
    ),
    "constant mean": (
        replaced(BatchNormalization, "backward_input", forgets_the_mean),
        "BatchNormalization x", "wrong",
    ),
    "gamma left out of dx": (
        replaced(BatchNormalization, "backward_input", forgets_gamma), "BatchNormalization x", "wrong",
    ),
    "inverted mask": (
        replaced(ReLU, "backward", lambda self, dout: dout * (self.y == 0)), "ReLU x", "is a mask inverted",
    ),
    "stale": (replaced(Affine, "forward", stale), "Affine W", "right at the first call and wrong at the second"),
    "accumulated": (replaced(Affine, "backward_params", added), "Affine W", "added to the gradient of the call before"),
    "dout damaged": (replaced(ReLU, "backward", damages_dout), "ReLU dout", "changed in place"),
    "x damaged": (replaced(ReLU, "forward", damages_x), "ReLU x", "changed in place"),
    "W damaged": (changed_result(Affine, "backward", damages_W), "Affine W", "changed in place"),
    "not a number": (scaled("b", np.nan), "Affine b", "elements are not finite numbers"),
    "one element": (
        changed_result(Affine, "backward_params", one_element_off), "Affine W", r"\[2, 3\].*; 1 of \d+ elements are wrong",
    ),
    "no pattern": (
        changed_result(Sigmoid, "backward", lambda _, dx: dx**2 + 1), "Sigmoid x", "every element is wrong, with no pattern",
    ),
    "slightly off": (scaled("W", 1 + 1e-5), "Affine W", "close, but not within the tolerance"),
    "raises": (
        replaced(Affine, "backward_params", does_not_fit), "Affine ", r"ValueError raised at test_check.py:\d+: could not",
    ),
}  # fmt: skip


@methods
@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_placed_and_named(mistake, method, tmp_path, rng, monkeypatch, bpcli):
    break_it, wrong, words = MISTAKES[mistake]
    break_it(monkeypatch)
    folder = mutations.write_images(tmp_path / "data", rng)
    options = ["network.hidden=[7, 7]", "network.weight_init=he"]
    options += ["network.dropout=0.3"] if "dropout" in mistake else []
    options += ["network.batch_norm=true"] if "BatchNormalization" in wrong else []
    options += ["network.activation=sigmoid"] if "Sigmoid" in wrong else []
    overrides = [
        part for option in (f"dataset.source={folder}", *options) for part in ("-s", option)
    ]
    shown = bpcli("gradcheck", "--method", method, *overrides, code=1).stdout
    failed = re.findall(r"^(\w+?)\d*: (?:the gradient by )?(.*)$", shown, re.M)
    layer, name = wrong.split(" ")
    assert {found for found, _ in failed} == {layer}
    assert all(re.match(name, text) for _, text in failed), shown
    assert any(re.search(words, text) for _, text in failed), shown
    assert re.search(rf"images in .* s: .*{layer}\d? FAILED$", shown)


def test_a_mistake_in_the_network_is_told_from_one_in_a_layer(rng, monkeypatch, bpcli, tiny):
    monkeypatch.setattr(Network, "_add_penalty_gradient", lambda self: None)
    found = check(build(rng, hidden=(6,), weight_init="he", weight_decay=0.1), rng)
    assert failures(found) == [("Affine1", "W1"), ("Affine2", "W2")]
    shown = bpcli(
        "gradcheck", "-s", "network.weight_decay=0.1", "-s", f"dataset.source={tiny}", code=1
    ).stdout
    assert (
        "each layer is right alone, twice in a row: look at what joins them (network.py)" in shown
    )
    monkeypatch.setattr(Network, "backward", lambda self: 1 / 0)
    (failure,) = check(build(rng), rng).failures
    assert failure.layer == "Network"
    assert failure.problem.startswith("ZeroDivisionError raised at test_check.py:")


@pytest.mark.parametrize("layer", [Sigmoid, Tanh])
def test_a_wrong_activation_is_placed(layer, rng, monkeypatch):
    changed_result(layer, "backward", lambda _, dx: dx * 1.001)(monkeypatch)
    name = layer.__name__
    found = check(build(rng, hidden=(6,), activation=name.lower(), weight_init="he"), rng)
    assert failures(found) == [(f"{name}1", "x")]
    assert [row.passed for row in found.parameters] == [False, False, True, True]


def test_a_single_wrong_element_is_found_and_named(rng, monkeypatch):
    def change(layer, _result):
        if layer.grads["W"].shape == (12, 6):
            layer.grads["W"][7, 2] += 0.01

    changed_result(Affine, "backward_params", change)(monkeypatch)
    network = build(rng, hidden=(6,), weight_init="he")
    found = check(network, rng)
    assert failures(found) == [("Affine1", "W1")]
    for row in (*found.failures, found.parameters[0]):
        assert row.worst_index == (7, 2)
        assert row.backprop - row.numerical == pytest.approx(0.01, rel=1e-5)
        assert row.ratio == pytest.approx(row.backprop / row.numerical)
        error = 0.01 / (abs(row.backprop) + abs(row.numerical))
        assert row.max_relative_error == pytest.approx(error, rel=1e-5)


def saturated(self, dout):
    dx = dout * self.y * (1 - self.y)
    dx[self.y > 0.9] *= 1.5
    return dx


def test_a_mistake_for_large_values_is_placed_on_its_layer(rng, monkeypatch):
    monkeypatch.setattr(Sigmoid, "backward", saturated)
    found = check(build(rng, hidden=(6,), activation="sigmoid", weight_init="he"), rng)
    assert failures(found) == [("Sigmoid1", "x")]


@pytest.mark.parametrize("layer", [Affine, SoftmaxWithLoss])
def test_one_element_off_is_not_taken_for_a_stale_value(layer, rng, monkeypatch):
    def change(_layer, dx):
        dx[0, 0] *= 1 + 1e-5

    changed_result(layer, "backward", change)(monkeypatch)
    (failure, *_) = check(build(rng, hidden=(6,), weight_init="he"), rng).failures
    assert (failure.layer.rstrip("12"), failure.name) == (layer.__name__, "x")
    assert failure.worst_index == (0, 0)
    assert "stale" not in failure.problem


def test_the_images_of_a_check_keep_clear_of_kinks(rng):
    network = build(rng, hidden=(6,), weight_init="he")
    batches = [images(rng) for _ in range(5)]
    W, b = network.arrays["W1"], network.arrays["b1"]
    nearest = [np.abs(x @ W + b).min() for x, _ in batches]
    assert clearest(network, batches) is batches[int(np.argmax(nearest))]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "forward"}, "method: found 'forward', expected one of central, complex"),
        ({"tolerance": 0}, "tolerance: found 0, expected a relative error above 0 and up to 0.1"),
    ],
)
def test_arguments_that_a_check_does_not_take_are_not_blamed_on_a_layer(options, message, rng):
    with pytest.raises(ArgumentError, match=message):
        check(build(rng), rng, **options)


def test_a_lack_of_memory_is_not_blamed_on_a_layer(rng, monkeypatch):
    def full(_self, _x):
        raise MemoryError

    monkeypatch.setattr(ReLU, "forward", full)
    with pytest.raises(MemoryError):
        check(build(rng, hidden=(6,)), rng)


class Noise(Layer):
    """A right layer of somebody's own, which draws random numbers as dropout does."""

    def __init__(self, rng):
        super().__init__()
        self.rng = rng

    def forward(self, x):
        self.noise = self.rng.normal(size=x.shape)
        return x * self.noise

    def backward(self, dout):
        return dout * self.noise


@methods
def test_own_layers_that_draw_random_numbers_are_repeated(method, rng):
    layers = [Affine(rng.normal(size=(12, 6)), np.zeros(6)), Noise(np.random.default_rng(1))]
    layers.append(Affine(rng.normal(size=(6, 5)), np.zeros(5)))
    assert check(Network(layers, SoftmaxWithLoss()), rng, method=method).passed


def test_a_layer_that_does_not_read_its_parameters_is_named_for_it(rng):
    class Stubborn(Affine):
        def __init__(self, W, b):
            super().__init__(W, b)
            self.W = W.copy()

        def forward(self, x):
            self.x = x
            return x @ self.W + self.params["b"]

    layers = [Stubborn(rng.normal(size=(12, 5)), np.zeros(5))]
    found = check(Network(layers, SoftmaxWithLoss()), rng)
    assert any("params['W'] is never read" in row.problem for row in found.failures)


class Rebinding(Affine):
    """A layer that sets its gradients as the book does."""

    def backward_params(self, dout):
        self.grads["W"] = np.dot(self.x.T, dout)
        self.grads["b"] = np.sum(dout, axis=0)


def own_network(rng, kind):
    layers = [kind(rng.normal(size=(6, 5)), rng.normal(size=5)), ReLU()]
    return Network([*layers, Affine(rng.normal(size=(5, 4)), np.zeros(4))], SoftmaxWithLoss())


def check_own(rng, kind):
    return gradcheck.check(own_network(rng, kind), rng.normal(size=(3, 6)), np.array([0, 3, 1]))


def test_gradients_may_be_set_as_the_book_sets_them(rng):
    assert check_own(rng, Rebinding).passed
    network = own_network(rng, Rebinding)
    network.forward(rng.normal(size=(3, 6)), np.array([0, 3, 1]))
    network.backward()
    assert network.gradient_arrays["b1"].any()


class Replacing(Affine):
    def backward_params(self, dout):
        self.grads = {"W": self.x.T @ dout, "b": dout.sum(axis=0)}


class NoOutput(Affine):
    def forward(self, x):
        super().forward(x)


class NoInput(Affine):
    def backward(self, dout):
        super().backward(dout)


class Misshapen(Affine):
    def backward(self, dout):
        return super().backward(dout).T


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Replacing, "it replaces self.grads; set self.grads[name] in what is there"),
        (NoOutput, "forward returned None, expected an array: is `return y` missing?"),
        (NoInput, "backward returned None, expected an array (3, 6): is `return dx` missing?"),
        (Misshapen, "found an array (6, 3), expected (3, 6): it is right, but transposed"),
    ],
)
def test_what_a_layer_of_ones_own_does_wrong_is_named(kind, words, rng):
    found = check_own(rng, kind)
    assert not found.passed
    assert words in {row.problem for row in (*found.layers, *found.parameters)}
