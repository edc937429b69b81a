"""What bpcli takes of a machine: one BLAS thread unless asked; and what it says of it."""

import os
import subprocess
import sys

import pytest

import bpcli
from bpcli import machine

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
needs_openblas = pytest.mark.skipif(
    not machine._openblas("get_num_threads"), reason="needs a numpy with OpenBLAS"
)


def python(code, *args, **environment):
    """What a new Python prints that runs the code, with no number of threads but those given."""
    clean = {name: value for name, value in os.environ.items() if not name.endswith("_THREADS")}
    command = [sys.executable, "-c", code, *args]
    environment = clean | environment
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment)


@needs_openblas
@pytest.mark.parametrize("first", ["import numpy", "pass"])
def test_an_import_leaves_the_host_as_it_is(first):
    """Its threads and its environment are its own, whether numpy has been imported or not."""
    wings = ", ".join(f"bpcli.{wing}" for wing in bpcli.WINGS)
    code = (
        f"import os; {first}; before = dict(os.environ)\n"
        f"import bpcli, {wings}, bpcli.cli.main, numpy\n"
        "print(before == dict(os.environ), bpcli.machine.threads())"
    )
    alone = python("import numpy; from bpcli import machine; print(machine.threads())").stdout
    assert python(code).stdout == f"True {alone}"


@needs_openblas
@pytest.mark.parametrize("first", ["import bpcli", "import numpy, bpcli"])
def test_a_line_gives_a_notebook_one_thread_as_the_command_has(first):
    code = f"{first}; bpcli.machine.limit_threads(); import numpy; print(bpcli.machine.threads())"
    assert python(code).stdout == "1\n"
    if os.cpu_count() > 1:
        assert python(code, OMP_NUM_THREADS="2").stdout == "2\n"
        assert python(code, OPENBLAS_NUM_THREADS="2").stdout == "2\n"


@needs_openblas
@pytest.mark.parametrize("name", machine.VARIABLES)
def test_any_variable_that_a_blas_has_is_heard(name):
    code = (
        "from bpcli import machine; machine.limit_threads(); import numpy; print(machine.threads())"
    )
    assert python(code, **{name: "1"}).stdout == "1\n"


@needs_openblas
@pytest.mark.skipif(os.cpu_count() < 2, reason="needs two cores")
def test_a_notebook_may_ask_for_more_threads():
    code = (
        "import bpcli, numpy; from bpcli import machine\n"
        "machine.limit_threads(2); print(machine.threads()); machine.limit_threads(1)\n"
        "print(machine.threads())"
    )
    assert python(code).stdout == "2\n1\n"


@pytest.mark.parametrize("said", ["many", "²", "-1", "0", "", "1.5", "2,1", " 1 "])
def test_any_word_in_a_variable_is_heard_or_told(said, monkeypatch):
    for name in machine.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    warning = machine.limit_threads()
    assert ("found" in warning) == (said in ("many", "²", "-1", "0", "1.5"))
    assert machine.wanted_threads() >= 1


def test_threads_are_those_of_the_environment_where_blas_does_not_say(monkeypatch):
    monkeypatch.setattr(machine, "_openblas", lambda _: None)
    for name in machine.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert machine.threads() == "all"
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert machine.threads() == "7"
    monkeypatch.setenv("BLIS_NUM_THREADS", "3")
    machine.limit_threads()  # what some of them say stays, and goes for the others
    assert (os.environ["OMP_NUM_THREADS"], os.environ["OPENBLAS_NUM_THREADS"]) == ("7", "3")
    for name in machine.VARIABLES:
        monkeypatch.setenv(name, "")
    machine.limit_threads()
    assert {os.environ[name] for name in machine.VARIABLES} == {"1"}


@pytest.mark.parametrize(
    ("home", "path", "expected"),
    [
        ("/home/a", "/home/a/m.npz", "~/m.npz"),
        ("/home/a/", "/home/a/m.npz", "~/m.npz"),
        ("/home/a", "/home/a", "~"),
        ("/home/a", "/home/ab/m.npz", "/home/ab/m.npz"),
        ("/home/a", "/mnt/home/a/m.npz", "/mnt/home/a/m.npz"),
        ("/home/a", "home/a/m.npz", "home/a/m.npz"),
        ("/", "/m.npz", "/m.npz"),
        ("", "/m.npz", "/m.npz"),
        ("C:\\Users\\a", "C:\\Users\\a\\m.npz", "~\\m.npz"),
    ],
)
def test_only_a_path_in_the_folder_of_the_user_is_said_with_a_tilde(
    home, path, expected, monkeypatch
):
    monkeypatch.setenv("HOME", home)
    monkeypatch.delenv("USERPROFILE", raising=False)
    assert machine.without_home(path) == expected


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells it of other processes")
def test_the_processor_that_another_process_has_had_is_told():
    with subprocess.Popen(["sleep", "60"]) as sleeping, subprocess.Popen([sys.executable, "-c", "while True: pass"]) as spinning:  # fmt: skip
        while machine.processor_seconds(spinning.pid) < 0.1:
            assert spinning.poll() is None
        assert 0 <= machine.processor_seconds(sleeping.pid) < 0.1
        for process in (sleeping, spinning):
            process.kill()
            process.wait()
            assert machine.processor_seconds(process.pid) is None
    assert machine.processor_seconds(0) is None
