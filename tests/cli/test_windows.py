"""Every command where a system has no fcntl, no resource and few signals, as Windows has not."""

import json
import os
import signal

import pytest
from tiny import ROOT
from waiting import wait_until

WITHOUT = """
import os, signal, subprocess, sys, types

from fcntl import LOCK_EX, LOCK_NB, flock

def locking(descriptor, mode, count):
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
    except OSError as error:
        raise PermissionError(13, "Permission denied") from error

sys.modules["msvcrt"] = types.SimpleNamespace(LK_NBLCK=2, locking=locking)
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
for name in ("SIGHUP", "SIGPIPE", "SIGQUIT", "SIGALRM", "pthread_sigmask"):
    delattr(signal, name)
for name in ("O_NOFOLLOW", "O_CLOEXEC", "sysconf", "fork", "forkpty", "geteuid", "getuid"):
    delattr(os, name)
"""


@pytest.fixture
def windows(shell, tmp_path):
    """Start a command that finds no more than Windows offers, and neither do its children."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(WITHOUT)
    paths = [str(tmp_path / "site"), str(ROOT)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}

    def start(*args):
        return shell(*args, env=environment, cwd=tmp_path)

    return start


@pytest.fixture
def run(windows):
    def run(*args, code=0):
        process = windows(*args)
        stdout, stderr = process.communicate()
        assert (process.returncode, "Traceback" in stderr) == (code, False), stderr
        return stdout

    return run


def test_every_command_runs(run, tiny_options, tmp_path, search, mnist_model):
    (tmp_path / "relu.py").write_text(
        "import numpy as np\n\n\nclass Relu:\n    def forward(self, x):\n"
        "        self.mask = x > 0\n        return x * self.mask\n\n"
        "    def backward(self, dout):\n        return dout * self.mask\n"
    )
    run("train", *tiny_options, "-o", "m.npz")
    assert "accuracy" in run("eval", "m.npz")
    run("compare", "m.npz", "m.npz")
    run("info", "m.npz")
    run("data")
    run("config")
    run("gradcheck", "-s", "network.hidden=[3]", "--elements", "9")
    run("gradcheck", "relu.py")
    assert "4" in run("graph", "x * x", "x=2")
    pytest.importorskip("PIL.Image").new("L", (40, 40), 255).save(tmp_path / "white.png")
    run("predict", mnist_model, "white.png", code=2)
    pytest.importorskip("jinja2")
    run("report", mnist_model, "-o", "page.html")
    pytest.importorskip("onnx")
    run("export", mnist_model, "-o", "m.onnx")
    pytest.importorskip("optuna")
    run("tune", "-o", "study", *search, "--trials", 2, "--jobs", 2)
    assert len(json.loads(run("tune", "--show", "study", "--json"))["trials"]) == 2


def test_a_model_is_written_by_one_process_and_goes_on(run, windows, tiny_options, tmp_path):
    options = [*tiny_options, "-s", "training.iterations=2000000", "-o", "m.npz", "-q"]
    first = windows("train", *options)
    wait_until((tmp_path / "m.npz.part").exists, first)
    second = windows("train", *options)
    assert "another" in second.communicate()[1]
    assert second.returncode == 2
    first.send_signal(signal.SIGINT)
    assert "--resume" in first.communicate()[1]
    assert first.returncode == 130
    assert (tmp_path / "m.npz.part").exists()
