"""A person's file cannot forge its verdict, outlive its check, or cost more than what fails."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from bpcli.errors import SourceError
from bpcli.gradcheck import check_file
from bpcli.gradcheck.foreign.patience import Patience
from bpcli.machine import processor_seconds

FALSE = """
import numpy as np
class False_:
    def forward(self, x):
        return 2 * x
    def backward(self, dout):
        return 42 + 0 * dout
"""
RIGHT = """
class Right:
    def forward(self, x):
        return 2 * x
    def backward(self, dout):
        return 2 * dout
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes as POSIX has them")


@pytest.fixture
def check(folder, measured):
    def call(text, **options):
        Path("layers.py").write_text(text)
        return check_file("layers.py", **options)

    return call


def layer(name, forward):
    body = "".join(f"        {line}\n" for line in forward.splitlines())
    return f"class {name}:\n    def forward(self, x):\n{body}        return 2 * x\n    def backward(self, dout):\n        return 2 * dout\n"


def verdicts(found):
    return {unit.name: unit.problem or unit.findings[0].verdict for unit in found.units}


# Ways in which a file may try to have its say in the verdict.
FORGERIES = {
    "messages of its own": '''
import json, os
message = {"name": "False_", "line": 1, "convention": "", "problem": "", "network": False, "inside": [],
           "findings": [{"array": "x", "verdict": "ok", "words": "", "error": 0}]}
class Forged:
    for number in range(3, 1024):
        try:
            os.write(number, (json.dumps({"check": message}) + "\\n" + json.dumps({"done": True}) + "\\n").encode())
        except OSError:
            pass
''',
    "junk": '''
import os
class Forged:
    for number in range(3, 1024):
        try:
            os.write(number, b"\\xff\\n{\\n[[[\\n" + b"9" * 10000 + b"\\n\\0{\\"unit\\": ")
        except OSError:
            pass
''',
    "the classes of the verdict": '''
import bpcli.gradcheck.foreign as foreign, sys
class Forged:
    for module in [foreign, *[m for n, m in sys.modules.items() if n.startswith("bpcli.")]]:
        for name, thing in list(vars(module).items()):
            if isinstance(thing, type) and name in ("UnitCheck", "Finding", "FileCheck"):
                thing.wrong = property(lambda self: False)
                thing.verdict = property(lambda self: "ok", lambda self, value: None)
            elif callable(thing) and not isinstance(thing, type) and not name.startswith("_"):
                setattr(module, name, lambda *args, **options: None)
''',
    "what Python and numpy are made of": '''
import builtins, copy, json, math, numpy as np, os
class Forged:
    for name in "abs max min sum any all len zip map sorted".split():
        setattr(builtins, name, lambda *args, **options: 0)
    for module in (np, np.linalg, np.random, copy, json, math, os):
        for name, thing in list(vars(module).items()):
            if callable(thing) and not isinstance(thing, type) and not name.startswith("_"):
                setattr(module, name, lambda *args, **options: 0)
''',
    "the program": '''
import __main__, sys
__main__.__dict__.clear()
class Forged:
    for module in list(sys.modules):
        if module not in ("sys", "builtins"):
            del sys.modules[module]
''',
}  # fmt: skip


ARRAYS = """
import numpy as np
class Agreeable(np.ndarray):
    def __array_ufunc__(self, *_args, **_options): return np.zeros(self.shape)
    def __array_function__(self, *_args, **_options): return np.zeros(())
    def astype(self, *_args, **_options): return self
    def sum(self, *_args, **_options): return 0.0
    __mul__ = __rmul__ = lambda self, other: self
    __sub__ = __rsub__ = lambda self, other: np.zeros(self.shape)
class Returned:
    def forward(self, x):
        return 2 * x
    def backward(self, dout):
        return np.full(dout.shape, 42.0).view(Agreeable)
class Kept:
    def __init__(self, W):
        self.W = W
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, dout):
        self.dW = np.full(self.W.shape, 42.0).view(Agreeable)
        return dout @ self.W.T
"""


def test_an_array_of_a_class_of_its_own_is_compared_as_an_array(check):
    returned, kept = check(ARRAYS).units
    assert returned.findings[0].verdict == "WRONG"
    assert "ok" not in [finding.verdict for finding in kept.findings if finding.array != "x"]


@pytest.mark.parametrize("kind", FORGERIES)
def test_a_file_cannot_forge_its_verdict(kind, check):
    found = check(FALSE + FORGERIES[kind])
    assert not found.passed
    said = verdicts(found)["False_"]
    assert said == "WRONG" or (kind == "the program" and said != "ok")


