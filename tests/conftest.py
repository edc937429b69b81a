"""What the tests share: a small data set in real IDX files, and ways to call bpcli."""

import os

# One BLAS thread, as the command line has it; the environment is read when numpy is imported.
for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[name] = "1"

import gzip
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import settings

from bpcli.cli import main
from bpcli.config import load_config
from bpcli.training import set_up

settings.register_profile("default", deadline=None, derandomize=True)
settings.load_profile("default")

ROOT = Path(__file__).parent.parent


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="the long forms of the slow tests")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def bpcli():
    """Call the command line in this process."""

    def call(*args, code=0) -> Result:
        result = CliRunner().invoke(main, [str(arg) for arg in args], prog_name="bpcli")
        assert result.exit_code == code, (result.exit_code, result.output, result.exception)
        return result

    return call


@pytest.fixture
def shell():
    """Start the command line as a process of its own."""

    def start(*args, **options) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "bpcli", *map(str, args)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, **(pipes | options))

    return start


def write_idx(path, array):
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    data = header + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def make_images(count, rng, size=6, classes=4):
    """Images that a small net can tell apart: each class has a bright square of its own."""
    labels = np.arange(count) % classes
    images = rng.integers(0, 60, (count, size, size))
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 2)
        image[3 * row : 3 * row + 2, 3 * column : 3 * column + 2] += 150
    return images, labels


def write_folder(folder, rng, *, train=120, test=40, dash="-", end=""):
    folder.mkdir(exist_ok=True)
    for prefix, count in (("train", train), ("t10k", test)):
        images, labels = make_images(count, rng)
        write_idx(folder / f"{prefix}-images{dash}idx3-ubyte{end}", images)
        write_idx(folder / f"{prefix}-labels{dash}idx1-ubyte{end}", labels)
    return folder


@pytest.fixture
def tiny(tmp_path, rng):
    """A folder of IDX files: 120 training and 40 test images of 6 x 6 pixels, four classes."""
    return write_folder(tmp_path / "tiny", rng)


@pytest.fixture
def tiny_options(tiny):
    """Options that make a training run on the small data set take milliseconds."""
    values = {
        "dataset.source": tiny,
        "network.hidden": "[8]",
        "network.weight_init": "he",
        "training.batch_size": 10,
        "training.iterations": 60,
        "training.evaluate_every": 12,
    }
    return [part for key, value in values.items() for part in ("-s", f"{key}={value}")]


@pytest.fixture
def make_run(tiny_options):
    """Set up a run on the small data set, with overrides."""

    def make(*overrides):
        return set_up(load_config(overrides=[*tiny_options[1::2], *overrides]))

    return make
