"""A run that does not fit is refused in a sentence, before the system kills it."""

import re
import resource
import subprocess
import sys
import tempfile

import numpy as np
import pytest

from bpcli import memory
from bpcli.config import load_config
from bpcli.dataset import Dataset, Split, load_dataset
from bpcli.errors import ConfigError
from bpcli.memory import check_memory, needed


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("network.hidden=[1000000000]", r"network.hidden: this run needs 27,752.0 GB of memory"),
        ("network.hidden=[300000, 300000]", r"network.hidden: this run needs [\d,.]+ GB of memory"),
        ("network.hidden=[1e12]", r"network.hidden: this run needs [\d,.]+ GB of memory"),
    ],
)
def test_huge_nets_are_refused_with_the_memory_that_they_need(bpcli, override, message, tmp_path):
    result = bpcli("train", "-s", override, "-o", tmp_path / "m.npz", code=2)
    assert re.match(message, result.stderr)
    assert result.stderr.endswith("make it smaller\n")


def test_a_huge_mini_batch_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 10**9)
    with pytest.raises(ConfigError, match=r"training.batch_size: this run needs 1\d\.\d GB"):
        check_memory(load_config(overrides=["training.batch_size=1000000"]), load_dataset())


def dataset(count, height, width):
    """A dataset of as many blank images, which takes no memory."""
    images = np.broadcast_to(np.uint8(0), (count, height * width))
    labels = np.broadcast_to(np.uint8(0), count)
    split = Split("train", images, labels, "blank", (height, width))
    return Dataset(split, split)


@pytest.mark.parametrize(
    ("shape", "values", "message"),
    [
        (
            (9, 256, 256),
            ["distortion.alpha=34", "distortion.sigma=1"],
            r"distortion.sigma: .* larger",
        ),
        ((9, 1, 50_000), ["distortion.alpha=34", "distortion.sigma=1000"], "dataset.source: "),
        ((9, 10**4, 10**5), [], r"dataset.source: .* smaller ones"),
        ((10**9, 1, 1), [], r"dataset.source: .* fewer images"),
    ],
)
def test_data_that_need_too_much_are_refused(shape, values, message, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 10**10)
    small = ["network.hidden=[1]", "training.batch_size=1"]
    check_memory(load_config(overrides=small), dataset(9, 28, 28))
    with pytest.raises(ConfigError, match=message):
        check_memory(load_config(overrides=[*small, *values]), dataset(*shape))


def test_the_limits_of_process_and_container_count(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "CGROUP", tmp_path / "memory.max")
    machine = memory.available()
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available() == machine
    (tmp_path / "memory.max").write_text("5000000\n")
    assert memory.available() == 5_000_000
    monkeypatch.setattr(resource, "getrlimit", lambda _: (4_000_000, -1))
    assert memory.available() == 4_000_000


def peak_memory(*overrides):
    """The bytes that a process takes at most which trains so."""
    code = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)"
    )
    with tempfile.TemporaryDirectory() as folder:
        options = [part for override in overrides for part in ("-s", override)]
        train = [sys.executable, "-m", "bpcli", "train", "-o", f"{folder}/m.npz", *options]
        command = [sys.executable, "-c", code, *train]
        return int(subprocess.run(command, capture_output=True, check=True).stdout)


@pytest.mark.parametrize(("method", "alpha"), [("sgd", "0"), ("adam", "0"), ("sgd", "8")])
def test_the_estimate_is_near_what_training_takes(tiny_options, method, alpha):
    values = [
        "training.batch_size=1000",
        "training.iterations=1",
        f"optimizer.method={method}",
        "network.dropout=0.5",
        f"distortion.alpha={alpha}",
    ]
    values = [*tiny_options[1::2], *values]
    small, large = "network.hidden=[10]", "network.hidden=[4000, 2000]"
    took = peak_memory(*values, large) - peak_memory(*values, small)
    config = load_config(overrides=[*values, large])
    estimate = sum(needed(config, load_dataset(config.dataset.source)).values())
    assert 0.6 * estimate < took < 1.2 * estimate
