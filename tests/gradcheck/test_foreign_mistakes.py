"""Mistakes in anybody's layers are named for what they are, and nothing that is right is."""

import re

import pytest

AFFINE = """
class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dout):
        {body}
"""
RIGHT = ("self.dW = self.x.T @ dout", "self.db = dout.sum(axis=0)", "return dout @ self.W.T")


def affine(dW=RIGHT[0], db=RIGHT[1], dx=RIGHT[2]):
    return AFFINE.format(body=f"{dW}; {db}; {dx}")


ELEMENTWISE = """
class Layer:
    def forward(self, x):
        self.x, self.y = x, {forward}
        return self.y
    def backward(self, dout):
        {backward}
"""


def layer(forward, backward):
    return ELEMENTWISE.format(forward=forward, backward=backward)


SIGMOID, TANH, RELU = "1 / (1 + np.exp(-x))", "np.tanh(x)", "np.maximum(0, x)"
SOFTMAX = "np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)"
LOSS = """
def softmax_loss(x, y):
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    dx = p.copy()
    dx[np.arange(len(x)), y] -= 1
    return -np.log(p[np.arange(len(x)), y]).{reduced}(), {dx}
"""
POOL = """
class Pooling:
    def __init__(self, pool_h, pool_w, stride=2, pad=0):
        self.k, self.s = pool_h, stride
    def windows(self):
        h, w = ((n - self.k) // self.s + 1 for n in self.x.shape[2:])
        for i in range(h):
            for j in range(w):
                yield i, j, np.s_[:, :, i * self.s:i * self.s + self.k, j * self.s:j * self.s + self.k]
    def forward(self, x):
        self.x = x
        out = np.zeros((*x.shape[:2], *((n - self.k) // self.s + 1 for n in x.shape[2:])))
        for i, j, window in self.windows():
            out[:, :, i, j] = x[window].mean(axis=(2, 3))
        return out
    def backward(self, dout):
        dx = np.zeros_like(self.x)
        for i, j, window in self.windows():
            dx[window] {sign} dout[:, :, i, j][:, :, None, None] / self.k ** 2
        return dx
"""
NETWORK = """
class Net:
    def __init__(self, input_dim, num_classes, reg=0.0):
        self.params, self.reg = {{"W": np.random.randn(input_dim, num_classes)}}, reg
    def loss(self, X, y):
        W = self.params["W"]
        p = np.exp(X @ W) / np.exp(X @ W).sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(len(X)), y]).mean() + 0.5 * self.reg * np.sum(W * W)
        p[np.arange(len(X)), y] -= 1
        return loss, {{"W": X.T @ p / len(X) + {decay} * W}}
"""

# What is wrong, the array, and what is said of it.
SQUARE = """
class Product:
    def __init__(self, n):
        self.W = np.random.randn(n, n)
    def forward(self, x):
        self.x, self.y = x, np.tanh({forward})
        return self.y
    def backward(self, dout):
        d = dout * (1 - self.y ** 2)
        self.dW = {dW}
        return {dx}
"""
STEPS = """
class Steps:
    def forward(self, x):
        _, steps, _ = x.shape
        self.h = np.zeros_like(x)
        for t in range(steps):
            self.h[:, t] = x[:, t] + (np.sin(self.h[:, t - 1]) if t else 0)
        return self.h
    def backward(self, dout):
        dx, dnext = np.zeros_like(dout), 0
        for t in reversed(range(dout.shape[1])):
            dx[:, t] = dout[:, t] + dnext
            dnext = np.cos(self.h[:, t - 1]) * {later}
        return dx
"""

