"""The four steps by themselves: anybody's layers, network and mini-batches learn by them."""

import itertools

import numpy as np
import pytest

from bpcli.backprop import (
    SGD,
    Adam,
    Affine,
    Layer,
    Network,
    ReLU,
    SoftmaxWithLoss,
    build_network,
    learn,
    outline,
)
from bpcli.backprop.optimizer import METHODS
from bpcli.data import MiniBatches, load_dataset
from bpcli.errors import ArrayError
from bpcli.gradcheck import check
from bpcli.show import draw_check, draw_figure, network_figure
from bpcli.training import evaluate


class Scale(Layer):
    """y = x s, of one's own: the book's formula and nothing of the house but its base class."""

    def __init__(self, s):
        super().__init__(s=s)

    def forward(self, x):
        self.x = x
        return x * self.params["s"]

    def backward(self, dout):
        self.grads["s"][...] = (dout * self.x).sum(axis=0)
        return dout * self.params["s"]


class MyAffine(Layer):
    """y = x W + b as section 5.6.2 has it."""

    def __init__(self, W, b):
        super().__init__(W=W, b=b)

    def forward(self, x):
        self.x = x
        return np.dot(x, self.params["W"]) + self.params["b"]

    def backward(self, dout):
        self.grads["W"][...] = np.dot(self.x.T, dout)
        self.grads["b"][...] = np.sum(dout, axis=0)
        return np.dot(dout, self.params["W"].T)


def own_network(rng, pixels=36, classes=4):
    def affine(n, m):
        return MyAffine(rng.normal(0, (2 / n) ** 0.5, (n, m)), np.zeros(m))

    layers = [Scale(np.ones(pixels)), affine(pixels, 8), ReLU(), affine(8, classes)]
    return Network(layers, SoftmaxWithLoss())


def mini_batches(dataset, size=10, **options):
    return MiniBatches(dataset.train, size, np.random.SeedSequence(0), **options)


def test_a_network_of_ones_own_is_trained_checked_and_drawn(tiny, rng):
    network, dataset = own_network(rng), load_dataset(str(tiny))
    drawn = mini_batches(dataset, dtype=np.float64)
    x, t = drawn.draw(0)
    found = check(network, x, t)
    assert found.passed, draw_check(found)
    optimizer = SGD(network.parameters, network.gradient)
    losses = list(itertools.islice(learn(network, optimizer, drawn, itertools.repeat(0.1)), 200))
    assert np.mean(losses[-20:]) < np.mean(losses[:20]) / 3
    assert evaluate(network, dataset.held_out).accuracy == 1
    assert (
        draw_figure(network_figure(network.specs), 80)
        == """\
[A] =
   N×36          N×36             N×8         N×8             N×4
x ──────(Scale1)──────(MyAffine1)─────(ReLU1)─────(MyAffine2)─────▶
           36             296                          36

     N×4                   1
[A] ─────(SoftmaxWithLoss)───▶

The whole is wider than 80 columns: [A] is drawn first, and what several pieces
need stands in each.

368 parameters: s1 36, W2 36×8, b2 8, W3 8×4, b3 4"""
    )


def test_a_wrong_layer_of_ones_own_is_placed(rng, monkeypatch):
    right = MyAffine.backward
    monkeypatch.setattr(MyAffine, "backward", lambda self, dout: 2 * right(self, dout))
    x, t = rng.normal(size=(3, 36)), rng.integers(0, 4, 3)
    found = check(own_network(rng), x, t)
    assert {row.layer for row in found.failures} == {"MyAffine1", "MyAffine2"}
    assert all("2 times what it should be" in row.problem for row in found.failures)


def test_own_layers_learn_to_the_same_as_ours(tiny):
    networks = []
    for kind in (Affine, MyAffine):
        rng = np.random.default_rng(0)
        layers = [kind(rng.normal(size=(36, 8)), np.zeros(8)), ReLU()]
        network = Network([*layers, kind(rng.normal(size=(8, 4)), np.zeros(4))], SoftmaxWithLoss())
        drawn = mini_batches(load_dataset(str(tiny)), dtype=np.float64)
        steps = learn(network, Adam(network.parameters, network.gradient), drawn, [0.01] * 50)
        assert len(list(steps)) == 50
        networks.append(network)
    np.testing.assert_allclose(networks[0].parameters, networks[1].parameters, atol=1e-9)


def test_it_learns_as_long_as_there_are_mini_batches_and_learning_rates(rng):
    network = build_network(6, 3, rng, hidden=[4])
    optimizer = SGD(network.parameters, network.gradient)
    few = [(rng.random((5, 6), np.float32), rng.integers(0, 3, 5)) for _ in range(3)]
    assert len(list(learn(network, optimizer, few, itertools.repeat(0.1)))) == 3
    assert len(list(learn(network, optimizer, iter(few), [0.1, 0.1]))) == 2
    before = network.parameters.copy()
    steps = learn(network, optimizer, few, itertools.repeat(0.1))
    np.testing.assert_array_equal(network.parameters, before)  # nobody has asked for a loss yet
    next(steps)
    assert (network.parameters != before).any()


@pytest.mark.parametrize("method", METHODS)
def test_every_optimizer_counts_its_updates(method, rng):
    optimizer = METHODS[method](np.ones(3), np.ones(3))
    for _ in range(5):
        optimizer.update(0.1)
    assert optimizer.updates == 5


def test_layers_without_parameters_are_no_network():
    with pytest.raises(ArrayError, match="layers: found none with parameters, expected one that"):
        Network([ReLU()], SoftmaxWithLoss())


@pytest.mark.parametrize("dropout", [0, 0.2])
@pytest.mark.parametrize("hidden", [[], [5], [5, 3]])
def test_an_outline_is_that_of_the_network(hidden, dropout, rng):
    options = {"hidden": hidden, "activation": "tanh", "loss": "squared", "dropout": dropout}
    network = build_network(7, 4, rng, input_dropout=dropout / 2, **options)
    assert outline(7, 4, input_dropout=dropout / 2, **options) == network.specs


def test_an_outline_takes_no_memory():
    specs = outline(784, 10, hidden=[10**12, 10**12])
    assert specs[2].shapes == {"W2": (10**12, 10**12), "b2": (10**12,)}
