"""`bpcli.check` tells right from wrong of what anybody hands to it, and changes none of it."""

import copy
import functools
import html.parser
import re
import threading

import autograd
import autograd.numpy as anp
import chapter
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bpcli
from bpcli.backprop import Affine, Dropout, Layer, Network, ReLU, SoftmaxWithLoss
from bpcli.errors import ArgumentError, ArrayError
from bpcli.gradcheck import check
from bpcli.gradcheck.foreign.tree import walk


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape)


X, W, B, T = normal(5, 4), normal(4, 3), normal(3), np.array([0, 1, 2, 1, 0])
SQUARE = normal(4, 4)
P = np.abs(normal(5, 3)) + 0.1
P /= P.sum(axis=1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax_of_one(x):
    exp = np.exp(x - x.max())
    return exp / exp.sum()


def affine_forward(x, w, b):
    return x @ w + b, (x, w, b)


def affine_backward(dout, cache):
    x, w, _ = cache
    dx, dw, db = dout @ w.T, x.T @ dout, dout.sum(axis=0)
    return dx, dw, db


def affine_backward_in_another_order(dout, cache):
    x, w, _ = cache
    return dout.sum(axis=0), dout @ w.T, x.T @ dout


def relu(z):
    return np.maximum(z, 0), z


def relu_backward(dA, cache):
    return dA * (cache > 0)


def svm_loss(w, x, y, reg):
    scores, rows = x @ w, np.arange(len(x))
    margins = np.maximum(0, scores - scores[rows, y][:, None] + 1)
    margins[rows, y] = 0
    d = (margins > 0).astype(float)
    d[rows, y] = -d.sum(axis=1)
    return margins.sum() / len(x) + reg * (w**2).sum(), x.T @ d / len(x) + 2 * reg * w


class Mul:
    def forward(self, x, y):
        self.x, self.y = x, y
        return x * y

    def backward(self, dout):
        return dout * self.y, dout * self.x


class Dense:
    """As nnfs has it: nothing is returned, everything is kept."""

    def __init__(self):
        self.weights, self.biases = W.copy(), np.zeros((1, 3))

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases

    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues
        self.dbiases = dvalues.sum(axis=0, keepdims=True)
        self.dinputs = dvalues @ self.weights.T


class NegativeLog:
    """Its dvalues are what it was given, and no dout."""

    def forward(self, y_pred, y_true):
        return -np.log(y_pred[np.arange(len(y_true)), y_true])

    def backward(self, dvalues, y_true):
        self.dinputs = -np.eye(dvalues.shape[1])[y_true] / dvalues / len(dvalues)


class LabelsFirst:
    def loss(self, y_true, y_pred):
        return 0.5 * (y_true - y_pred) ** 2

    def gradient(self, y_true, y_pred):
        return y_pred - y_true


class AddsUp(chapter.MatMulOfLists):
    def backward(self, dout):
        self.grads[0] += self.x.T @ dout
        self.grads[1] += dout.sum(axis=0)
        return dout @ self.params[0].T


class Embedding:
    def __init__(self):
        self.W = normal(6, 3)

    def forward(self, idx):
        self.idx = idx
        return self.W[idx]

    def backward(self, dout):
        self.dW = np.zeros_like(self.W)
        np.add.at(self.dW, self.idx, dout)


class OddlyNamed:
    def __init__(self):
        self.quanzhong = W.copy()

    def forward(self, x):
        self.x = x
        return x @ self.quanzhong

    def backward(self, dout):
        self.table = {"first": self.x.T @ dout}
        return dout @ self.quanzhong.T


class Neuron:
    """A parameter that is a number."""

    def __init__(self):
        self.w = 0.7

    def forward(self, x):
        self.x = x
        return self.w * x

    def backward(self, dout):
        self.dw = float((dout * self.x).sum())
        return dout * self.w


class OfFramework:
    """It is called; forward alone keeps nothing."""

    def __call__(self, x):
        self.inputs = (x,)
        return self.forward(x)

    def forward(self, x):
        return x**2

    def backward(self, gy):
        return 2 * self.inputs[0] * gy


class Slotted:
    __slots__ = ("W", "dW", "x")

    def __init__(self):
        self.W = W.copy()

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T


class Concatenate:
    """Takes a list, and returns one."""

    def forward(self, xs):
        self.sizes = [x.shape[1] for x in xs]
        return np.concatenate(xs, axis=1)

    def backward(self, dout):
        return np.split(dout, np.cumsum(self.sizes)[:-1], axis=1)


class Step:
    """A cell with two outputs, each with a gradient from the right."""

    def forward(self, x, h):
        self.x, self.h, self.c = x, h, np.tanh(x @ SQUARE + h)
        return self.c * h, self.c

    def backward(self, dh, dc):
        d = (dh * self.h + dc) * (1 - self.c**2)
        return d @ SQUARE.T, d + dh * self.c


class ReturnsAll:
    def __init__(self):
        self.W, self.b = W.copy(), B.copy()

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        return dout @ self.W.T, self.x.T @ dout, dout.sum(axis=0)


class LossOfParams:
    """As CS231n has it: the loss, and a dictionary under the names of its parameters."""

    def __init__(self):
        self.params = {"W1": W.copy(), "b1": np.zeros(3)}

    def loss(self, X, y=None):
        scores = X @ self.params["W1"] + self.params["b1"]
        if y is None:
            return scores
        p, rows = chapter.softmax(scores), np.arange(len(y))
        loss = -np.log(p[rows, y]).mean()
        p[rows, y] -= 1
        return loss, {"W1": X.T @ p / len(y), "b1": p.sum(axis=0) / len(y)}


class Columns:
    """Lists of weights and biases, and one image as a column, as Nielsen has them."""

    def __init__(self):
        self.weights = [normal(3, 4), normal(2, 3)]
        self.biases = [normal(3, 1), normal(2, 1)]

    def activations(self, x):
        found = [x]
        for w, b in zip(self.weights, self.biases, strict=True):
            found.append(sigmoid(w @ found[-1] + b))
        return found

    def cost(self, x, y):
        return 0.5 * np.sum((self.activations(x)[-1] - y) ** 2)

    def backprop(self, x, y):
        x, hidden, out = self.activations(x)
        delta = (out - y) * out * (1 - out)
        before = (self.weights[1].T @ delta) * hidden * (1 - hidden)
        nabla_b = [before, delta]
        nabla_w = [before @ x.T, delta @ hidden.T]
        return nabla_b, nabla_w


class Parameter:
    def __init__(self, data):
        self.data, self.grad = data, None


class OfParameters:
    def __init__(self):
        self.W, self.b = Parameter(W.copy()), Parameter(B.copy())

    def forward(self, x):
        self.x = x
        return x @ self.W.data + self.b.data

    def backward(self, dout):
        self.W.grad, self.b.grad = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.data.T


class Sequential:
    def __init__(self):
        self.layers = [OfParameters(), chapter.Sigmoid(), chapter.Affine(normal(3, 2), np.zeros(2))]

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dout):
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return dout


