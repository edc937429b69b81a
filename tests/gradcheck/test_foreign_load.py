"""Files as people have them: what they import, how they are encoded, which Python they are of."""

import json
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.gradcheck.foreign import book
from bpcli.gradcheck.foreign.magics import LeftOutError, plain_python

LAYER = """
class {}:
    def forward(self, x):
        {}
    def backward(self, dout):
        {}
"""


def layer(name, forward="return 2 * x", backward="return 2 * dout"):
    return LAYER.format(name, forward, backward)


@pytest.fixture
def check(bpcli, folder, measured):
    """Check layers.py and return what is said of each unit, and of the file."""

    def call(text="", *args, files=(), name="layers.py", code=0):
        for path, inside in {name: text, **dict(files)}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(inside if isinstance(inside, bytes) else inside.encode())
        result = bpcli("gradcheck", name, *args, "--json", code=code)
        if code == 2 and not result.stdout:
            return result.stderr
        found = json.loads(result.stdout)
        said = {u["name"]: u["problem"] or " ".join(g["verdict"] for g in u["gradients"]) for u in found["units"]}  # fmt: skip
        return said | {"missing": found["missing"]}

    return call


def test_what_is_imported_where_and_how(check):
    text = (
        "from __future__ import annotations, division\nimport numpy as np\n"
        + layer("Annotated", "y: Nowhere = 2 * x; return y").replace("x)", "x: Nowhere | None) -> List[int]")
        + layer("Inside", "import math, random; return math.sqrt(4) * x")
        + layer("Absent", "import nowhere; return nowhere.double(x)")
        + "from nowhere_at_all import dataclass\nfrom torch import nn\n"
        + layer("Decorated").replace("class", "@dataclass\nclass")
        + layer("Based").replace("Based", "Based(nn.Module)")
        + "try:\n    import cupy as xp\n    print('cupy')\nexcept ImportError:\n    print('numpy'); import numpy as xp\n"
        + layer("Tried", "return xp.multiply(2, x)")
        + "try:\n    import numpy as again\n    print('numpy')\nexcept ImportError:\n    raise SystemExit(1)\n"
        + layer("Again", "return again.multiply(2, x)")
    )  # fmt: skip
    found = check(text)
    absent = found.pop("Absent")
    assert found == dict.fromkeys(["Annotated", "Inside", "Decorated", "Based", "Tried", "Again"], "ok") | {
        "missing": ["nowhere_at_all", "torch", "nowhere"]
    }  # fmt: skip
    assert "forward returned nowhere.double(), whose module is not there" in absent


def test_a_module_that_is_not_installed_is_named_where_it_is_needed(check):
    text = "from scipi.special import expit\nimport scipi.signal\n"
    text += layer(
        "Sigmoid", "self.y = expit(x); return self.y", "return dout * self.y * (1 - self.y)"
    )
    text += layer("Convolution", "return 0.5 * scipi.signal.convolve(x)")
    text += layer("Right")
    found = check(text)
    assert "forward returned scipi.special.expit(), whose module is not there" in found["Sigmoid"]
    assert "found no module scipi, expected scipi.signal.convolve()" in found["Convolution"]
    assert (found["Right"], found["missing"]) == ("ok", ["scipi.special", "scipi.signal"])


def test_scipy_is_taken_where_it_is_installed(check):
    pytest.importorskip("scipy")
    text = "from scipy.special import expit\n"
    text += layer(
        "Sigmoid", "self.y = expit(x); return self.y", "return dout * self.y * (1 - self.y)"
    )
    assert check(text) == {"Sigmoid": "ok", "missing": []}


