"""What the README, the Makefile and the configurations say is what happens."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from photographs import Strokes, colour, lay
from signs import HANG
from tiny import ROOT

import bpcli
from bpcli.backprop import SoftmaxWithLoss
from bpcli.cli.main import SUMMARIES, main
from bpcli.data import load_split
from bpcli.training import load_config

README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
VENV = Path(sys.prefix)


def blocks(language, document=README):
    """The blocks of a language, whose lines that end in a backslash go on in the next one."""
    found = re.findall(rf"^```{language}\n(.*?)^```", document, re.M | re.S)
    return [re.sub(r" \\\n +", " ", block) for block in found]


def commands(document=README):
    """Each command of the console blocks of a document with the output that it shows."""
    for block in blocks("console", document):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            yield command, output.splitlines()


def masked(line):
    """The words of a line, without its numbers and its spaces."""
    return re.sub(r"[\s-]*(\d[\d.,e+-]*[\s-]*)+", " # ", line).strip()


# What takes a document's commands and programs long, and what does the same sooner: only the
# numbers that come are others.
SHORTER = {
    "iterations: 10000": "iterations: 2000",
    "10_000))": "1_000))",
    "--trials 6": "--trials 2",
    "in 1 0.01 xavier he;": "in 1 0.01;",
}


@pytest.fixture(scope="module")
def shorten(request):
    """Make a text that takes long a shorter one, unless the long forms of tests are asked for."""

    def call(text):
        for whole, part in {} if request.config.getoption("--long") else SHORTER.items():
            text = text.replace(whole, part)
        return text

    return call


@pytest.fixture(scope="module")
def clone(tmp_path_factory, shorten):
    """A copy of the checkout, in which the README's commands run one after the other."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("bpcli", "configs", "Makefile", "pyproject.toml", "tests"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("*ubyte"))
        else:
            shutil.copy(source, folder)
    config = folder / "configs/mnist.yaml"
    config.write_text(shorten(config.read_text()))
    (layers,) = [block for block in blocks("python") if block.startswith("# my_layers.py")]
    (folder / "my_layers.py").write_text(layers)
    ink = Strokes(load_split("mnist", "test").images[0]).draw(120, 9)
    page = colour(lay(ink, (300, 280), at=(70, 80)), [236, 232, 220], [40, 45, 70])
    page.save(folder / "seven.jpg", quality=90)
    write_kaggle(folder / "kaggle")
    return folder


def write_kaggle(folder):
    """2,000 images with labels, as Kaggle has them, and 300 without."""
    folder.mkdir()
    header = [f"pixel{i}" for i in range(784)]
    train, test = (load_split("mnist", name).images for name in ("train", "test"))
    labels = load_split("mnist", "train").labels
    rows = [["label", *header], *np.column_stack([labels, train])[:2000].tolist()]
    for name, table in (("train", rows), ("test", [header, *test[:300].tolist()])):
        text = "\n".join(",".join(map(str, row)) for row in table)
        (folder / f"{name}.csv").write_text(text + "\n")


def run(command, folder):
    """Run a shell command with this environment's programs, and make without installing anything."""
    installed = " ".join(f"-o {VENV}/{stamp}" for stamp in ("installed", "installed-dev"))
    dry = "-n" if "make test" in command else ""  # this is what make test runs
    command = re.sub(r"\bmake\b", f"make {dry} {installed}", command, count=1)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment = clean | {
        "PATH": f"{VENV}/bin:{os.environ['PATH']}",
        "VENV": str(VENV),
        "COLUMNS": "80",
    }
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=HANG,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_readme_is_short():
    assert len(README.splitlines()) < 200