def cell_forward(xt, a_prev, parameters):
    Wax, Waa, ba = parameters.values()
    a_next = np.tanh(Wax @ xt + Waa @ a_prev + ba)
    return a_next, (a_next, a_prev, xt, parameters)


def cell_backward(da_next, cache):
    a_next, a_prev, xt, parameters = cache
    d = da_next * (1 - a_next**2)
    return {
        "dxt": parameters["Wax"].T @ d,
        "da_prev": parameters["Waa"].T @ d,
        "dWax": d @ xt.T,
        "dWaa": d @ a_prev.T,
        "dba": d.sum(axis=1, keepdims=True),
    }


def cell_backward_without_tanh(da_next, cache):
    found = cell_backward(da_next, cache)
    return found | {"dba": da_next.sum(axis=1, keepdims=True)}


CELL = (normal(3, 5), normal(4, 5), {"Wax": normal(4, 3), "Waa": SQUARE, "ba": normal(4, 1)})


def used(layer):
    """A layer that has been called before."""
    layer.backward(np.ones_like(layer.forward(normal(5, 4, seed=9))))
    return layer


def lists(x):
    return x.tolist()


def arrays(thing):
    """All arrays inside something, in order."""
    return [part for _, part in walk(thing) if isinstance(part, np.ndarray)]