def test_names_of_python_2_and_of_old_numpy(check):
    text = (
        "import cPickle, Queue\nimport numpy as np\nfrom helper import double\n"
        + layer("Ranged", "return sum(x for _ in xrange(2))")
        + layer("Helped", "return double(x)")
        + layer("Reduced", "return reduce(lambda a, b: a + b, [x, x])")
        + layer(
            "Old", "return np.float(2) * x.astype(np.float_) + 0 * np.product([1, np.NINF < 0])"
        )
        + layer("Divided", "n = x.shape[0] / 1; return 2 * x[:n]")
        + layer("Ranges", "return sum(x for _ in range(x.shape[1] / 2))")
        + layer("Items", "return 2 * x + 0 * len({}.iteritems())")
    )
    found = check(
        text, files={"helper.py": "def double(x):\n    return sum([x for _ in xrange(2)])\n"}
    )
    assert [found[name] for name in ["Ranged", "Helped", "Reduced", "Old"]] == ["ok"] * 4
    for name in ("Divided", "Ranges"):
        assert "/ of two whole numbers is a fraction since Python 3: is // meant?" in found[name]
    assert "that is Python 2: write items" in found["Items"]
    assert found["missing"] == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("print 'hello'", "a print statement: write print(...)"),
        (
            "try:\n    x = 1\nexcept ValueError, error:\n    pass",
            "except E, e: write except E as e",
        ),
        ("raise ValueError, 'words'", "raise E, words: write raise E(words)"),
        ("x = `y`", "backquotes: write repr(...)"),
        ("x = 1 <> 2", "<>: write !="),
        ("x = 10L", "a number with an L: leave it out"),
        ("x = 0777", "an octal number: write 0o"),
        ("exec 'x = 1'", "an exec statement: write exec(...)"),
        ("f = lambda (a, b): a", "an argument in brackets of its own: give it a name"),
    ],
)
def test_what_only_python_2_reads_is_named(line, words, check):
    if "except" in line and sys.version_info >= (3, 14):
        pytest.skip("Python reads it again, otherwise")
    said = check(f"# 1\n{line}\n", code=2)
    assert said.startswith(f"layers.py:{4 if 'except' in line else 2}: Python cannot read it: ")
    assert said.endswith(f"; it seems to be Python 2: {words}\n")


ENCODED = {
    "a byte order mark": ("\ufeff" + layer("Gewöhnlich")).encode(),
    "carriage returns": layer("Gewöhnlich").replace("\n", "\r\n").encode(),
    "tabs": layer("Gewöhnlich").replace("    ", "\t").encode(),
    "a coding line": ("# -*- coding: latin-1 -*-" + layer("Gewöhnlich")).encode("latin-1"),
    "a coding line after another": ("#!/usr/bin/python\n# vim: set fileencoding=cp1252 :" + layer("Gewöhnlich")).encode("cp1252"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ENCODED)
def test_encodings_and_ends_of_lines(kind, check):
    assert check(ENCODED[kind]) == {"Gewöhnlich": "ok", "missing": []}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# é\nx = 'é'\n".encode("latin-1"), "layers.py:1: found a byte that is no UTF-8, expected UTF-8, or a first line that names the encoding"),
        (b"x = 1\n" * 50 + "# 日本\n".encode("cp932"), "layers.py:51: found a byte that is no UTF-8"),
        ("x = 1\n".encode("utf-16"), "layers.py: found UTF-16, expected UTF-8: save it in that encoding"),
        (b"# coding: klingon\nx = 1\n", "layers.py: Python cannot read it: unknown encoding: klingon"),
        (b"# coding: hex\nx = 1\n", "layers.py: Python cannot read it: "),
        (b"x = 1\0\n", "layers.py"),
        (b"x = " + b"(" * 5000, "layers.py"),
        (b"if x:\n\ty = 1\n        z = 2\n", "layers.py:3: Python cannot read it: "),
    ],
)  # fmt: skip
def test_text_that_is_none_is_one_sentence(text, words, check):
    said = check(text, code=2)
    assert said.startswith(words)
    assert said.count("\n") == 1
    assert "Traceback" not in said


