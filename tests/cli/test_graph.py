"""`bpcli graph`: expressions and networks, drawn, for Graphviz and as JSON."""

import html
import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from tiny import ROOT

from bpcli.backprop.expression import FUNCTIONS
from bpcli.show.characters import ASCII

TWO_APPLES = "apple * apple_count * tax", ["apple=100", "apple_count=2", "tax=1.1"]


APPLES_AND_ORANGES = (
    "(apple * apple_count + orange * orange_count) * tax",
    [*TWO_APPLES[1], "orange=150", "orange_count=3"],
)


def test_two_apples(bpcli):
    text, values = TWO_APPLES
    assert (
        bpcli("graph", text, *values).stdout
        == """\
             100
apple ────────────┐  200
             2.2 (×)──────┐
              2   │  1.1  │  220
apple_count ──────┘      (×)─────▶
             110          │   1
             1.1          │
tax ──────────────────────┘
             200
"""
    )


def test_apples_and_oranges(bpcli):
    text, values = APPLES_AND_ORANGES
    assert (
        bpcli("graph", text, *values).stdout
        == """\
              100
apple ─────────────┐  200
              2.2 (×)──────┐
               2   │  1.1  │
apple_count ───────┘       │  650
              110         (+)──────┐
              150          │  1.1  │
orange ────────────┐  450  │       │
              3.3 (×)──────┘       │  715
               3   │  1.1         (×)─────▶
orange_count ──────┘               │   1
              165                  │
              1.1                  │
tax ───────────────────────────────┘
              650
"""
    )


def test_the_sigmoid_of_figure_5_20(bpcli):
    stdout = bpcli("graph", "1 / (1 + exp(-x))", "x=0").stdout
    assert [re.findall(r"\(.*?\)", line) for line in stdout.splitlines() if "(" in line] == [
        ["(÷)"], ["(+)"], ["(-)", "(exp)"],
    ]  # fmt: skip
    assert "0.25" in stdout


def test_a_name_that_is_used_twice_is_drawn_once_and_tells_its_sum(bpcli):
    assert (
        bpcli("graph", "x * x + x", "x=3").stdout
        == """\
   3    3
x ───┬─────┐  9
   7 │  3 (×)────┐
     │  3  │  1  │  12
     ├─────┘    (+)────▶
     │  3        │  1
     │  3        │
     └───────────┘
        1

x is used 3 times: its derivative is the sum, 7
"""
    )


def test_lines_that_cross_have_no_corner(bpcli):
    assert (
        bpcli("graph", "(a + b) * (b + c) * a", "a=1", "b=2", "c=3").stdout
        == """\
   1       1
a ────┬────────┐  3
   20 │    5  (+)────┐
   2  │    2   │  5  │
b ────│─┬──────┘     │  15
   8  │ │  5        (×)─────┐
      │ │  2         │  1   │
      │ └──────┐  5  │      │
      │    3  (+)────┘      │  15
      │    3   │  3        (×)────▶
c ────│────────┘            │  1
      │    3                │
      │    1                │
      └─────────────────────┘
           15

a is used 2 times: its derivative is the sum, 20

b is used 2 times: its derivative is the sum, 8
"""
    )


def test_names_of_wide_characters_are_aligned(bpcli):
    assert (
        bpcli("graph", "苹果 * n", "苹果=100", "n=2").stdout
        == """\
      100
苹果 ──────┐  200
       2  (×)─────▶
       2   │   1
n ─────────┘
      100
"""
    )


def test_three_arrows_lead_into_affine(bpcli):
    assert bpcli("graph", "affine(x, W, b)", *ARRAYS).stdout.splitlines()[:9] == [
        "   (2,)",
        "x ────────────┐",
        "   (2,)       │",
        "   (2, 3)     │    (3,)       39",
        "W ────────(affine)──────(sum)────▶",
        "   (2, 3)     │    (3,)       1",
        "   (3,)       │",
        "b ────────────┘",
        "   (3,)",
    ]


def test_the_book_network(bpcli, tmp_path):
    (tmp_path / "c.yaml").write_text("")
    assert (
        bpcli("graph", "--config", tmp_path / "c.yaml").stdout
        == """\
   N×784           N×50         N×50           N×10                   1
x ───────(Affine1)──────(ReLU1)──────(Affine2)──────(SoftmaxWithLoss)───▶
           39,250                       510

39,760 parameters: W1 784×50, b1 50, W2 50×10, b2 10
"""
    )


def test_a_deep_network_goes_on_below(bpcli, tmp_path):
    (tmp_path / "c.yaml").write_text("network: {hidden: [30, 20, 10], dropout: 0.5}")
    lines = bpcli("graph", "--config", tmp_path / "c.yaml").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    layers = re.findall(r"\(([A-Z]\w+)\)", " ".join(lines))
    assert layers == [
        "Affine1", "ReLU1", "Dropout1", "Affine2", "ReLU2", "Dropout2", "Affine3", "ReLU3",
        "Dropout3", "Affine4", "SoftmaxWithLoss",
    ]  # fmt: skip