RIGHT = {
    "the chapter's Affine": lambda: (chapter.Affine(W, B), X),
    "that is used": lambda: (used(chapter.Affine(W, B)), X),
    "at a list": lambda: (chapter.Affine(W, B), lists(X)),
    "at whole numbers": lambda: (chapter.Affine(W, B), np.arange(8).reshape(2, 4)),
    "at float32": lambda: (chapter.Affine(W.astype(np.float32), B), X.astype(np.float32)),
    "Sigmoid": lambda: (chapter.Sigmoid(), X),
    "the chapter's loss": lambda: (chapter.SoftmaxWithLoss(), 10 * normal(5, 3), T),
    "one-hot": lambda: (chapter.SoftmaxWithLoss(), normal(5, 3), np.eye(3)[T]),
    "dropout": lambda: (chapter.Dropout(), X),
    "batch normalization": lambda: (chapter.BatchNormalization(np.ones(4), np.zeros(4)), X),
    "lists": lambda: (chapter.MatMulOfLists(W, B), X),
    "dictionaries": lambda: (chapter.AffineOfDictionaries(W, B), X),
    "a sum": lambda: (AddsUp(W, B), X),
    "a sum that is used": lambda: (used(AddsUp(W, B)), X),
    "the chapter's net": lambda: (chapter.TwoLayerNet(9, 6, 3, np.random.default_rng(0)), normal(5, 9), T),
    "ours": lambda: (Affine(W, B), X),
    "our dropout": lambda: (Dropout(0.4, np.random.default_rng(1)), X),
    "our loss": lambda: (SoftmaxWithLoss(), normal(5, 3), T),
    "a pair": lambda: (affine_forward, affine_backward, X, W, B),
    "another order": lambda: (affine_forward, affine_backward_in_another_order, X, W, B),
    "a cache that is an array": lambda: (relu, relu_backward, X),
    "lambdas": lambda: (lambda x: x @ W, lambda dout: dout @ W.T, X),
    "bound methods": lambda: ((layer := chapter.Affine(W, B)).forward, layer.backward, X),
    "loss and gradient": lambda: (svm_loss, W, X, T, 0.1),
    "numbers": lambda: (Mul(), 100, 2),
    "what is kept": lambda: (Dense(), X),
    "what is kept of a loss": lambda: (NegativeLog(), P, T),
    "labels first": lambda: (LabelsFirst(), normal(5, 1), normal(5, 1, seed=3)),
    "rows of a table": lambda: (Embedding(), np.array([0, 2, 2, 5])),
    "a parameter that is a number": lambda: (Neuron(), X),
    "a framework's": lambda: (OfFramework(), X),
    "slots": lambda: (Slotted(), X),
    "a list of arrays": lambda: (Concatenate(), [normal(2, 3), normal(2, 4)]),
    "two outputs": lambda: (Step(), X, normal(5, 4, seed=2)),
    "all that is returned": lambda: (ReturnsAll(), X),
    "a loss of params": lambda: (LossOfParams(), X, T),
    "columns": lambda: (Columns(), normal(4, 1), normal(2, 1)),
    "objects of parameters": lambda: (OfParameters(), X),
    "layers in a list": lambda: (Sequential(), X),
    "a dictionary of parameters": lambda: (cell_forward, cell_backward, *CELL),
}  # fmt: skip


@pytest.mark.parametrize("case", RIGHT)
def test_right_ones_are_right_and_left_as_they_are(case):
    subject, *inputs = RIGHT[case]()
    before, seen = copy.deepcopy((subject, inputs)), np.random.get_state()
    found = check(subject, *inputs)
    assert found, str(found)
    assert found.checked == sum(np.prod(row.shape) for row in found.parameters)
    assert np.random.get_state()[1].tolist() == seen[1].tolist()
    for after, old in zip(arrays((subject, inputs)), arrays(before), strict=True):
        np.testing.assert_array_equal(after, old)
        assert after.dtype == old.dtype


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@given(
    kinds=st.lists(
        st.sampled_from(["affine", "tanh", "sigmoid", "square"]), min_size=1, max_size=3
    ),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 4)),
    seed=st.integers(0, 1000),
    factor=st.sampled_from([1.0, 1.001, -1.0]),
)
def test_another_differentiator_agrees_and_a_changed_gradient_does_not(
    dtype, kinds, shape, seed, factor
):
    weights = normal(shape[1], shape[1], seed=seed)

    def f(x):
        for kind in kinds:
            match kind:
                case "affine":
                    x = anp.dot(x, weights)
                case "tanh":
                    x = anp.tanh(x)
                case "sigmoid":
                    x = 1 / (1 + anp.exp(-x))
                case "square":
                    x = x * x
        return anp.sum(x * anp.cos(x))

    def df(x):
        return factor * autograd.grad(f)(x)

    found = check(f, normal(*shape, seed=seed).astype(dtype), gradient=df)
    assert bool(found) == (factor == 1), str(found)


