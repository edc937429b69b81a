"""How much memory there is for bpcli: what asks for more gets a sentence, before it is too late."""

import os
import re
import resource
import subprocess
import sys

import pytest

from bpcli import machine, memory


@pytest.fixture
def system(monkeypatch, tmp_path):
    """Write files of a false /proc and /sys/fs/cgroup, of a process without limits of its own."""
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda _: unlimited)
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 10**9}.__getitem__)
    monkeypatch.setattr(memory, "PROC", str(tmp_path / "proc"))
    monkeypatch.setattr(memory, "CGROUPS", str(tmp_path / "groups"))

    def write(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(f"{text}\n")

    return write


def test_the_limits_of_machine_and_process_count(system, monkeypatch):
    assert memory.available_memory() == 10**9 * 4096
    system({"proc/meminfo": "MemFree: 9 kB\nMemAvailable:  7000 kB\nSwapFree: 42 kB"})
    assert memory.available_memory() == 7042 * 1024
    system({"proc/self/statm": "9 8 7 6 0 5 0"})  # what this process has already is its own
    assert memory.available_memory() == 7042 * 1024 + 5 * 4096
    monkeypatch.setattr(resource, "getrlimit", lambda _: (4_000_000, -1))
    assert memory.available_memory() == 4_000_000


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
    assert memory.available_memory() == (everything if expected is None else expected)


def test_a_command_leaves_the_limit_of_its_process_as_it_was(bpcli, monkeypatch):
    before, found = resource.getrlimit(resource.RLIMIT_DATA), []

    def available():
        found.append(resource.getrlimit(resource.RLIMIT_DATA))
        return memory._taken_memory() + 2_000_000_000

    monkeypatch.setattr(memory, "available_memory", available)
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
        "from bpcli import memory\n"
        "line = next(x for x in open('/proc/self/status') if x.startswith('VmData'))\n"
        f"memory.available_memory = lambda: int(line.split()[1]) * 1024 + {limit}\n"
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


COMMANDS = ["config", "graph x x=2", "gradcheck -s network.hidden=[3] --elements 4", "data"]


def limited(shell, kind, size, command):
    """What a command says where the shell limits the memory of its process, in kilobytes."""
    arguments = [sys.executable, "-m", "bpcli", *command.split()]
    return subprocess.run(
        ["sh", "-c", f'ulimit -{kind} {size}; exec "$@"', "sh", *arguments],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("kind", "size"), [("v", 60_000), ("v", 95_000), ("v", 150_000), ("d", 30_000), ("d", 60_000), ("d", 90_000)]
)  # fmt: skip
def test_a_limit_without_room_for_numpy_is_told(kind, size, command, shell):
    """OpenBLAS ended the process with words of its own, or Python with a traceback, or never."""
    done = limited(shell, kind, size, command)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert re.match(
        rf"out of memory: .*ulimit -{kind}.* leaves \d+ MB, expected \d+0 MB or more for numpy",
        done.stderr,
    )


@pytest.mark.skipif(os.cpu_count() < 2, reason="needs two cores")
@pytest.mark.parametrize("asked", [{"OMP_NUM_THREADS": "2"}, "--threads 2"])
def test_each_thread_takes_room_of_its_own(asked, shell, monkeypatch):
    command = "gradcheck -s network.hidden=[3] --elements 4"
    assert limited(shell, "v", 270_000, command).returncode == 0
    if isinstance(asked, dict):
        for name in machine.VARIABLES:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(*asked.popitem())
    done = limited(shell, "v", 270_000, f"{command} {asked if isinstance(asked, str) else ''}")
    assert done.returncode == 2
    assert "expected 272 MB" in done.stderr


@pytest.mark.parametrize("size", [40_000, 100_000])
def test_help_needs_no_room(size, shell):
    done = limited(shell, "v", size, "--help")
    assert (done.returncode, done.stderr) == (0, "")


def test_enough_room_is_enough(shell):
    assert limited(shell, "v", 1_000_000, "gradcheck -s network.hidden=[3]").returncode == 0
    assert limited(shell, "d", 1_000_000, "gradcheck -s network.hidden=[3]").returncode == 0
