"""Streams, pipes, terminals and signals, whatever the command."""

import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import termios
import time

import pytest

from bpcli.training import load

SLOW = ["-s", "training.iterations=2000000", "-s", "training.evaluate_every=500"]


def test_a_closed_pipe_ends_quietly(shell, tiny_options, folder):
    process = shell("train", *tiny_options, *SLOW)
    assert process.stdout.readline().startswith("iteration")
    process.stdout.close()
    assert process.wait(timeout=30) == 141
    assert process.stderr.read() == ""
    process.stderr.close()
    assert load(folder / "model.npz.part").iteration >= 500


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["train", "config"])
def test_a_full_standard_output_is_an_error(shell, tiny_options, folder, command):
    with open("/dev/full", "w") as full:
        process = shell(command, *tiny_options, stdout=full)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    assert stderr == "standard output: could not be written: No space left on device\n"


@pytest.mark.parametrize("after", [0.02, 0.1, 0.3, 1])
def test_ctrl_c_at_any_time_leaves_no_traceback(shell, after):
    process = shell("gradcheck", "-s", "network.hidden=[500]")
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode in (-signal.SIGINT, 130) or after < 0.1  # Python may be starting
    assert "Traceback" not in stderr or after < 0.1


def terminal(*args):
    """Run with standard error on a terminal, and return what the terminal shows."""
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, 80))
    command = [sys.executable, "-m", "bpcli", *map(str, args)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=follower)
    os.close(follower)
    shown = b""
    while True:
        try:
            shown += (chunk := os.read(leader, 65536))
        except OSError:
            break
        if not chunk:
            break
    os.close(leader)
    assert process.wait(timeout=30) == 0
    return shown.decode()


def test_the_progress_bar_is_for_terminals(tiny_options, folder):
    shown = terminal("train", *tiny_options, "-s", "training.iterations=5000")
    assert "/5000 [" in shown
    assert re.search(r"loss 0\.\d{4}, accuracy \d+\.\d\d%", shown)
    assert terminal("train", *tiny_options, "-q") == ""


def test_the_bar_of_a_study_has_the_best_so_far(search, folder):
    pytest.importorskip("optuna")
    shown = terminal("tune", "-o", "study", *search, "--trials", "4")
    assert "/4 [" in shown
    assert re.search(r"best \d+\.\d\d%", shown)


@pytest.mark.parametrize(
    ("name", "value"),
    [("MININTERVAL", "often"), ("BAR_FORMAT", "{foo}"), ("ITERABLE", "x"), ("ASCII", "1")],
)
def test_variables_that_tqdm_fails_on_are_not_read(name, value, tiny_options, folder, monkeypatch):
    monkeypatch.setenv(f"TQDM_{name}", value)
    assert "/5000 [" in terminal("train", *tiny_options, "-s", "training.iterations=5000")


@pytest.mark.parametrize(
    ("name", "value"), [("TQDM_DISABLE", "1"), ("TQDM_DISABLE", "true"), ("TERM", "dumb")]
)
def test_the_environment_can_ask_for_no_bar(name, value, tiny_options, folder, monkeypatch):
    monkeypatch.setenv(name, value)
    assert terminal("train", *tiny_options, "-s", "training.iterations=5000") == ""


def test_the_bar_starts_no_process_and_leaves_the_environment_alone(tiny_options, folder):
    code = (
        "import os, sys, multiprocessing\n"
        "def refuse(*_args, **_options): raise AssertionError('a lock of many processes')\n"
        "multiprocessing.RLock = refuse\n"
        "from bpcli.cli.main import main\n"
        "try: main(sys.argv[1:], prog_name='bpcli')\n"
        "except SystemExit: pass\n"
        "print(os.environ['TQDM_BAR_FORMAT'])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, "train", *map(str, tiny_options)],
        capture_output=True, text=True, env=os.environ | {"TQDM_BAR_FORMAT": "{foo}"},
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "{foo}"


@pytest.mark.parametrize("command", ["--help", "--version", "train --help", "config"])
def test_a_pipe_that_nobody_reads_ends_quietly(shell, command):
    reader, writer = os.pipe()
    os.close(reader)
    process = shell(*command.split(), stdout=writer)
    os.close(writer)
    _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (141, "")


@pytest.mark.parametrize("command", ["--help", "--version", "train --help"])
def test_help_to_a_full_device_is_an_error(shell, command):
    with open("/dev/full", "w") as full:
        process = shell(*command.split(), stdout=full)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    assert stderr == "standard output: could not be written: No space left on device\n"


def test_closed_streams(tiny_options, folder):
    command = shlex.join([sys.executable, "-m", "bpcli", "train", *map(str, tiny_options)])
    done = subprocess.run(f"{command} 2>&-", shell=True, capture_output=True, text=True)
    assert done.returncode == 0
    assert "test accuracy" in done.stdout
    done = subprocess.run(f"{command} >&-", shell=True, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "standard output: could not be written: it is closed\n"
    done = subprocess.run(f"{command} -s x=1 2>/dev/full", shell=True)
    assert done.returncode == 2
    done = subprocess.run(
        f"{sys.executable} -m bpcli graph x x=1 >&-", shell=True, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_names_that_the_terminal_cannot_show(shell, tiny_options, folder):
    process = shell("train", *tiny_options, "-q", "-o", "日.npz", env={"PYTHONIOENCODING": "ascii"})
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (0, "")
    assert "\\u65e5.npz: test accuracy" in stdout