def changed(kind, method, change):
    """A kind of layer of which a method returns, or leaves behind, something else."""

    right = getattr(kind, method)

    @functools.wraps(right)
    def broken(self, *args):
        result = right(self, *args)
        found = change(self, result)
        return result if found is None else found

    return type(kind.__name__, (kind,), {method: broken})


def without_transpose(layer, _dx):
    return np.dot(layer.dout, layer.W)


class Remembers(chapter.Affine):
    def backward(self, dout):
        self.dout = dout
        return super().backward(dout)


class Early(chapter.Affine):
    def backward(self, dout):
        return np.dot(dout, self.W.T)


class Local:
    def __init__(self):
        self.W, self.b = W.copy(), B.copy()

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        dW = self.x.T @ dout  # noqa: F841 - is meant to be kept
        db = dout.sum(axis=0)  # noqa: F841
        return dout @ self.W.T


class WritesIntoX(chapter.Sigmoid):
    def forward(self, x):
        x *= 1
        x[0] = 0
        return super().forward(x)


class Stale(chapter.Affine):
    def forward(self, x):
        y = super().forward(x)
        self.first = getattr(self, "first", x)
        self.x = self.first
        return y


class StaleLabels(chapter.SoftmaxWithLoss):
    def forward(self, x, t):
        self.first = getattr(self, "first", t)
        loss = super().forward(x, t)
        self.t = self.first
        return loss


class HalfAddsUp(AddsUp):
    def backward(self, dout):
        self.grads[1][...] = 0
        return super().backward(dout)


class Mixed(Layer):
    """The book's style and ours in one: the network's W is never read."""

    def __init__(self, W, b):
        super().__init__(W=W, b=b)
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = 2 * self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


class Unset(Layer):
    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dout):
        self.grads["b"] = dout.sum(axis=0)
        return dout @ self.params["W"].T


class Narrow(chapter.Affine):
    def forward(self, x):
        return super().forward(x.astype(np.float32).astype(float))

    def backward(self, dout):
        dx = super().backward(dout)
        self.dW *= 2
        return dx


class Raises(chapter.Sigmoid):
    def backward(self, dout):
        return dout @ self.out


class NoOutput(chapter.Sigmoid):
    def forward(self, x):
        super().forward(x)


class NoInput(chapter.Sigmoid):
    def backward(self, dout):
        super().backward(dout)


def doubled_bias(dout, cache):
    dx, dw, db = affine_backward(dout, cache)
    return dx, dw, 2 * db


def summed_to_a_number(dout, cache):
    dx, dw, _ = affine_backward(dout, cache)
    return dx, dw, np.sum(dout)


def swapped(dout, cache):
    x, w, _ = cache
    return dout @ w.T, x.T @ dout, -dout.sum(axis=0)


LAYER = chapter.Affine(W, B)


def twice_dW(dout):
    dx = LAYER.backward(dout)
    LAYER.dW *= 2
    return dx