def test_ascii(bpcli, shell):
    text, values = TWO_APPLES
    drawn = bpcli("graph", text, *values, "--ascii").stdout
    assert drawn.isascii()
    assert drawn == bpcli("graph", text, *values).stdout.translate(ASCII)
    process = shell(
        "graph", text, *values, env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    )
    assert process.communicate(timeout=30)[0] == drawn


def test_json(bpcli):
    text, values = TWO_APPLES
    found = json.loads(bpcli("graph", text, *values, "--json").stdout)
    assert [(node.get("name"), node.get("op"), node["inputs"]) for node in found["nodes"]] == [
        ("apple", None, []), ("apple_count", None, []), (None, "*", [0, 1]), ("tax", None, []),
        (None, "*", [2, 3]),
    ]  # fmt: skip
    assert [node["value"] for node in found["nodes"]] == pytest.approx([100, 2, 200, 1.1, 220])
    assert [node["gradient"] for node in found["nodes"]] == pytest.approx([2.2, 110, 1.1, 200, 1])
    assert [node["id"] for node in found["nodes"]] == [0, 1, 2, 3, 4]
    assert found["output"] == 4
    constant = json.loads(bpcli("graph", "2", "--json").stdout)["nodes"][0]
    assert constant == {"id": 0, "inputs": [], "value": 2, "gradient": None}


def test_json_of_a_network(bpcli, tmp_path):
    (tmp_path / "c.yaml").write_text("")
    found = json.loads(bpcli("graph", "--config", tmp_path / "c.yaml", "--json").stdout)
    assert found["parameters"] == 39_760
    assert found["layers"][0] == {
        "name": "Affine1", "input": [784], "output": [50], "parameters": 39_250,
    }  # fmt: skip
    assert (found["layers"][-1]["input"], found["layers"][-1]["output"]) == ([10], [])


needs_dot = pytest.mark.skipif(not shutil.which("dot"), reason="needs Graphviz")


def rendered(path):
    """Let Graphviz draw a file, and return the labels in its picture."""
    done = subprocess.run(["dot", "-Tsvg", path], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return [html.unescape(text) for text in re.findall(r"<text [^>]*>(.*?)</text>", done.stdout)]


@needs_dot
def test_dot_accepts_a_graph(bpcli, tmp_path):
    text, values = APPLES_AND_ORANGES
    bpcli("graph", text, *values, "-o", tmp_path / "g.dot")
    labels = rendered(tmp_path / "g.dot")
    assert {"apple", "orange_count", "×", "+", "100", "2.2", "165", "650", "715"} <= set(labels)


@needs_dot
def test_dot_accepts_a_network(bpcli, tmp_path):
    (tmp_path / "c.yaml").write_text("network: {dropout: 0.2}")
    bpcli("graph", "--config", tmp_path / "c.yaml", "-o", tmp_path / "g.dot")
    labels = rendered(tmp_path / "g.dot")
    assert {"Affine1", "39,250 parameters", "Dropout1", "SoftmaxWithLoss", "N×784"} <= set(labels)


@pytest.mark.parametrize(
    ("suffix", "start"),
    [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"digraph")],
)
def test_a_picture_is_the_same_bytes_each_time_and_replaces_its_own_kind_alone(
    suffix, start, bpcli, tmp_path
):
    text, values = TWO_APPLES
    path = tmp_path / f"g.{suffix}"
    assert bpcli("graph", text, *values, "-o", path).stdout == ""
    first = path.read_bytes()
    assert first.startswith(start)
    bpcli("graph", text, *values, "-o", path)
    assert path.read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    path.write_text("my notes")
    message = bpcli("graph", text, *values, "-o", path, code=2).stderr
    assert message == (
        f"{path}: found a file that is no .{suffix}, which is left as it is; choose another name\n"
    )
    assert path.read_text() == "my notes"


def test_a_picture_of_a_model_and_of_its_configuration_are_one(bpcli, model, tmp_path):
    bpcli("graph", "--model", model, "-o", tmp_path / "m.svg")
    (tmp_path / "c.yaml").write_text(bpcli("config", model).stdout)
    bpcli("graph", "--config", tmp_path / "c.yaml", "-o", tmp_path / "c.svg")
    assert (tmp_path / "m.svg").read_text() == (tmp_path / "c.svg").read_text()
    assert bpcli("graph", "--model", model).stdout.startswith("   N×36")


def test_with_a_picture_the_steps_and_json_are_printed_still(bpcli, tmp_path):
    text, values = TWO_APPLES
    told = bpcli("graph", text, *values, "--explain", "-o", tmp_path / "g.svg").stdout
    assert told.startswith("Forward")
    told = bpcli("graph", text, *values, "--json", "-o", tmp_path / "h.svg").stdout
    assert json.loads(told)["output"] == 4


@pytest.mark.parametrize("name", ["graph.svg", "graph.png"])
def test_a_picture_is_light_unless_it_is_asked_to_be_dark(name, bpcli, tmp_path):
    made = {}
    for theme in ("", "light", "dark", "auto"):
        path = tmp_path / f"{theme}-{name}"
        bpcli("graph", "x * x", "x=2", "-o", path, *(["--theme", theme] if theme else []))
        made[theme] = path.read_bytes()
    assert made[""] == made["light"] != made["dark"]
    assert (b"prefers-color-scheme" in made["auto"]) == name.endswith("svg")
    assert b"prefers-color-scheme" not in made["light"] + made["dark"]
    assert "goes with -o" in bpcli("graph", "x * x", "x=2", "--theme", "dark", code=2).stderr


