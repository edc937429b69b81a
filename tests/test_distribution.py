"""What is published holds the house and no more; installed alone, with what it declares, it works."""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from tiny import ROOT

from bpcli import __version__


def call(*args, **options):
    done = subprocess.run([*map(str, args)], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pip(*args):
    """Run pip so that it asks no registry."""
    call(
        sys.executable, "-m", "pip", *args, env=os.environ | {"PIP_NO_INDEX": "1", "PIP_QUIET": "1"}
    )


@pytest.fixture(scope="module")
def light(tracked, tmp_path_factory):
    """A copy of the checkout with MNIST's files empty, as packing them takes seconds."""
    folder = tmp_path_factory.mktemp("light")
    for name in tracked:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("ubyte"):
            (folder / name).touch()
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def published(light, tmp_path_factory):
    """A source distribution, and the wheel that is built of it."""
    folder = tmp_path_factory.mktemp("dist")
    # Without isolation, so that the build tool that is installed is taken, and no registry asked.
    call(
        sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, cwd=light
    )  # fmt: skip
    return sorted(folder.iterdir(), key=lambda path: path.suffix)


def test_what_is_published_is_described_as_a_registry_wants_it(published):
    call(sys.executable, "-m", "twine", "check", "--strict", *published)
    assert [path.name for path in published] == [
        f"bpcli_mnist-{__version__}.tar.gz", f"bpcli_mnist-{__version__}-py3-none-any.whl"
    ]  # fmt: skip


def test_what_is_published_holds_the_house_and_no_more(published, tracked):
    sdist, wheel = published
    with tarfile.open(sdist) as archive:
        found = {name.partition("/")[2] for name in archive.getnames()}
    here = {name for name in tracked if not name.startswith((".ci/", ".github/", ".gitattributes"))}
    assert found == here | {"PKG-INFO"}
    with zipfile.ZipFile(wheel) as archive:
        found = set(archive.namelist())
    info = f"bpcli_mnist-{__version__}.dist-info"
    licenses = [f"{info}/licenses/{name}" for name in ("LICENSE", "bpcli/data/mnist/SOURCE")]
    assert found == {
        *(name for name in here if name.startswith("bpcli/")),
        *(f"bpcli/{name}" for name in here if name.startswith("configs/")),
        *(f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")),
        *licenses,
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    pip("wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", folder, ROOT)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """An empty environment with the wheel and the packages that its metadata names."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin/python"
    pip("--python", python, "install", "--no-deps", wheel)
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
    assert wheel.stat().st_size < 12_500_000


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


def test_it_installs_from_a_stick_without_network(light, tmp_path):
    registry, stick = tmp_path / "registry", tmp_path / "my stick"
    registry.mkdir()
    packages = "numpy", "click", "tqdm", "pyyaml", "pillow"
    build = "hatchling", "packaging", "pathspec", "pluggy", "tomlkit", "trove-classifiers"
    for name in packages + build:
        repack(name, registry)
    stick.mkdir()
    (stick / "bpcli_mnist-0.0.1-py3-none-any.whl").write_text("an older one")
    offline = os.environ | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(registry)}
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    call("make", f"STICK={stick}", "SYSTEMS=linux", "EXTRAS=image", f"PYTHONS_OF_STICK={version}", f"VENV={sys.prefix}",
         "-o", f"{sys.prefix}/installed", "stick", cwd=light, env=offline)  # fmt: skip
    assert len(list(stick.iterdir())) == 1 + len(packages)
    venv.create(tmp_path / "venv")
    pip(
        "--python", tmp_path / "venv/bin/python",
        "install", "--no-compile", "--find-links", stick, "bpcli-mnist[image]",
    )  # fmt: skip
    assert "bpcli train" in call(tmp_path / "venv/bin/bpcli", "--help", cwd=tmp_path)


def test_a_stick_for_a_system_that_is_none_is_refused():
    done = subprocess.run(["make", "-n", "SYSTEMS=window", "stick"], cwd=ROOT, capture_output=True)
    assert done.returncode == 2
    assert b"SYSTEMS: found window, expected some of: linux windows mac" in done.stderr
