"""A network that somebody has built and taught is a model like any other, or it is said why not."""

import json

import chapter
import numpy as np
import pytest

from bpcli import notebook
from bpcli.backprop import (
    SGD,
    Affine,
    BatchNormalization,
    Dropout,
    Network,
    ReLU,
    SoftmaxWithLoss,
    SquaredError,
    Tanh,
    learn,
)
from bpcli.data import load_split
from bpcli.errors import ArgumentError


class LeakyRelu(chapter.Relu):
    def forward(self, x):
        self.mask = x <= 0
        return np.where(self.mask, 0.3 * x, x)


@pytest.fixture
def teach(tiny, rng):
    """Teach a network of such layers for a while; return it."""

    def call(affine, between, loss, dtype=np.float32, width=8):
        def weights(n, m):
            return rng.normal(0, 0.4, (n, m)).astype(dtype), rng.normal(0, 0.1, m).astype(dtype)

        network = Network([affine(*weights(36, width)), *between, affine(*weights(width, 4))], loss)
        train = load_split(str(tiny), "train")
        x = (train.images / 255).astype(dtype)
        batches = ((x[i : i + 10], train.labels[i : i + 10].astype(int)) for i in range(0, 120, 10))
        optimizer = SGD(network.parameters, network.gradient)
        list(learn(network, optimizer, batches, [0.1] * 12))
        return network

    return call


NETS = {
    "ours": lambda: (Affine, [ReLU()], SoftmaxWithLoss()),
    "tanh, dropout, squared": lambda: (
        Affine, [Tanh(), Dropout(0.2, np.random.default_rng(0))], SquaredError(),
    ),
    "batch normalisation": lambda: (
        Affine,
        [BatchNormalization(np.ones(8, np.float32), np.zeros(8, np.float32)), ReLU()],
        SoftmaxWithLoss(),
    ),
    "the book's": lambda: (chapter.Affine, [chapter.Relu()], chapter.SoftmaxWithLoss()),
}  # fmt: skip


@pytest.mark.parametrize("net", NETS)
def test_it_is_measured_saved_and_used_by_commands(net, teach, tiny, bpcli, tmp_path):
    network = teach(*NETS[net]())
    model = notebook.model(network, str(tiny))
    test = load_split(str(tiny), "test")
    logits = network.predict((test.images / 255).astype(np.float32))
    with pytest.warns(UserWarning, match="not known what it has learnt from"):
        found = model.evaluate()
    assert found.accuracy == np.mean(logits.argmax(axis=1) == test.labels)
    model.save(tmp_path / "own.npz")
    printed = json.loads(bpcli("eval", tmp_path / "own.npz", "--json").stdout)
    assert printed["accuracy"] == found.accuracy
    bpcli("info", tmp_path / "own.npz")
    bpcli("report", tmp_path / "own.npz", "-o", tmp_path / "own.html")


def test_a_network_of_float64_is_taken(teach, tiny):
    network = teach(Affine, [ReLU()], SoftmaxWithLoss(), np.float64)
    assert notebook.model(network, str(tiny)).saved.network().parameters.dtype == np.float32


@pytest.mark.parametrize(
    ("between", "loss"),
    [
        ([LeakyRelu()], SoftmaxWithLoss()),
        ([chapter.Relu(), chapter.Relu(), Tanh()], SoftmaxWithLoss()),
    ],
    ids=["another activation", "two activations"],
)
def test_what_does_other_than_ours_is_refused(between, loss, teach, tiny):
    network = teach(Affine, between, loss)
    with pytest.raises(ArgumentError, match=r"the nearest differs by .* expected at most 0\.0001"):
        notebook.model(network, str(tiny))


def test_a_network_for_other_images_is_refused(teach):
    with pytest.raises(ArgumentError, match=r"expected matrices that lead from 784 pixels"):
        notebook.model(teach(Affine, [ReLU()], SoftmaxWithLoss()))