def test_only_an_svg_can_move(bpcli, tmp_path):
    bpcli("graph", "x * x", "x=2", "-o", tmp_path / "g.svg", "--animate")
    assert "@keyframes" in (tmp_path / "g.svg").read_text(encoding="utf-8")
    bpcli("graph", "x * x", "x=2", "-o", tmp_path / "still.svg")
    assert "@keyframes" not in (tmp_path / "still.svg").read_text(encoding="utf-8")
    for output in ([], ["-o", tmp_path / "g.png"], ["-o", tmp_path / "g.dot"]):
        message = bpcli("graph", "x * x", "x=2", "--animate", *output, code=2).stderr
        assert "--animate goes with -o FILE.svg" in message


def test_matplotlib_is_named_where_it_is_missing(bpcli, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    message = bpcli("graph", "2 * 3", "-o", tmp_path / "g.png", code=2).stderr
    assert message == (
        "a .png needs matplotlib, which is not installed: pip install 'bpcli-mnist[report]'\n"
    )
    bpcli("graph", "2 * 3", "-o", tmp_path / "g.svg")


def test_a_name_that_no_font_has_is_told(bpcli, tmp_path):
    message = bpcli("graph", "𐎀 * 2", "𐎀=1", "-o", tmp_path / "g.png", code=2).stderr
    assert "no font here can draw it" in message
    assert not (tmp_path / "g.png").exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("g.gif", "g.gif: expected a name that ends in .svg, .png, .pdf or .dot"),
        ("-", "-: expected a name that ends in"),
        ("no/g.svg", "no/g.svg: found no folder no, expected one to write into"),
        ("d.svg", "d.svg: found a folder, expected a file or nothing there"),
        ("", ": expected a name that ends in"),
        (".", ".: expected a name that ends in"),
    ],
)
def test_where_no_picture_can_be_is_told(name, words, bpcli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.svg").mkdir()
    assert words in bpcli("graph", "2 * 3", "-o", name, code=2).stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "expected one of EXPRESSION, --config CONFIG and --model MODEL"),
        (
            ["x", "--config", "c.yaml"],
            "expected one of EXPRESSION, --config CONFIG and --model MODEL",
        ),
        (["1", "--json", "--ascii"], "expected one of --json and --ascii, not two"),
        (["2x", "x=1"], "invalid decimal literal; a product is written 2 * x\n  2x\n"),
        (["2(x + 1)", "x=1"], "(a product is written 2 * x)"),
        (["x^2", "x=1"], "(a power is written **)"),
        (["a×b", "a=1", "b=1"], "× is written *\n  a×b\n   ^"),
        (["sin(x)", "x=1"], "sin is no function; expected exp, log,"),
        (["aple * 2", "apple=1"], "aple has no value; did you mean apple?\n  aple * 2\n  ^"),
        (["x=1", "x * x"], "x=1: expected the EXPRESSION first, and x=1 after it"),
        (["x", "x=1,5"], "a decimal is written 1.5"),
        (["x", "CHANGELOG.md", "y", "x=1"], "quote the expression, or the shell takes * for"),
        (
            ["dot(x, W)", "x=[1, 2, 3]", "W=[[1, 2], [3, 4]]"],
            "the shapes (3,) and (2, 2) do not fit\n  dot(x, W)\n  ^",
        ),
        (["affine(x, W, b)", "x=[[1, 2], [3, 4]]", "W=[1, 2]", "b=3"], "do not fit\n"),
        (["dot(x, W)", "x=[[[1, 2], [3, 4]]]", "W=[[1, 2], [3, 4]]"], "do not fit\n"),
        (["affine(x, W, b)", "x=[1, 2]", "W=[[1], [2]]", "b=[[1], [2]]"], "do not fit\n"),
        (["cross_entropy(y, t)", "y=[0.2, 0.8]", "t=[[1, 0], [0, 1]]"], "do not fit\n"),
        (["softmax_with_loss(x, t)", "x=[[1, 2], [3, 1]]", "t=[[1], [0]]"], "do not fit\n"),
        (["--config", "c.yaml", "--explain"], "--explain and --seed go with an EXPRESSION"),
        (["x"], "x has no value; add x=NUMBER\n  x\n  ^\n"),
        (["1 / 0"], "division by zero\n  1 / 0\n    ^\n"),
        (["x", "x=1", "--config"], "Option '--config' requires an argument"),
        (["--config", "no.yaml"], "no.yaml: cannot be read: No such file or directory"),
    ],
)
def test_mistakes(args, message, bpcli):
    result = bpcli("graph", *args, code=2)
    assert message in result.stderr
    assert result.stdout == ""


