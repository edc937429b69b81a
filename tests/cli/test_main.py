"""Every command: mistakes are said in a sentence, help has an example."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from tiny import ROOT

from bpcli import __version__
from bpcli.cli.main import SUMMARIES, main

ERRORS = [
    (["train", "no.yaml"], 2, "no.yaml: cannot be read: No such file or directory"),
    (["train", "-s", "training.batchsize=5"], 2, "unknown key; did you mean training.batch_size?"),
    (["train", "-s", "dataset.source=no"], 2, "no: found nothing there (looked for in /"),
    (["train", "-s", "dataset.validation=60000"], 2, "dataset.validation: found 60000, expected fewer"),
    (["train", "-o", "/nonexistent/x.npz"], 2, "/nonexistent/x.npz: found no folder /nonexistent, expected"),
    (["train", "-o", "tiny"], 2, "tiny: found a folder, expected a file name for the model"),
    (["train", "-o", "."], 2, ".: found a folder, expected a file name for the model"),
    (["train", "-o", ""], 2, ".: found a folder, expected a file name for the model"),
    (["train", "-o", "/"], 2, "/: found a folder, expected a file name for the model"),
    (["train", "-o", ".", "--resume"], 2, ".: found a folder, expected a file name for the model"),
    (["train", "-o", "c.yaml"], 2, "c.yaml: found a file that is no model, expected a model to replace"),
    (["train", "--resume"], 2, "model.npz.part: found neither it nor model.npz"),
    (["train", "--threads", "0"], 2, "0 is not in the range x>=1"),
    (["train", "a.yaml", "b.yaml"], 2, "found 2 configurations, expected one"),
    (["train", "-s", "optimizer.learning_rate=1e30"], 1, "training diverged: the loss is nan at"),
    (["eval"], 2, "Missing argument 'MODEL'"),
    (["eval", "no.npz"], 2, "no.npz: cannot be read: No such file or directory"),
    (["eval", "c.yaml"], 2, "c.yaml: found no model, or a damaged one, expected an .npz"),
    (["eval", "model.npz", "--split", "x"], 2, "'x' is not one of 'test', 'train', 'validation'"),
    (["eval", "model.npz", "--data", "mnist"], 2, "test images: found 784 pixels, expected 36"),
    (["eval", "model.npz", "--data", "no"], 2, "no: found nothing there (looked for in /"),
    (["gradcheck", "--model", "no.npz"], 2, "no.npz: cannot be read: No such file or directory"),
    (["eval", "model.npz", "--data", ""], 2, "found no source of data, expected mnist, a folder"),
    (["gradcheck", "--model", ""], 2, ".: found a folder, expected a file"),
    (["config", "-s", "network=5"], 2, "network: found 5, expected its keys, as in network.hidden: [50]"),
    (["gradcheck", "--samples", "0"], 2, "0 is not in the range"),
    (["config", "c.yaml"], 2, "c.yaml:2: zeed: unknown key; did you mean seed?"),
    (["eval", "model.npz", "--min-accuracy", "nan"], 2, "'nan' is not a number"),
    (["gradcheck", "--tolerance", "1e-320"], 2, "found 1e-320, expected a relative error from 1e-15 to 0.1"),
    (["train", "-s", "dataset.source=~nosuch/x"], 2, "~nosuch/x: cannot be reached: found no such home"),
    (["train", "-s", "dataset.source=" + "x" * 300], 2, "cannot be reached: File name too long"),
    (["train", "-o", "x" * 300, "--resume"], 2, "cannot be reached: File name too long"),
    (["train", "-o", "/dev/null"], 2, "/dev/null: found a device, expected a file name"),
    (["train", "-s", "network.hidden=[1000000, 1000000]"], 2, "out of memory: Unable to allocate "),
    (["trane"], 2, "No such command 'trane'"),
    (["gradcheck", "model.npz"], 2, "model.npz: found a model, or another archive, expected a configuration in YAML; bpcli config model.npz prints"),
    (["train", "-s", "seed", "1"], 2, "-s seed: expected SECTION.KEY=VALUE, in one word"),
    (["train", "d.yaml"], 2, "d.yaml: cannot be read: No such file or directory; did you mean c.yaml?"),
    (["eval", "none.npz"], 2, "none.npz: cannot be read: No such file or directory; bpcli train -o none.npz makes one"),
    (["graph", "x", "a.txt", "b.txt"], 2, "a.txt: expected NAME=NUMBER; quote the expression"),
    (["graph", "sin(x)", "x=1"], 2, "sin is no function; expected exp, log, sigmoid, tanh, relu, max, sum, "),
    (["graph", "a×b", "a=1", "b=2"], 2, "× is written *\n  a×b\n   ^"),
    (["graph", "appel * 2", "apple=1"], 2, "appel has no value; did you mean apple?"),
    (["graph", "-x", "x=1"], 2, "Put -- before an expression that begins with a minus sign."),
    (["train", "-o", "-"], 2, "-: found standard output, expected a file name for the model"),
    (["eval", "model.npz", "--data", "nowhere"], 2, "nowhere: found nothing there (looked for in /"),
]  # fmt: skip


@pytest.mark.parametrize(("args", "code", "message"), ERRORS)
def test_mistakes_are_said_in_a_sentence(args, code, message, bpcli, model, folder):
    (folder / "c.yaml").write_text("\nzeed: 1\n")
    before = model.read_bytes()
    if args[0] == "train" and "dataset.source" not in str(args) and "validation" not in str(args):
        args = [*args, "-s", "dataset.source=tiny"]
    if args == ["train", "--resume", *args[2:]]:
        model.rename(folder / "moved.npz")
    result = bpcli(*args, code=code)
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""
    assert (model if model.exists() else folder / "moved.npz").read_bytes() == before


def test_version(bpcli):
    assert bpcli("--version").stdout == f"bpcli {__version__}\n"


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_command_helps_with_an_example(name, bpcli):
    for option in ("-h", "--help"):
        text = bpcli(name, option).stdout
        assert re.search(rf"^  bpcli {name}\b", text, re.MULTILINE)


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_summary_is_how_the_help_of_its_command_begins(name):
    command = main.get_command(None, name)
    assert command.name == name
    assert " ".join(command.help.split("\n\n")[0].split()) == SUMMARIES[name]


def test_the_menu_is_whole_and_in_order(bpcli):
    listed = re.findall(r"^  ([a-z]+)  ", bpcli("--help").stdout.partition("Commands:")[2], re.M)
    files = {path.stem for path in (ROOT / "bpcli/cli").glob("*.py")}
    assert listed == sorted(SUMMARIES)
    assert {f for f in files if "@click.command(" in (ROOT / f"bpcli/cli/{f}.py").read_text()} == {
        *SUMMARIES
    }


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("bpcli ", {*SUMMARIES}),
        ("bpcli tr", {"train"}),
        ("bpcli train --res", {"--resume", "--resume-if-possible"}),
        ("bpcli eval model.npz --split ", {"test", "train", "validation"}),
        ("bpcli graph --asc", {"--ascii"}),
        ("bpcli train fas", {"fast"}),
        ("bpcli config table/300-d", {"table/300-deskewing", "table/300-distortions"}),
        ("bpcli train configs/fas", {"configs/fas"}),  # which the shell completes to files
        ("bpcli train -s optimizer.w", {"optimizer.warmup="}),
        ("bpcli tune -s see", {"seed="}),
    ],
)
def test_completion(words, expected):
    done = subprocess.run(
        [sys.executable, "-m", "bpcli"], capture_output=True, text=True, check=True,
        env=os.environ | {"_BPCLI_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))},
    )  # fmt: skip
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == expected


def test_completion_of_a_configuration_knows_the_files_that_are_there(folder):
    (folder / "fashion.yaml").write_text("")
    (folder / "fasces.csv").write_text("")
    (folder / "fast food").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "bpcli"], capture_output=True, text=True, check=True,
        env=os.environ | {"_BPCLI_COMPLETE": "bash_complete", "COMP_WORDS": "bpcli train fas", "COMP_CWORD": "2"},
    )  # fmt: skip
    assert done.stdout.split("\n") == ["plain,fast", "plain,fashion.yaml", "plain,fast food/", ""]


@pytest.mark.parametrize(
    ("columns", "widest"),
    [("40", 50), ("60", 58), ("200", 78), ("wide", 78), ("-1", 78), ("9" * 5000, 78)],
)
def test_help_is_as_wide_as_it_is_read(columns, widest, shell):
    process = shell("train", "--help", env=os.environ | {"COLUMNS": columns})
    lines = process.communicate(timeout=60)[0].splitlines()
    prose = [line for line in lines if not line.startswith("  bpcli ")]
    assert widest - 15 < max(map(len, prose)) <= widest


def modules(code):
    """What is imported after some code, beside what Python itself imports."""
    ending = "\nimport sys; sys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code + ending], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("args", [["--help"], ["--version"]])
def test_help_and_version_import_click_and_little_else(args):
    code = f"from bpcli.cli.main import main\ntry: main({args})\nexcept SystemExit: pass"
    found = modules(code) - modules("import click")
    assert not {"numpy", "yaml", "tqdm", "hashlib", "dataclasses", "pathlib", "shutil"} & found
    assert not {f"bpcli.cli.{name}" for name in SUMMARIES} & found


@pytest.mark.parametrize("name", SUMMARIES)
def test_the_help_of_a_command_imports_no_other_and_none_of_their_work(name):
    found = modules(
        f"from bpcli.cli.main import main\ntry: main(['{name}', '-h'])\nexcept SystemExit: pass"
    )
    assert f"bpcli.cli.{name}" in found
    assert not {"numpy", "yaml", "tqdm", "hashlib", "dataclasses", "shutil"} & found
    assert len(found & {f"bpcli.cli.{other}" for other in SUMMARIES}) == 1


def blas_threads(*args, **environment):
    """Return the BLAS threads that the environment says when numpy is first imported."""
    code = (
        "import os, sys\n"
        "class Spy:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'numpy':\n"
        "            names = ('OPENBLAS_NUM_THREADS', 'OMP_NUM_THREADS')\n"
        "            print('spy', *(os.environ.get(name, '-') for name in names), flush=True)\n"
        "            sys.meta_path.remove(self)\n"
        "sys.meta_path.insert(0, Spy())\n"
        "from bpcli.cli.main import main\n"
        f"main({[str(arg) for arg in args]})"
    )
    clean = {name: value for name, value in os.environ.items() if not name.endswith("_THREADS")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env=clean | environment
    )
    return re.search(r"^spy (.*)$", done.stdout, re.MULTILINE)[1]


def test_blas_threads(tiny_options, folder):
    command = ["train", *tiny_options]
    assert blas_threads(*command) == "1 1"
    assert blas_threads(*command, OMP_NUM_THREADS="2") == "2 2"
    assert blas_threads(*command, MKL_NUM_THREADS="2") == "2 2"
    assert blas_threads(*command, "--threads", "2") == "2 2"
    assert blas_threads(*command, "--threads", "2", OMP_NUM_THREADS="3") == "2 2"
    with np.load(folder / "model.npz") as archive:
        assert json.loads(str(archive["metadata"]))["blas_threads"] == "2"


@pytest.mark.parametrize("command", ["eval", "gradcheck --model", "train --resume -o"])
def test_every_command_refuses_a_damaged_model(model, bpcli, command):
    model.write_bytes(model.read_bytes()[:-100])
    result = bpcli(*command.split(), model, code=2)
    assert result.stderr.startswith(f"{model}: ")
    assert result.stderr.count("\n") == 1


TAKE_A_MODEL = [
    "eval", "predict", "compare", "info", "export -o m.onnx", "report -o page.html", "config",
    "gradcheck --model", "graph --model", "train -o new.npz --init",
]  # fmt: skip


@pytest.mark.parametrize("command", TAKE_A_MODEL)
@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("fsat.npz", "did you mean fast.npz?"),
        ("fast", "did you mean fast.npz?"),
        ("./fast.nzp", "did you mean fast.npz?"),
        ("Fast.npz", "did you mean fast.npz?"),
    ],
)
def test_every_command_finds_the_model_that_is_meant(command, typed, hint, bpcli, folder):
    (folder / "fast.npz").write_bytes(b"")
    name, *options = command.split()
    if command in ("config",) and typed == "fast":
        return  # which is a configuration of bpcli's own
    arguments = [name, *options, typed, *(["x.png"] if name == "predict" else [])]
    stderr = bpcli(*arguments, code=2).stderr
    assert hint in stderr
    assert stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("there", "typed", "hint"),
    [
        (["seed-1.npz", "seed-2.npz"], "seed-3.npz", "bpcli train -o seed-3.npz makes one"),
        (["m.npz"], "m1.npz", "did you mean m.npz?"),
        (
            ["fast.npz.part"],
            "fast.npz",
            "fast.npz.part is there: bpcli train -o fast.npz --resume goes on",
        ),
        (["other.npz"], "99.npz", "bpcli train 99 -o 99.npz makes one"),
        (["fast.txt"], "fsat.npz", "bpcli train -o fsat.npz makes one"),
        (["fast.npz", "faster.npz"], "fastr.npz", "did you mean faster.npz or fast.npz?"),
    ],
)
def test_a_model_that_is_not_there_is_told_by_what_is(there, typed, hint, bpcli, folder):
    for name in there:
        (folder / name).write_bytes(b"")
    assert hint in bpcli("eval", typed, code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["train", "--lr", "0.1"], "-s optimizer.learning_rate=0.1"),
        (["train", "--seed=1"], "-s seed=1"),
        (["gradcheck", "--batch-size", "5"], "-s training.batch_size=5"),
        (["config", "--hidden"], "-s network.hidden=VALUE"),
        (["train", "--epochs", "3"], "Write training.iterations: 1800, which is 3 times 60,000"),
    ],
)
def test_a_key_that_is_taken_for_an_option_is_told(arguments, hint, bpcli):
    stderr = bpcli(*arguments, code=2).stderr
    assert f"No such option '{arguments[1].partition('=')[0]}'." in stderr
    assert hint in stderr


def test_other_options_get_no_such_hint(bpcli):
    for arguments in (["train", "--frobnicate"], ["eval", "m.npz", "--seed", "1"]):
        assert " -s " not in bpcli(*arguments, code=2).stderr.splitlines()[-1]
