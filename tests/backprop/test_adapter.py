"""A network learns with the layers of whoever has written chapter 5, in its own memory."""

import copy
from itertools import islice, repeat

import chapter
import numpy as np
import pytest

from bpcli.backprop import (
    SGD,
    Layer,
    LossLayer,
    Network,
    ReLU,
    SoftmaxWithLoss,
    build_network,
    learn,
)
from bpcli.backprop import Affine as OurAffine
from bpcli.errors import ArrayError
from bpcli.gradcheck import check

X = np.random.default_rng(1).normal(size=(6, 4))
T = np.array([0, 1, 2, 1, 0, 2])


def matrices(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(4, 5)), rng.normal(size=5), rng.normal(size=(5, 3)), rng.normal(size=3)


def network_of(affine, relu=chapter.Relu, loss=chapter.SoftmaxWithLoss):
    W1, b1, W2, b2 = matrices()
    return Network([affine(W1, b1), relu(), affine(W2, b2)], loss())


def losses(network, count=30):
    optimizer = SGD(network.parameters, network.gradient)
    return list(islice(learn(network, optimizer, repeat((X, T)), repeat(0.5)), count))


STYLES = [chapter.Affine, chapter.MatMulOfLists, chapter.AffineOfDictionaries]


@pytest.mark.parametrize("affine", STYLES)
def test_layers_of_every_style_learn_as_ours_do(affine):
    network = network_of(affine)
    expected = losses(network_of(OurAffine, ReLU, SoftmaxWithLoss))
    assert losses(network) == pytest.approx(expected, abs=1e-5)  # the loss has a constant
    assert expected[-1] < expected[0] / 2
    assert list(network.arrays) == ["W1", "b1", "W2", "b2"]
    assert check(network, X, T)


def test_a_layer_reads_what_the_network_has():
    affine = chapter.Affine(*matrices()[:2])
    network = Network([affine, chapter.Affine(*matrices()[2:])], SoftmaxWithLoss())
    network.forward(X, T)
    assert affine.W.base is network.parameters
    network.parameters[:] = 0
    assert not network.predict(X).any()


def test_it_is_called_by_its_own_name_and_leaves_the_callers_arrays_alone():
    W, b = matrices()[:2]
    before = W.copy()
    network = Network([chapter.Affine(W, b), chapter.Sigmoid()], chapter.SoftmaxWithLoss())
    assert repr(network).startswith("<Network Affine1 → Sigmoid1 → SoftmaxWithLoss: 25 parameters")
    losses(network, 3)
    np.testing.assert_array_equal(W, before)


def test_what_was_used_before_is_adapted_all_the_same():
    affine = chapter.Affine(*matrices()[:2])
    affine.backward(affine.forward(X))  # keeps x and dW
    assert list(Network([affine], SoftmaxWithLoss()).arrays) == ["W1", "b1"]


def test_dropout_and_batch_normalization_predict_in_their_own_way():
    W1, b1, W2, b2 = matrices()
    normalization = chapter.BatchNormalization(np.ones(5), np.zeros(5))
    layers = [chapter.Affine(W1, b1), normalization, chapter.Dropout(0.3), chapter.Affine(W2, b2)]
    network = Network(layers, SoftmaxWithLoss())
    assert list(network.arrays) == ["W1", "b1", "gamma2", "beta2", "W3", "b3"]
    network.forward(X, T)
    hidden = X @ W1 + b1
    scaled = (hidden - normalization.running_mean) / np.sqrt(normalization.running_var + 1e-6)
    np.testing.assert_allclose(network.predict(X), 0.7 * scaled @ W2 + b2, rtol=1e-12)
    assert check(network, X, T)


def test_copies_and_other_precisions_learn_on_their_own():
    network = network_of(chapter.Affine)
    narrow, copied = network.astype(np.float32), copy.deepcopy(network)
    before = network.parameters.copy()
    losses(copied, 3)
    assert narrow.parameters.dtype == np.float32
    assert narrow.predict(X.astype(np.float32)).dtype == np.float32
    np.testing.assert_array_equal(network.parameters, before)
    assert (copied.parameters != before).any()


class Uninitialised(Layer):
    def __init__(self, W):
        self.W = W


class UninitialisedLoss(LossLayer):
    def __init__(self):
        self.y = None


class NoBackward:
    def forward(self, x):
        return x


class NeverSet(chapter.Affine):
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        return dout @ self.W.T


class Parameter:
    def __init__(self, data):
        self.data, self.grad = data, None


class OfObjects(NoBackward):
    def __init__(self, W):
        self.params = [Parameter(W)]

    def backward(self, dout):
        return dout


W, B = matrices()[:2]


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Uninitialised(W), r"Uninitialised: found no params .* expected super\(\).__init__\(W=W, b=b\)"),
        (NoBackward(), "layers: found a NoBackward, expected layers with forward and backward"),
        (chapter.Affine, r"layers: found the class Affine, expected an object of it, Affine\(...\)"),
        ("Affine", "layers: found a str, expected layers with forward and backward"),
        (OfObjects(W), "OfObjects: found no arrays in its params"),
    ],
)  # fmt: skip
def test_what_is_no_layer_is_told_in_a_sentence(layer, message):
    with pytest.raises(ArrayError, match=message):
        Network([layer, OurAffine(W, B)], SoftmaxWithLoss())


@pytest.mark.parametrize("loss", [UninitialisedLoss(), NoBackward(), chapter.SoftmaxWithLoss])
def test_a_loss_that_is_none_is_told_too(loss):
    with pytest.raises(ArrayError, match="expected"):
        Network([OurAffine(W, B)], loss)


def test_an_array_that_would_not_learn_is_told():
    # Its class is made from one that sets dW: it is the gradient that is not there.
    network = Network([NeverSet(W, B)], SoftmaxWithLoss())
    network.forward(X, np.array([0, 1, 2, 1, 0, 4]))
    with pytest.raises(ArrayError, match="NeverSet: backward leaves None for dW"):
        network.backward()

    class Alone:
        def __init__(self):
            self.W = W

        def forward(self, x):
            return x @ self.W

        def backward(self, dout):
            return dout @ self.W.T

    with pytest.raises(
        ArrayError, match="Alone: found the array W, which its forward reads, and no"
    ):
        Network([Alone()], SoftmaxWithLoss())


def test_a_gradient_of_another_shape_is_told():
    class Unsummed(chapter.Affine):
        def backward(self, dout):
            dx = super().backward(dout)
            self.db = dout
            return dx

    network = Network([Unsummed(W, B)], SoftmaxWithLoss())
    network.forward(X, T)
    with pytest.raises(
        ArrayError, match=r"backward leaves an array \(6, 5\) for db, expected .* \(5,\)"
    ):
        network.backward()


def test_an_array_that_is_put_in_place_of_the_networks_is_told():
    affine = chapter.Affine(W.copy(), B.copy())
    network = Network([affine], SoftmaxWithLoss())
    network.forward(X, T)
    affine.W = np.zeros_like(W)  # as a program that loads weights does
    with pytest.raises(ArrayError, match="found another array as W than the network's"):
        network.forward(X, T)


@pytest.mark.parametrize(("wrong", "label"), [([0, -1, 2], "-1"), ([0, 5, 2], "5")])
@pytest.mark.parametrize("dtype", [np.intp, np.int8, np.int64])
def test_labels_that_are_no_class_are_told(wrong, label, dtype, rng):
    network = build_network(4, 5, rng)
    with pytest.raises(
        ArrayError, match=f"t: found the label {label}, expected classes from 0 to 4"
    ):
        network.forward(X[:3].astype(np.float32), np.array(wrong, dtype))