def test_an_expression_may_begin_with_a_minus_sign(bpcli, tmp_path):
    assert "(-)" in bpcli("graph", "--", "-x", "x=1").stdout
    told = bpcli("graph", "--", "-x * 2", "x=-1", "--explain", "-o", tmp_path / "g.svg").stdout
    assert told.startswith("Forward")
    assert (tmp_path / "g.svg").exists()
    assert json.loads(bpcli("graph", "--json", "--", "-x", "x=1", "--explain").stdout)["steps"]
    assert "No such option" in bpcli("graph", "--", "-x", "x=1", "--explian", code=2).stderr


LAYERS = [
    "x=[[1, 2], [3, 4], [0, 1]]",
    "W=[[1, -1], [0.5, 1]]",
    "b=[1, 2]",
    "V=[[1], [2]]",
    "c=[0.5]",
]


def test_which_of_two_functions_is_meant_is_told(bpcli, tmp_path):
    """By its number in the drawing, and by what it is a function of in the steps."""
    text = "affine(relu(affine(x, W, b)), V, c)"
    shown = bpcli("graph", text, *LAYERS, "--explain").stdout
    drawing, told = shown.split("Forward")
    assert re.findall(r"\((\[\d\] affine|relu|sum)\)", drawing) == [
        "[1] affine", "relu", "[3] affine", "sum",
    ]  # fmt: skip
    assert "[3] affine([2], V, c) passes to c: the sum of dout over the 3 images" in told
    assert "[1] affine(x, W, b) passes to W: x^T · dout" in told
    assert "[2] relu passes to [1]" in told
    drawing, _, arrays = bpcli("graph", text, *LAYERS).stdout.partition("The result")
    assert re.findall(r"\((\[\d\] affine|affine)\)", drawing) == ["affine", "[3] affine"]
    assert "\n[3] affine =" in arrays
    two = ["x=[1, 2]", "W=[[1, 2], [3, 4]]", "b=[1, 2]"]
    drawing, _, arrays = bpcli(
        "graph", "dot(relu(x), relu(affine(x, W, b)))", *two
    ).stdout.partition("x =")
    numbers = re.findall(r"\((\[\d\] relu)\)", drawing)
    assert len(numbers) == 2
    assert re.findall(r"^(\[\d\] relu) =", arrays, re.M) == sorted(numbers)
    named = bpcli("graph", "h = relu(affine(x, W, b)); affine(h, V, c)", *LAYERS, "--explain")
    assert "[3] affine(h, V, c) passes to h" in named.stdout
    assert "h = (3, 2)" in named.stdout


def test_the_numbers_of_appendix_a_can_be_followed(bpcli):
    """Each array that an expansion has on its way is the one that numpy finds there."""
    a, t = np.array([0.3, 2.9, 4.0]), np.array([0, 0, 1.0])
    args = ["softmax_with_loss(a, t)", f"a={a.tolist()}", f"t={t.tolist()}", "--expand"]
    exp = np.exp(a)
    y = exp / exp.sum()
    expected = {"exp(a)": exp, "sum([1])": [exp.sum()], "1 ÷ [2]": [1 / exp.sum()],
                "[1] · [3]": y, "log([4])": np.log(y), "[5] · t": t * np.log(y)}  # fmt: skip
    drawn = bpcli("graph", *args).stdout
    for called, numbers in expected.items():
        below = drawn.split(f": {called} =")[1].splitlines()[1]
        found = [float(word) for word in re.search(r"\[(.*?)\]", below)[1].split()]
        np.testing.assert_allclose(found, numbers, atol=1e-3, err_msg=called)
    told = json.loads(bpcli("graph", *args, "--explain", "--json").stdout)["steps"]
    values = {
        step["words"].split(" : ")[1].split(" = ")[0]: step["value"]
        for step in told
        if " : " in step["words"]
    }
    for called, numbers in expected.items():
        np.testing.assert_allclose(values[called], numbers, err_msg=called)
    (last,) = [step["value"] for step in told if step["words"].startswith("a: a derivative")]
    np.testing.assert_allclose(last, y - t)


