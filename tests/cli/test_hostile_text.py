"""The terminal is not a file's to write on: no text of somebody's moves it or forges a line."""

import csv
import io
import json
import os
import re
import unicodedata

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bpcli.cli.main import main
from bpcli.cli.terminal import complain
from bpcli.errors import BpcliError, ConfigError, readable, visible
from bpcli.show.text import draw_csv
from bpcli.training import load, save

FORGED = "!forged"  # what a line begins with that nobody of ours has written
HOSTILE = [
    "\x1b[31m", "\x1b]0;title\x07", "\x9b2J", "\r", "\b", "\x7f", f"\n{FORGED}", f"\r\n{FORGED}",
    f"\u2028{FORGED}", f"\x85{FORGED}", f"\v{FORGED}", "\t", "\u202e", "\u2066", "\u200f", "\u200b", "\ufeff",
]  # fmt: skip
HARMLESS = [
    "a",
    "日本",
    "é",
    "e\u0301",
    "👩\u200d🚀",
    "ש",
    "म\u200cह",
    "=1+1",
    "%s",
    "{x}",
    "[1]",
    " ",
]
TEXTS = st.lists(st.sampled_from(HOSTILE + HARMLESS), min_size=1, max_size=6).map("".join)


def obeyed(character):
    """Whether a terminal would do something at a character other than to show it."""
    kind, turns = unicodedata.category(character), unicodedata.bidirectional(character)
    return (kind in ("Cc", "Zl", "Zp", "Cs") and character != "\n") or turns in (
        "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI",
    )  # fmt: skip


def check_text(text):
    assert not [hex(ord(character)) for character in text if obeyed(character)]
    assert not [line for line in text.splitlines() if line.startswith(FORGED)]


# Where somebody's text enters: as an argument, a name, a value, an option, a command.
COMMANDS = [
    ["TEXT"], ["--TEXT"], ["config", "--TEXT"], ["config", "TEXT"], ["config", "-s", "TEXT"],
    ["config", "-s", "seed=TEXT"], ["config", "-s", "dataset.source=TEXT"], ["config", "-s", "TEXT=1"],
    ["eval", "TEXT"], ["eval", "m.npz", "--data", "TEXT"], ["eval", "m.npz", "--split", "TEXT"],
    ["eval", "m.npz", "--min-accuracy", "TEXT"], ["eval", "m.npz", "TEXT"], ["predict", "TEXT", "x.png"],
    ["predict", "m.npz", "TEXT"], ["compare", "TEXT"], ["info", "TEXT"], ["data", "TEXT"],
    ["export", "m.npz", "-o", "TEXT"], ["export", "m.npz", "-o", "no/TEXT.onnx"],
    ["report", "m.npz", "-o", "no/TEXT.html"], ["graph", "TEXT"], ["graph", "x * TEXT", "x=2"],
    ["graph", "x", "x=TEXT"], ["graph", "x", "TEXT"], ["graph", "--config", "TEXT"],
    ["graph", "x", "x=1", "-o", "TEXT"], ["gradcheck", "TEXT"], ["gradcheck", "TEXT.py"],
    ["gradcheck", "--samples", "TEXT"], ["train", "TEXT"], ["train", "-s", "TEXT"],
    ["train", "-o", "no/TEXT"], ["train", "--TEXT", "1"], ["train", "--init", "TEXT"],
]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
def test_no_argument_writes_on_the_terminal(command, text, model, folder, monkeypatch):
    if not (folder / "m.npz").exists():
        model.rename(folder / "m.npz")
    arguments = [argument.replace("TEXT", text) for argument in command]
    done = CliRunner().invoke(main, arguments, prog_name="bpcli")
    assert not done.exception or isinstance(done.exception, SystemExit), done.exc_info
    check_text(done.stdout)
    check_text(done.stderr)


NAMES = st.lists(st.sampled_from(HOSTILE + HARMLESS), min_size=1, max_size=5).map("".join)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES)
def test_no_name_of_a_file_writes_on_the_terminal_and_json_has_the_true_one(name, model, folder):
    path = folder / f"{name}.npz"
    path.write_bytes(model.read_bytes())
    called = str(path.name)
    for command in (["eval"], ["info"], ["compare"], ["compare", "--history"], ["compare", "--csv"],
                    ["graph", "--model"], ["config"], ["gradcheck", "--elements", "2", "--model"]):  # fmt: skip
        done = CliRunner().invoke(main, [*command, called], prog_name="bpcli")
        assert done.exit_code == 0, done.output
        check_text(done.stdout)
        check_text(done.stderr)
    found = json.loads(CliRunner().invoke(main, ["eval", called, "--json"]).stdout)
    assert found["model"] == called
    (row,) = csv.DictReader(
        io.StringIO(CliRunner().invoke(main, ["compare", called, "--csv"]).stdout)
    )
    assert row["model"].lstrip("'") == visible(called)
    path.unlink()


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(names=st.lists(NAMES, min_size=4, max_size=4, unique=True))
def test_no_name_of_a_class_writes_on_the_terminal(names, run, folder, tiny):
    object.__setattr__(run.dataset.train, "names", tuple(names))
    save(folder / "m.npz", run)
    classes = dict(enumerate(load(folder / "m.npz").names))
    for command in (["eval", "--mistakes", "3"], ["info"], ["eval", "--json"]):
        done = CliRunner().invoke(main, [command[0], "m.npz", *command[1:]], prog_name="bpcli")
        check_text(done.stdout)
        check_text(done.stderr)
    if done.exit_code == 0:
        assert json.loads(done.stdout)["classes"] == list(classes.values())


