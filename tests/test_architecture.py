"""The rules of the house: where things are, and which way data flows."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from conftest import ROOT

# A module imports only from modules above it.
ORDER = [
    "__init__", "errors", "atomic", "blas", "document", "archive", "config", "warp", "picture", "dataset", "distortion", "graph", "expression", "layers", "network", "adversary", "drawing", "minibatch", "optimizer",
    "evaluation", "memory", "training", "numerical", "diagnosis", "comparison", "gradcheck", "checkpoint", "report", "terminal", "cli", "__main__",
]  # fmt: skip
MODULES = sorted((ROOT / "bpcli").glob("*.py"))


def imports(path):
    """The names that a module imports from bpcli, at its top or inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "bpcli":
            yield from (alias.name if alias.name in ORDER else "__init__" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("bpcli."):
            yield node.module.removeprefix("bpcli.")
        elif isinstance(node, ast.Import):
            yield from (
                a.name.removeprefix("bpcli.") for a in node.names if a.name.startswith("bpcli")
            )


def test_the_list_of_modules_is_complete():
    assert sorted(ORDER) == sorted(path.stem for path in MODULES)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_imports_go_one_way(path):
    above = ORDER[: ORDER.index(path.stem)]
    assert set(imports(path)) <= set(above)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_first_line_says_what_goes_in_and_what_comes_out(path):
    assert re.match(r'""".+ -> .+', path.read_text().splitlines()[0])


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_only_the_command_line_prints_and_knows_click(path):
    tree = ast.parse(path.read_text())
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
    }
    if path.stem not in ("terminal", "cli"):
        assert "print" not in names
        assert not {"click", "tqdm"} & imported


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_only_the_command_line_exits(path):
    if path.stem not in ("terminal", "cli"):
        assert not re.search(r"\bexit\(|SystemExit|os\._exit|os\.abort", path.read_text())


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_randomness_is_an_argument(path):
    allowed = {"default_rng", "SeedSequence", "Generator"}
    assert set(re.findall(r"np\.random\.(\w+)", path.read_text())) <= allowed
    assert "import random" not in path.read_text()


def test_sections_of_the_configuration_are_modules():
    from bpcli.config import SECTIONS

    assert set(SECTIONS) <= set(ORDER)


def test_the_top_level_holds_what_it_should_and_no_more():
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git checkout")
    names = {line.split("/")[0] for line in listing.stdout.splitlines()}
    assert {name for name in names if not name.startswith(".")} == {
        "bpcli", "configs", "tests", "pyproject.toml", "Makefile", "README.md", "LICENSE",
        "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md",
    }  # fmt: skip


def test_run_time_needs_four_packages_and_no_more():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {re.match(r"\w+", name)[0] for name in project["dependencies"]} == {
        "numpy", "click", "tqdm", "pyyaml",
    }  # fmt: skip
    assert project["name"] == "bpcli-mnist"


NETWORK = {"socket", "urllib", "http", "ftplib", "requests", "ssl", "pickle", "subprocess"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_nothing_reaches_the_network_or_unpickles(path):
    assert not NETWORK & set(re.findall(r"^\s*(?:import|from) (\w+)", Path(path).read_text(), re.M))
