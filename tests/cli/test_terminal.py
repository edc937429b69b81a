"""Streams, pipes, terminals and signals, whatever the command."""

import itertools
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import termios
import threading

import pytest
from signs import end_what_hangs

from bpcli.cli.main import main
from bpcli.training import load

SLOW = ["-s", "training.iterations=2000000", "-s", "training.evaluate_every=500"]


def test_a_closed_pipe_ends_quietly(shell, tiny_options, folder):
    process = shell("train", *tiny_options, *SLOW)
    assert process.stdout.readline().startswith("iteration")
    process.stdout.close()
    assert process.wait() == 141
    assert process.stderr.read() == ""
    process.stderr.close()
    assert load(folder / "model.npz.part").iteration >= 500


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["train", "config"])
def test_a_full_standard_output_is_an_error(shell, tiny_options, folder, command):
    with open("/dev/full", "w") as full:
        process = shell(command, *tiny_options, stdout=full)
        _, stderr = process.communicate()
    assert process.returncode == 1
    assert stderr == "standard output: could not be written: No space left on device\n"


# Python's own signal, sent by the process to itself when it is about to import a module.
INTERRUPTED = """
import os, runpy, signal, sys

class Spy:
    def find_spec(self, name, *_):
        if name == module:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

module = sys.argv.pop(1)
sys.meta_path.insert(0, Spy())
runpy.run_module("bpcli", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    "module", ["click", "bpcli.cli.options", "numpy", "bpcli.training", "tqdm"]
)
def test_ctrl_c_during_an_import_leaves_no_traceback(module):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, module, "gradcheck"], capture_output=True, text=True
    )
    assert done.returncode in (-signal.SIGINT, 128 + signal.SIGINT)  # which are one to a shell
    assert (done.stdout, done.stderr) == ("", "")


def read_all(leader):
    """What a terminal shows until nobody holds its other end."""
    shown = b""
    while True:
        try:
            shown += (chunk := os.read(leader, 65536))
        except OSError:
            break
        if not chunk:
            break
    os.close(leader)
    return shown.decode()


def open_terminal():
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, 80))
    return leader, follower


def terminal(*args, env=None):
    """Run with standard error on a terminal, and return what the terminal shows."""
    leader, follower = open_terminal()
    command = [sys.executable, "-m", "bpcli", *map(str, args)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=follower, env=env)
    timer = end_what_hangs(process)
    os.close(follower)
    shown = read_all(leader)
    assert process.wait() == 0
    timer.cancel()
    return shown


@pytest.fixture
def on_a_terminal(monkeypatch, capsys):
    """Run in this process with standard error on a terminal, and return what that shows."""

    def call(*args):
        leader, follower = open_terminal()
        shown = []
        reader = threading.Thread(target=lambda: shown.append(read_all(leader)))
        reader.start()
        with os.fdopen(follower, "w") as stream, monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", stream)
            main([*map(str, args)], prog_name="bpcli", standalone_mode=False)
        reader.join()
        return shown[0]

    return call


def test_the_progress_bar_is_for_terminals(tiny_options, folder, on_a_terminal, monkeypatch):
    assert "/60 [" in terminal("train", *tiny_options)
    monkeypatch.setattr("tqdm.std.time", itertools.count().__next__)  # it is drawn each second
    shown = on_a_terminal("train", *tiny_options)
    assert "60/60 [" in shown
    assert re.search(r"loss 0\.\d{4}, test accuracy \d+\.\d\d%", shown)
    assert on_a_terminal("train", *tiny_options, "-q") == ""


def test_the_bar_counts_images_that_are_answered(
    bpcli, tiny, tiny_options, folder, on_a_terminal, monkeypatch
):
    bpcli("train", *tiny_options, "-q")
    monkeypatch.setattr("tqdm.std.time", itertools.count().__next__)
    answer = ["predict", "model.npz", tiny, "--split", "test", "--csv", "answers.csv"]
    bpcli(*answer)
    images = len((folder / "answers.csv").read_text().splitlines()) - 1
    assert f"{images}/{images} [" in on_a_terminal(*answer)


def test_the_bar_of_a_study_has_the_best_so_far(search, folder):
    pytest.importorskip("optuna")
    shown = terminal("tune", "-o", "study", *search, "--trials", "2")
    assert "/2 [" in shown
    assert re.search(r"best \d+\.\d\d%", shown)


def test_variables_that_tqdm_fails_on_are_not_read(tiny_options, folder):
    variables = {"MININTERVAL": "often", "BAR_FORMAT": "{foo}", "ITERABLE": "x", "ASCII": "1"}
    named = {f"TQDM_{name}": value for name, value in variables.items()}
    assert "/60 [" in terminal("train", *tiny_options, env=os.environ | named)


@pytest.mark.parametrize(
    ("name", "value"), [("TQDM_DISABLE", "1"), ("TQDM_DISABLE", "true"), ("TERM", "dumb")]
)
def test_the_environment_can_ask_for_no_bar(
    name, value, tiny_options, folder, monkeypatch, on_a_terminal
):
    monkeypatch.setenv(name, value)
    assert on_a_terminal("train", *tiny_options) == ""


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
    _, stderr = process.communicate()
    assert (process.returncode, stderr) == (141, "")


@pytest.mark.parametrize("command", ["--help", "--version", "train --help"])
def test_help_to_a_full_device_is_an_error(shell, command):
    with open("/dev/full", "w") as full:
        process = shell(*command.split(), stdout=full)
        _, stderr = process.communicate()
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
    stdout, stderr = process.communicate()
    assert (process.returncode, stderr) == (0, "")
    assert "\\u65e5.npz: test accuracy" in stdout
