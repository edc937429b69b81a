"""`bpcli train --layers FILE`: a person's own layers learn, wrong ones are stopped, none does harm."""

import json
import os
import re
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from signs import read_until, wait_until
from tiny import ROOT

from bpcli.training import load
from bpcli.training.own import Lender

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes as POSIX has them")

PEOPLE = ROOT / "tests/people"
BOOK = (PEOPLE / "book.py").read_text()
FILES = ("book", "cs231n", "frameworks", "nnfs")
FORWARD = "        self.mask = x <= 0\n"  # of the book's Relu


@pytest.fixture
def write(folder):
    """Write a file of layers: the book's, but for what is replaced."""

    def call(*changes, name="mine.py"):
        text = BOOK
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        (folder / name).write_text(text)
        return name

    return call


@pytest.fixture
def train(bpcli, tiny_options, folder):
    def call(file, *options, code=0):
        return bpcli(
            "train", "--layers", file, "-o", "model.npz", *tiny_options, *options, code=code
        )

    return call


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_each_kind_trains_as_with_ours(bpcli, train, tiny_options, name):
    Path("mine.py").write_text((PEOPLE / f"{name}.py").read_text())
    found = train("mine.py", "--json")
    expected = bpcli("train", "-o", "ours.npz", *tiny_options, "--json")
    pairs = [[json.loads(line) for line in one.stdout.splitlines()] for one in (found, expected)]
    assert len(pairs[0]) == len(pairs[1])
    for theirs, ours in zip(*pairs, strict=True):
        assert theirs["loss"] == pytest.approx(ours["loss"], abs=1e-3)
    learnt = pairs[0][-1]["learnt_with"]
    assert "of mine.py; ReLU1: " in learnt["layers"]
    assert learnt["difference"] < 1e-4
    assert learnt["times"] > 0
    assert pairs[1][-1]["learnt_with"] is None


@pytest.mark.long
@pytest.mark.parametrize("name", FILES)
def test_a_file_of_each_kind_reaches_97_percent_with_the_books_configuration(bpcli, folder, name):
    (folder / "mine.py").write_text((PEOPLE / f"{name}.py").read_text())
    bpcli("train", "mnist", "--layers", "mine.py", "-o", "model.npz")
    bpcli("eval", "model.npz", "--min-accuracy", "0.97")


def test_a_short_run_on_mnist_ends_near_ours(bpcli, folder, write):
    options = ["-s", "training.iterations=300", "-s", "training.evaluate_every=300", "--json"]
    write()
    theirs = bpcli("train", "--layers", "mine.py", "-o", "theirs.npz", *options).stdout
    ours = bpcli("train", "-o", "ours.npz", *options).stdout
    figures = [json.loads(text.splitlines()[-1]) for text in (theirs, ours)]
    assert figures[0]["loss"] == pytest.approx(figures[1]["loss"], abs=1e-3)
    assert figures[0]["test_accuracy"] == pytest.approx(figures[1]["test_accuracy"], abs=0.002)


def test_the_model_is_one_like_any_other_and_says_whose_layers_it_learnt_with(bpcli, train, write):
    done = train(write())
    assert "Affine1, Affine2: Affine of mine.py; ReLU1: Relu of mine.py" in done.stderr
    end = done.stdout.splitlines()[-1]
    assert "; as with our layers; " in end
    assert end.endswith(" times the time")
    saved = load("model.npz")
    assert saved.learnt_with.times > 0
    assert "mine.py" in bpcli("info", "model.npz").stdout
    fields = json.loads(bpcli("info", "model.npz", "--json").stdout)["model"]["learnt_with"]
    assert fields["layers"] == saved.learnt_with.layers
    Path("mine.py").unlink()  # whatever is in it, the model needs it no more
    bpcli("eval", "model.npz")
    bpcli("report", "model.npz", "-o", "page.html")
    bpcli("gradcheck", "--model", "model.npz")