def test_a_file_that_finds_what_checks_it_is_told_so(check):
    finds = """
import sys
frame = sys._getframe()
while frame:
    names = frame.f_globals
    for name, thing in list(names.items()):
        if isinstance(thing, type) and name in ("Finding", "UnitCheck"):
            thing.wrong = property(lambda self: False)
            thing.verdict = property(lambda self: "ok", lambda self, value: None)
    frame = frame.f_back
"""
    found = check(FALSE.replace("return 2 * x", finds.strip().replace("\n", "\n        ") + "\n        return 2 * x") + RIGHT)  # fmt: skip
    said = verdicts(found)
    assert said["False_"].startswith("it changes bpcli.gradcheck.foreign.")
    assert said["False_"].endswith(", by which it is checked")
    assert said["Right"] == "ok"


def test_exits_crashes_and_faults_cost_one_unit_each(check):
    ends = {
        "Exits": ("raise SystemExit(3)", "it ended the process (code 3)"),
        "Leaves": ("import os; os._exit(0)", "it ended the process (code 0)"),
        "Aborts": ("import os; os.abort()", "it ended the process (SIGABRT)"),
        "Crashes": ("import ctypes; ctypes.string_at(0)", "it ended the process (SIGSEGV)"),
        "Orphans": ("import os; os.kill(os.getppid(), 9)", "it ended the process (SIGKILL)"),
    }
    text = RIGHT + "".join(layer(name, code) for name, (code, _) in ends.items())
    found = check(text + RIGHT.replace("Right", "Last"))
    expected = {"Right": "ok", "Last": "ok"} | {name: words for name, (_, words) in ends.items()}
    assert verdicts(found) == expected
    assert found.units[1].line == 7
    assert (found.checked, found.stopped) == (True, "")


def test_statements_that_end_the_process_are_left_out_and_said(check):
    text = "class Ends:\n    import os\n    os._exit(5)\n" + RIGHT + "import os\nclass Closes:\n    os.closerange(3, 4096)\n"  # fmt: skip
    found = check(text + RIGHT.replace("Right", "Last"))
    assert verdicts(found) == {"Right": "ok", "Last": "ok"}
    assert found.ended[0] == "layers.py:1: not run: it ended the process (code 5)"
    assert found.ended[1].startswith("layers.py:11: not run: it ended the process")


def test_what_is_left_out_is_said_where_nothing_else_is(check):
    with pytest.raises(SourceError) as found:
        check("class Ends:\n    import os\n    os._exit(5)\n")
    assert str(found.value).startswith("layers.py: found no class with forward and backward")
    assert str(found.value).endswith("; layers.py:1: not run: it ended the process (code 5)")


def test_a_module_that_cannot_be_looked_at_is_one_sentence(check):
    hostile = "class Hostile:\n    @property\n    def __module__(self): raise ValueError('no')\nx = Hostile()\n"  # fmt: skip
    with pytest.raises(SourceError) as found:
        check(hostile + RIGHT)
    assert "layers.py: the check of it failed: ValueError at layers.py:3: no" in str(found.value)


