"""The sheet, the exam and the layer with a mistake: what is asked, and that the key is right."""

import json
import re

import numpy as np
import pytest

from bpcli import backprop
from bpcli.backprop.expression import Expression
from bpcli.gradcheck.foreign.check import check_units
from bpcli.gradcheck.foreign.code import read_code
from bpcli.gradcheck.foreign.load import load_source
from bpcli.gradcheck.foreign.vocabulary import layer_called
from bpcli.teaching.exam import draw_questions
from bpcli.teaching.kinds import OTHER, kind_of
from bpcli.teaching.sheet import LAYERS, STYLES, book, functions
from bpcli.teaching.sheet.mistake import MISTAKES, mistaken
from bpcli.teaching.sheet.source import Source

FORMS = ("sheet.py", "sheet.ipynb")


def rows(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def fill_in(path):
    """Write the backwards into a sheet, as whoever has been given it."""
    text = path.read_text()
    for layer, formula in {
        "Relu": "dx = dout * self.mask; return dx",
        "Affine": "self.dW = self.x.T @ dout; self.db = dout.sum(0); return dout @ self.W.T",
    }.items():
        line = f"raise NotImplementedError('backward of {layer} is to be written')"
        assert line in text
        text = text.replace(line, formula)
    path.write_text(text)


@pytest.mark.parametrize("name", FORMS)
def test_a_sheet_is_handed_out_filled_in_and_marked(bpcli, folder, name):
    bpcli("exercise", "-o", name, "--layers", "Relu,Affine")
    marking = ["gradcheck", name, "--require", "Relu,Affine", "--json"]
    (row,) = rows(bpcli(*marking, code=1))
    assert [mark["verdict"] for mark in row["marks"]] == ["empty", "empty"]
    fill_in(folder / name)
    (row,) = rows(bpcli(*marking))
    assert row["passed"]


def test_a_sheet_that_somebody_has_filled_in_is_not_replaced(bpcli, folder):
    (folder / "sheet.py").write_text("my work")
    result = bpcli("exercise", "-o", "sheet.py", code=2)
    assert "found a file, expected none there" in result.stderr
    assert (folder / "sheet.py").read_text() == "my work"


@pytest.mark.parametrize("style", STYLES)
def test_the_solution_of_a_sheet_is_right_and_has_all_layers(bpcli, folder, style):
    (folder / "solution.py").write_text(bpcli("exercise", "--style", style, "--solution").stdout)
    required = ",".join(LAYERS[style])
    (row,) = rows(bpcli("gradcheck", "solution.py", "--require", required, "--json"))
    assert {mark["verdict"] for mark in row["marks"]} == {"passed"}
    (folder / "sheet.py").write_text(bpcli("exercise", "--style", style).stdout)
    (row,) = rows(bpcli("gradcheck", "sheet.py", "--require", required, "--json", code=1))
    assert {mark["verdict"] for mark in row["marks"]} == {"empty"}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("solved", [False, True])
def test_a_sheet_runs_from_top_to_bottom_and_checks_itself(bpcli, folder, style, solved):
    text = bpcli("exercise", "--style", style, *["--solution"] * solved).stdout
    said = []
    exec(compile(text, "sheet.py", "exec"), {"print": said.append})
    assert [bool(check) for check in said] == [solved] * len(LAYERS[style])
    if not solved:
        assert all("is to be written" in str(check) for check in said)


def test_a_sheet_has_the_sections_and_the_left_sides_of_the_chapter(bpcli):
    text = bpcli("exercise", "--layers", "Affine").stdout
    assert "# ## Affine, section 5.6.2\n" in text
    assert "Forward: `y = x W + b`" in text
    assert "        # dW =\n        # db =\n        # dx =\n        raise" in text
    assert "dout @" not in text


def test_a_layer_of_a_sheet_may_be_called_as_others_call_it(bpcli):
    book = bpcli("exercise", "--layers", "Affine,Relu").stdout
    assert bpcli("exercise", "--layers", "affine,ReLU").stdout == book
    functions = bpcli(
        "exercise", "--style", "functions", "--layers", "Affine,SoftmaxWithLoss"
    ).stdout
    assert "--require affine,softmax_loss" in functions.replace("\n# ", " ")


def test_layers_that_there_are_not_are_refused(bpcli):
    result = bpcli("exercise", "--layers", "Affin", code=2)
    assert "found 'Affin', expected one of Relu, Sigmoid, Tanh, Affine" in result.stderr


@pytest.mark.parametrize("name", LAYERS["book"])
def test_the_layers_of_a_sheet_compute_what_those_of_the_house_do(rng, name):
    x, dout, t = rng.normal(size=(5, 4)), rng.normal(size=(5, 4)), rng.integers(0, 4, 5)
    arrays = [rng.normal(size=(4, 4)), rng.normal(size=4)] if name == "Affine" else []
    ours = getattr(backprop, layer_called(name))(*arrays)
    theirs = getattr(book, name)(*arrays)
    is_loss = name == "SoftmaxWithLoss"
    inputs, back = ((x, t), ()) if is_loss else ((x,), (dout,))
    stem = "softmax_loss" if is_loss else name.lower()
    y, cache = getattr(functions, f"{stem}_forward")(x, *arrays, *inputs[1:])
    dx = getattr(functions, f"{stem}_backward")(1 if is_loss else dout, cache)
    expected = ours.forward(*inputs)
    assert np.allclose(theirs.forward(*inputs), expected)
    assert np.allclose(y, expected)
    expected = ours.backward(*back)
    assert np.allclose(theirs.backward(*back), expected)
    assert np.allclose(dx[0] if arrays else dx, expected)


@pytest.mark.parametrize("style", STYLES)
def test_every_layer_of_a_sheet_has_its_formula(style):
    for name in LAYERS[style]:
        source = Source(name, style)
        assert "y = " in source.formula
        assert "dx" in source.left_sides
        assert source.section or name.lower() == "tanh"


@pytest.mark.parametrize(("layer", "old", "new"), MISTAKES)
def test_a_layer_with_a_mistake_is_wrong_in_that_line_alone(folder, layer, old, new):
    found = mistaken(layer, old, new)
    (folder / "layer.py").write_text(f"import numpy as np\n{found.text}")
    (unit,) = check_units(load_source(read_code(folder / "layer.py")), [], {}, 1e-6)
    assert unit.wrong
    kinds = {kind_of(f.words) for f in unit.findings if f.verdict == "WRONG"}
    unknown = {"dx = dout * (1 - self.y)", "dx = dout * (self.y) / len(self.t)"}
    assert (kinds == {OTHER}) <= (found.wrong in unknown), (kinds, found.wrong)
    assert found.text.count(found.wrong) == 1
    right = found.text.replace(found.wrong, found.right)
    assert right == Source(layer, "book").text(solved=True)


def test_a_mistake_is_another_one_for_another_seed(bpcli):
    asked = [bpcli("exercise", "--mistake", "--seed", seed).stdout for seed in range(9)]
    assert len(set(asked)) > 4
    assert asked[3] == bpcli("exercise", "--mistake", "--seed", 3).stdout
    solved = bpcli("exercise", "--mistake", "--seed", 3, "--solution").stdout
    wrong, right = re.search(
        r"`(.+)` is: it\n?.*should be `(.+)`", solved.replace("\n# ", " ")
    ).groups()
    assert wrong in asked[3]
    assert right not in asked[3]


def test_ten_exams_have_the_keys_that_the_graphs_have(bpcli):
    found = rows(bpcli("exercise", "--random", 10, "--seed", 4, "--solution", "--json"))
    asked = rows(bpcli("exercise", "--random", 10, "--seed", 4, "--json"))
    assert len({(row["expression"], *row["values"].items()) for row in found}) == 10
    for row, question in zip(found, asked, strict=True):
        assert row.items() >= question.items()
        assert "nodes" not in question
        values = [f"{name}={value}" for name, value in row["values"].items()]
        graph = rows(bpcli("graph", row["expression"], *values, "--json"))[0]
        assert row.items() >= graph.items()


def test_questions_are_of_the_chapters_kind(rng):
    for question in draw_questions(200, rng):
        found = Expression(question.text, dict(question.values))
        operations = [node for node in found.graph.nodes if node.inputs]
        assert 2 <= len(operations) <= 5
        for node in found.graph.nodes:
            for number in (float(node.value), float(node.gradient)):
                assert 0 < abs(number) < 10_000
                assert number == pytest.approx(float(f"{number:.4g}"), rel=1e-9)


@pytest.mark.parametrize("what", ["values", "derivatives", "both"])
def test_what_is_to_be_found_is_not_told(bpcli, folder, what):
    expression = ["a * b * c + a", "a=7", "b=11", "c=13"]
    hidden = {"values": {"1001", "1008"}, "derivatives": {"144", "91", "143"}}
    hidden = set().union(*hidden.values()) if what == "both" else hidden[what]
    command = ["graph", *expression, "--blank", what]
    drawn = bpcli(*command).stdout
    bpcli(*command, "-o", "asked.svg", "--answers", "key.svg")
    pictures = [(folder / name).read_text() for name in ("asked.svg", "key.svg")]
    picture, key = (" ".join(re.findall(">([^<{]*)<", text)) for text in pictures)
    for text in (drawn, picture):
        assert not hidden & set(re.findall(r"\d+", text))
        assert {"7", "11", "13"} <= set(re.findall(r"\d+", text))
        assert "____" in text
    assert hidden <= set(re.findall(r"\d+", key))
    assert "<title>computational graph of a * b * c + a, with " in pictures[0]
    assert "<title>computational graph of a * b * c + a, whose result is 1008<" in pictures[1]


def test_arrays_that_are_to_be_found_are_not_told(bpcli):
    command = ["graph", "dot(x, W) * 3", "x=[1, 2]", "W=[[5], [7]]", "--blank"]
    drawn = bpcli(*command, "derivatives").stdout
    assert "derivative" not in drawn.replace("derived", "")
    assert "[[5.]" in drawn
    assert "[57.]" not in bpcli(*command, "values").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["graph", "--config", "mnist", "--blank", "both"], "--blank goes with an EXPRESSION"),
        (["graph", "a", "a=1", "--blank", "both", "--explain"], "not with --explain"),
        (["graph", "a", "a=1", "--answers", "k.svg"], "--answers goes with --blank"),
        (["exercise", "--random", 2, "--mistake"], "expected one of --random and --mistake"),
        (["exercise", "--random", 2, "--style", "book"], "go with a sheet alone"),
        (["exercise", "--seed", 2], "--seed goes with --random or --mistake"),
        (["exercise", "--blank", "both"], "go with --random"),
        (["exercise", "-o", "sheet.txt"], "expected a name that ends in .py or .ipynb"),
    ],
)
def test_what_does_not_go_together_is_said(bpcli, folder, arguments, words):
    assert words in bpcli(*arguments, code=2).stderr


