"""The rules of the house: where things are, and which way data flows."""

import ast
import functools
import graphlib
import importlib
import inspect
import re
import subprocess
import sys
import tomllib

import pytest
from tiny import ROOT

import bpcli
from bpcli.backprop import build_network, build_optimizer, build_schedule
from bpcli.data import Distortion, load_dataset
from bpcli.training.config import (
    DatasetConfig,
    DistortionConfig,
    NetworkConfig,
    OptimizerConfig,
)

HOUSE = ROOT / "bpcli"
STONES = [
    "errors",
    "arrays",
    "machine",
    "memory",
    "__init__",
]  # each imports only from those before it
WINGS = [
    "backprop",
    "files",
    "gradcheck",
    "data",
    "training",
    "export",
    "tuning",
    "teaching",
    "show",
    "notebook",
    "cli",
]  # and these likewise
PATHS = sorted(HOUSE.rglob("*.py"))
LINES, FUNCTION = 330, 50  # at most; a module is at home under 250 lines, a function under 40
NETWORK = {"socket", "urllib", "http", "ftplib", "requests", "ssl", "pickle", "subprocess"}


def room(path):
    """`backprop.graph` for bpcli/backprop/graph.py, `backprop` for the __init__ of the wing."""
    parts = path.relative_to(HOUSE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


ROOMS = {room(path): path for path in PATHS}
every_room = pytest.mark.parametrize("name", ROOMS)


@functools.cache
def tree(name):
    return ast.parse(ROOMS[name].read_text())


def imports(name):
    """The rooms that a room imports, at its top or inside functions."""
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: say whose room it is"
            module = node.module.split(".")
            if module[0] == "bpcli":
                for alias in node.names:
                    inside = ".".join([*module[1:], alias.name])
                    yield inside if inside in ROOMS else ".".join(module[1:]) or "__init__"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "bpcli":
                    yield alias.name.partition(".")[2] or "__init__"


def functions(name):
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.FunctionDef):
            yield node


def test_the_house_has_eleven_wings_and_few_other_entries():
    assert tuple(WINGS) == bpcli.WINGS
    entries = [path.name for path in HOUSE.iterdir() if path.name != "__pycache__"]
    assert {path.name for path in HOUSE.iterdir() if path.is_dir()} - {"__pycache__"} == set(WINGS)
    assert len(entries) <= 18


@every_room
def test_a_wing_imports_only_from_wings_below_it(name):
    floors = [*STONES, *WINGS, "__main__"]
    floor = floors.index(name.split(".")[0])
    for imported in imports(name):
        below = floors.index(imported.split(".")[0])
        assert below < floor or (below == floor and "." in imported), imported


@pytest.mark.parametrize("wing", WINGS)
def test_inside_a_wing_imports_go_one_way(wing):
    inside = [name for name in ROOMS if name.startswith(f"{wing}.")]
    found = {name: {i for i in imports(name) if i.split(".")[0] == wing} for name in inside}
    assert any(found.values())
    list(graphlib.TopologicalSorter(found).static_order())  # raises if there is a cycle


def test_the_chapter_imports_numpy_and_two_stones():
    allowed = {"numpy", "bpcli"} | sys.stdlib_module_names
    for name in ROOMS:
        if name.startswith("backprop"):
            others = {i for i in imports(name) if not i.startswith("backprop")}
            assert others <= {"arrays", "errors"}
            for node in ast.walk(tree(name)):
                if isinstance(node, ast.Import):
                    assert {alias.name.split(".")[0] for alias in node.names} <= allowed
                elif isinstance(node, ast.ImportFrom):
                    assert node.module.split(".")[0] in allowed