# What is wrong; the arrays whose rows say so; words that they have.
WRONG = {
    "no .T, square": (lambda: (changed(Remembers, "backward", without_transpose)(SQUARE, np.zeros(4)), X), "x", "every element is wrong"),
    "never set": (lambda: (Early(W, B), X), "W b", "dW is never set"),
    "not kept": (lambda: (Local(), X), "W b", r"dW is computed and not kept: set self.dW"),
    "stale dW": (lambda: (stale_gradients(), X), "W b", "dW is never set"),
    "x changed": (lambda: (WritesIntoX(), X), "x", "changed in place by forward or backward"),
    "dout changed": (lambda: (chapter.Relu(), X), "dout", "changed in place by forward or backward"),
    "W changed": (lambda: (changed(chapter.Affine, "backward", grow)(W.copy(), B), X), "W", "changed in place"),
    "stale x": (lambda: (Stale(W, B), X), "W", "is a stale value used"),
    "stale t": (lambda: (StaleLabels(), normal(5, 3), np.array([0, 1, 2, 2, 0])), "x", "is a stale value used"),
    "one adds up": (lambda: (HalfAddsUp(W, B), X), r"params\[0\]", r"as that by params\[1\] is"),
    "never read": (lambda: (Mixed(W, B), X), "W b", r"params\['W'\] is never read"),
    "never set, ours": (lambda: (Unset(W=W, b=B), X), "W", r"grads\['W'\] is never set"),
    "wrong in float32, too": (lambda: (Narrow(W, B), X), "W", "2 times what it should be"),
    "raises": (lambda: (Raises(), X), "backward", r"ValueError raised at test_door.py:\d+"),
    "no output": (lambda: (NoOutput(), X), "", "is `return y` missing"),
    "no input": (lambda: (NoInput(), X), "x", "is `return dx` missing"),
    "not summed": (lambda: (changed(chapter.Affine, "backward", not_summed)(W, B), X), "b", "is the sum over the images missing"),
    "summed to a number": (lambda: (affine_forward, summed_to_a_number, X, W, B), "b", "without an axis"),
    "a pair": (lambda: (affine_forward, doubled_bias, X, W, B), "b", "2 times"),
    "a sign": (lambda: (affine_forward, swapped, X, W, B), "b", "the sign is wrong"),
    "seen through a lambda": (lambda: (lambda x: LAYER.forward(1 * x), twice_dW, X), r"LAYER.W", "2 times"),
    "without the swap": (lambda: (changed(Mul, "backward", lambda layer, _: (3.0, 4.0))(), 3.0, 4.0), "x y", "times what it should be"),
    "no sum over twice": (lambda: (changed(Embedding, "backward", once)(), np.array([0, 2, 2, 5])), "W", "elements are wrong"),
    "loss and gradient": (lambda: (lambda w, x, t: (svm_loss(w, x, t, 0.1)[0], svm_loss(w, x, t, 0.2)[1]), W, X, T), "w", "wrong"),
    "an average of labels first": (lambda: (changed(LabelsFirst, "gradient", lambda _, d: -d)(), normal(5, 1), normal(5, 1, seed=3)), "y_pred", "the sign is wrong"),
    "one of the net's": (lambda: (changed(chapter.TwoLayerNet, "gradient", half_b1)(9, 6, 3, np.random.default_rng(0)), normal(5, 9), T), r"params\['b1'\]", "0.5 times"),
    "all that is returned": (lambda: (changed(ReturnsAll, "backward", lambda _, found: (*found[:2], 2 * found[2]))(), X), "b", "2 times"),
    "a loss of params": (lambda: (changed(LossOfParams, "loss", lambda _, found: (found[0], found[1] | {"b1": -found[1]["b1"]}))(), X, T), r"params\['b1'\]", "the sign"),
    "columns": (lambda: (changed(Columns, "backprop", lambda _, found: (found[0], [found[1][0], 2 * found[1][1]]))(), normal(4, 1), normal(2, 1)), r"weights\[1\]", "2 times"),
    "layers in a list": (lambda: (changed(Sequential, "backward", lambda net, _: setattr(net.layers[0].W, "grad", 2 * net.layers[0].W.grad))(), X), r"layers\[0\].W.data", "2 times"),
    "a dictionary of parameters": (lambda: (cell_forward, cell_backward_without_tanh, *CELL), r"parameters\['ba'\]", "wrong"),
    "a constant, and a factor": (lambda: (changed(chapter.SoftmaxWithLoss, "backward", lambda _, d: d * 1.00001)(), 10 * normal(5, 3), T), "x", ""),
}  # fmt: skip


def stale_gradients():
    layer = used(chapter.Affine(W, B))
    layer.__class__ = Early  # whose backward leaves what was set before
    layer.dW, layer.db = X.T @ np.ones((5, 3)), np.full(3, 5.0)
    return layer


