"""Where bpcli is run: other terminals, locales, users, folders that have gone."""

import os
import pty
import resource
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

import pytest
from signs import HANG, end_what_hangs
from tiny import ROOT, write_folder


@pytest.fixture
def run(tmp_path):
    """Run the command line with other environment variables, and return what became of it."""

    def call(*args, env=None, **options):
        command = [sys.executable, "-m", "bpcli", *map(str, args)]
        return subprocess.run(
            command, env=os.environ | (env or {}), capture_output=True, text=True, timeout=HANG,
            **options,
        )  # fmt: skip

    return call


@pytest.mark.parametrize(
    "env",
    [
        {"TERM": "dumb", "COLUMNS": "200", "NO_COLOR": "1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "de_DE.ISO-8859-1", "PYTHONIOENCODING": "latin-1"},
        {"HOME": "/proc", "TMPDIR": "/nowhere"},
        {"HOME": ""},
    ],
    ids=str,
)
def test_the_surroundings_change_nothing(bpcli, one_by_one, tiny_options, tmp_path, env):
    model = tmp_path / "m.npz"
    train = ["train", *tiny_options, "-o", model, "-q"]
    plain = [["eval", model], ["gradcheck", "--model", model], ["config"]]
    mistakes = ["eval", model, "--mistakes", 3]
    done = one_by_one(train, *plain, mistakes, env=os.environ | env)
    assert [(one.code, one.stderr) for one in done] == [(0, "")] * len(done)
    for command, found in zip(plain, done[1:-1], strict=True):
        assert len(found.stdout.splitlines()) == len(bpcli(*command).stdout.splitlines())


@pytest.mark.parametrize("output", ["page.html", "curve.png", "curve.svg"])
def test_where_no_folder_of_the_user_can_be_written_it_draws_all_the_same(
    run, mnist_model, tmp_path, output
):
    pytest.importorskip("matplotlib")
    done = run("report", mnist_model, "-o", tmp_path / output, env={"HOME": "/proc"})
    assert (done.returncode, done.stderr) == (0, "")


def test_where_no_folder_at_all_can_be_written_it_says_what_to_do(tmp_path):
    pytest.importorskip("matplotlib")
    code = (
        "import tempfile, sys\n"
        "def refuse(*_args, **_options): raise FileNotFoundError('No usable temporary directory')\n"
        "tempfile.mkdtemp = refuse\n"
        "from bpcli.__main__ import run; run()"
    )
    arguments = ["graph", "x * 2", "x=1", "-o"]
    command = [sys.executable, "-c", code, *arguments]
    environment = os.environ | {"HOME": "/proc"}
    done = subprocess.run(
        [*command, tmp_path / "g.png"], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 2
    assert done.stderr == (
        "drawing needs a folder that can be written, for a list of fonts: name one in MPLCONFIGDIR\n"
    )
    done = subprocess.run(
        [*command, tmp_path / "g.svg"], capture_output=True, text=True, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(sys.version_info[:3] == (3, 13, 0), reason="it cannot import numpy there")
def test_a_folder_that_has_gone(run, tiny_options, tmp_path):
    gone = tmp_path / "gone"
    code = f"import os; os.chdir({str(gone)!r}); os.rmdir({str(gone)!r}); from bpcli.__main__ import run; run()"

    def call(*args):
        gone.mkdir()
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, args)], capture_output=True, text=True
        )

    done = call("train", *tiny_options, "-o", tmp_path / "m.npz", "-q")
    assert (done.returncode, done.stderr) == (0, "")
    done = call("train", *tiny_options, "-q")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("model.npz: cannot be reached: ")
    assert done.stderr.count("\n") == 1


def test_a_terminal_that_is_closed_does_not_end_training(tiny_options, tmp_path):
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, 80))
    model = tmp_path / "m.npz"
    options = ["-s", "training.iterations=500", "-o", str(model)]
    command = [sys.executable, "-m", "bpcli", "train", *map(str, tiny_options), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=follower)
    os.close(follower)
    os.read(leader, 1)
    os.close(leader)
    timer = end_what_hangs(process)
    assert process.wait() == 0
    timer.cancel()
    assert model.exists()


def test_a_disk_that_is_full_leaves_the_old_model(run, tiny_options, tmp_path):
    model = tmp_path / "m.npz"
    assert run("train", *tiny_options, "-o", model).returncode == 0
    before = model.read_bytes()

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))  # as if there were no more

    done = run("train", *tiny_options, "-o", model, preexec_fn=limit)
    assert done.returncode == 1
    assert done.stderr == f"{model}.part: could not be written: File too large\n"
    assert model.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["m.npz", "tiny"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_without_permission(rng):
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "bpcli").rglob("*.py")
        if path.name != "__init__.py"
    ]
    code = (
        # What is imported later may be in a folder that nobody may look into.
        f"import os, numpy.random, yaml, tqdm, shlex, {', '.join(modules)}\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "from bpcli.__main__ import run; run()"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        write_folder(folder / "data", rng)
        options = ["-s", f"dataset.source={folder / 'data'}", "-s", "training.iterations=1"]

        def as_nobody(*args):
            command = [sys.executable, "-c", code, *args]
            return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=HANG)

        done = as_nobody("train", *options)
        assert done.stderr == (
            "model.npz: could not be written: Permission denied; choose another file with -o\n"
        )
        assert done.returncode == 2
        (folder / "data" / "train-images-idx3-ubyte").chmod(0)
        done = as_nobody("gradcheck", *options)
        assert done.returncode == 2
        assert "cannot be read: Permission denied" in done.stderr
        assert done.stderr.count("\n") == 1
