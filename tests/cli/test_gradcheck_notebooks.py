"""`bpcli gradcheck FILE.ipynb`: cells as they are, and lines named by cell."""

import json

import pytest

SQUARE = """class Square:
    def forward(self, x):
        self.x = x
        return x * x
    def backward(self, dout):
        return 2 * self.x * dout
"""
WRONG = SQUARE.replace("2 * self.x", "self.x")


@pytest.fixture
def check(bpcli, folder, measured):
    """Check a notebook of these cells; a text that begins with # is a cell of text."""

    def call(*cells, code=0, name="notebook.ipynb", target=None, options=(), **fields):
        rows = [
            {"cell_type": "markdown" if cell.startswith("# ") else "code", "source": cell.splitlines(True)}
            for cell in cells
        ]  # fmt: skip
        root = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": rows} | fields
        (folder / name).write_text(json.dumps(root))
        return bpcli("gradcheck", target or name, *options, code=code)

    return call


def test_lines_are_named_by_their_cell(check):
    result = check("# A title", "%matplotlib inline\nimport numpy as np\n", WRONG, "", SQUARE.replace("Square", "Right"), code=1)  # fmt: skip
    lines = result.stdout.splitlines()
    assert lines[0] == "notebook.ipynb, cell 3, line 5: Square (x (N, D))"
    assert lines[1].startswith("  x  WRONG: ")
    assert lines[2:] == [
        "notebook.ipynb, cell 5, line 5: Right (x (N, D))", "  x  ok", "notebook.ipynb: 1 ok, 1 WRONG"
    ]  # fmt: skip


def test_json_has_the_cell_and_the_line_in_it(check):
    found = json.loads(check("a = 1\n", SQUARE, options=["--json"]).stdout)
    assert [(unit["name"], unit["cell"], unit["line"]) for unit in found["units"]] == [
        ("Square", 2, 5)
    ]


# What only notebooks understand, in cells around a layer that needs what they define.
CELLS = [
    "%load_ext autoreload\n%autoreload 2\n!pip install -q \\\n    numpy\n?np.dot\nnp.dot?\nfiles = !ls 'it\n",
    "%%time\n%%capture out\nimport numpy as np\ntwo = 2.0\n",
    "%%bash\nrm -rf 'everything\n",
    "%%writefile other.py\ndef two(:\n",
    "%time three = np.array(3.0)\nif three:\n    !echo yes\n    %cd ..\n",
    "  four = 4.0\n  %precision 3\n",
    "text = '''\n%%time is no magic here\n!nor this\nis it?\n'''\nrest = (17\n%5)\n",
    "def broken(:\n    pass\n",
    "print 'Python 2'\n",
    "unknown_name\nlost = np.nothing_like_it\n",
    "for i in range(10**12): pass\n",
    "get_ipython().system('ls')\nplt.show()\ninput()\n",
    "class Scaled:\n    def forward(self, x):\n        assert '!nor' in text and rest == 2\n        return two * three * four * x\n"
    "    def backward(self, dout):\n        return 24 * dout\n",
]  # fmt: skip


def test_what_only_notebooks_understand_is_left_out(check, folder):
    result = check(*CELLS)
    assert "notebook.ipynb, cell 13, line 5: Scaled (x (N, D))\n  x  ok\n" in result.stdout
    assert not (folder / "other.py").exists()


def test_the_last_class_of_a_name_is_checked(check):
    result = check(WRONG, "# again, as it was wrong", SQUARE, target="notebook.ipynb:Square")
    assert "notebook.ipynb, cell 3, line 5: Square" in result.stdout
    assert "WRONG" not in result.stdout


def test_errors_name_the_cell(check):
    raises = SQUARE.replace("return x * x", "return x.nothing")
    result = check("a = 1\n", raises, code=2)
    assert "AttributeError at notebook.ipynb, cell 2, line 4: " in result.stdout
    result = check("a = 1\n", "import nowhere\nb = (\n", code=2)
    assert (
        "notebook.ipynb, cell 2, line 2: Python cannot read it: '(' was never closed"
        in result.stderr
    )
    result = check("print 'a'\n", code=2)
    assert "cell 1, line 1" in result.stderr
    assert "it seems to be Python 2: a print statement: write print(...)" in result.stderr


def test_from_future_holds_in_the_cells_after_it(check):
    typed = SQUARE.replace("x)", "x: Unknown | None) -> Unknown").replace(
        "dout)", "dout: list[Nowhere])"
    )
    assert "x  ok" in check("from __future__ import annotations\n", typed).stdout


def test_pictures_inside_do_not_matter(check):
    assert "x  ok" in check(SQUARE, metadata={"picture": "A" * 30_000_000}).stdout


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"metadata": {"kernelspec": {"language": "R"}}}, "notebook.ipynb: found a notebook in R, expected one in Python"),
        ({"cells": 7}, "notebook.ipynb: found JSON without cells"),
    ],
)  # fmt: skip
def test_what_is_no_notebook_of_python(fields, words, check):
    assert words in check(SQUARE, code=2, **fields).stderr


@pytest.mark.parametrize("command", [["train"], ["config"], ["graph", "--config"]])
def test_code_handed_to_another_command(command, bpcli, folder):
    (folder / "n.ipynb").write_text("{}")
    (folder / "n.py").write_text("x = 1")
    words = "n.ipynb: a notebook is no configuration; bpcli gradcheck n.ipynb checks its layers"
    assert words in bpcli(*command, "n.ipynb", code=2).stderr
    assert (
        "n.py: Python is no configuration; bpcli gradcheck"
        in bpcli(*command, "n.py", code=2).stderr
    )


def test_other_files_handed_to_gradcheck(bpcli, folder):
    (folder / "layers.txt").write_text("class A: pass")
    words = "; a configuration is called .yaml, code to be checked .py or .ipynb"
    assert words in bpcli("gradcheck", "layers.txt", code=2).stderr
    assert words in bpcli("gradcheck", ".", code=2).stderr
    (folder / "folder.ipynb").mkdir()
    assert "folder.ipynb: found a folder, expected a file of Python or a notebook" in (
        bpcli("gradcheck", "folder.ipynb", code=2).stderr
    )