def test_packages_around_a_file(check):
    """Relative imports, whether folders have an __init__.py or not, and from what they import."""
    files = {
        "net/engine.py": "class Module: two = 2\n",
        "net/layers/base.py": "from ..engine import Module\n",
        "whole/__init__.py": "from .engine import Module\n",
        "whole/engine.py": "class Module: two = 2\n",
        "whole/layers/__init__.py": "",
        "whole/layers/base.py": "from whole import Module\nfrom ...beside import one\n",
        "whole.2/layers/base.py": "from ..engine import Module\n",
        "whole.2/engine.py": "class Module: two = 2\n",
        "beside.py": "one = 1\n",
    }
    text = "from .base import Module\n" + layer("Scaled(Module)", "return self.two * x")
    for path in ("net/layers/square.py", "whole.2/layers/square.py"):
        assert check(text, files=files, name=path) == {"Scaled": "ok", "missing": []}
    files["whole/layers/base.py"] = "from whole import Module\n"
    absolute = text.replace(".base", "whole.layers.base")
    for source in (text, absolute, text.replace(".base import", ".. import")):
        assert check(source, files=files, name="whole/layers/square.py")["Scaled"] == "ok"
    assert check(text.replace(".base", "...net.engine"), files=files, name="whole/layers/square.py")["Scaled"] == "ok"  # fmt: skip


def test_a_partner_in_a_file_beside(check):
    forward = "import numpy as np\ndef linear_forward(A, W, b):\n    return W @ A + b, (A, W, b)\nwhile True: pass\n"
    backward = (
        "def linear_backward(dZ, cache):\n    A, W, b = cache\n"
        "    return W.T @ dZ, FACTOR * dZ @ A.T, dZ.sum(axis=1, keepdims=True)\n"
    )
    files = {"forward.py": forward, "broken.py": "def (:\n", "binary.py": b"\xff\0"}
    found = check(backward.replace("FACTOR", "1"), files=files)
    assert found == {"linear_forward": "ok ok ok", "missing": []}
    found = check(backward.replace("FACTOR", "2"), files=files, code=1)
    assert found["linear_forward"] == "ok WRONG ok"
    hangs = files | {"forward.py": "class Ends:\n    import os; os._exit(1)\n" + forward}
    assert "found no class with forward and backward" in check(backward, files=hangs, code=2)


def test_what_the_book_keeps_in_its_folder_is_there(check):
    text = """
from common.functions import *
from common.util import im2col, col2im
from common.gradient import numerical_gradient
from common.np import *
class Sigmoid:
    def forward(self, x):
        self.y = sigmoid(x)
        return self.y
    def backward(self, dout):
        return dout * self.y * (1 - self.y)
class SoftmaxWithLoss:
    def forward(self, x, t):
        self.t, self.y = t, softmax(x)
        return cross_entropy_error(self.y, self.t)
    def backward(self, dout=1):
        dx = self.y.copy()
        dx[np.arange(len(dx)), self.t] -= 1
        return dx / len(dx)
class Convolution:
    def __init__(self, W, b, stride=1, pad=0):
        self.W, self.b, self.stride, self.pad = W, b, stride, pad
    def forward(self, x):
        FN, C, FH, FW = self.W.shape
        N, C, H, W = x.shape
        out_h, out_w = 1 + (H + 2 * self.pad - FH) // self.stride, 1 + (W + 2 * self.pad - FW) // self.stride
        self.x, self.col = x, im2col(x, FH, FW, self.stride, self.pad)
        self.col_W = self.W.reshape(FN, -1).T
        return (self.col @ self.col_W + self.b).reshape(N, out_h, out_w, -1).transpose(0, 3, 1, 2)
    def backward(self, dout):
        FN, C, FH, FW = self.W.shape
        dout = dout.transpose(0, 2, 3, 1).reshape(-1, FN)
        self.db, self.dW = dout.sum(axis=0), (self.col.T @ dout).T.reshape(self.W.shape)
        return col2im(dout @ self.col_W.T, self.x.shape, FH, FW, self.stride, self.pad)
"""
    found = check(text)
    assert [found[name] for name in ("Sigmoid", "Convolution")] == ["ok", "ok ok ok"]
    assert "WRONG" not in found["SoftmaxWithLoss"]
    assert found["missing"][0] == "common.functions"
    own = {"common/functions.py": "def sigmoid(x):\n    return 3 * x\n"}
    assert "WRONG" in check(text, files=own, code=1)["Sigmoid"]