def test_a_fault_of_the_checker_costs_one_unit(check, monkeypatch, folder):
    """The checker is broken, for one unit, in the process that it runs in."""
    (folder / "sitecustomize.py").write_text(
        "import bpcli.gradcheck.foreign.check as check\n"
        "def break_it(check_units):\n"
        "    def broken(source, names, given, tolerance, begin):\n"
        "        def begin_broken(name):\n"
        "            begins = begin(name)\n"
        "            return begins and (name != 'Broken' or 1 / 0)\n"
        "        return check_units(source, names, given, tolerance, begin_broken)\n"
        "    return broken\n"
        "check.check_units = break_it(check.check_units)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))
    found = verdicts(check(layer("Broken", "pass") + RIGHT))
    assert found["Right"] == "ok"
    assert found["Broken"] == (
        "the check of it failed: ZeroDivisionError at sitecustomize.py:6: division by zero"
    )


@pytest.mark.skipif(processor_seconds(os.getpid()) is None, reason="the system does not tell")
def test_what_hangs_costs_one_unit(check):
    text = (
        layer("Spins", "while True: pass")
        + layer("Waits", "import time; time.sleep(99)")
        + layer("Pauses", "import time; time.sleep(0.001)")
        + "import time\nclass Never:\n    time.sleep(99)\n"
    )
    found = check(text, seconds=3)
    assert verdicts(found) == {
        "Spins": "it took more than 3 s of the processor",
        "Waits": "it took more than 1 s and did nothing",
        "Pauses": "ok",
    }
    assert found.ended == ("layers.py:20: not run: it took more than 1 s and did nothing",)


@pytest.mark.parametrize(
    ("share", "words", "after"),
    [
        (1, "it took more than 60 s of the processor", 60),
        (0.25, "it took more than 60 s of the processor", 240),  # beside other processes
        (0.01, "it took more than 600 s", 600),
        (0, "it took more than 20 s and did nothing", 20),
        (None, "it took more than 120 s", 120),  # the system does not tell
    ],
)
def test_a_busy_machine_makes_nothing_hang(share, words, after, monkeypatch):
    """The clock is ours, and the process gets a share of the processor."""
    now = [1000.0]
    monkeypatch.setattr("bpcli.gradcheck.foreign.patience.time", SimpleNamespace(monotonic=lambda: now[0]))  # fmt: skip
    used = lambda _process: None if share is None else 5 + share * now[0]  # noqa: E731
    monkeypatch.setattr("bpcli.gradcheck.foreign.patience.processor_seconds", used)
    patience = Patience(60)
    patience.begin()
    while not (said := patience.lost()):
        now[0] += 0.25
    assert (said, round(now[0] - 1000)) == (words, after)
    patience.begin()
    assert not patience.lost()


def test_without_a_clock_of_the_processor_it_is_that_on_the_wall(check, monkeypatch):
    monkeypatch.setattr("bpcli.gradcheck.foreign.patience.processor_seconds", lambda _process: None)
    found = check(RIGHT + layer("Spins", "while True: pass"), seconds=1.5)
    assert verdicts(found) == {"Right": "ok", "Spins": "it took more than 3 s"}


def test_a_file_that_only_hangs_is_given_up(check, monkeypatch):
    monkeypatch.setattr("bpcli.gradcheck.foreign.file_check.MOST_ENDED", 3)
    text = "".join(layer(f"Leaves{i}", "import os; os._exit(1)") for i in range(5))
    found = check(text)
    assert len(found.units) == 3
    assert found.stopped == "it had to be ended 3 times"
    with pytest.raises(SourceError, match="before anything could be checked"):
        check("".join(f"class A{i}:\n    import os\n    os._exit(1)\n" for i in range(5)) + RIGHT)


def test_a_flood_of_output_is_neither_kept_nor_waited_for(check, monkeypatch):
    monkeypatch.setattr("bpcli.gradcheck.foreign.channel.MOST", 1 << 22)
    flood = (
        "import os\n"
        "for number in range(1, 1024):\n"
        "    try:\n"
        "        for _ in range(200): os.write(number, b'x' * 65536)\n"
        "    except OSError: pass\n"
    )
    raises = "raise ValueError('y' * 10**7)"
    found = check(layer("Floods", flood) + layer("Raises", raises) + RIGHT)
    said = verdicts(found)
    assert said["Floods"] == "it wrote over its results: more than 4,194,304 bytes"
    assert "yyy" in said["Raises"]
    assert len(said["Raises"]) < 5000
    assert said["Right"] == "ok"


STARTS = """
import os, subprocess, sys
class Starts:
    def forward(self, x):
        if not self.__dict__:
            self.started = True
            sleep = ["sleep", "MARK"]
            subprocess.Popen(sleep)
            subprocess.Popen(sleep, start_new_session=True)
            subprocess.Popen(["sh", "-c", "sleep MARK & exec sleep MARK"], start_new_session=True)
            if not os.fork():
                os.execvp("sleep", sleep)
            os.fork()
        return 2 * x
    def backward(self, dout):
        BODY
        return 2 * dout
"""


def running(mark):
    """Return the processes that were started with a mark for an argument."""
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in listing.stdout.splitlines() if line == f"sleep {mark}"]


def wait_until(what):
    until = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt")
def test_nothing_that_a_file_starts_outlives_its_check(check):
    mark = f"9{os.getpid()}"
    started = time.monotonic()
    found = check(STARTS.replace("MARK", mark).replace("BODY", "pass"))
    assert verdicts(found) == {"Starts": "ok"}
    assert not running(mark)
    assert time.monotonic() - started < 30


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_nothing_of_a_file_outlives_bpcli(number, folder, shell):
    mark = f"8{os.getpid()}"
    Path("layers.py").write_text(STARTS.replace("MARK", mark).replace("BODY", "while True: pass"))
    process = shell("gradcheck", "layers.py")
    wait_until(lambda: len(running(mark)) >= 4)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert "Traceback" not in errors
    wait_until(lambda: not running(mark))