@pytest.mark.parametrize("document", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_no_block_is_wider_than_the_page(document):
    for block in re.findall(r"^```\w+\n(.*?)^```", document, re.M | re.S):
        assert max(map(len, block.splitlines())) <= 98


def test_the_picture_that_the_readme_begins_with_is_what_bpcli_draws(tmp_path):
    """As its first command does, and alive."""
    (picture,) = re.findall(r"^!\[.*\]\((.*)\)$", README.partition("```")[0], re.M)
    command, _ = next(commands())
    drawn = tmp_path / "apples.svg"
    args = [*shlex.split(command)[1:], "-o", str(drawn), "--animate", "--theme", "auto"]
    assert CliRunner().invoke(main, args).exit_code == 0
    assert (ROOT / picture).read_bytes() == drawn.read_bytes()


def test_documents_run_and_print_what_they_show(clone, shorten):
    shown = [*commands(), *commands(CONTRIBUTING)]
    assert len(shown) >= 15
    for command, expected in shown:
        code, output = run(shorten(command), clone)
        assert "Traceback" not in output, (command, output)
        assert code == (1 if "my_layers" in command else 0), (command, output)
        lines = iter([masked(line) for line in output.splitlines()])
        for line in expected:
            if line != "...":
                assert masked(line) in lines, (command, line, output)


def test_every_command_is_in_the_readme():
    for name in SUMMARIES:
        assert any(f"bpcli {name}" in command for command, _ in commands())


def test_the_makefile_of_the_readme_guards_accuracy(tmp_path):
    (recipe,) = blocks("make")
    (tmp_path / "Makefile").write_text(recipe)
    (tmp_path / "digits.yaml").write_text("training: {iterations: 300}")
    code, output = run("make check", tmp_path)
    assert code == 2
    assert re.search(r"digits.npz: accuracy 0.8\d+ is below the 0.96 asked for", output)
    code, output = run("make check", tmp_path)  # the model is there: no training again
    assert "bpcli train" not in output
    code, output = run("bpcli eval digits.npz --min-accuracy 0.8", tmp_path)
    assert code == 0


def test_the_makefile_of_the_readme_runs_seeds(tmp_path):
    (recipe,) = blocks("make", CONTRIBUTING)
    (tmp_path / "Makefile").write_text(recipe)
    code, output = run("make -j2 seeds", tmp_path)
    assert code == 0, output
    assert "3 seeds (seed-0.npz, seed-1.npz, seed-2.npz)" in output


@pytest.fixture(scope="module")
def trained(clone):
    """The clone with the model that the README trains first, whichever test comes first."""
    code, output = run("make train", clone)
    assert code == 0, output
    return clone


def test_the_check_of_the_readme_says_what_it_shows():
    (layers,) = [block for block in blocks("python") if block.startswith("# my_layers.py")]
    (shown,) = blocks("pycon")
    call, *expected = shown.splitlines()
    names = {"np": np, "bpcli": bpcli}
    exec(layers, names)
    found = eval(call.removeprefix(">>> "), names)
    assert not found
    lines = iter([masked(line) for line in str(found).splitlines()])
    for line in expected:
        assert line == "..." or masked(line) in lines, (line, str(found))


def test_the_test_of_the_documents_fails_with_the_words_of_what_is_wrong():
    (program,) = [block for block in blocks("python", CONTRIBUTING) if "def test_" in block]
    names = {}
    exec(program, names)
    names["test_sigmoid"]()
    exec(program.replace("assert ", "return ").replace("return sigmoid", "return -sigmoid"), names)
    assert f"assert {names['test_sigmoid']()!r}" in CONTRIBUTING


PROGRAMS = [block for block in blocks("python", CONTRIBUTING) if "print" in block]


def test_there_are_programs():
    assert len(PROGRAMS) == 5


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_run(program, trained, shorten):
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", shorten(program)],
        cwd=trained,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    expected = re.findall(r"^print.*(?:  |\n)# (.*)$", program, re.M)
    if shorten(program) == program:
        assert done.stdout.splitlines() == expected
    else:
        assert [*map(masked, done.stdout.splitlines())] == [*map(masked, expected)]


def test_what_is_made_shorter_is_there():
    texts = [*PROGRAMS, *blocks("console"), *blocks("console", CONTRIBUTING)]
    texts.append((ROOT / "configs/mnist.yaml").read_text())
    for whole in SHORTER:
        assert any(whole in text for text in texts)


def test_the_mistake_that_is_shown_is_found(monkeypatch):
    (shown,) = [block for block in blocks("text", CONTRIBUTING) if "FAILED" in block]
    right = SoftmaxWithLoss.backward
    monkeypatch.setattr(SoftmaxWithLoss, "backward", lambda self: right(self) * len(self.total))
    result = CliRunner().invoke(main, ["gradcheck"])
    assert result.exit_code == 1
    output = [masked(line) for line in result.stdout.splitlines()]
    for line in shown.splitlines():
        assert line == "..." or masked(line) in output


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_files_that_a_document_names_are_there(document):
    text = (ROOT / document).read_text()
    names = re.findall(r"`(?:make test TESTS=)?((?:bpcli|configs|tests)/[\w/.-]+)`", text)
    assert len(names) > 5
    for name in names:
        assert (ROOT / name).exists(), name


def test_what_the_readme_names_of_a_module_is_in_it():
    named = re.findall(r"`(bpcli/[\w/]+\.py)`: ((?:`[\w.]+`(?:, )?)+)", README)
    assert len(named) > 4
    for path, names in named:
        for name in re.findall(r"`(?:\w+\.)?(\w+)`", names):
            assert re.search(rf"^ *(?:class|def) {name}\b", (ROOT / path).read_text(), re.M), name


def test_the_command_that_lists_modules_says_what_goes_in_and_out(clone):
    (command,) = set(re.findall(r"`(grep [^`]+)`", README))
    assert f"`{command}`" in (ROOT / "CONTRIBUTING.md").read_text()
    code, output = run(command, clone)
    assert code == 0
    modules = {str(path.relative_to(clone)) for path in (clone / "bpcli").rglob("*.py")}
    lines = output.splitlines()
    assert sorted(line.partition(":")[0] for line in lines) == sorted(modules)
    assert all(re.match(r'bpcli/[\w/]+\.py:""".+ -> .+', line) for line in lines)


def test_contributing_has_the_first_line_of_each_wing():
    rows = []
    for wing in bpcli.WINGS:
        line = (ROOT / "bpcli" / wing / "__init__.py").read_text().splitlines()[0]
        rows.append(f"| `bpcli/{wing}` | {line.strip(chr(34))} |")
    assert "\n".join(rows) in (ROOT / "CONTRIBUTING.md").read_text()


def test_tests_that_hold_a_promise_are_there():
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "SECURITY.md").read_text()))
    written = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)
    }
    assert len(named) > 5
    assert named <= written


