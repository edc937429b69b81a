"""`bpcli graph`: expressions and networks, drawn, for Graphviz and as JSON."""

import json
import re
import shutil
import subprocess

import pytest

from bpcli.show.block import ASCII

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
       2.2       (×)──────┐
              2   │  1.1  │  220
apple_count ──────┘      (×)─────▶
             110          │   1
     1.1                  │
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
apple ────────────┐  200
       2.2       (×)───────┐
              2   │  1.1   │
apple_count ──────┘        │  650
             110          (+)──────┐
        150                │  1.1  │
orange ────────────┐  450  │       │
        3.3       (×)──────┘       │  715
               3   │  1.1         (×)─────▶
orange_count ──────┘               │   1
              165                  │
     1.1                           │
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


def test_a_name_that_is_used_twice_tells_its_sum(bpcli):
    stdout = bpcli("graph", "x * x + x", "x=3").stdout
    assert stdout.endswith("\n\nx is used 3 times: its derivative is the sum, 7\n")
    assert stdout.count("x ──") == 3


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


def rendered(text):
    """Let Graphviz draw the text, and return the labels in its picture."""
    done = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return re.findall(r"<text [^>]*>(.*?)</text>", done.stdout)


@needs_dot
def test_dot_accepts_a_graph(bpcli):
    text, values = APPLES_AND_ORANGES
    labels = rendered(bpcli("graph", text, *values, "--dot").stdout)
    assert {"apple", "orange_count", "×", "+", "100", "2.2", "165", "650", "715"} <= set(labels)


@needs_dot
def test_dot_accepts_a_network(bpcli, tmp_path):
    (tmp_path / "c.yaml").write_text("network: {dropout: 0.2}")
    labels = rendered(bpcli("graph", "--config", tmp_path / "c.yaml", "--dot").stdout)
    assert {"Affine1", "39,250 parameters", "Dropout1", "SoftmaxWithLoss", "N×784"} <= set(labels)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "expected either an EXPRESSION or --config CONFIG"),
        (["x", "--config", "c.yaml"], "expected either an EXPRESSION or --config CONFIG"),
        (["1", "--json", "--dot"], "expected one of --json, --dot and --ascii, not two"),
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


def test_an_expression_may_begin_with_a_minus_sign(bpcli):
    assert "(-)" in bpcli("graph", "--", "-x", "x=1").stdout


@pytest.mark.parametrize("output", [[], ["--dot"], ["--json"]])
@pytest.mark.parametrize("expression", ["x ** 0 * y", "x ** y", "log(y + x) ** x"])
def test_infinite_derivatives_are_drawn_without_a_warning(shell, expression, output):
    with shell("graph", expression, "x=0", "y=2", *output) as process:
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (0, "")
    assert stdout