def grow(layer, _dx):
    layer.W += 1


def not_summed(layer, _dx):
    layer.db = np.ones((5, 3)) * layer.db / 5


def once(layer, _none):
    layer.dW[2] /= 2


def half_b1(_net, gradients):
    return gradients | {"b1": gradients["b1"] / 2}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_ones_are_wrong_and_say_what_looks_wrong(case):
    make, names, words = WRONG[case]
    found = check(*make())
    assert not found
    failed = [row for row in found.failures if row.verdict == "FAILED"]
    assert failed, str(found)
    for row in failed:
        assert any(re.fullmatch(name, row.name) for name in names.split(" ")), str(found)
    assert any(re.search(words, row.problem) for row in failed), str(found)


class Unrepeatable(chapter.Dropout):
    def forward(self, x):
        self.mask = np.random.default_rng().random(x.shape) > self.ratio
        return x * self.mask


class Float32Inside(chapter.Affine):
    def forward(self, x):
        return super().forward(x.astype(np.float32)).astype(np.float32)


class OnlyOnce(chapter.Affine):
    def forward(self, x):
        if self.x is not None:
            raise RuntimeError("a layer for one call")
        return super().forward(x)


class Learns(chapter.Affine):
    def backward(self, dout):
        dx = dout @ self.W.T
        self.W -= 0.1 * self.x.T @ dout
        self.b -= 0.1 * dout.sum(axis=0)
        return dx

    def __init__(self, W, b):
        self.W, self.b, self.x = W.copy(), b.copy(), None


# What cannot be known, and the words that say why.
UNKNOWN = {
    "random": (lambda: (Unrepeatable(), X), {}, "it draws random numbers that cannot be repeated"),
    "float32 inside": (lambda: (Float32Inside(W, B), X), {}, "not beyond two digits: it computes in float32"),
    "once": (lambda: (OnlyOnce(W, B), X), {}, "right at the first call; the second: RuntimeError"),
    "another name": (lambda: (OddlyNamed(), X), {}, r'say where, as params=\{"quanzhong": "..."\}'),
    "learns by itself": (lambda: (Learns(W, B), X), {}, "let an optimizer do that"),
    "forward raises": (lambda: (chapter.Affine(W, B), normal(5, 5)), {}, "forward: ValueError raised at chapter.py"),
    "not finite": (lambda: (chapter.Affine(W * np.nan, B), X), {}, "not finite"),
    "dout or x": (lambda: (changed(NegativeLog, "backward", lambda layer, _: setattr(layer, "dinputs", -layer.dinputs))(), P, T), {}, "whether .* is dout or y_pred cannot be told"),
    "one gradient too few": (lambda: (affine_forward, lambda dout, cache: affine_backward(dout, cache)[:2], X, W, B), {}, "backward returns no gradient by it"),
    "given y": (lambda: (sigmoid, X), {"gradient": lambda y: y * (1 - y)}, "right where it is given what the function returns"),
    "abs by complex steps": (lambda: (np.abs, X), {"gradient": lambda x: 2 * np.sign(x), "method": "complex"}, "not by complex steps"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_cannot_be_known_is_not_called_right_nor_wrong(case):
    make, options, words = UNKNOWN[case]
    found = check(*make(), **options)
    assert not found
    assert {row.verdict for row in found.failures} == {"not checked"}, str(found)
    assert re.search(words, str(found)), str(found)
    assert "FAILED" not in str(found)


class TakesRate(chapter.Sigmoid):
    def backward(self, dout, learning_rate):
        return dout


class TakesNothing(chapter.Sigmoid):
    def backward(self):
        return self.out


class TakesMore(chapter.Sigmoid):
    def backward(self, dout, gradients):
        return dout


class Locked(chapter.Sigmoid):
    def __init__(self):
        self.lock = threading.Lock()


NET = Network([Affine(W, B)], SoftmaxWithLoss())


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((3, X), {}, ArgumentError, "int: found .*expected forward and backward"),
        ((chapter.Sigmoid, X), {}, ArgumentError, r"found a class, expected an object of it, as Sigmoid\("),
        ((chapter.Sigmoid(),), {}, ArgumentError, "found no input, expected one"),
        ((chapter.Sigmoid(), X, X), {}, ArgumentError, r"found 2 inputs, expected those of forward\(x\)"),
        ((TakesRate(), X), {}, ArgumentError, "backward takes a learning rate, learning_rate; give two"),
        ((TakesNothing(), X), {}, ArgumentError, "of which loss it is cannot be told"),
        ((TakesMore(), X), {}, ArgumentError, r"what gradients of backward\(dout, gradients\) is cannot be told"),
        ((chapter.Sigmoid(), X[:0]), {}, ArgumentError, "x is empty, expected numbers"),
        ((Locked(), X), {}, ArgumentError, "cannot be copied"),
        ((OddlyNamed(), X), {"params": {"V": "dV"}}, ArgumentError, "params: found 'V', expected .*: quanzhong"),
        ((ReLU(), X), {"tolerance": 5}, ArgumentError, "tolerance: found 5, expected"),
        ((ReLU(), X), {"elements": 1}, ArgumentError, "elements: found 1, expected"),
        ((ReLU(), X), {"method": "forward"}, ArgumentError, "method: found 'forward'"),
        ((NET, X), {}, ArgumentError, r"expected check\(network, x, t\)"),
        ((NET, X, T - 1), {}, ArrayError, "t: found the label -1, expected classes from 0 to 2"),
        ((SoftmaxWithLoss(), P, T + 1), {}, ArrayError, "t: found the label 3, expected classes"),
    ],
)  # fmt: skip
def test_what_can_not_be_checked_is_told_in_a_sentence(arguments, options, error, message):
    with pytest.raises(error, match=message):
        check(*arguments, **options)