def test_the_books_windows_are_those_of_a_loop(rng):
    x = rng.normal(size=(2, 3, 7, 6))
    for height, width, stride, pad in [(3, 3, 1, 0), (2, 3, 2, 1), (3, 2, 3, 2)]:
        padded = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
        rows = [
            padded[n, :, i : i + height, j : j + width].ravel()
            for n in range(2)
            for i in range(0, padded.shape[2] - height + 1, stride)
            for j in range(0, padded.shape[3] - width + 1, stride)
        ]
        col = book.im2col(x, height, width, stride, pad)
        np.testing.assert_array_equal(col, rows)
        back = rng.normal(size=col.shape)  # col2im is the transpose of im2col
        image = book.col2im(back, x.shape, height, width, stride, pad)
        np.testing.assert_allclose(np.vdot(col, back), np.vdot(x, image))


def test_the_books_functions_are_what_the_book_says(rng):
    x, h = rng.normal(size=(4, 5)), 1e-6
    y = book.softmax(x)
    np.testing.assert_allclose(y, np.exp(x) / np.exp(x).sum(axis=1, keepdims=True))
    t = np.array([0, 2, 1, 4])
    expected = -np.log(y[np.arange(4), t] + 1e-7).mean()
    np.testing.assert_allclose(book.cross_entropy_error(y, t), expected)
    np.testing.assert_allclose(book.cross_entropy_error(y, np.eye(5)[t]), expected)
    np.testing.assert_allclose(
        book.cross_entropy_error(y[0], np.array(t[0])), -np.log(y[0, 0] + 1e-7)
    )
    np.testing.assert_allclose(book.softmax_loss(x, t), expected)
    np.testing.assert_allclose(book.softmax(x[0]), y[0])
    np.testing.assert_allclose(book.sigmoid_grad(x), (book.sigmoid(x + h) - book.sigmoid(x - h)) / 2 / h, atol=1e-8)  # fmt: skip
    np.testing.assert_allclose(book.relu_grad(x), (book.relu(x + h) - book.relu(x - h)) / 2 / h, atol=1e-8)  # fmt: skip
    np.testing.assert_allclose(book.mean_squared_error(x, y), 0.5 * np.sum((x - y) ** 2))
    assert (book.step_function(x) == (x > 0)).all()
    assert book.identity_function(x) is x
    assert book.conv_output_size(7, 3, 2, 1) == 4
    before = x.copy()
    np.testing.assert_allclose(
        book.numerical_gradient(lambda a: np.sum(a**3), x), 3 * x**2, atol=1e-6
    )
    np.testing.assert_array_equal(x, before)


@given(
    st.lists(
        st.sampled_from(
            [
                "%time x = 1",
                "!ls 'a",
                "x?",
                "y = 2",
                "    ",
                "'''",
                "s = '''",
                "(",
                ")",
                "%%time",
                "if y:",
                "    !cd",
                "# ?",
                "\\",
            ]
        )
    )
)
def test_magics_keep_the_number_of_lines(lines):
    text = "\n".join(lines)
    try:
        plain = plain_python(text)
    except (SyntaxError, LeftOutError):
        return
    assert plain.count("\n") == text.count("\n")
    compile(plain, "cell", "exec")


def test_a_cell_of_python_is_as_it_was():
    text = "a = '''\n!ls\n%cd\nwhat?\n'''\nb = (7\n%4)\n"
    assert plain_python(text) == text


def test_old_names_do_not_reach_the_rest_of_the_house(check, monkeypatch):
    monkeypatch.delitem(sys.modules, "cPickle", raising=False)  # of tests that load files here
    monkeypatch.delattr(np, "asscalar", raising=False)
    assert check(layer("Right"))["Right"] == "ok"
    assert "cPickle" not in sys.modules
    assert not hasattr(np, "asscalar")
