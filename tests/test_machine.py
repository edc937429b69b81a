"""What bpcli takes of a machine: one BLAS thread unless asked, and no more memory than there is."""

import os
import resource
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


@pytest.fixture
def system(monkeypatch, tmp_path):
    """Write files of a false /proc and /sys/fs/cgroup, of a process without limits of its own."""
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda _: unlimited)
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 10**9}.__getitem__)
    monkeypatch.setattr(machine, "PROC", str(tmp_path / "proc"))
    monkeypatch.setattr(machine, "CGROUPS", str(tmp_path / "groups"))

    def write(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(f"{text}\n")

    return write


def test_the_limits_of_machine_and_process_count(system, monkeypatch):
    assert machine.available_memory() == 10**9 * 4096
    system({"proc/meminfo": "MemFree: 9 kB\nMemAvailable:  7000 kB\nSwapFree: 42 kB"})
    assert machine.available_memory() == 7042 * 1024
    system({"proc/self/statm": "9 8 7 6 0 5 0"})  # what this process has already is its own
    assert machine.available_memory() == 7042 * 1024 + 5 * 4096
    monkeypatch.setattr(resource, "getrlimit", lambda _: (4_000_000, -1))
    assert machine.available_memory() == 4_000_000


# What control groups there are, and what they allow where 3,072 bytes of swap are free.
SLURM = "slurm/uid_0/job_7/step_0"
GROUPS = [
    ("0::/", {"memory.max": 5000}, 8072),
    ("0::/", {"memory.max": "max"}, None),
    ("0::/", {}, None),
    (f"0::/{SLURM}", {f"{SLURM}/memory.max": 5000}, 8072),
    (f"0::/{SLURM}", {f"{SLURM}/memory.max": "max", "slurm/uid_0/job_7/memory.max": 5000}, 8072),
    (f"0::/{SLURM}", {f"{SLURM}/memory.max": 6000, "slurm/memory.max": 5000}, 8072),
    ("0::/a", {"a/memory.max": 5000, "b/memory.max": 10}, 8072),
    ("0::/a", {"a/memory.max": 9000, "a/memory.high": 5000}, 8072),
    ("0::/a", {"a/memory.max": 5000, "a/memory.swap.max": 0}, 5000),
    ("0::/a", {"a/memory.max": 5000, "a/memory.swap.max": 700}, 5700),
    ("0::/a", {"a/memory.max": 5000, "a/memory.swap.max": "max"}, 8072),
    ("0::/a", {"unified/a/memory.max": 5000}, 8072),
    ("0::/../../other", {"memory.max": 5000}, 8072),
    ("4:memory:/a/b\n0::/", {"memory/a/b/memory.limit_in_bytes": 5000}, 8072),
    ("4:cpu,memory:/a/b", {"memory/a/memory.limit_in_bytes": 5000}, 8072),
    ("4:memory:/docker/7", {"memory/memory.limit_in_bytes": 5000}, 8072),  # as seen inside of it
    ("4:memory:/a", {"memory/a/memory.limit_in_bytes": 5000, "memory/a/memory.memsw.limit_in_bytes": 5100}, 5100),
    ("4:memory:/a", {"memory/a/memory.limit_in_bytes": 9223372036854771712}, None),
    ("5:cpuset:/a", {"memory/a/memory.limit_in_bytes": 5000}, None),
    ("0::/a:b", {"a:b/memory.max": 5000}, 8072),
    ("0::/a", {"a/memory.max": "a lot"}, None),
    ("nonsense", {"memory.max": 5000}, None),
]  # fmt: skip


@pytest.mark.parametrize(("groups", "files", "expected"), GROUPS)
def test_the_limits_of_containers_and_jobs_count(groups, files, expected, system):
    machine_has = {"proc/meminfo": "MemAvailable: 1000000 kB\nSwapFree: 3 kB"}
    system(
        machine_has | {"proc/self/cgroup": groups} | {f"groups/{f}": n for f, n in files.items()}
    )
    everything = 1_000_003 * 1024
    assert machine.available_memory() == (everything if expected is None else expected)


def test_a_command_leaves_the_limit_of_its_process_as_it_was(bpcli, monkeypatch):
    before, found = resource.getrlimit(resource.RLIMIT_DATA), []

    def available():
        found.append(resource.getrlimit(resource.RLIMIT_DATA))
        return machine._taken_memory() + 2_000_000_000

    monkeypatch.setattr(machine, "available_memory", available)
    for _ in range(3):
        bpcli("config")
    assert found == 3 * [before]  # none has found what another one had set
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


HUGE = [
    "network.hidden=[1000000000]",
    "network.hidden=[300000, 300000]",
    "network.hidden=[1e12]",
    "network.hidden=[1000000, 1000000]",
    "network.hidden=[1e12, 1e12]",
]


@pytest.mark.parametrize("command", ["train -o m.npz", "gradcheck"])
@pytest.mark.parametrize("override", HUGE)
def test_huge_nets_are_refused_in_a_sentence(shell, command, override, folder):
    process = shell(*command.split(), "-s", override)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout, stderr.count("\n")) == (2, "", 1)
    assert stderr.startswith("out of memory: Unable to allocate ")
    assert stderr.endswith("make network.hidden or training.batch_size smaller, or the data\n")
    assert os.listdir(folder) == []


# What a run takes that does not fit into so many megabytes on top of what importing takes.
TOO_MUCH = [
    ["network.hidden=[20000, 2000]"],
    ["network.hidden=[20000]", "optimizer.method=adam", "network.activation=sigmoid"],
    ["network.hidden=[3000]", "training.batch_size=20000"],
    ["training.batch_size=200000"],
    ["distortion.alpha=34", "distortion.sigma=4", "training.batch_size=40000"],
]


@pytest.mark.parametrize("values", TOO_MUCH, ids=str)
def test_what_does_not_fit_ends_before_the_system_kills_it(values, tmp_path):
    limit = 300_000_000
    code = (
        "import resource, sys, numpy; from bpcli.cli.main import main; import bpcli.training, tqdm\n"
        "from bpcli import machine\n"
        "line = next(x for x in open('/proc/self/status') if x.startswith('VmData'))\n"
        f"machine.available_memory = lambda: int(line.split()[1]) * 1024 + {limit}\n"
        "main(sys.argv[1:], prog_name='bpcli')"
    )
    options = [part for value in values for part in ("-s", value)]
    options += ["-s", "training.iterations=2", "-o", str(tmp_path / "m.npz"), "-q"]
    done = subprocess.run(
        [sys.executable, "-c", code, "train", *options], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith("out of memory: ")
    assert os.listdir(tmp_path) == []


def test_what_fits_is_trained(tmp_path, shell):
    """A limit that the machine itself sets, far above what the book's net takes."""
    process = subprocess.Popen(
        ["sh", "-c", f"ulimit -d 2000000; exec {sys.executable} -m bpcli train "
         f"-s training.iterations=30 -s network.weight_init=he -q -o {tmp_path}/m.npz"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (0, "")
    assert "test accuracy" in stdout


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
