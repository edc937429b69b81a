"""The wheel, installed away from the checkout with what it declares and nothing else, works."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import venv
import zipfile
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


def test_every_configuration_is_there_by_its_name(environment, tmp_path):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    configs = ROOT / "configs"
    names = [path.relative_to(configs).with_suffix("") for path in configs.rglob("*.yaml")]
    assert len(names) > 10
    for name in names[:3]:
        found = call(environment / "bin/bpcli", "config", name, cwd=tmp_path, env=clean)
        assert found == call(environment / "bin/bpcli", "config", configs / f"{name}.yaml")


def repack(name, folder):
    """Make a wheel of an installed package again."""
    distribution = importlib.metadata.distribution(name)
    tags = re.findall(r"^Tag: (.*)-(.*)-(.*)$", distribution.read_text("WHEEL"), re.M)
    tag = "-".join(".".join(dict.fromkeys(parts)) for parts in zip(*tags, strict=True))
    stem = distribution.metadata["Name"].replace("-", "_").replace(".", "_")
    path = folder / f"{stem}-{distribution.version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file in distribution.files:
            if file.parts[0] != ".." and "__pycache__" not in file.parts:
                archive.write(file.locate(), str(file))


def test_it_installs_from_a_stick_without_network(tmp_path):
    registry, stick = tmp_path / "registry", tmp_path / "my stick"
    registry.mkdir()
    packages = "numpy", "click", "tqdm", "pyyaml", "pillow"
    for name in (
        *packages,
        "hatchling",
        "packaging",
        "pathspec",
        "pluggy",
        "tomlkit",
        "trove-classifiers",
    ):
        repack(name, registry)
    stick.mkdir()
    (stick / "bpcli_mnist-0.0.1-py3-none-any.whl").write_text("an older one")
    offline = os.environ | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(registry)}
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    call("make", f"STICK={stick}", "SYSTEMS=linux", "EXTRAS=image", f"PYTHONS_OF_STICK={version}", f"VENV={sys.prefix}",
         "-o", f"{sys.prefix}/installed", "stick", cwd=ROOT, env=offline)  # fmt: skip
    assert len(list(stick.iterdir())) == 1 + len(packages)
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    call(python, "-m", "pip", "install", "--no-index", "--find-links", stick, "bpcli-mnist[image]")
    assert "bpcli train" in call(tmp_path / "venv/bin/bpcli", "--help", cwd=tmp_path)


def test_a_stick_for_a_system_that_is_none_is_refused():
    done = subprocess.run(["make", "-n", "SYSTEMS=window", "stick"], cwd=ROOT, capture_output=True)
    assert done.returncode == 2
    assert b"SYSTEMS: found window, expected some of: linux windows mac" in done.stderr
