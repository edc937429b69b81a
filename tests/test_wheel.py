"""The wheel, installed away from the checkout with what it declares and nothing else, works."""

import importlib.metadata
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from tiny import ROOT


def call(*args, **options):
    done = subprocess.run([*map(str, args)], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    # Without isolation, so that pip takes the build tool that is installed and asks no registry.
    call(
        sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--no-index",
        "--quiet", "--wheel-dir", folder, ROOT,
    )  # fmt: skip
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """An empty environment with the wheel and the packages that its metadata names."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin/python"
    call(
        sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel
    )
    site = Path(
        call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    )
    code = "import importlib.metadata as m; print('\\n'.join(m.requires('bpcli-mnist')))"
    for requirement in call(python, "-c", code).splitlines():
        if "extra ==" in requirement:
            continue
        for file in importlib.metadata.files(requirement.split(">")[0]):
            installed = Path(file.locate()).parents[len(file.parts) - 1]
            top = file.parts[0]
            if top != ".." and not (site / top).exists():
                (site / top).symlink_to(installed / top)
    return folder


def test_the_wheel_is_called_bpcli_mnist_and_is_small(wheel):
    assert wheel.name.startswith("bpcli_mnist-")
    assert wheel.stat().st_size < 12_000_000


def test_it_trains_away_from_the_checkout(environment, tmp_path):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    options = {"cwd": tmp_path, "env": clean}
    bpcli = environment / "bin/bpcli"
    lines = call(bpcli, "train", "--json", "-s", "training.iterations=700", **options).splitlines()
    assert json.loads(lines[-1])["test_accuracy"] > 0.85
    assert json.loads(call(bpcli, "eval", "model.npz", "--json", **options))["images"] == 10_000
    where = call(environment / "bin/python", "-c", "import bpcli; print(bpcli.__file__)", **options)
    assert where.startswith(str(environment))
    assert "bpcli train" in call(environment / "bin/python", "-m", "bpcli", "--help", **options)