def test_it_goes_on_by_resume(bpcli, train, write, tiny_options):
    train(write(), "-s", "network.batch_norm=true", "-s", "optimizer.method=momentum")
    longer = ["--resume", "-s", "training.iterations=90"]
    bpcli("train", "-o", "model.npz", "--layers", "mine.py", *longer)
    bpcli(
        "train", "-o", "once.npz", "--layers", "mine.py", *tiny_options, "-s", "network.batch_norm=true",
        "-s", "optimizer.method=momentum", "-s", "training.iterations=90",
    )  # fmt: skip
    for one, other in zip(load("model.npz").parameters, load("once.npz").parameters, strict=True):
        np.testing.assert_array_equal(one, other)


# What is wrong in a file, what is replaced by what, the words for it, and what it needs to show.
WRONG = {
    "a transpose is missing": (
        "dx = np.dot(dout, self.W.T)", "dx = np.dot(dout, self.W)",
        "right with np.dot(dout, self.W.T) in place of np.dot(dout, self.W) at ", ""),
    "the mask is forgotten": ("        dout[self.mask] = 0\n", "", "is a mask missing?", ""),
    "a sum without an axis": (
        "self.db = np.sum(dout, axis=0)", "self.db = np.sum(dout)", "without an axis", ""),
    "the sign": ("self.dW = np.dot(", "self.dW = -np.dot(", "the sign is wrong", ""),
    "no division by N": ("        return dx / batch_size", "        return dx", "WRONG", ""),
    "a stale db": (
        "self.db = np.sum(dout, axis=0)",
        "self.db = np.sum(dout, axis=0) if self.db is None else self.db", "stale", ""),
    "dW twice": ("self.dW = np.dot(", "self.dW = 2 * np.dot(", "2 times what it should be", ""),
    "the sigmoid's derivative by x": (
        "        self.out = out\n        return out\n\n    def backward(self, dout):\n"
        "        return dout * (1.0 - self.out)",
        "        self.out = x\n        return out\n\n    def backward(self, dout):\n"
        "        return dout * (1.0 - self.out)", "before the activation", "sigmoid"),
    "relu's other side": (
        "        dout[self.mask] = 0\n", "        dout[~self.mask] = 0\n", "WRONG", ""),
    "softmax without the mean of the batch": (
        "return -np.sum(np.log(y[np.arange(batch_size), t] + 1e-7)) / batch_size",
        "return -np.sum(np.log(y[np.arange(batch_size), t] + 1e-7))", "divided by", ""),
}  # fmt: skip


def wrong(write, name):
    before, after, words, activation = WRONG[name]
    changes = [(before, after)]
    if name == "no division by N":
        changes.append(("return (self.y - self.t) / batch_size", "return self.y - self.t"))
    return write(*changes), words, ["-s", f"network.activation={activation or 'relu'}"]


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_gradient_ends_it_with_its_cause_before_anything_is_learnt(train, write, name):
    file, words, options = wrong(write, name)
    done = train(file, *options, code=1)
    assert "WRONG" in done.stdout
    assert words in done.stdout
    assert "mine.py: nothing is trained with it; --unchecked trains all the same" in done.stderr
    assert not list(Path().glob("model.npz*"))


@pytest.mark.parametrize("name", WRONG)
def test_unchecked_shows_what_a_wrong_gradient_does_to_learning(
    bpcli, train, write, tiny_options, name
):
    file, _, options = wrong(write, name)
    done = train(file, "--unchecked", "--json", *options, code=None)
    ours = bpcli("train", "-o", "ours.npz", "--json", *tiny_options, *options)
    expected = [json.loads(line)["loss"] for line in ours.stdout.splitlines()]
    found = [json.loads(line)["loss"] for line in done.stdout.splitlines()]
    assert done.exit_code in (0, 1, 2)
    assert isinstance(done.exception, SystemExit | None)
    if name == "softmax without the mean of the batch":
        assert found[-1] == pytest.approx(
            expected[-1], abs=1e-3
        )  # its dx is right: the loss is not
    else:
        assert found[:1] != pytest.approx(expected[:1], abs=1e-6)


def counting(statement):
    """Relu's forward with a statement that it runs at its 40th call for training."""
    count = "        self.calls = getattr(self, 'calls', 0) + 1\n"
    return FORWARD, f"{count}        if self.calls == 40:\n            {statement}\n{FORWARD}"