def test_a_layer_of_ours_that_is_not_initialised_is_told():
    class Own(Layer):
        def __init__(self):
            self.W = W

    with pytest.raises(ArrayError, match=r"Own: found no params .* expected super\(\).__init__"):
        check(Own(), X)


@pytest.mark.parametrize(
    "params", [{"quanzhong": "table['first']"}, {"quanzhong": "table['first']", "x": 0}]
)
def test_the_person_may_say_where_gradients_are(params):
    assert check(OddlyNamed(), X, params=params)
    wrong = changed(
        OddlyNamed, "backward", lambda layer, _: layer.table.update(first=layer.table["first"] * 2)
    )
    assert not check(wrong(), X, params=params)
    assert check(OddlyNamed(), X, params={})  # quanzhong is a constant, then
    assert not check(OddlyNamed(), X, params={"quanzhong": "dW"})


def test_functions_that_read_what_is_around_them():
    weights = normal(3, 2)

    def forward(x):
        return np.tanh(x @ weights)

    def backward(dout):
        return (dout * 1) @ weights.T

    def loss_of_weights(x):
        y = x @ weights
        dweights = 2 * x.T @ y
        return (y**2).sum(), dweights

    before = weights.copy()
    found = check(loss_of_weights, normal(4, 3))
    assert found
    assert [row.name for row in found.parameters] == ["weights"]
    assert found.notes == ("x is taken as given",)
    assert not check(forward, backward, normal(4, 3))
    np.testing.assert_array_equal(weights, before)