@every_room
def test_no_room_climbs_by_way_of_the_house_itself(name):
    """`import bpcli` reaches every wing, and so does an import by a name that is only a text."""
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            assert "bpcli" not in {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "bpcli":
            own = {alias.name for alias in node.names} - ROOMS.keys() - set(WINGS)
            assert own <= {"__version__"}
    if name not in (
        "__init__",
        "cli.main",
    ):  # which fetch a wing, and a command, when it is asked for
        text = ROOMS[name].read_text()
        assert not re.search(r"(import_module|__import__)\(\s*f?[\"']bpcli", text)


@pytest.mark.parametrize(
    ("package", "room"),
    [
        ("PIL", "files.image"),
        ("jinja2", "show.page.page"),
        ("safetensors", "export.safetensors"),
        ("onnx", "export.onnx"),
        ("psycopg", "tuning.postgres"),
    ],
)
def test_an_optional_package_is_imported_in_one_room(package, room):
    assert rooms_of(package) == {room}


def test_matplotlib_is_known_where_sheets_and_charts_are_drawn():
    assert rooms_of("matplotlib") == {"show.plot", "show.chart.draw"}


def rooms_of(package):
    return {
        name
        for name, path in ROOMS.items()
        if re.search(rf"^\s*(import|from) {package}\b", path.read_text(), re.M)
    }


@every_room
def test_the_first_line_says_what_goes_in_and_what_comes_out(name):
    assert re.match(r'""".+ -> .+', ROOMS[name].read_text().splitlines()[0])


@pytest.mark.parametrize("wing", [wing for wing in WINGS if wing not in ("files", "cli")])
def test_a_wing_hands_on_its_public_names(wing):
    module = importlib.import_module(f"bpcli.{wing}")
    assert len(module.__all__) > 3
    assert all(hasattr(module, name) for name in module.__all__)


@every_room
def test_modules_and_functions_fit_on_a_few_screens(name):
    assert len(ROOMS[name].read_text().splitlines()) <= LINES
    for function in functions(name):
        assert function.end_lineno - function.lineno < FUNCTION, function.name


@every_room
def test_only_the_command_line_prints_and_knows_click(name):
    names = {node.id for node in ast.walk(tree(name)) if isinstance(node, ast.Name)}
    imported = {
        word.split(".")[0]
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for word in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
    }
    if not name.startswith("cli"):
        assert "print" not in names
        assert not {"click", "tqdm"} & imported


@every_room
def test_only_the_terminal_exits(name):
    # These end processes of their own, or are told of the exits of others.
    guests = [f"gradcheck.foreign.{room}" for room in ("channel", "child", "guard")]
    if name not in ("cli.shell", "cli.terminal", *guests):
        assert not re.search(r"\bexit\(|SystemExit|os\._exit|os\.abort", ROOMS[name].read_text())


def test_text_leaves_by_one_door_and_csv_is_written_in_one_room():
    """What nobody's text may do to a terminal or a spreadsheet is seen to there."""
    echoes = {name for name, path in ROOMS.items() if "click.echo(" in path.read_text()}
    assert echoes == {"cli.terminal"}
    assert {name for name in ROOMS if "csv.writer" in ROOMS[name].read_text()} == {"show.text"}


@every_room
def test_randomness_and_the_environment_are_arguments(name):
    text = ROOMS[name].read_text()
    allowed = {"default_rng", "SeedSequence", "Generator"}
    if name.startswith(("gradcheck.foreign.", "gradcheck.rewind")):
        # Other people's code draws from what is global, which has to be put back.
        allowed |= {"seed", "get_state", "set_state", "RandomState"}
        text = text.replace("import random", "")
    assert set(re.findall(r"np\.random\.(\w+)", text)) <= allowed
    assert "import random" not in text
    if name != "machine" and not name.startswith("cli."):
        assert "environ" not in text
        assert "getenv" not in text


@every_room
def test_white_has_its_one_name(name):
    numbers = [node.value for node in ast.walk(tree(name)) if isinstance(node, ast.Constant)]
    if not name.startswith("tuning"):  # which knows no image, but how long names in a database are
        assert numbers.count(255) == (name == "arrays")


@every_room
def test_nothing_reaches_the_network_or_unpickles(name):
    text = ROOMS[name].read_text()
    if name == "gradcheck.foreign.process":  # runs other people's code, far from here
        text = text.replace("import subprocess", "")
    assert not NETWORK & set(re.findall(r"^\s*(?:import|from) (\w+)", text, re.M))


# What asks a system for a file, or for what stands at a path.
DOORS = {
    "copyfile", "copyfileobj", "copytree", "exists", "expanduser", "fdopen", "glob", "hardlink_to",
    "is_dir", "is_file", "is_symlink", "isdir", "isfile", "islink", "iterdir", "lexists", "listdir",
    "lstat", "makedirs", "mkdir", "open", "read_bytes", "read_text", "readlink", "realpath",
    "rename", "resolve", "rglob", "rmdir", "rmtree", "samefile", "scandir", "stat", "symlink_to",
    "touch", "unlink", "write_bytes", "write_text",
}  # fmt: skip
GATEHOUSE = ("files.path", "files.atomic", "files.locks")
KEYS_OF_THEIR_OWN = {
    "memory": {"Path(*path).read_text"},  # what /proc and /sys say
    "gradcheck.foreign.guard": {"os.open", "Path(f'/proc/{own}/task/{own}/children').read_text"},
    "gradcheck.foreign.child": {"os.open"},  # nothing in place of the streams, as the guard
    "training.own.child": {"os.fdopen"},  # an end of a pipe
    "training.own.process": {"os.fdopen"},  # and the other
    "cli.terminal": {"os.open"},  # nothing in place of a stream that fails
    "files.archive": {"archive.open"},  # members of what has been opened
    "files.model": {"archive.open"},
    "files.image": {"Image.open", "os.open"},  # pictures of what has been opened; see cli.terminal
}


@every_room
def test_only_the_gatehouse_opens_files_and_looks_what_stands_there(name):
    if name in GATEHOUSE:
        return
    nodes = list(ast.walk(tree(name)))
    called = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
    asked = {ast.unparse(n) for n in nodes if isinstance(n, ast.Attribute) and n.attr in DOORS}
    own = {text for text in asked if text.endswith(".open")} - called  # which is a word of a room's
    assert (asked - own) | (called & {"open"}) == KEYS_OF_THEIR_OWN.get(name, set())


def test_floating_point_warnings_are_silenced_in_few_rooms():
    rooms = {name for name, path in ROOMS.items() if "np.errstate" in path.read_text()}
    assert rooms == {
        "backprop.expression", "gradcheck.check", "gradcheck.foreign.check", "show.steps",
        "teaching.against.child", "training.evaluation", "training.loop",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("section", "rooms"),
    [
        (DatasetConfig, [load_dataset]),
        (DistortionConfig, [Distortion]),
        (NetworkConfig, [build_network]),
        (OptimizerConfig, [build_optimizer, build_schedule]),
    ],
)
def test_a_section_of_the_configuration_is_the_arguments_of_its_room(section, rooms):
    found = [p for room in rooms for p in inspect.signature(room).parameters.values()]
    arguments = {parameter.name: parameter.default for parameter in found}
    for name, default in vars(section()).items():
        assert name in arguments
        assert arguments[name] in (default, inspect.Parameter.empty)


@pytest.mark.parametrize("wing", ["backprop", "gradcheck"])
def test_the_chapter_needs_neither_yaml_nor_click(wing):
    code = f"import bpcli.{wing}, sys; print({{'yaml', 'click', 'tqdm'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_top_level_holds_what_it_should_and_no_more(tracked):
    names = {line.split("/")[0] for line in tracked}
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
