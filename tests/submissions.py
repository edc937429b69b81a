"""Thirty files as a class hands them in: ten ways to write, five tongues, and all ways to fail.

Each is made of an Affine, a Relu and a SoftmaxWithLoss, and stands with the marks that it is due.
"""

import json
from typing import NamedTuple

LAYERS = ("Affine", "Relu", "SoftmaxWithLoss")
PASSED = ("passed",) * 3


class Submission(NamedTuple):
    """A file's name and bytes, the verdict on each layer, and the kind of each that is wrong."""

    name: str
    content: bytes
    verdicts: tuple[str, str, str] = PASSED
    kinds: tuple[str, ...] = ()


AFFINE = """
class Affine:
    def __init__(self, W, b):
        self.W = W
        self.b = b

    def forward(self, x):
        self.x = x
        return np.dot(x, self.W) + self.b

    def backward(self, dout):
        self.dW = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0)
        return np.dot(dout, self.W.T)
"""
RELU = """
class Relu:
    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dx = dout.copy()
        dx[self.mask] = 0
        return dx
"""
SOFTMAX = """
class SoftmaxWithLoss:
    def forward(self, x, t):
        self.t = t
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.y = e / e.sum(axis=1, keepdims=True)
        return -np.mean(np.log(self.y[np.arange(len(t)), t]))

    def backward(self, dout=1):
        dx = self.y.copy()
        dx[np.arange(len(self.t)), self.t] -= 1
        return dx / len(self.t)
"""
NUMPY = "import numpy as np\n"
WHOLE = NUMPY + AFFINE + RELU + SOFTMAX


def written(*changes):
    """Return the whole file with parts of it changed, each of which has to be there."""
    text = WHOLE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text.encode()


