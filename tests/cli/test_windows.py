"""Every command where a system has no fcntl, no resource and few signals, as Windows has not."""

import json
import os
import signal

import pytest
from signs import wait_until
from tiny import ROOT

from bpcli.cli.main import main

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
def windows(tmp_path):
    """The environment of processes that find no more than Windows offers."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(WITHOUT)
    paths = [str(tmp_path / "site"), str(ROOT)]
    return {"env": os.environ | {"PYTHONPATH": os.pathsep.join(paths)}, "cwd": tmp_path}


def test_every_command_runs(windows, one_by_one, tiny_options, tmp_path, search, mnist_model):
    (tmp_path / "relu.py").write_text(
        "import numpy as np\n\n\nclass Relu:\n    def forward(self, x):\n"
        "        self.mask = x > 0\n        return x * self.mask\n\n"
        "    def backward(self, dout):\n        return dout * self.mask\n"
    )
    pytest.importorskip("PIL.Image").new("L", (40, 40), 255).save(tmp_path / "white.png")
    for package in ("jinja2", "onnx", "optuna"):
        pytest.importorskip(package)
    commands = [
        ["train", *tiny_options, "-o", "m.npz"],
        ["eval", "m.npz"],
        ["compare", "m.npz", "m.npz"],
        ["info", "m.npz"],
        ["data"],
        ["config"],
        ["gradcheck", "-s", "network.hidden=[3]", "--elements", "9"],
        ["gradcheck", "relu.py"],
        ["graph", "x * x", "x=2"],
        ["predict", mnist_model, "white.png"],
        ["report", mnist_model, "-o", "page.html"],
        ["export", mnist_model, "-o", "m.onnx"],
        ["tune", "-o", "study", *search, "--trials", 2, "--jobs", 2],
        ["tune", "--show", "study", "--json"],
    ]
    assert {command[0] for command in commands} == set(main.commands)
    done = one_by_one(*commands, **windows)
    for command, found in zip(commands, done, strict=True):
        assert (found.code, "Traceback" in found.stderr) == (2 * (command[0] == "predict"), False)
    assert "accuracy" in done[1].stdout
    assert "4" in done[8].stdout
    assert len(json.loads(done[-1].stdout)["trials"]) == 2


def test_a_model_is_written_by_one_process_and_goes_on(shell, windows, tiny_options, tmp_path):
    command = ["train", *tiny_options, "-s", "training.iterations=2000000", "-o", "m.npz", "-q"]
    first = shell(*command, **windows)
    wait_until((tmp_path / "m.npz.part").exists, first)
    second = shell(*command, **windows)
    assert "another" in second.communicate()[1]
    assert second.returncode == 2
    first.send_signal(signal.SIGINT)
    assert "--resume" in first.communicate()[1]
    assert first.returncode == 130
    assert (tmp_path / "m.npz.part").exists()