def test_large_arrays_are_shortened_in_steps(bpcli):
    args = ["sum(dot(W, V))", "W=normal(200, 300)", "V=normal(300, 100)"]
    for options in (["--explain"], ["--expand"]):
        shown = bpcli("graph", *args, *options).stdout
        assert "..." in shown
        assert len(shown) < 6000
        assert max(map(len, shown.splitlines())) < 140


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("t = x + y; z = t ** 2", "(x + y) ** 2"),
        ("t = x + y; t ** 2", "(x + y) ** 2"),
        ("t = x + y\nz = t ** 2\n", "(x + y) ** 2"),
        ("  t = (x +\n    y)\n  t ** 2", "(x + y) ** 2"),
        ("a = x * y; b = a + x; a * b", "(x * y) * (x * y + x)"),
        ("x = x + y; x * y;", "(x + y) * y"),
        ("z = x * y", "x * y"),
        ("n = 2; x ** n + y", "x ** 2 + y"),
        ("u = x; v = u * y; exp(v)", "exp(x * y)"),
    ],
)
def test_several_steps_are_one_expression(text, same, bpcli):
    values = ["x=3", "y=0.5"]
    steps, whole = (
        json.loads(bpcli("graph", one, *values, "--json").stdout)["nodes"] for one in (text, same)
    )
    assert steps[-1]["value"] == pytest.approx(whole[-1]["value"])
    derived = [{n["name"]: n["gradient"] for n in nodes if "name" in n} for nodes in (steps, whole)]
    assert derived[0] == pytest.approx(derived[1])
    assert bpcli("graph", text, *values, "--explain").exit_code == 0


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (
            ["t = x + 1; x * 2", "x=1"],
            "t is computed, and no later step needs it\n  t = x + 1; x * 2\n  ^",
        ),
        (
            ["x + 1; x * 2", "x=1"],
            "is computed, and has no name to be used by; several steps are written",
        ),
        (
            ["t = x; t * 2", "x=1", "t=3"],
            "t: found a value for what the expression computes, expected none",
        ),
        (
            ["t = x +; t * 2", "x=1"],
            "not an expression: invalid syntax\n  t = x +; t * 2\n         ^",
        ),
        (["exp = x; exp", "x=1"], "exp is a function; expected another name"),
        (["t, u = x; t", "x=1"], "cannot be used here; several steps are written"),
        (["t = u = x; t", "x=1"], "cannot be used here; several steps are written"),
        (["t = x; t += 1", "x=1"], "cannot be used here; several steps are written"),
        (["import os; x", "x=1"], "cannot be used here; several steps are written"),
        (["t = y; t", "x=1"], "y has no value; add y=NUMBER"),
        (["t = x * 2; tt + 1", "x=1"], "tt has no value; did you mean t?"),
        ([";"], "not an expression: invalid syntax"),
        (["#;"], "found nothing, expected an expression"),
        (["x=1,5", "x * x"], "x=1,5: expected the EXPRESSION first, and x=1,5 after it"),
    ],
)
def test_steps_that_do_not_fit_together_are_told(args, words, bpcli):
    result = bpcli("graph", *args, code=2)
    assert words in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("operator", [" + ", " - ", "*", "/", "@"])
def test_operators_that_follow_one_another_are_not_deep(operator, bpcli):
    names = [f"x{i}" for i in range(60)]
    one = "[[1]]" if operator == "@" else "1"
    found = json.loads(
        bpcli("graph", operator.join(names), *(f"{n}={one}" for n in names), "--json").stdout
    )
    assert sum(node.get("name") in names for node in found["nodes"]) == 60
    drawn = bpcli("graph", operator.join(["x"] * 300), f"x={one}", "--explain").stdout
    assert "x is used 300 times" in drawn


def test_a_power_of_what_is_below_0_has_the_derivatives_that_there_are(bpcli):
    found = json.loads(bpcli("graph", "x ** n", "x=-2", "n=3", "--json").stdout)["nodes"]
    assert {n["name"]: n["gradient"] for n in found if "name" in n} == {"x": 12, "n": None}
    note = "n: no derivative, as a power of a number below 0 is real for whole exponents alone"
    drawn = bpcli("graph", "x ** (a * b)", "x=-2", "a=2", "b=1").stdout
    for name in "ab":
        assert note.replace("n:", f"{name}:", 1) in " ".join(drawn.split())
    assert "nan" not in drawn
    for text in ("x ** (4 / 2)", "x ** (n - n + 2)", "(-2) ** (1 + 1) * x", "x ** -(-2)"):
        values = [f"{name}={value}" for name, value in (("x", -3), ("n", 1)) if name in text]
        assert bpcli("graph", text, *values, "--explain").stderr == ""
    rows = json.loads(bpcli("graph", "x ** n", "x=[-2, 2]", "n=[2, 2]", "--json").stdout)["nodes"]
    assert [n["gradient"] for n in rows if "name" in n][1] == [None, pytest.approx(4 * np.log(2))]
    message = bpcli("graph", "(-2) ** n", "n=2", code=2).stderr
    assert message.startswith("the derivative by n is not a finite number here")


@pytest.mark.parametrize("output", [[], ["-o", "graph.svg"], ["--json"]])
@pytest.mark.parametrize("expression", ["x ** 0 * y", "x ** y", "log(y + x) ** x"])
def test_infinite_derivatives_are_drawn_without_a_warning(shell, expression, output, tmp_path):
    with shell("graph", expression, "x=0", "y=2", *output, cwd=tmp_path) as process:
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (0, "")
    assert stdout or (tmp_path / "graph.svg").exists()


def test_the_shopping_is_explained_step_by_step(bpcli):
    shown = bpcli("graph", TWO_APPLES[0], *TWO_APPLES[1], "--explain").stdout
    assert shown[shown.index("Forward") :].splitlines() == [
        "Forward, from left to right:",
        "  [1] × : apple · apple_count = 100 · 2 = 200",
        "  [2] × : [1] · tax = 200 · 1.1 = 220",
        "",
        "Backward, from right to left:",
        "  the result gets 1, as it is its own derivative by itself",
        "  [2] × passes to [1]: 1 from the right · 1.1, the other input = 1.1",
        "  [2] × passes to tax: 1 from the right · 200, the other input = 200",
        "  [1] × passes to apple: 1.1 from the right · 2, the other input = 2.2",
        "  [1] × passes to apple_count: 1.1 from the right · 100, the other input = 110",
        "",
        "So:",
        "  1 more of apple makes the result 2.2 higher: a step of 0.01 changes it by 0.022",
        "  1 more of apple_count makes the result 110 higher: a step of 0.0002 changes it by 0.022",
        "  1 more of tax makes the result 200 higher: a step of 0.00011 changes it by 0.022",
    ]
    found = json.loads(bpcli("graph", TWO_APPLES[0], *TWO_APPLES[1], "--explain", "--json").stdout)
    assert [step["direction"] for step in found["steps"]] == (
        ["forward"] * 2 + ["backward"] * 5 + ["input"] * 3
    )