@pytest.mark.parametrize(
    ("f", "x", "df"),
    [
        (lambda x: x**3, 2, lambda x: 3 * x**2),
        (lambda x: x**3, -0.5, lambda x: 3 * x**2),
        (np.tanh, X, lambda x: 1 - np.tanh(x) ** 2),
        (lambda w: (w**2).sum(), B, lambda w: 2 * w),
        (softmax_of_one, B, lambda x: np.diag(softmax_of_one(x)) - np.outer(softmax_of_one(x), softmax_of_one(x))),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["central", "complex"])
def test_a_function_and_its_derivative(f, x, df, method):
    assert check(f, x, gradient=df, method=method)
    found = check(f, x, gradient=lambda x: 1.01 * df(x), method=method)
    assert "1.01 times what it should be" in repr(found)


@pytest.mark.parametrize("forward", ["x @ W", "np.dot(x, W)", "np.einsum('nd,dm->nm', x, W)"])
@pytest.mark.parametrize(
    "dx", ["dout @ W.T", "dout @ W", "(W @ dout.T).T", "(W.T @ dout.T).T", "dout * W"]
)
@pytest.mark.parametrize(
    "dW", ["x.T @ dout", "dout.T @ x", "x @ dout", "x * dout", "np.einsum('nd,nm->dm', x, dout)"]
)
def test_every_product_of_square_matrices(forward, dx, dW):
    """Everything is 4 x 4, so that every wrong product has a shape that fits."""
    names = {"np": np}
    exec(f"def forward(x, W): return {forward}, (x, W)", names)
    exec(f"def backward(dout, cache): x, W = cache; return {dx}, {dW}", names)
    found = check(names["forward"], names["backward"], normal(4, 4, seed=1), SQUARE)
    failed = {row.name for row in found.failures}
    right_x = dx in ("dout @ W.T", "(W @ dout.T).T")
    right_W = dW in ("x.T @ dout", "np.einsum('nd,nm->dm', x, dout)")
    assert failed == {name for name, right in (("x", right_x), ("W", right_W)) if not right}


def test_a_large_array_is_compared_by_some_elements_and_as_a_whole():
    rng = np.random.default_rng(0)
    layer, x = chapter.Affine(rng.normal(size=(80, 40)), np.zeros(40)), rng.normal(size=(3, 80))
    found = check(layer, x)
    assert found.parameters[1].checked == 1000
    assert "--elements all" in str(bpcli.check(layer, x))
    assert check(layer, x, elements="all").parameters[1].checked == 3200
    wrong = changed(chapter.Affine, "backward", lambda layer, _: layer.dW.__setitem__((7, 7), 0))
    assert not check(wrong(layer.W, layer.b), x)
    assert check(wrong(layer.W, layer.b), x, elements="all").parameters[1].worst_index == (7, 7)


def test_it_prints_as_the_command_does(bpcli, tiny):
    options = ["-s", f"dataset.source={tiny}", "-s", "network.hidden=[5]"]
    shown = bpcli("gradcheck", *options).stdout
    from bpcli.training import load_config, set_up_check

    network, x, t = set_up_check(load_config(None, options[1::2]), 3, None)
    found = check(network, x, t)

    def untimed(text):
        return re.sub(r"in \d+\.\d s", "", text).strip()

    assert untimed(str(found)) == untimed(shown)
    assert untimed(f"{found}") == untimed(shown)


def test_what_pytest_shows_of_it_says_what_is_wrong():
    found = check(Early(W, B), X)
    assert repr(found) == "<check of Early: FAILED: W: dW is never set; b: db is never set>"
    assert repr(check(ReLU(), X)) == "<check of ReLU: all agree>"
    assert repr(check(Unrepeatable(), X)).startswith(
        "<check of Unrepeatable: not checked: x: forward"
    )
    network = Network([Mixed(W, B)], SoftmaxWithLoss())
    assert "FAILED: Mixed1: W1: params['W'] is never read" in repr(check(network, X, T))
    for shown in (repr(found), repr(check(Stale(W, B), X))):
        assert "\n" not in shown
        assert len(shown) < 240  # of which pytest shows no more


class Table(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.rows, self.open, self.styles = [], [], set()
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.styles |= {value for name, value in attrs if name == "style"}
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def test_a_notebook_shows_a_table_in_its_own_colours():
    odd = type("<b>Odd&</b>", (Early,), {})
    text = bpcli.check(odd(W, B), X)._repr_html_()
    table = Table(text)
    assert "<b>" not in text
    assert [row[0] for row in table.rows[1:]] == ["<b>Odd&</b>"] * 3
    assert [(row[1], row[-1]) for row in table.rows[1:]] == [
        ("x", "ok"),
        ("W", "FAILED"),
        ("b", "FAILED"),
    ]
    assert "dW is never set" in text
    assert not re.search(
        r"#[0-9a-f]{3}|rgb|(?:color|background): (?!inherit|none)", " ".join(table.styles)
    )


def test_the_door_stands_at_the_front():
    assert bpcli.check is check
    assert "check" in dir(bpcli)
    assert ("bpcli.gradcheck.check", "GradientCheck", "text/html", "check_html") in bpcli.PICTURES