def test_a_picture_for_a_beamer_is_larger(bpcli, folder):
    image = pytest.importorskip("PIL.Image")
    for name, scale in (("a", ()), ("b", ("--scale", 3))):
        for form in ("svg", "png"):
            bpcli("graph", "a * b", "a=2", "b=3", *scale, "-o", f"{name}.{form}")
    widths = [
        re.findall(r'^<svg.*? width="([\d.]+)"', (folder / f"{n}.svg").read_text()) for n in "ab"
    ]
    assert float(widths[1][0]) == pytest.approx(3 * float(widths[0][0]))
    sizes = []
    for name in "ab":
        with image.open(folder / f"{name}.png") as picture:
            sizes.append(picture.size)
    assert sizes[1] == pytest.approx([3 * side for side in sizes[0]], abs=3)
    refused = bpcli("graph", "a * b", "a=2", "b=3", "--scale", 3, "-o", "a.pdf", code=2)
    assert "--scale goes with -o FILE.svg or FILE.png" in refused.stderr


def test_an_exam_is_drawn_into_numbered_files(bpcli, folder):
    bpcli("exercise", "--random", 10, "-o", "exam.svg", "--answers", "key.svg")
    bpcli("exercise", "--random", 10, "-o", "again.svg", "--solution")
    assert len([*folder.glob("exam-*.svg")]) == 10
    asked, key = ((folder / f"{name}-03.svg").read_text() for name in ("exam", "key"))
    assert "____" in asked
    assert "____" not in key
    assert key == (folder / "again-03.svg").read_text()
