"""A solution beside what was handed in tells what its own gradient cannot."""

import itertools
import re

import pytest
from submissions import AFFINE, NUMPY, RELU, SIZES, SOFTMAX

from bpcli.teaching import Terms, mark_class

CAUSES = {
    "turned weights": (
        "Affine",
        SIZES.replace("randn(n_in, n_out)", "randn(n_out, n_in)")
        .replace('entrée @ self.params["W"]', 'entrée @ self.params["W"].T')
        .replace("self.entrée.T @ dout", "dout.T @ self.entrée")
        .replace('dout @ self.params["W"].T', 'dout @ self.params["W"]'),
        "passed",
    ),
    "a sum for a mean": (
        "SoftmaxWithLoss",
        SOFTMAX.replace("np.mean", "np.sum").replace("dx / len(self.t)", "dx"),
        "wrong",
    ),
    "the book's constant": (
        "SoftmaxWithLoss",
        SOFTMAX.replace("np.arange(len(t)), t]))", "np.arange(len(t)), t] + 1e-7))"),
        "passed",
    ),
    "labels as rows": (
        "SoftmaxWithLoss",
        SOFTMAX.replace(
            "-np.mean(np.log(self.y[np.arange(len(t)), t]))", "-np.sum(t * np.log(self.y)) / len(t)"
        ).replace("        dx[np.arange(len(self.t)), self.t] -= 1\n", "        dx -= self.t\n"),
        "passed",
    ),
    "ReLU6": (
        "Relu",
        RELU.replace("x <= 0", "(x <= 0) | (x > 6)").replace(
            "        return out\n", "        out[x > 6] = 6\n        return out\n", 1
        ),
        "wrong",
    ),
    "one size of mini-batch": (
        "Affine",
        AFFINE.replace("self.x = x", "self.x = x.reshape(3, -1)").replace("dot(x,", "dot(self.x,"),
        "wrong",
    ),
    "forward that is called once in backward": (
        "Relu",
        RELU.replace("self.mask = x <= 0", "self.mask = x <= 0\n        self.x = x").replace(
            "dx = dout.copy()", "self.forward(self.x)\n        dx = dout.copy()"
        ),
        "passed",
    ),
    "a loop over images with a function": (
        "Relu",
        "def slope(v):\n    return float(v > 0)\n"
        + RELU.replace("self.mask = x <= 0", "self.mask = x <= 0\n        self.x = x").replace(
            "        dx[self.mask] = 0\n",
            "        for i in np.ndindex(dx.shape):\n            dx[i] *= slope(self.x[i])\n",
        ),
        "passed",
    ),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What a solution tells of each cause, in files that have one of each layer."""
    folder = tmp_path_factory.mktemp("class")
    layers = {"Affine": AFFINE, "Relu": RELU, "SoftmaxWithLoss": SOFTMAX}
    causes = [[c for c, (name, _, _) in CAUSES.items() if name == layer] for layer in layers]
    paths = []
    for number, row in enumerate(itertools.zip_longest(*causes)):
        parts = [
            CAUSES[c][1] if c else right for c, right in zip(row, layers.values(), strict=True)
        ]
        paths.append(folder / f"{number}.py")
        paths[-1].write_text(NUMPY + "".join(parts))
    (folder / "solution.py").write_text(NUMPY + AFFINE + RELU + SOFTMAX)
    terms = Terms(tuple(layers), solution=str(folder / "solution.py"))
    found = mark_class([*map(str, paths)], terms, {}, jobs=2)
    verdicts = {}
    for marks, row in zip(found.files, itertools.zip_longest(*causes), strict=True):
        verdicts |= {c: mark.verdict for c, mark in zip(row, marks.marks, strict=True)}
    return verdicts


@pytest.mark.parametrize("cause", CAUSES)
def test_what_a_solution_tells(told, cause):
    assert told[cause] == CAUSES[cause][2]


def test_what_draws_random_numbers_is_not_compared(folder):
    dropout = """
class Dropout:
    def __init__(self, ratio=0.5):
        self.ratio = ratio
    def forward(self, x):
        self.mask = RANDOM > self.ratio
        return x * self.mask
    def backward(self, dout):
        return dout * self.mask
"""
    ways = ("np.random.rand(*x.shape)", "np.random.random_sample(x.T.shape).T")
    for name, way in zip(("a.py", "solution.py"), ways, strict=True):
        (folder / name).write_text(NUMPY + dropout.replace("RANDOM", way))
    assert mark_class(["a.py"], Terms(("Dropout",), solution="solution.py"), {}).passed


def test_functions_are_compared_with_functions(folder):
    pair = """
def affine_forward(x, w, b):
    return x @ w + b, (x, w)
def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)
"""
    (folder / "solution.py").write_text(pair)
    (folder / "a.py").write_text(re.sub(r"\bw\b", "weights", pair))
    (folder / "b.py").write_text(pair.replace("x @ w + b,", "x @ w + 2 * b,").replace(
        "dout.sum(axis=0)", "2 * dout.sum(axis=0)"
    ))  # fmt: skip
    found = mark_class(["a.py", "b.py"], Terms(("affine",), solution="solution.py"), {})
    assert [marks.passed for marks in found.files] == [True, False]
    assert "forward" in found.files[1].marks[0].faults[0].kind


def test_a_gradient_that_is_right_in_the_check_alone_is_not_that_of_the_solution(folder):
    (folder / "solution.py").write_text(NUMPY + RELU)
    two_faced = "import sys\nFACE = 'against' in str(sys.orig_argv)\n"
    text = RELU.replace("return dx", "return dx + FACE")
    (folder / "a.py").write_text(two_faced + NUMPY + text)
    found = mark_class(["a.py"], Terms(("Relu",), solution="solution.py"), {})
    ((fault,),) = [mark.faults for mark in found.files[0].marks]
    assert fault.kind == "the gradient is not that of the solution"


def test_what_ends_its_process_while_it_is_compared_is_said(folder):
    (folder / "solution.py").write_text(NUMPY + RELU)
    later = RELU.replace("out = x.copy()", "out = x.copy()\n        if x.max() > 3: os._exit(3)")
    (folder / "a.py").write_text("import os\n" + NUMPY + later)
    found = mark_class(["a.py"], Terms(("Relu",), solution="solution.py"), {})
    (mark,) = found.files[0].marks
    assert mark.verdict == "not checked"
    assert "it ended the process (code 3)" in mark.words