MISTAKES = {
    "not summed": (affine(db="self.db = dout"), "b", r"\(3, 4\), expected \(4,\): is the sum over the images missing"),
    "one image only": (affine(db="self.db = dout[-1]"), "b", "that of image 2 alone"),
    "one image only, set in a loop": (affine(dW="for x, d in zip(self.x, dout): self.dW = np.outer(x, d)\n        pass"), "W", "that of image 2 alone: is it set where images should add up"),
    "divided in some": (affine(dW="self.dW = self.x.T @ dout / len(dout)"), "W", "divided by the 3 images, where other gradients are not"),
    "multiplied by the images": (affine(dx="return dout @ self.W.T * len(dout)"), "x", "3 times what it should be: is the division by the 3 images missing"),
    "the number of outputs": (layer("x", "return dout / dout.shape[1]"), "x", "divided by 5, the number of outputs: is mean meant to be sum"),
    "overlapping windows": (POOL.format(sign="="), "x", r"where windows overlap only the last one counts: \+= in place of ="),
    "added and set": (affine(dW="self.dW = getattr(self, 'dW', 0) + self.x.T @ dout"), "W", "added to the one before, where b is set"),
    "decay twice": (NETWORK.format(decay="2 * self.reg"), "params['W']", r"off by 0\.1 times the array itself: is its weight decay counted twice"),
    "decay missing": (NETWORK.format(decay="0"), "params['W']", r"off by -0\.1 times the array itself: is its weight decay missing"),
    "dout ignored": (layer(RELU, "return (self.x > 0).astype(float)"), "x", "dout is ignored: multiply by it"),
    "softmax by its diagonal": (layer(SOFTMAX, "return dout * self.y * (1 - self.y)"), "x", r"by its own input alone, as y \(1 - y\)"),
    "updated too early": (affine(dW="self.dW = self.x.T @ dout; self.W -= 0.1 * self.dW; self.b -= 0.1 * dout.sum(axis=0)"), "x", "of weights which are already updated: take dx first"),
    "before the activation": (layer(SIGMOID, "return dout * self.x * (1 - self.x)"), "x", r"y \(1 - y\) at x, the value before the activation"),
    "after the activation": (layer(TANH, "return dout * (1 - np.tanh(self.y) ** 2)"), "x", "the derivative of tanh at y, the value after the activation"),
    "returns nothing": (layer(RELU, "dx = dout * (self.x > 0)"), "x", r"backward returned None, expected \(3, 5\): is `return dx` missing"),
    "raises": (layer(RELU, "return dout * self.mask"), "backward", r"raises AttributeError at layers.py:8: 'Layer' object has no attribute 'mask'"),
    "a name that is nowhere": (layer(RELU, "return dout * mask"), "backward", r"raises NameError at layers.py:8: name 'mask' is not defined"),
    "transposed": (affine(dW="self.dW = dout.T @ self.x"), "W", r"\(4, 5\), expected \(5, 4\): it is right, but transposed"),
    "another shape": (affine(dx="return dout"), "x", r"found an array \(3, 4\), expected \(3, 5\)"),
    "the sign": (affine(dx="return -dout @ self.W.T"), "x", "the sign is wrong"),
    "a mask": (layer(RELU, "return dout"), "x", "not zero where it should be: is a mask missing"),
    "an inverted mask": (layer(RELU, "return dout * (self.x < 0)"), "x", "is a mask inverted"),
    "never set": (affine(db="self.db = np.zeros_like(self.b)"), "b", "zero everywhere: is it never set"),
    "not finite": (affine(db="self.db = dout.sum(axis=0) * np.nan"), "b", "not finite"),
    "a loss that is a mean": (LOSS.format(reduced="mean", dx="dx"), "x", "is the division by the 3 images missing"),
    "a loss that is a sum": (LOSS.format(reduced="sum", dx="dx / len(x)"), "x", "is it divided by the 3 images twice"),
    "a sum without an axis": (affine(db="self.db = np.sum(dout)"), "b", r"found an array \(\), expected \(4,\)"),
    "a parameter that is forgotten": (affine(dW="self.W = self.W - 0.1 * self.x.T @ dout", db="pass", dx="return dout @ (self.W + 0.1 * self.x.T @ dout).T"), "b", "backward changes other parameters, and this one never"),
    "half a squared error": ("class MSE:\n    def forward(self, p, t):\n        self.d = p - t\n        return np.mean(self.d ** 2)\n    def backward(self):\n        return self.d / self.d.size\n", "p", "0.5 times what it should be"),
    "the sign of a squared error": ("def mse(y_true, y_pred):\n    return np.mean((y_true - y_pred) ** 2)\ndef mse_prime(y_true, y_pred):\n    return 2 * (y_true - y_pred) / y_true.size\n", "y_pred", "the sign is wrong"),
    "an error that is cut off on one side": ("class Huber:\n    def forward(self, p, t):\n        self.e = p - t\n        a = np.abs(self.e)\n        return np.where(a <= 1, 0.5 * a * a, a - 0.5).sum()\n    def backward(self):\n        return np.where(np.abs(self.e) <= 1, self.e, 1)\n", "p", "elements are wrong"),
    "a kink far from 0": (layer("np.clip(x, 0, 6)", "return dout * (self.x > 0)"), "x", "not zero where it should be"),
    "rows that are taken twice": ("class Embedding:\n    def __init__(self, W):\n        self.W = W\n    def forward(self, idx):\n        self.idx = idx\n        return self.W[idx]\n    def backward(self, dout):\n        self.dW = np.zeros_like(self.W)\n        self.dW[self.idx] += dout\n", "W", r"rows that are taken twice count once: np.add.at"),
    "the sign, and what a mean is over": ("class MAE:\n    def forward(self, p, t):\n        self.d = p - t\n        return np.mean(np.abs(self.d))\n    def backward(self):\n        return -np.sign(self.d) / len(self.d)\n", "p", "the sign is wrong, and every element is 5 times what it should be: forward's mean is over all elements, 5 of each image"),
    "no transpose, rows": (SQUARE.format(forward="x @ self.W", dW="self.x.T @ d", dx="d @ self.W"), "x", "a transpose is missing: d @ W.T in place of d @ W"),
    "no transpose, columns": (SQUARE.format(forward="self.W @ x", dW="d @ self.x.T", dx="self.W @ d"), "x", "a transpose is missing: W.T @ d in place of W @ d"),
    "no dh of the next step": (STEPS.format(later="0"), "x", "the dh that comes back from the next step is forgotten"),
    "dh of one step alone": (STEPS.format(later="dout[:, t]"), "x", "from more than one step later is missing"),
    "a stale gradient": (layer(RELU, "self.dx = getattr(self, 'dx', dout * (self.x > 0)); return self.dx"), "x", "right at the first call and wrong at the second"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_kind_of_mistake_is_named(mistake, check_here):
    text, array, words = MISTAKES[mistake]
    (unit,) = check_here(text)
    assert not unit.passed
    wrong = {f.array: f.words for f in unit.findings if f.verdict == "WRONG"}
    assert list(wrong) == [array], unit
    assert re.search(words, wrong[array]), wrong


def test_a_network_fails_as_a_consequence_of_its_layers(check_here):
    text = (
        affine(db="self.db = dout.sum(axis=0) * 2")
        + """
class Net:
    def __init__(self, input_size, output_size):
        self.affine = Affine(np.random.randn(input_size, output_size), np.zeros(output_size))
    def forward(self, x, t):
        self.d = self.affine.forward(x)
        self.d[np.arange(len(x)), t] -= 1
        return np.sum(self.d ** 2) / 2
    def backward(self):
        return self.affine.backward(self.d)
"""
    )
    layer, net = check_here(text)
    assert [f.verdict for f in layer.findings] == ["ok", "ok", "WRONG"]
    assert {f.array: f.words for f in net.findings if f.verdict == "WRONG"} == {
        "affine.b": "a consequence, it seems, of Affine"
    }


@pytest.mark.parametrize(
    "text",
    [
        LOSS.format(reduced="sum", dx="dx"),
        LOSS.format(reduced="mean", dx="dx / len(x)"),
        POOL.format(sign="+="),
        NETWORK.format(decay="self.reg"),
        affine(),
    ],
    ids=["a sum", "a mean", "a pool", "a network", "an affine"],
)
def test_what_is_right_passes_without_these_mistakes(text, check_here):
    assert all(unit.passed for unit in check_here(text))


RNN = """
class RNN:
    def __init__(self, input_size, hidden_size):
        self.Wx, self.Wh = np.random.randn(input_size, hidden_size), np.random.randn(hidden_size, hidden_size)
        self.b = np.zeros(hidden_size)
    def forward(self, x):
        self.x, h, self.hs = x, np.zeros((len(x), len(self.Wh))), []
        for t in range(x.shape[1]):
            self.hs.append(h)
            h = np.tanh(x[:, t] @ self.Wx + h @ self.Wh + self.b)
        self.hs.append(h)
        return np.stack(self.hs[1:], axis=1)
    def backward(self, dout):
        dx, self.dWx, self.dWh = np.zeros_like(self.x), np.zeros_like(self.Wx), np.zeros_like(self.Wh)
        self.db, dnext = np.zeros_like(self.b), 0
        for t in reversed(range(dout.shape[1])):
            d = (dout[:, t] + dnext) * (1 - self.hs[t + 1] ** 2)
            self.dWx += self.x[:, t].T @ d
            self.dWh += self.hs[t].T @ d
            self.db += d.sum(axis=0)
            dx[:, t], dnext = d @ self.Wx.T, d @ self.Wh.T
        return dx
"""
ATTENTION = """
class Attention:
    def forward(self, x):
        self.x = x
        e = np.exp(np.matmul(x, x.transpose(0, 2, 1)))
        self.a = e / e.sum(axis=-1, keepdims=True)
        return self.a @ x
    def backward(self, d):
        dv = self.a.transpose(0, 2, 1) @ d
        da = d @ self.x.transpose(0, 2, 1)
        ds = self.a * (da - (da * self.a).sum(axis=-1, keepdims=True))
        return dv + ds @ self.x + ds.transpose(0, 2, 1) @ self.x
"""
LSTM = """
def sigmoid(v):
    return 1 / (1 + np.exp(-v))
class LSTM:
    def __init__(self, input_size, hidden_size):
        self.W = np.random.randn(input_size + hidden_size, 4 * hidden_size)
        self.h = hidden_size
    def forward(self, x):
        self.x, self.kept = x, []
        h = c = np.zeros((len(x), self.h))
        ys = []
        for t in range(x.shape[1]):
            z = np.concatenate([x[:, t], h], axis=1)
            i, f, o, g = np.split(z @ self.W, 4, axis=1)
            i, f, o, g, old = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g), c
            c = f * c + i * g
            h = o * np.tanh(c)
            self.kept.append((z, i, f, o, g, old, c))
            ys.append(h)
        return np.stack(ys, axis=1)
    def backward(self, dout):
        dx, self.dW = np.zeros_like(self.x), np.zeros_like(self.W)
        dh_next = dc_next = 0
        for t in reversed(range(dout.shape[1])):
            z, i, f, o, g, old, c = self.kept[t]
            dh = dout[:, t] + dh_next
            dc = dc_next + dh * o * (1 - np.tanh(c) ** 2)
            gates = dc * g * i * (1 - i), dc * old * f * (1 - f), dh * np.tanh(c) * o * (1 - o), dc * i * (1 - g ** 2)
            d = np.concatenate(gates, axis=1)
            self.dW += z.T @ d
            dz = d @ self.W.T
            dx[:, t], dh_next, dc_next = dz[:, :-self.h], dz[:, -self.h:], dc * f
        return dx
"""


@pytest.mark.parametrize(
    ("text", "right", "wrong", "words"),
    [
        (RNN, "d @ self.Wh.T", "d @ self.Wh",
         "right with d @ self.Wh.T in place of d @ self.Wh at layers.py:22"),
        (ATTENTION, "self.a.transpose(0, 2, 1) @ d", "self.a @ d",
         "right with self.a.swapaxes(-1, -2) @ d in place of self.a @ d at layers.py:10"),
        (ATTENTION, "ds @ self.x + ds", "ds @ self.x - ds",
         "right with dv + ds @ self.x + ds.transpose(0, 2, 1) @ self.x in place of"),
        (LSTM, "dh = dout[:, t] + dh_next", "dh = dout[:, t]",
         "right with dout[:, t] + dh_next in place of dout[:, t] at layers.py:27"),
        (LSTM, "self.dW += z.T @ d", "self.dW = z.T @ d",
         "right with self.dW += z.T @ d in place of self.dW = z.T @ d"),
        (LSTM, "dh * np.tanh(c) * o * (1 - o)", "dh * np.tanh(c) * o * (1 + o)",
         "right with 1 - o in place of 1 + o at layers.py:29"),
    ],
)  # fmt: skip
def test_a_mistake_deep_in_a_sequence_is_named_by_what_undoes_it(text, right, wrong, words, judge):
    (unit,) = judge(text).values()
    assert unit.right, unit
    assert right in text
    (unit,) = judge(text.replace(right, wrong)).values()
    assert any(words in f.words for f in unit.findings if f.verdict == "WRONG"), unit


def test_two_mistakes_in_one_gradient_are_not_undone_by_one_change(judge):
    (unit,) = judge(
        RNN.replace("d @ self.Wh.T", "d @ self.Wh").replace("1 - self.hs", "1.5 - self.hs")
    ).values()
    assert unit.wrong
    assert not any("right with" in f.words for f in unit.findings), unit