# An expression and its values, and a line of what is told of it.
TOLD = [
    (["x * x", "x=3"], "x is used 2 times: 3 + 3 = 6"),
    (["x - y", "x=3", "y=1"], "[1] - passes to y: 1 from the right · -1, as it is subtracted = -1"),
    (["x / y", "x=6", "y=2"], "[1] ÷ passes to x: 1 from the right · 1 / 2 = 0.5"),
    (["x / y", "x=6", "y=2"], "[1] ÷ passes to y: 1 from the right · -6 / 2^2 = -1.5"),
    (["x ** 3", "x=2"], "[1] ** passes to x: 1 from the right · 3 · 2^(3 - 1) = 12"),
    (["2 ** x", "x=3"], "[1] ** passes to x: 1 from the right · 8 · log 2 = 5.54518"),
    (["exp(x)", "x=0"], "[1] exp passes to x: 1 from the right · 1, exp of the input, its own output = 1"),
    (["log(x)", "x=4"], "[1] log passes to x: 1 from the right · 1 / the input = 0.25"),
    (["sigmoid(x)", "x=0"], "[1] sigmoid passes to x: 1 from the right · out (1 - out) = 0.25"),
    (["tanh(x)", "x=0"], "[1] tanh passes to x: 1 from the right · 1 - out^2 = 1"),
    (["relu(x)", "x=0"], "1 where the input is above 0, 0 elsewhere; at 0 it has a kink, and 0 is taken = 0"),
    (["relu(x)", "x=0"], "a little more of x leaves the result as it is: but here is a kink: a step of 0.0001 up changes it by 0.0001, and one down by 0"),
    (["max(x, y)", "x=2", "y=2"], "1 where it is the larger, 0 elsewhere, which gets it at a tie = 1"),
    (["-x", "x=2"], "1 more of x makes the result 1 lower: a step of 0.0002 changes it by -0.0002"),
    (["dot(x, W)", "x=[1, 2]", "W=[[1, 3, 5], [2, 4, 6]]"], "[1] dot : x @ W = (2,) @ (2, 3) = (3,)"),
    (["x + b", "x=[[1, 2], [3, 4]]", "b=[1, 2]"], "[1] + passes to b: (2, 2) from the right · 1, as a sum passes it on unchanged, added up over what was repeated, = (2,)"),
    (["k * v", "k=2", "v=[1, 2, 3]"], "· (3,), the other input, added up over what was repeated, = 6"),
    (["(-x) ** 3", "x=2"], "[2] ** : [1] ** 3 = (-2) ** 3 = -8"),
    (["x * x", "x=3"], "a little more of x makes the result 6 times that higher: a step of 0.0003 changes it by 0.00180009"),
    (["log(x)", "x=0.01"], "a little more of x makes the result 100 times that higher: a step of 1e-06 changes it by 9.9995e-05"),
    (["exp(x)", "x=50"], "times that higher: a step of 0.005 changes it by"),
    (["x ** 2", "x=0"], "a little more of x leaves the result as it is: a step of 0.0001 changes it by 1e-08"),
    (["relu(x) + 1000000", "x=0"], "but here is a kink"),
    (["max(x, y)", "x=2", "y=2"], "1 more of y makes the result 1 higher: but here is a kink: a step of 0.0002 up"),
    (["x + 1e16", "x=1"], "too little, beside 1e+16, for a step to show it"),
    (["softmax(x)", "x=[1, 2]"], "passes to x: out · (dout - sum of dout · out), with dout = (2,) from the right, = (2,)"),
    (["cross_entropy(y, t)", "y=[0.2, 0.8]", "t=[0.3, 0.7]"], "passes to t: 1 from the right · -log y / N = (2,)"),
    (["affine(x, W, b)", "x=[1, 2]", "W=[[1, 2], [3, 4]]", "b=[1, 2]"], "passes to W: x^T · dout, with dout = (2,) from the right, = (2, 2)"),
    (["affine(x, W, b)", "x=[[1, 2], [3, 4]]", "W=[[1, 2], [3, 4]]", "b=[1, 2]"], "[1] affine passes to b: the sum of dout over the 2 images, as each of them has used it, with dout = (2, 2) from the right, = (2,)\n      [2. 2.]\n"),
    (["affine(x, W, b)", "x=[[1, 2]]", "W=[[1, 2], [3, 4]]", "b=[1, 2]"], "passes to b: the sum of dout over 1 image, with"),
    (["affine(x, W, b)", "x=[1, 2]", "W=[[1, 2], [3, 4]]", "b=[1, 2]"], "passes to b: dout, with dout = (2,) from the right, = (2,)"),
    (["batch_norm(x, g, b)", "x=[[1], [3]]", "g=[2]", "b=[0]"], "passes to b: the sum of dout over the 2 images, as each of them has used it, with dout = (2, 1) from the right, = (1,)\n      [2.]\n"),
    (["batch_norm(x, g, b)", "x=[[1], [3]]", "g=[2]", "b=[0]"], "passes to g: the sum of dout · normal over the 2 images"),
    (["dot(x, W)", "x=[1, 2]", "W=[[1, 3, 5], [2, 4, 6]]"], " = (3,)\n      [ 5. 11. 17.]\n"),
    (["x ** n", "x=-2", "n=3"], "[1] ** passes to x: 1 from the right · 3 · (-2)^(3 - 1) = 12"),
    (["x ** n", "x=-2", "n=3"], "[1] ** passes nothing to n: no derivative, as a power of a number below 0 is real"),
    (["x ** n", "x=-2", "n=3"], "  n: no derivative, as a power of a number below 0 is real for whole exponents alone"),
    (["x ** (4 / 2)", "x=-3"], "a little more of x makes the result 6 times that lower"),
    (["t = x + y; t ** 2", "x=1", "y=2"], "[1] + : t = x + y = 1 + 2 = 3"),
    (["t = x + y; t ** 2", "x=1", "y=2"], "[2] ** passes to t: 1 from the right · 2 · 3^(2 - 1) = 6"),
    (["mean(x)", "x=[1, 2]"], "[1] mean passes to x: 1 from the right · 1 / how many they are = (2,)"),
]  # fmt: skip


