"""What is empty, what is missing, and which files are alike is told from their text alone."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from submissions import RENAMED, WHOLE

from bpcli.files.notebook import Cell
from bpcli.gradcheck.foreign.code import Code
from bpcli.teaching.judge import find_line, mark_unwritten
from bpcli.teaching.likeness import group, normal_form
from bpcli.teaching.outline import is_empty, outline


def read(text, name="a.py"):
    return outline(Code(Path(name), (Cell(0, text),)))


@pytest.mark.parametrize(
    "body",
    [
        "pass", "...", "raise NotImplementedError", "raise NotImplementedError('TODO')", "return",
        "return None", "'''Later.'''", "dx = None\n  return dx", "pass  # write it here",
        "dx, dW, db = None, None, None\n  return dx, dW, db", "self.dW = None\n  return None",
        "return NotImplemented", "# nothing\n  ...",
    ],
)  # fmt: skip
def test_a_body_that_does_nothing_is_empty(body):
    function = ast.parse(f"def backward(self, dout):\n  {body}").body[0]
    assert is_empty(function)
    found = read(f"class A:\n def forward(self, x): return x\n def backward(self, dout):\n  {body}")
    assert found.find_empty("A") == "A.backward"


@pytest.mark.parametrize("body", ["return dout", "dx = 0\n  return dx", "raise ValueError", "f()"])
def test_a_body_that_does_something_is_not(body):
    assert not is_empty(ast.parse(f"def backward(self, dout):\n  {body}").body[0])


@pytest.mark.parametrize(
    ("name", "near"),
    [("ReLU", "ReLU"), ("relu", "relu"), ("Rellu", "Rellu"), ("Rectifier", "Rectifier"),
     ("Sigmoid", ""), ("RELU_layer", "RELU_layer")],
)  # fmt: skip
def test_a_layer_that_is_missing_has_a_near_name(name, near):
    found = read(f"class {name}:\n def forward(self, x): return x\n")
    assert found.find_missing("Relu")
    assert found.find_near("Relu") == near


def test_of_two_definitions_the_last_counts_wherever_it_stands():
    text = "class A:\n def backward(self, d): pass\n def forward(self, x): return x\n"
    assert read(text).find_empty("A") == "A.backward"
    again = text + "try:\n class A:\n  def backward(self, d): return d\n  def forward(self, x): x\n"
    assert read(f"{again}except E: pass").find_empty("A") == ""
    later = text + "def g(self, d): return d\nA.backward = g\n"
    assert read(later).find_empty("A") == ""
    inherited = text + "class B(A):\n def forward(self, x): return x\n"
    assert read(inherited).find_empty("B") == "B.backward"


def test_methods_that_are_set_count_as_written():
    text = "class A:\n forward = lambda self, x: x\nA.backward = lambda self, dout: dout\n"
    assert mark_unwritten(read(text), "A") is None
    same = "class A:\n def g(self, x): return x\n forward = backward = g"
    assert mark_unwritten(read(same), "A") is None


@pytest.mark.parametrize(
    ("text", "verdict", "words"),
    [
        ("from bpcli.backprop import ReLU\nclass Relu(ReLU): pass", "not checked", "ReLU"),
        ("from x import B\nclass Relu(B):\n def forward(self, x): return x", "not checked", "B"),
        ("from x import B\nclass Relu(B):\n def forward(self, x): return x\n"
         " def backward(self, d): pass", "empty", "Relu.backward"),
        ("from bpcli.backprop import ReLU as Relu", "missing", "Relu"),
        ("class Relu: pass", "empty", "Relu"),
        ("class Relu:\n def forward(self, x): return x", "missing", "Relu.backward"),
        ("def Relu_forward(x): return x", "missing", "Relu_backward"),
        ("def Relu_backward(dout): return dout", "missing", "Relu_forward"),
        ("'Only words.'", "empty", "the file"),
    ],
)  # fmt: skip
def test_what_there_is_nothing_to_check_of(text, verdict, words):
    mark = mark_unwritten(read(text), "Relu")
    assert mark.verdict == verdict
    assert words in mark.words


def test_functions_stand_for_a_layer_by_the_beginning_of_their_names():
    text = "def affine_forward(x): return x\ndef affine_backward(dout): pass\n"
    found = read(text)
    assert not found.find_missing("affine")
    assert found.find_empty("affine") == "affine_backward"
    assert found.find_missing("relu")


def test_the_line_is_that_which_sets_the_gradient():
    found = read(WHOLE)
    lines = WHOLE.splitlines()
    for array, text in (("W", "self.dW ="), ("b", "self.db ="), ("x", "return np.dot(dout")):
        assert text in lines[find_line(found, "Affine", array) - 1]


def normal(text):
    return normal_form(ast.parse(text))


def test_names_and_comments_make_no_difference():
    assert normal(WHOLE) == normal(RENAMED)
    assert normal(WHOLE) == normal(WHOLE.replace("\n\n", "\n# mine\n\n\n"))
    annotated = WHOLE.replace("(self, dout)", "(self, dout: np.ndarray) -> np.ndarray")
    assert normal(WHOLE) == normal(annotated)


@pytest.mark.parametrize(
    ("old", "new"),
    [("axis=0", "axis=1"), ("x <= 0", "x < 0"), ("np.exp", "np.log"), ("self.x.T", "self.W.T"),
     ("dout, self.W.T", "self.W.T, dout"), ("-= 1", "-= 2")],
)  # fmt: skip
def test_what_is_computed_makes_one(old, new):
    assert old in WHOLE
    assert normal(WHOLE) != normal(WHOLE.replace(old, new))


identifiers = st.from_regex(r"[a-zà-ÿа-я一-龠][a-z0-9_]{0,5}", fullmatch=True).filter(
    lambda n: (
        n.isidentifier() and n not in ("np", "f", "if", "in", "is", "or", "as", "and", "def", "not")
    )
)


@given(st.lists(identifiers, min_size=3, max_size=3, unique=True))
def test_any_names_are_as_good(names):
    def text(x, y, f):
        return f"import numpy as np\ndef {f}({x}):\n    {y} = np.exp({x})\n    return {y} * {x}\n"

    try:
        ast.parse(text(*names))
    except SyntaxError:  # a word of Python
        return
    assert normal(text(*names)) == normal(text("first", "second", "third"))
    swapped = text("first", "second", "third").replace("second * first", "second * second")
    assert normal(text(*names)) != normal(swapped)


def test_files_without_code_are_alike_to_none():
    assert group({"a": "", "b": "", "c": "1", "d": "1", "e": "2"}) == [("c", "d")]