@pytest.mark.parametrize("path", sorted((ROOT / "configs").rglob("*.yaml")), ids=lambda p: p.name)
def test_configurations_load(path):
    load_config(path)
    assert path.read_text().startswith("#")


def test_make_help_lists_every_target(clone):
    code, output = run("make", clone)
    assert code == 0
    listed = [line.split()[0] for line in output.splitlines()]
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.M)[1].split()
    assert listed == phony
    assert all(len(line.split()) > 2 for line in output.splitlines())


def test_make_trains_only_when_something_changed(clone):
    for command in ("make train CONFIG=configs/fast.yaml", "CONFIG=configs/fast.yaml make train"):
        code, output = run(command, clone)
        assert code == 0, output
    assert "bpcli train" not in output
    for changed in ("configs/fast.yaml", "bpcli/backprop/layers.py", "bpcli/errors.py"):
        before = (clone / changed).stat()
        (clone / changed).touch()
        assert "bpcli train 'configs/fast.yaml' -o fast.npz" in run(f"{command} -n", clone)[1]
        os.utime(clone / changed, (before.st_atime, before.st_mtime))
        assert "bpcli train" not in run(f"{command} -n", clone)[1]
    code, output = run("make eval CONFIG=configs/fast.yaml", clone)
    assert code == 0
    assert "accuracy 97." in output


def test_a_configuration_goes_by_its_name_in_make_as_in_bpcli(clone):
    for name, path in (("fast", "configs/fast.yaml"), ("table/40", "configs/table/40.yaml")):
        code, output = run(f"make train CONFIG={name} -n -W {path}", clone)
        assert code == 0, output
        assert f"bpcli train '{path}'" in output
    code, output = run("CONFIG=fast make train -n -W configs/fast.yaml", clone)
    assert "bpcli train 'configs/fast.yaml' -o fast.npz" in output
    for name in ("fats", "configs/fats.yaml", "my net"):
        code, output = run(f"make train CONFIG='{name}'", clone)
        assert code == 2
        first, *_ = output.splitlines()
        assert first == (
            f"CONFIG: found {name}, which is no file; expected a YAML file, or one of "
            "98 99 best fast mnist overfit sigmoid"
        )
        assert not list(clone.glob("*fats*"))


def test_a_configuration_may_have_spaces_in_its_name(clone):
    config = clone / "of mine" / "my net.yaml"
    config.parent.mkdir()
    config.write_text("training: {iterations: 1}")
    command = "make train CONFIG='of mine/my net.yaml'"
    code, output = run(command, clone)
    assert code == 0, output
    assert "of-mine-my-net.npz: test accuracy" in output
    assert "bpcli train" not in run(command, clone)[1]
    config.touch()
    assert (
        "bpcli train 'of mine/my net.yaml' -o of-mine-my-net.npz" in run(f"{command} -n", clone)[1]
    )


def test_the_project_speaks_of_itself_alone(tracked):
    for name in tracked:
        if "ubyte" not in name:
            text = (ROOT / name).read_text(errors="replace")
            assert not re.search(r"/(work|root|opt)/", text), name