@pytest.mark.parametrize(("args", "line"), TOLD)
def test_every_node_is_explained(args, line, bpcli):
    args = ["--", *args] if args[0].startswith("-") else args
    assert line in bpcli("graph", "--explain", *args).stdout


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_is_drawn_explained_expanded_and_named_where_it_is_offered(name, bpcli):
    _, count = FUNCTIONS[name]
    values = ["a=[[0.2, 0.8], [0.6, 0.4]]", "b=[[0.1, 0.9], [1, 0]]", "c=[1, 2]"][:count]
    call = f"{name}({', '.join('abc'[:count])})"
    for options in ([], ["--explain"], ["--expand", "--explain"]):
        shown = bpcli("graph", call, *values, *options).stdout
        assert f"({name})" in shown or "--expand" in options
        assert ("passes to a:" in shown) == ("--explain" in options)
    for text in (bpcli("graph", "--help").stdout, (ROOT / "CONTRIBUTING.md").read_text()):
        assert re.search(rf"[ `\n]{name}[ `,\n]", text)


ARRAYS = ["x=[1, 2]", "W=[[1, 3, 5], [2, 4, 6]]", "b=[1, 2, 3]"]


def test_affine_of_figure_5_24(bpcli):
    assert bpcli("graph", "dot(x, W) + b", *ARRAYS).stdout.splitlines()[:23] == [
        "   (2,)",
        "x ──────────┐   (3,)",
        "   (2,)   (dot)───────┐",
        "   (2, 3)   │   (3,)  │  (3,)       39",
        "W ──────────┘        (+)──────(sum)────▶",
        "   (2, 3)             │  (3,)       1",
        "   (3,)               │",
        "b ────────────────────┘",
        "   (3,)",
        "",
        "The result is an array: what is derived is its sum.",
        "",
        "x =       its derivative =",
        "[1. 2.]   [ 9. 12.]",
        "",
        "W =            its derivative =",
        "[[1. 3. 5.]    [[1. 1. 1.]",
        " [2. 4. 6.]]    [2. 2. 2.]]",
        "",
        "b =          its derivative =",
        "[1. 2. 3.]   [1. 1. 1.]",
        "",
        "(+) =           its derivative =",
    ]
    nodes = json.loads(bpcli("graph", "affine(x, W, b)", *ARRAYS, "--json").stdout)["nodes"]
    assert {node.get("name"): node["gradient"] for node in nodes if "name" in node} == {
        "x": [9, 12], "W": [[1, 1, 1], [2, 2, 2]], "b": [1, 1, 1],
    }  # fmt: skip


def test_softmax_with_loss_of_appendix_a(bpcli):
    args = ["softmax_with_loss(a, t)", "a=[0.3, 2.9, 4.0]", "t=[0, 0, 1]", "--json"]
    fused = json.loads(bpcli("graph", *args).stdout)["nodes"]
    expanded = json.loads(bpcli("graph", *args, "--expand").stdout)["nodes"]
    assert [node.get("op") for node in fused if "op" in node] == ["softmax_with_loss"]
    assert {node["op"] for node in expanded if "op" in node} == {
        "exp", "sum", "/", "*", "log", "rows",
    }  # fmt: skip
    p = np.exp([0.3, 2.9, 4.0]) / np.exp([0.3, 2.9, 4.0]).sum()
    for nodes in (fused, expanded):
        (gradient,) = [node["gradient"] for node in nodes if node.get("name") == "a"]
        np.testing.assert_allclose(gradient, p - [0, 0, 1])