EVIL = f"\x1b[31m\n{FORGED} \u202e"
LAYERS = f"""
class Relu:
    def forward(self, x):
        raise ValueError({EVIL!r})
    def backward(self, dout):
        return dout
class Sigmoid:
    def forward(self, x):
        print({EVIL!r})
        self.y = 1 / (1 + 2.718281828459045 ** -x)
        return self.y
    def backward(self, dout):
        return dout
Sigmoid.__name__ = {EVIL!r}
raise RuntimeError({EVIL!r})
"""


def test_nothing_that_a_file_holds_writes_on_the_terminal(bpcli, folder, monkeypatch):
    (folder / "layers.py").write_text(LAYERS)
    (folder / "c.yaml").write_text(f"{json.dumps(EVIL)}: 1\nseed: {json.dumps(EVIL)}\n")
    (folder / "tag.yaml").write_text("seed: !<tag:evil%1B> 1\n")
    (folder / "x.csv").write_text(f"{EVIL},2\n1,2\n")
    (folder / "data").mkdir()
    os.symlink(EVIL, folder / "data" / "link.npz")
    monkeypatch.setenv("OMP_NUM_THREADS", EVIL)
    for command in (["gradcheck", "layers.py"], ["config", "c.yaml"], ["train", "c.yaml"], ["config", "tag.yaml"],
                    ["data", "x.csv"], ["data", "data"], ["eval", "data/link.npz"], ["info"]):  # fmt: skip
        done = CliRunner().invoke(main, command, prog_name="bpcli")
        assert done.output
        check_text(done.stdout)
        check_text(done.stderr)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
def test_what_is_configured_comes_back_as_it_was(text, folder):
    """YAML has words for such characters, and `bpcli config` writes these."""
    done = CliRunner().invoke(main, ["config", "-s", f"dataset.source={json.dumps(text)}"])
    check_text(done.stdout + done.stderr)
    if done.exit_code == 0:
        assert yaml.safe_load(done.stdout)["dataset"]["source"] == text


@given(TEXTS)
def test_a_message_has_the_lines_that_it_was_given(text):
    error = ConfigError(f"first: {text}", "second")
    assert len(str(error).splitlines()) == 2
    assert str(BpcliError()) == ""
    assert visible(text).splitlines() in ([visible(text)], [])


@pytest.mark.parametrize("name", HARMLESS)
def test_names_stay_as_they_are(name):
    assert readable(name) == visible(name) == name


@given(st.text())
def test_nothing_hidden_is_left(text):
    assert not any(map(obeyed, visible(text)))
    assert "\n" not in visible(text)
    assert visible(visible(text)) == visible(text)


def test_a_complaint_ends_its_lines_itself(capsys):
    complain("a\nb", "c\x1b")
    assert capsys.readouterr().err == "a\\nb\nc\\x1b\n"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"), ("+1+1", "'+1+1"), ("-1+1", "'-1+1"), ("@SUM(A1)", "'@SUM(A1)"),
        (" =1+1", "' =1+1"), ("\uff1d1+1", "'\uff1d1+1"), ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("-1", "-1"), ("+0.5", "+0.5"), ("-1e-3", "-1e-3"), (-1, "-1"), (-0.5, "-0.5"), (None, ""),
        ("m.npz", "m.npz"), ("a=b", "a=b"), ("[8, 4]", "[8, 4]"), ("日本", "日本"), ("a\nb", "a\\nb"),
        ("-inf", "'-inf"), ("--5", "'--5"), ("", ""),
    ],
)  # fmt: skip
def test_a_spreadsheet_takes_no_text_for_a_formula(value, cell):
    (row,) = csv.reader(io.StringIO(draw_csv([[value, "end"]])))
    assert row == [cell, "end"]


@given(
    st.lists(st.lists(st.text() | st.integers() | st.floats(), min_size=2, max_size=2), min_size=1)
)
def test_each_row_of_csv_is_a_line(rows):
    text = draw_csv(rows)
    assert text.count("\n") == len(rows) - 1
    read = list(csv.reader(io.StringIO(text)))
    assert [len(row) for row in read] == [2] * len(rows)
    for cell in (cell for row in read for cell in row):
        assert not re.match(r"[=+@-]", cell) or float(cell) is not None


def test_compare_guards_its_cells(bpcli, model, folder):
    model.rename(folder / "=1+1.npz")
    (row,) = csv.DictReader(io.StringIO(bpcli("compare", "=1+1.npz", "--csv").stdout))
    assert row["model"] == "'=1+1.npz"
    assert float(row["loss"]) > 0
    history = bpcli("compare", "=1+1.npz", "--csv", "--history").stdout.splitlines()
    assert all(line.startswith("'=1+1.npz,") for line in history[1:])


def test_arrays_are_numbers_and_not_text():
    assert draw_csv([[np.float64(-0.5), np.int64(-3)]]) == "-0.5,-3"
