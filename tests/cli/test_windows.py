"""Every command where a system has no fcntl, no resource and few signals, as Windows has not."""

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


def test_every_command_runs(windows, one_by_one, every_command, tmp_path):
    commands = [command for command, _ in every_command]
    assert {command[0] for command in commands} == set(main.list_commands(None))
    for command, done in zip(commands, one_by_one(*commands, **windows), strict=True):
        assert (done.code, "Traceback" in done.stderr) == (0, False), (command, done.stderr)
        assert done.stdout or "-o" in command
    for _, files in every_command:
        assert all((tmp_path / name).is_file() for name in files), files


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