def test_random_arrays_are_of_a_seed(bpcli):
    args = ["sum(W)", "W=normal(2, 3)", "--json"]
    first, again, other = (
        json.loads(bpcli("graph", *args, "--seed", seed).stdout)["nodes"][0]["value"]
        for seed in (1, 1, 2)
    )
    assert np.shape(first) == (2, 3)
    assert first == again != other
    large = bpcli("graph", "sum(W)", "W=normal(300, 300)").stdout
    assert "..." in large
    assert len(large) < 2000


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("x=[1, 2", "expected lists of numbers, with rows of one length"),
        ("x=[[1, 2], [3]]", "expected lists of numbers, with rows of one length"),
        ("x=[]", "expected lists of numbers"),
        ("x=['a']", "expected lists of numbers"),
        ("x=[1j]", "expected lists of numbers"),
        ("x=[__import__('os')]", "expected lists of numbers"),
        ("x=" + "[" * 3000, "expected lists of numbers"),
        ("x=normal(0)", "expected 1 to 1,000,000 random numbers"),
        ("x=normal(9999, 9999)", "expected 1 to 1,000,000 random numbers"),
        ("x=normal()", "expected NAME=NUMBER, a list as x='[1, 2]', or random numbers"),
    ],
)
def test_values_that_are_none_are_told(value, words, bpcli):
    assert words in bpcli("graph", "sum(x)", value, code=2).stderr


def test_a_number_that_is_repeated_has_the_sum_below_its_arrow(bpcli):
    assert bpcli("graph", "k * v", "k=2", "v=[1, 2, 3]").stdout.splitlines()[:3] == [
        "   2",
        "k ───────┐  (3,)       12",
        "   6    (×)──────(sum)────▶",
    ]


def test_small_numbers_of_arrays_are_not_shown_as_nothing(bpcli):
    assert "[1.e-07 2.e-07]" in bpcli("graph", "sum(x)", "x=[1e-7, 2e-7]").stdout


def test_names_are_found_as_python_spells_them_and_accents_take_no_room(bpcli):
    assert bpcli("graph", "\N{MICRO SIGN} * 2", "\N{MICRO SIGN}=1").exit_code == 0
    assert bpcli("graph", "e\u0301 * 2", "e\u0301=1").exit_code == 0
    plain = bpcli("graph", "x * y + x", "x=2", "y=3").stdout
    accented = bpcli("graph", "x\u0302 * y + x\u0302", "x\u0302=2", "y=3").stdout
    assert accented.replace("\u0302", "") == plain


@pytest.mark.parametrize("start", ["graph of my essay", "<?xml?><html>", "<!-- no picture -->"])
def test_what_only_looks_like_a_picture_is_left_as_it_is(start, bpcli, tmp_path):
    path = tmp_path / ("g.dot" if start[0] == "g" else "g.svg")
    path.write_text(start)
    bpcli("graph", "2 * 3", "-o", path, code=2)
    assert path.read_text() == start
    (tmp_path / "other.svg").write_text("\ufeff<?xml version='1.0'?><!-- x --><svg/>")
    bpcli("graph", "2 * 3", "-o", tmp_path / "other.svg")


def test_a_pipe_is_no_place_for_a_picture(bpcli, tmp_path):
    os.mkfifo(tmp_path / "p.svg")
    assert (
        "found a pipe, expected a file"
        in bpcli("graph", "2 * 3", "-o", tmp_path / "p.svg", code=2).stderr
    )


def test_steps_in_ascii(bpcli, tmp_path):
    assert bpcli("graph", "x * y", "x=1", "y=2", "--explain", "--ascii").stdout.isascii()
    told = bpcli("graph", "x * y", "x=1", "y=2", "--explain", "--ascii", "-o", tmp_path / "g.svg")
    assert told.stdout.isascii()


@needs_dot
def test_a_dot_file_has_the_arrays_too(bpcli, tmp_path):
    bpcli("graph", "dot(x, W) + b", *ARRAYS, "-o", tmp_path / "g.dot")
    assert any("its derivative" in label for label in rendered(tmp_path / "g.dot"))


@pytest.mark.parametrize("columns", [40, 60, 200])
def test_a_drawing_is_as_wide_as_the_terminal(columns, bpcli, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    text = " + ".join(f"x{i} * y{i}" for i in range(9)) + " + sum(M)"
    values = [f"{name}{i}={i + 1}" for i in range(9) for name in "xy"]
    drawn = bpcli("graph", text, *values, f"M={[[0.12345] * 9]}").stdout
    lines = [line.rstrip() for line in drawn.splitlines()]
    assert max(map(len, lines)) <= columns
    is_cut = " ".join(drawn.split()).count(f"The whole is wider than {columns} columns")
    assert is_cut == (columns < 80)
    assert ("its derivative =" in drawn.split("M =")[1].splitlines()[0]) == (columns > 100)


def test_a_picture_is_the_same_whatever_the_terminal(bpcli, tmp_path, monkeypatch):
    pictures = set()
    for columns in ("40", "300"):
        monkeypatch.setenv("COLUMNS", columns)
        for suffix in ("svg", "dot"):
            path = tmp_path / f"g.{suffix}"
            bpcli("graph", "sum(x)", f"x={[1.5] * 30}", "-o", path)
            pictures.add(path.read_bytes())
    assert len(pictures) == 2
