"""No line is wider than the terminal, and only a terminal has colours."""

import os
import pty
import re
import subprocess
import sys

import pytest
from signs import end_what_hangs

from bpcli.cli.main import SUMMARIES
from bpcli.show.text import text_width

WIDTHS = [60, 80, 120]
APPLES = ["(apple * apple_count + orange * orange_count) * tax", "apple=100", "apple_count=2",
          "orange=150", "orange_count=3", "tax=1.1"]  # fmt: skip


@pytest.fixture(scope="module")
def results(bpcli, mnist_model, tenth, tmp_path_factory):
    """A folder with two models of MNIST, one of them measured on held-out images, and a study."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "one.npz").write_bytes(mnist_model.read_bytes())
    (folder / "tenth.npz").symlink_to(tenth)
    quick = ["-s", f"dataset.source={tenth}", "-s", "training.iterations=60", "-s",
             "training.evaluate_every=20"]  # fmt: skip
    bpcli("train", "-q", *quick, "-s", "dataset.validation=100", "-o", folder / "two.npz")
    search = ["-s", "optimizer.learning_rate=log(0.01, 1)", "-s", "network.hidden=choice([4], [20, 10])",
              "-s", "optimizer.momentum=uniform(0.5, 0.9)"]  # fmt: skip
    if sys.platform != "win32" and pytest.importorskip("optuna"):
        bpcli("tune", "-o", folder / "study", *quick, *search, "-s", "dataset.validation=100",
              "--trials", 2)  # fmt: skip
    return folder


COMMANDS = [
    ["train", "-s", "dataset.source=tenth.npz", "-s", "training.iterations=40", "-s", "training.evaluate_every=20",
     "-o", "m.npz"],
    ["train", "-s", "dataset.source=tenth.npz", "-s", "training.iterations=20", "-s", "dataset.validation=0.1",
     "-o", "m.npz"],
    ["eval", "one.npz"],
    ["compare", "one.npz", "two.npz", "--history", "--layers"],
    ["info", "one.npz"],
    ["info"],
    ["graph", *APPLES],
    ["graph", *APPLES, "--explain"],
    ["graph", "--config", "mnist"],
    ["tune", "--show", "study"],
    ["--help"],
    *([name, "--help"] for name in SUMMARIES),
]  # fmt: skip


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_line_is_wider_than_the_terminal(command, width, results, bpcli, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.chdir(results)
    # An example of a command is there to be copied.
    lines = [s for s in bpcli(*command).stdout.splitlines() if not re.match(r"  bpcli |    -s ", s)]
    assert lines
    assert [line for line in lines if text_width(line) > width] == []


def test_what_matters_most_stays(results, bpcli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.chdir(results)
    for line in bpcli(*COMMANDS[0]).stdout.splitlines()[:-1]:
        assert re.fullmatch(r"iteration +\d+  loss [\d.]+  train +[\d.]+%  test +[\d.]+%", line)
    evaluated = bpcli("eval", "one.npz").stdout
    assert len(re.findall(r"^ +\d(?: +[\d.]+%){3}$", evaluated, re.M)) == 10
    assert len(re.findall(r"^ +\d(?: +[\d,]+){10}$", evaluated, re.M)) == 10


def test_what_goes_to_a_file_is_whole(results, bpcli, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.chdir(results)
    assert "images/s" in bpcli(*COMMANDS[0]).stdout
    head, *_ = bpcli("compare", "one.npz", "two.npz").stdout.splitlines()
    assert {"network.weight_init", "accuracy", "seconds"} <= {*head.split()}


def test_loss_means_the_same_to_every_command(results, bpcli, monkeypatch):
    monkeypatch.chdir(results)
    (loss,) = re.findall(r"loss (\d\.\d+)", bpcli("eval", "one.npz").stdout)
    head, row, *_ = bpcli("compare", "one.npz").stdout.splitlines()
    assert (
        dict(zip(head.replace("macro F1", "F1").split(), row.split(), strict=True))["loss"] == loss
    )


def test_help_has_each_summary_whole(bpcli, monkeypatch):
    for width in WIDTHS:
        monkeypatch.setenv("COLUMNS", str(width))
        words = " ".join(bpcli("--help").stdout.split())
        assert [
            name for name, summary in SUMMARIES.items() if f"{name} {summary}" not in words
        ] == []


def on_terminal(*command, **environment):
    """What a terminal of 80 columns gets of a command."""
    leader, follower = pty.openpty()
    process = subprocess.Popen([sys.executable, "-m", "bpcli", *map(str, command)], stdout=follower,
                               stderr=subprocess.DEVNULL,
                               env=os.environ | {"TERM": "xterm", "COLUMNS": "80"} | environment)  # fmt: skip
    timer = end_what_hangs(process)
    os.close(follower)
    shown = b""
    while True:
        try:
            shown += (chunk := os.read(leader, 65536))
        except OSError:  # nobody holds the other end any more
            chunk = b""
        if not chunk:
            break
    os.close(leader)
    process.wait()
    timer.cancel()
    return shown.decode()


RED, BOLD, PLAIN = "\x1b[31m\x1b[1m", "\x1b[1m", "\x1b[0m"
WRONG = "class Relu:\n    def forward(self, x):\n        self.m = x > 0\n        return x * self.m\n" \
        "    def backward(self, dout):\n        return dout * ~self.m\n"  # fmt: skip


def test_colours_are_for_those_who_look_and_want_them(results, bpcli, monkeypatch, tmp_path):
    (tmp_path / "mine.py").write_text(WRONG)
    compare, check = ["compare", "one.npz", "one.npz"], ["gradcheck", tmp_path / "mine.py"]
    monkeypatch.chdir(results)
    assert f"{RED}WRONG{PLAIN}" in on_terminal(*check)
    assert on_terminal(*compare).count(f"{BOLD}one.npz") == 2
    for how in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in on_terminal(*check, **how)
    assert "\x1b" not in on_terminal(*compare, "--json")
    assert "\x1b" not in bpcli(*compare).stdout


def test_a_run_ends_with_its_curve_where_somebody_looks(results, bpcli, monkeypatch):
    monkeypatch.chdir(results)
    blocks = r"mini-batch loss \d\.\d\d [▁▂▃▄▅▆▇█]{10,} \d\.\d\d"
    *_, curve, last = on_terminal(*COMMANDS[0], "-s", "dataset.train=500").splitlines()
    assert re.fullmatch(blocks, curve)
    assert last.startswith("m.npz: test accuracy ")
    assert not re.search(blocks, bpcli(*COMMANDS[0]).stdout)
    assert re.search(rf"curve +{blocks}", bpcli("info", "one.npz").stdout)
