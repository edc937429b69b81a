"""Notebooks of every format are read cell by cell; what is none gets one sentence."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.errors import SourceError
from bpcli.files.notebook import Cell, read_notebook


def notebook(*cells, **fields):
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells} | fields)


def code(source):
    return {"cell_type": "code", "source": source, "outputs": [], "metadata": {}}


TEXT = {"cell_type": "markdown", "source": ["# A title\n"], "metadata": {}}


def read(text, name="n.ipynb"):
    return read_notebook(text.encode() if isinstance(text, str) else text, name)


def test_cells_of_code_are_numbered_among_all_cells():
    text = notebook(TEXT, code(["a = 1\n", "b = 2"]), TEXT, code("c = 3\r\n"))
    assert read(text) == [Cell(2, "a = 1\nb = 2"), Cell(4, "c = 3\n")]


def test_worksheets_of_older_formats():
    cells = [
        {"cell_type": "heading", "source": "x", "level": 1},
        {"cell_type": "code", "input": ["a = 1\n", "b = 2"], "language": "python", "outputs": []},
        {"cell_type": "code", "input": "puts 1", "language": "ruby", "outputs": []},
    ]
    old = {
        "nbformat": 3,
        "metadata": {"name": ""},
        "worksheets": [{"cells": cells}, {"cells": cells}],
    }
    assert read(json.dumps(old)) == [Cell(2, "a = 1\nb = 2"), Cell(5, "a = 1\nb = 2")]


@pytest.mark.parametrize("name", ["python", "Python", "ipython", "python2"])
def test_languages_that_are_python(name):
    assert read(notebook(code("a"), metadata={"language_info": {"name": name}}))
    assert read(notebook(code("a"), metadata={"kernelspec": {"language": name}}))


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}, "R"),
        ({"kernelspec": {"name": "julia-1.6", "language": "julia"}, "language_info": {"name": "julia"}}, "julia"),
        ({"language_info": {"name": "scala"}}, "scala"),
        ({"language_info": {"name": "x" * 10_000}}, "x" * 40),
    ],
)  # fmt: skip
def test_other_languages_are_said(metadata, language):
    with pytest.raises(SourceError) as found:
        read(notebook(code("a"), metadata=metadata))
    assert str(found.value) == f"n.ipynb: found a notebook in {language}, expected one in Python"


whole = notebook(code("a = 1"))
DAMAGED = {
    "cut off": (whole[:-20], "n.ipynb:1: found a notebook that is damaged or cut off, expected JSON: "),
    "empty": ("", "n.ipynb:1: found an empty file, expected JSON: "),
    "a merge that was left": ('{"cells": [\n<<<<<<< HEAD\n', "n.ipynb:2: found a notebook that is damaged"),
    "no JSON": ("class A: pass", "n.ipynb:1: found a notebook that is damaged"),
    "no UTF-8": (b'{"cells": ["\xff\xfe"]}', "n.ipynb: found a notebook that is damaged"),
    "nested without end": ("[" * 100_000, "n.ipynb: found a notebook that is damaged"),
    "a number without end": ('{"cells": ' + "9" * 100_000 + "}", "n.ipynb: found a notebook that is damaged"),
    "a list": ("[]", "n.ipynb: found JSON without cells, expected a notebook as Jupyter writes it"),
    "no cells": ('{"nbformat": 4}', "n.ipynb: found JSON without cells"),
    "cells of another kind": (notebook(cells={"a": 1}), "n.ipynb: found JSON without cells"),
    "a cell that is none": (notebook(TEXT, 7), "n.ipynb, cell 2: found no cell, expected one of a notebook"),
    "a cell without text": (notebook(code({"a": 1})), "n.ipynb, cell 1: found no text in it, expected code"),
    "a cell of numbers": (notebook(code([1, 2])), "n.ipynb, cell 1: found no text in it, expected code"),
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_notebook_gets_a_sentence(kind):
    text, words = DAMAGED[kind]
    with pytest.raises(SourceError) as found:
        read(text)
    assert str(found.value).startswith(words)
    assert len(str(found.value)) < 300


@pytest.mark.parametrize(
    "metadata", [None, 7, [], {"kernelspec": None}, {"language_info": {"name": 3}}]
)
def test_metadata_of_any_kind(metadata):
    assert read(notebook(code("a"), metadata=metadata)) == [Cell(1, "a")]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["cells", "worksheets", "cell_type", "source", "input", "metadata", "language"]), inner
    ),
)  # fmt: skip


@given(values)
def test_any_json_is_read_or_refused(value):
    try:
        cells = read(json.dumps(value))
    except SourceError as error:
        assert str(error).startswith("n.ipynb")
    else:
        assert all(isinstance(cell.text, str) for cell in cells)


@given(st.binary())
def test_any_bytes_are_read_or_refused(data):
    with pytest.raises(SourceError):
        read(data)
