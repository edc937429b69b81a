"""A class is marked by one command: each file has its row, whatever it is, and its verdicts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from submissions import (
    AFFINE,
    LAYERS,
    NUMPY,
    RELU,
    SOLUTION,
    THIRTY,
    WHOLE,
    written,
)

from bpcli.cli.marking import HINTS, LANGUAGES
from bpcli.errors import PlaceError
from bpcli.files.rows import read_rows
from bpcli.gradcheck.foreign import patience
from bpcli.machine import processor_seconds
from bpcli.show import marks_csv
from bpcli.show import messages as table
from bpcli.show.marks import HINTS as SHOWN
from bpcli.teaching import VERDICTS, ClassMarks, Fault, Mark, Marks, Terms, mark_class
from bpcli.teaching.kinds import KINDS
from bpcli.teaching.record import columns_of, from_row

REQUIRED = ["--require", ",".join(LAYERS)]
FEW = {"chloé.py", "李.ipynb", "copied.py", "q numerical.py", "w.ipynb", "x.py", "y.py", "z.py",
       "zz.txt", "hangs.py"}  # fmt: skip


@pytest.fixture
def impatient(monkeypatch):
    """Let what hangs be given up after two seconds of the processor, however busy the machine is."""
    monkeypatch.setitem(mark_class.__kwdefaults__, "seconds", 2)
    monkeypatch.setattr(patience, "IDLE", 1000)
    monkeypatch.setattr(patience, "WALL", 1000)

    def measure(process):  # of one that has only been started, nothing
        return processor_seconds(process) if process else 0.0

    monkeypatch.setattr(patience, "processor_seconds", measure)


@pytest.fixture
def submitted(folder, request):
    """The files of a class in the working directory, all thirty in the long form."""
    (folder / "solution.py").write_text(SOLUTION)
    (folder / "submitted").mkdir()
    every = request.config.getoption("--long")
    chosen = [one for one in THIRTY if every or one.name in FEW]
    for one in chosen:
        (folder / "submitted" / one.name).write_bytes(one.content)
    return chosen


def rows(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_thirty_files_in_all_styles_are_marked_as_they_should_be(
    bpcli, submitted, impatient, monkeypatch
):
    files = [f"submitted/{one.name}" for one in submitted]
    command = ["gradcheck", *files, *REQUIRED, "--against", "solution.py", "--csv", "marks.csv"]
    command += ["--jobs", 2, "--json"]
    found = rows(bpcli(*command, code=1))
    assert [row["file"] for row in found] == files
    for row, one in zip(found, submitted, strict=True):
        assert tuple(mark["verdict"] for mark in row["marks"]) == one.verdicts, row
        faults = [fault for mark in row["marks"] for fault in mark.get("faults", [])]
        assert tuple(fault["kind"] for fault in faults) == one.kinds, one.name
        assert all(fault["line"] for fault in faults)
        assert row["passed"] == (set(one.verdicts) == {"passed"})
    alike = {row["file"]: row["alike"] for row in found}
    assert "submitted/y.py" in alike["submitted/copied.py"]  # but for their names
    assert alike["submitted/x.py"] == []

    def run_nothing(*_args, **_options):
        raise AssertionError("checked again")

    monkeypatch.setattr("bpcli.teaching.marking.check_file", run_nothing)
    again = rows(bpcli(*command, code=1))
    assert [row | {"checked": True} for row in again] == found
    assert not any(row["checked"] for row in again)


def test_only_what_has_changed_is_checked_again(bpcli, folder):
    for name in ("a.py", "b.py"):
        (folder / name).write_text(NUMPY + RELU)
    command = ["gradcheck", "a.py", "b.py", "--require", "Relu", "--csv", "marks.csv", "--json"]
    bpcli(*command)
    (folder / "b.py").write_text(NUMPY + RELU.replace("[self.mask] = 0", "[self.mask] = 1"))
    found = rows(bpcli(*command, code=1))
    assert [(row["checked"], row["passed"]) for row in found] == [(False, True), (True, False)]
    other = [*command, "-s", "x=3x5"]
    assert all(row["checked"] for row in rows(bpcli(*other, code=1)))  # as something else is asked


def test_one_file_that_is_marked_again_leaves_the_rows_of_others(bpcli, folder):
    for name in ("a.py", "b.py"):
        (folder / name).write_text(NUMPY + RELU)
    bpcli("gradcheck", "a.py", "b.py", "--require", "Relu", "--csv", "marks.csv")
    (folder / "a.py").write_text("")
    printed = bpcli("gradcheck", "a.py", "--require", "Relu", "--csv", "marks.csv", code=1).stdout
    assert "b.py" not in printed
    found = read_rows(folder / "marks.csv", columns_of(["Relu"]), PlaceError)
    assert {row["file"]: row["Relu"] for row in found} == {"a.py": "empty", "b.py": "passed"}


def test_the_exit_code_says_what_the_rows_say(bpcli, folder):
    (folder / "right.py").write_text(NUMPY + RELU)
    (folder / "empty.py").write_text("")
    bpcli("gradcheck", "right.py", "--require", "Relu")
    bpcli("gradcheck", "right.py", "empty.py", "--require", "Relu", code=1)
    gone = bpcli("gradcheck", "right.py", "gone.py", "--require", "Relu", code=1)
    assert "gone.py: not checked: gone.py: found nothing there" in gone.stdout
    assert "1 of 2 files passed" in gone.stdout


def test_how_much_is_told_of_a_mistake(bpcli, folder):
    (folder / "a.py").write_bytes(written(("np.sum(dout, axis=0)", "dout")))
    (folder / "b.py").write_text(NUMPY + AFFINE.replace("def backward", "def bakward"))

    def told(hints):
        command = ["gradcheck", "a.py", "b.py", "--require", "Affine", "--csv", "m.csv"]
        result = bpcli(*command, *hints, code=1).stdout
        fields = rows(bpcli(*command, *hints, "--json", code=1))[0]["marks"][0]
        return result.split("\n\n")[1].splitlines(), fields.get("faults", [{}])[0].keys()

    words, fields = told(["--hints", "where"])
    assert words == ["a.py: Affine: b", "b.py: Affine.backward is missing; is bakward meant?"]
    assert fields == {"array"}
    words, fields = told([])
    assert words[0] == "a.py:14: Affine: b: the sum over the images"
    assert fields == {"array", "kind", "line", "cell"}
    words, fields = told(["--hints", "full"])
    assert "np.sum(dout, axis=0)" in words[0]
    assert fields == {"array", "kind", "line", "cell", "words"}
    words, _ = told(["--language", "ja"])
    assert words[0] == "a.py:14: Affine: b: 画像についての和"
    words, _ = told(["--language", "zh"])
    assert words[1] == "b.py: 缺少 Affine.backward; 是指 bakward 吗?"


def test_nothing_is_told_of_a_mistake_where_nothing_is_to_be(bpcli, folder):
    (folder / "a.py").write_text("")
    result = bpcli("gradcheck", "a.py", "--require", "Affine", "--hints", "none", code=1)
    assert result.stdout == "file  Affine\na.py   empty\n\n0 of 1 files passed\n"


def test_every_kind_of_mistake_has_its_words_in_each_language():
    english = {row[0] for row in table.MESSAGES}
    assert set(KINDS) | set(VERDICTS) <= english
    assert not any("=" in kind or "np." in kind for kind in KINDS)  # which would be the answer
    assert all(len(row) == len(table.LANGUAGES) and all(row) for row in table.MESSAGES)
    for row in table.MESSAGES:
        assert len({text.count("{}") for text in row}) == 1, row
    assert (HINTS, LANGUAGES) == (SHOWN, table.LANGUAGES)


@pytest.mark.parametrize("option", ["--against", "--csv", "--jobs", "--hints", "--language"])
def test_options_of_marking_go_with_the_layers(bpcli, option):
    value = {"--jobs": 2, "--hints": "full", "--language": "ja"}.get(option, "x.csv")
    result = bpcli("gradcheck", "a.py", option, value, code=2)
    assert "goes with --require" in result.stderr


def test_a_table_of_something_else_is_left_as_it_is(bpcli, folder):
    (folder / "a.py").write_text(WHOLE)
    (folder / "grades.csv").write_text("name,grade\nAnna,1\n")
    result = bpcli("gradcheck", "a.py", *REQUIRED, "--csv", "grades.csv", code=2)
    assert "expected those of marks; it is left as it is" in result.stderr
    assert (folder / "grades.csv").read_text() == "name,grade\nAnna,1\n"


def test_a_solution_has_to_pass_itself(bpcli, folder):
    (folder / "a.py").write_text(NUMPY + RELU)
    (folder / "wrong.py").write_text(NUMPY + RELU.replace("[self.mask] = 0", "[self.mask] = 1"))
    command = ["gradcheck", "a.py", "--require", "Relu", "--against"]
    assert "wrong.py: Relu is wrong" in bpcli(*command, "wrong.py", code=2).stderr
    assert "gone.py: found nothing there" in bpcli(*command, "gone.py", code=2).stderr


def test_no_file_costs_another_its_row(bpcli, folder):
    (folder / "deep.py").write_text("x = " + "(" * 190 + "1" + ",)" * 190)
    (folder / "sum.py").write_text("x = 1" + " + 1" * 20_000)
    (folder / "null.py").write_bytes(b"x = 1\0")
    (folder / "utf16.py").write_bytes("x = 1".encode("utf-16"))
    (folder / "cut.ipynb").write_text('{"cells": [')
    (folder / "folder.py").mkdir()
    files = sorted(path.name for path in folder.iterdir() if path.name != "tiny")
    found = rows(bpcli("gradcheck", *files, "--require", "Relu", "--json", code=1))
    assert [row["file"] for row in found] == files
    assert {row["marks"][0]["verdict"] for row in found} <= {"not checked", "missing"}


def test_what_is_stopped_tells_what_was_marked_until_then(folder):
    for name in ("a.py", "b.py", "c.py"):
        (folder / name).write_text(NUMPY + RELU)

    def stop(_files):
        raise KeyboardInterrupt

    found = mark_class(["a.py", "b.py", "c.py"], Terms(("Relu",)), {}, watch=stop)
    assert found.stopped
    assert not found.passed
    assert [marks.path for marks in found.files][:1] == ["a.py"]
    assert len(found.files) < 3


words = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Zl", "Zp")), max_size=9
)
names = words.filter(lambda text: "; " not in text and not text.startswith("'")).filter(str.strip)
faults = st.builds(
    Fault, names, st.sampled_from(KINDS), st.integers(0, 999), st.integers(0, 9), words
).filter(lambda fault: " | " not in fault.words)
marked = st.one_of(
    st.builds(Mark, st.just("Relu"), st.just("wrong"), st.tuples(faults)),
    st.builds(Mark, st.just("Relu"), st.sampled_from(VERDICTS), words=names, near=names),
)


@given(st.lists(st.builds(Marks, names, st.tuples(marked), names, words), max_size=3))
def test_a_table_of_marks_is_read_as_it_was_written(tmp_path_factory, files):
    path = tmp_path_factory.mktemp("marks") / "marks.csv"
    path.write_bytes(marks_csv(ClassMarks(tuple(files))).encode())
    found = read_rows(path, columns_of(()), PlaceError)
    for row, marks in zip(found, files, strict=True):
        again = from_row(row, ["Relu"])
        assert again is None or (again.marks, again.path) == (marks.marks, marks.path)
        assert again is not None or not marks.digest