def notebook(*cells):
    """Return a notebook with cells of code, after one of text."""
    made = [{"cell_type": "markdown", "metadata": {}, "source": ["# 练习\n"]}]
    made += [
        {
            "cell_type": "code",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
            "source": text,
        }
        for text in cells
    ]
    root = {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(root).encode()


SIZES = """
class Affine:
    \"\"\"Une couche affine.\"\"\"

    def __init__(self, n_in: int, n_out: int) -> None:
        self.params = {"W": 0.01 * np.random.randn(n_in, n_out), "b": np.zeros(n_out)}
        self.grads: dict[str, np.ndarray] = {}

    def forward(self, entrée: np.ndarray) -> np.ndarray:
        self.entrée = entrée  # gardée pour l'arrière
        return entrée @ self.params["W"] + self.params["b"]

    def backward(self, dout: np.ndarray) -> np.ndarray:
        self.grads["W"] = self.entrée.T @ dout
        self.grads["b"] = dout.sum(0)
        return dout @ self.params["W"].T
"""
LISTS = """
class Affine:
    def __init__(self, W, b):
        self.params = [W, b]
        self.grads = [None, None]
    def forward(self, x):
        W, b = self.params
        self.x = x
        return np.matmul(x, W) + b
    def backward(self, dout):
        W, b = self.params
        self.grads[0] = np.matmul(self.x.T, dout)
        self.grads[1] = dout.sum(axis=0)
        return np.matmul(dout, W.T)
"""
BASE = """
from abc import ABC, abstractmethod


class Layer(ABC):
    @abstractmethod
    def forward(self, x): ...

    @abstractmethod
    def backward(self, dout): ...
"""
JAPANESE = """
class Affine:
    # アフィンレイヤ
    def __init__(self, W, b):
        self.W, self.b = W, b
    def forward(self, x):
        self.入力 = x
        return x @ self.W + self.b
    def backward(self, dout):
        self.dW = self.入力.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T
"""
GERMAN = """
class Relu:
    # Größer als null
    def forward(self, x):
        self.größer = x > 0
        return x * self.größer
    def backward(self, dout):
        return dout * self.größer
"""
RUSSIAN = """
class Relu:
    def forward(self, x):
        self.маска = (x > 0).astype(float)
        return x * self.маска

    def backward(self, dout):
        return dout * self.маска
"""
NUMERICAL = """
class Relu:
    def forward(self, x):
        self.x = x
        return np.maximum(x, 0)

    def backward(self, dout):
        dx, h = np.zeros_like(self.x), 1e-4
        for i in np.ndindex(self.x.shape):
            x = self.x.copy()
            x[i] += h
            above = np.sum(np.maximum(x, 0) * dout) if False else np.sum(self.forward(x) * dout)
            x[i] -= 2 * h
            dx[i] = (above - np.sum(self.forward(x) * dout)) / (2 * h)
        return dx
"""
LEAKY = """
class Relu:
    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, 0.01 * x)

    def backward(self, dout):
        return np.where(self.x > 0, dout, 0.01 * dout)
"""
ONE_IMAGE = """
class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        assert x.ndim == 1
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = np.outer(self.x, dout)
        self.db = dout
        return dout @ self.W.T
"""
TOP_LEVEL = """
import matplotlib.pyplot as plt

name = input("Name? ")
print("hello", name)
for epoch in range(10**12):
    plt.plot([epoch], [epoch])
plt.show()
"""
RENAMED = (
    WHOLE.replace("dx", "gradient").replace("self.mask", "self.zero").replace("out", "result")
    .replace("dresult", "upstream").replace("e.sum", "powers.sum").replace("e = np", "powers = np")
    .replace("= e /", "= powers /").replace("np", "numpy").replace("numpy as numpy", "numpy")
    + "# this is all my own work\n"
)  # fmt: skip

SUM = ("np.sum(dout, axis=0)", "dout")
PASS = (
    "        dx = dout.copy()\n        dx[self.mask] = 0\n        return dx\n",
    "        pass\n",
)
EMPTY = ("passed", "empty", "passed")
WRONG_AFFINE = ("wrong", "passed", "passed")
WRONG_RELU = ("passed", "wrong", "passed")
WRONG_LOSS = ("passed", "passed", "wrong")
NOT_CHECKED = ("not checked",) * 3

THIRTY = [
    # Right, in ten styles and five tongues.
    Submission("anna.py", WHOLE.encode()),
    Submission("ben meyer.py", (NUMPY + GERMAN + AFFINE + SOFTMAX).encode().replace(b"\n", b"\r\n")),
    Submission("chloé.py", (NUMPY + SIZES + RELU + SOFTMAX).encode()),
    Submission("大輔.py", b"\xef\xbb\xbf" + (NUMPY + JAPANESE + RELU + SOFTMAX).encode()),
    Submission("ельцина.py", (NUMPY + AFFINE + RUSSIAN + SOFTMAX).encode()),
    Submission("李.ipynb", notebook("%matplotlib inline\n" + NUMPY, AFFINE, RELU, SOFTMAX, "")),
    Submission("f lists.py", (NUMPY + LISTS + RELU + SOFTMAX).encode()),
    Submission("g-base.py", (NUMPY + BASE + AFFINE.replace("Affine:", "Affine(Layer):")
               + RELU.replace("Relu:", "Relu(Layer):") + SOFTMAX).encode()),
    Submission("h.plots.py", (NUMPY + TOP_LEVEL + AFFINE + RELU + SOFTMAX).encode()),
    Submission("i_alias.py", written(("class Relu", "class Rectifier")) + b"\nRelu = Rectifier\n"),
    Submission("j_tabs.py", WHOLE.replace("    ", "\t").encode()),
    Submission("copied.py", RENAMED.encode()),
    # Wrong, of several kinds.
    Submission("k.py", written(SUM), WRONG_AFFINE, ("the sum over the images",)),
    Submission("l.py", written(("return np.dot(dout, self.W.T)", "return -np.dot(dout, self.W.T)")),
               WRONG_AFFINE, ("the sign",)),
    Submission("m.py", written(("return dx / len(self.t)", "return dx")), WRONG_LOSS,
               ("the division by the number of images",)),
    Submission("n.py", written(("dx[self.mask] = 0", "dx[~self.mask] = 0")), WRONG_RELU,
               ("the mask",)),
    Submission("o.ipynb", notebook(NUMPY + AFFINE, RELU.replace("dout.copy()", "np.ones_like(dout)"),
               SOFTMAX), WRONG_RELU, ("dout, which the chain rule multiplies by",)),
    Submission("p.py", written(("dx[self.mask] = 0", "dx[self.msak] = 0")), WRONG_RELU,
               ("backward raises an error",)),
    # Cheating, and doing something else, which a solution tells.
    Submission("q numerical.py", (NUMPY + AFFINE + NUMERICAL + SOFTMAX).encode(), WRONG_RELU,
               ("backward is a numerical gradient",)),
    Submission("r leaky.py", (NUMPY + AFFINE + LEAKY + SOFTMAX).encode(), WRONG_RELU,
               ("forward is another function than that of the solution",)),
    Submission("s one.py", (NUMPY + ONE_IMAGE + RELU + SOFTMAX).encode(), WRONG_AFFINE,
               ("forward does not take the mini-batch that the solution takes",)),
    # Empty, missing, and what cannot be checked.
    Submission("t.py", written(PASS), EMPTY),
    Submission("u.py", written((PASS[0], "        ...\n")), EMPTY),
    Submission("v.py", written((PASS[0], "        raise NotImplementedError('later')\n")), EMPTY),
    Submission("w.ipynb", notebook(NUMPY, AFFINE, "# Relu\n", SOFTMAX), EMPTY),
    Submission("x.py", b"", ("empty",) * 3),
    Submission("y.py", written(("class Relu", "class ReLU")), ("passed", "missing", "passed")),
    Submission("z.py", b"class Affine\n    pass\n", NOT_CHECKED),
    Submission("zz.txt", b"see my e-mail", NOT_CHECKED),
    Submission("hangs.py", written(("        dx = dout.copy()\n", "        while True: pass\n")),
               ("passed", "not checked", "passed")),
]  # fmt: skip
SOLUTION = WHOLE
