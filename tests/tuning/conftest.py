"""What the tests of studies share: a command that takes a second, and a PostgreSQL of their own."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from signs import HANG, wait_until

from bpcli.tuning import Waiting, processes

pytest.importorskip("optuna")


def find_workers(process):
    """The processes in which a command runs its trials."""
    command = ["pgrep", "-P", str(process.pid), "-f", "spawn_main"]
    found = subprocess.run(command, capture_output=True, text=True).stdout
    return [int(pid) for pid in found.split()]


@pytest.fixture
def tune(bpcli, monkeypatch):
    """Run a study whose trials run in this process, too: what they come to is the same."""

    class Here:
        def __init__(self, _run, tuning, storage):
            processes.run_trials(tuning, storage, Waiting())
            self.process = SimpleNamespace(is_alive=lambda: False, exitcode=0, join=lambda: None)

        def listen(self):
            return ()

        def stop(self):
            pass

    def call(*args, code=0):
        with monkeypatch.context() as patch:
            patch.setattr(processes, "Worker", Here)
            return bpcli("tune", *args, code=code)

    return call


@pytest.fixture
def workers_of():
    return find_workers


class Server:
    """A PostgreSQL in a folder of its own, that can be stopped and started."""

    def __init__(self, folder, programs):
        self.folder, self.programs = folder, programs
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.port = free_port()
        self.url = f"postgresql://{self.user}@127.0.0.1:{self.port}/postgres"

    def run(self, program, *args):
        command = [str(self.programs / program), *map(str, args)]
        if os.geteuid() == 0:  # it does not run as root
            command = ["runuser", "-u", self.user, "--", *command]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=HANG)
        assert done.returncode == 0, done.stdout + done.stderr

    def make(self):
        self.run("initdb", "-D", self.folder / "data", "-A", "trust", "-U", self.user)

    def start(self):
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self.run(
            "pg_ctl",
            "-D",
            self.folder / "data",
            "-o",
            options,
            "-l",
            self.folder / "log",
            "-w",
            "start",
        )

    def stop(self):
        self.run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop")

    def ask(self, command):
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(command)


def find_programs():
    found = [Path(p).parent for p in [shutil.which("initdb")] if p]
    return [*found, *sorted(Path("/usr/lib/postgresql").glob("*/bin"))]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A PostgreSQL; the test is skipped where there is none."""
    pytest.importorskip("psycopg")
    programs = find_programs()
    if not programs:
        pytest.skip("needs PostgreSQL")
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    folder = Path(
        subprocess.check_output(["mktemp", "-d", "/tmp/bpcli-pg-XXXXXX"], text=True).strip()
    )
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    server = Server(folder, programs[-1])
    try:
        server.make()
        server.start()
    except AssertionError as error:
        pytest.skip(f"PostgreSQL does not start: {error}")
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


POOLER = """\
[databases]
* = host=127.0.0.1 port={server} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
pidfile = {folder}/pid
"""


@pytest.fixture
def pooler(server, database):
    """The address of a database behind a pooler, which lends few connections for a transaction."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program:
        pytest.skip("needs pgbouncer")
    folder = server.folder / "pooler"
    folder.mkdir(exist_ok=True)
    port, name = free_port(), database.rpartition("/")[2]
    values = {"server": server.port, "user": server.user, "port": port, "folder": folder}
    (folder / "ini").write_text(POOLER.format(**values))
    command = [program, str(folder / "ini")]
    if os.geteuid() == 0:
        shutil.chown(folder, server.user)
        command = ["runuser", "-u", server.user, "--", *command]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd="/", start_new_session=True, **quiet)
    wait_until(lambda: answers(port), process)
    yield f"postgresql://{server.user}@127.0.0.1:{port}/{name}"
    os.killpg(process.pid, signal.SIGTERM)
    process.wait()


def answers(port):
    with socket.socket() as other:
        return other.connect_ex(("127.0.0.1", port)) == 0


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def database(server):
    """The address of a fresh database."""
    name = f"study{time.monotonic_ns()}"
    server.ask(f"CREATE DATABASE {name}")
    return server.url.rpartition("/")[0] + f"/{name}"