FAILING = {
    "exits": ("raise SystemExit(3)", "mine.py: it ended the process (code 3)"),
    "ends": ("__import__('os')._exit(4)", "mine.py: it ended the process (code 4)"),
    "crashes": ("__import__('os').abort()", "mine.py: it ended the process (SIGABRT)"),
    "raises": ("raise ValueError('no more')", "it raises ValueError at mine.py:28: no more"),
    "closes": ("__import__('os').closerange(3, 1024)", "mine.py: it ended the process"),
}


ENDS_ALIKE = ("ends", "crashes", "closes")  # as "exits" does


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.long] * (n in ENDS_ALIKE)) for n in FAILING]
)
def test_a_layer_that_fails_while_it_learns_costs_nothing_that_was_learnt(
    bpcli, train, write, tiny_options, name
):
    statement, words = FAILING[name]
    done = train(write(counting(statement)), "--unchecked", code=2)
    assert words in done.stderr
    assert "what was learnt until iteration 3" in done.stderr
    assert "is in model.npz.part" in done.stderr
    assert done.stderr.count("Traceback") == 0
    write()
    bpcli("train", "-o", "model.npz", "--resume", "--layers", "mine.py")
    bpcli("train", "-o", "once.npz", "--layers", "mine.py", *tiny_options)
    for one, other in zip(load("model.npz").parameters, load("once.npz").parameters, strict=True):
        np.testing.assert_array_equal(one, other)


HARMLESS = {
    "prints": "print('hello')\n        __import__('sys').stderr.write('hello')",
    "forks": "__import__('os').fork()",
    "writes to descriptors": (
        "import os\n        for n in range(3, 1024):\n            try:\n"
        "                os.write(n, b'junk\\n')\n            except OSError:\n                pass"
    ),
    "cuts files short": (
        "import os\n        for n in range(3, 1024):\n            try:\n"
        "                os.ftruncate(n, 0)\n            except OSError:\n                pass"
    ),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_a_layer_does_beside_stays_in_its_process(bpcli, train, write, tiny_options, name):
    done = train(write((FORWARD, f"        {HARMLESS[name]}\n{FORWARD}")), "--unchecked")
    assert "hello" not in done.output
    bpcli("train", "-o", "ours.npz", *tiny_options)
    pairs = zip(load("model.npz").parameters, load("ours.npz").parameters, strict=True)
    assert all(np.allclose(one, other, atol=1e-3) for one, other in pairs)


def test_patches_of_numpy_are_the_files_own(train, write):
    patches = "np.matmul = np.maximum = np.float32 = None\nimport json\njson.dumps = None\n"
    train(write(("import numpy as np\n", f"import numpy as np\n{patches}")), "--unchecked")


def test_what_hangs_is_ended(train, write, monkeypatch):
    patience = "bpcli.gradcheck.foreign.patience.IDLE"
    monkeypatch.setattr(patience, 100)
    build = Lender.build

    def build_and_be_impatient(lender, parameters):
        build(lender, parameters)
        lender.patience.seconds = 3.0

    monkeypatch.setattr(Lender, "build", build_and_be_impatient)
    done = train(write(counting("while True: pass")), "--unchecked", code=2)
    assert "mine.py: it took more than 3" in done.stderr  # of the processor, if it is there to have
    monkeypatch.setattr(patience, 2)
    done = train(write(counting("__import__('time').sleep(1000)")), "--unchecked", code=2)
    assert "mine.py: it took more than " in done.stderr
    # Of a machine that is busy for that long another iteration may be the last.
    assert re.search(r"; what was learnt until iteration \d+ is in model.npz.part", done.stderr)


REFUSED = {
    "a name that is nearly right": (
        [("class Affine", "class Afine"), ("class Relu", "class Rellu"),
         ("class SoftmaxWithLoss", "class Other")],
        "mine.py: found cross_entropy_error, Rellu, Sigmoid, Afine, Other, Dropout, "
        "BatchNormalization, expected one of Affine, ReLU, SoftmaxWithLoss, which the network has; "
        "Rellu takes no place: is ReLU meant?",
    ),
    "a backward that is not called so": (
        [("    def backward(self, dout):\n        dx = np.dot", "    def backwrad(self, dout):\n"
          "        dx = np.dot")],
        "mine.py: found the class Affine without forward and backward, expected both, or another "
        "name, for our Affine to stand in its place; mine.py: Affine.backwrad: is backward meant?",
    ),
    "no Python": ([("def softmax(x):", "def softmax(x)")], "mine.py:6: Python cannot read it: expected ':'"),
    "a shape": (
        [("return np.dot(self.x, self.W) + self.b", "return np.dot(self.x, self.W).T")],
        "mine.py: Affine cannot stand in the network: forward returns (8, 7), expected (7, 8)",
    ),
    "no gradient": (
        [("        self.dW = np.dot(self.x.T, dout)\n", "")],
        "mine.py: Affine cannot stand in the network: backward leaves no gradient by W",
    ),
    "an argument": (
        [("def __init__(self, W, b):", "def __init__(self, W, b, colour):")],
        "mine.py: Affine cannot stand in the network: what is colour of its __init__?",
    ),
    "an end": (
        [("class Relu:", "import os\n\n\nclass Relu:\n    os._exit(5)")],
        "mine.py:24: it ended the process (code 5)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_trained_with_is_refused_in_one_sentence(train, write, name):
    changes, words = REFUSED[name]
    done = train(write(*changes), "--unchecked", code=2)
    assert done.stderr == f"{words}\n"
    assert not list(Path().glob("model.npz*"))


def test_a_file_without_layers_is_refused(bpcli, train):
    Path("mine.py").write_text("x = 1\n")
    words = "mine.py: found nothing with a forward and a backward, expected one of Affine, ReLU"
    assert words in train("mine.py", code=2).stderr
    assert "there.py: found nothing there" in train("there.py", code=2).stderr
    done = bpcli("train", "--unchecked", code=2)
    assert "--unchecked goes with --layers FILE.py" in done.stderr


def test_where_no_process_can_be_guarded_it_is_said(train, write, monkeypatch):
    monkeypatch.delattr(os, "fork")
    words = "this system shares no memory between processes as it is done here; use Linux, macOS"
    assert words in train(write(), code=2).stderr


def test_what_stands_beside_is_told(train, write):
    done = train(write(("class Relu:", "class Rellu:")), "--unchecked")
    assert "mine.py: Rellu takes no place: is ReLU meant?" in done.stderr
    assert "ReLU1: ours" in done.stderr


def test_a_forward_that_is_not_ours_leaves_no_model(train, write):
    file = write(("        out[self.mask] = 0\n", "        out[self.mask] *= 0.5\n"),
                 ("        dout[self.mask] = 0\n", "        dout[self.mask] *= 0.5\n"))  # fmt: skip
    done = train(file, code=1)
    assert "mine.py: ReLU1: its forward is not ours: numbers differ by up to " in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("mine.py: its forward is not ours: logits of the test images differ by")
    assert "ReLU1 is the first" in last
    assert last.endswith("the run is in model.npz.part")
    assert not Path("model.npz").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_stops_it_with_what_was_learnt(shell, write, tiny_options, number):
    options = [*tiny_options, "-s", "training.iterations=1000000"]
    file = write()
    process = shell("train", "--layers", file, "-o", "model.npz", *options)
    read_until(process.stdout, "iteration")
    process.send_signal(number)
    _, said = process.communicate()
    assert process.returncode == 128 + number
    assert "go on with: " in said
    assert "--resume --layers mine.py" in said
    assert load("model.npz.part").learnt_with.times is None


def children(process):
    """The processes that a process has started, and those that they have."""
    found = []
    for number in [process]:
        try:
            text = Path(f"/proc/{number}/task/{number}/children").read_text()
        except OSError:
            continue
        for child in map(int, text.split()):
            found += [child, *children(child)]
    return found


def is_there(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_a_command_that_is_killed_takes_the_layers_with_it(shell, write, tiny_options):
    options = [*tiny_options, "-s", "training.iterations=1000000"]
    sleeper = "import subprocess\nsubprocess.Popen(['sleep', '1000'])\n"
    file = write(("class Relu:", f"{sleeper}\n\nclass Relu:"))
    process = shell("train", "--layers", file, "-o", "model.npz", *options)
    read_until(process.stdout, "iteration")
    family = children(process.pid)
    assert len(family) >= 2
    process.kill()
    process.wait()
    wait_until(lambda: not any(map(is_there, family)))
