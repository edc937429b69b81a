"""What the tests of commands share."""

import json
import subprocess
import sys
from typing import NamedTuple

import pytest

from bpcli.data import load_split


@pytest.fixture
def model(bpcli, tiny_options, folder):
    """A model that the command has trained, in the working directory."""
    bpcli("train", *tiny_options)
    return folder / "model.npz"


@pytest.fixture
def every_command(tiny_options, search, mnist_model, tmp_path):
    """Each command with each kind of file that it writes, and the names of these files."""
    for package in ("jinja2", "matplotlib", "onnx", "optuna", "safetensors"):
        pytest.importorskip(package)
    pytest.importorskip("PIL.Image").fromarray(
        255 - load_split("mnist", "test").images[0].reshape(28, 28)
    ).resize((90, 90)).save(tmp_path / "seven.png")
    (tmp_path / "relu.py").write_text(
        "import numpy as np\n\n\nclass Relu:\n    def forward(self, x):\n"
        "        self.mask = x > 0\n        return x * self.mask\n\n"
        "    def backward(self, dout):\n        return dout * self.mask\n"
    )
    study = ["study/study.db", "study/best.yaml"]
    study += [f"study/trial-{n:04d}-try-{n}-seed-0.npz" for n in (0, 1)]
    return [
        (["train", *tiny_options, "-o", "m.npz"], ["m.npz"]),
        (["eval", "m.npz"], []),
        (["predict", mnist_model, "seven.png", "-o", "seen.png"], ["seen.png"]),
        (["compare", "m.npz", "m.npz"], []),
        (["report", mnist_model, "-o", "page.html"], ["page.html"]),
        (["report", mnist_model, "-o", "curve.png"], ["curve.png"]),
        (["gradcheck", "-s", "network.hidden=[3]", "--elements", "9"], []),
        (["gradcheck", "relu.py"], []),
        (["gradcheck", "relu.py", "--require", "Relu", "--csv", "marks.csv"], ["marks.csv"]),
        (["exercise", "-o", "sheet.py"], ["sheet.py"]),
        (["graph", "x * x", "x=2"], []),
        (["graph", "x * x", "x=2", "-o", "graph.svg"], ["graph.svg"]),
        (["data"], []),
        (["data", tmp_path / "tiny", "-o", "data.npz"], ["data.npz"]),
        (["export", mnist_model, "-o", "m.onnx"], ["m.onnx"]),
        (["export", mnist_model, "-o", "m.safetensors"], ["m.safetensors"]),
        (["tune", "-o", "study", *search, "--trials", 2, "--jobs", 2], study),
        (["tune", "--show", "study"], []),
        (["config"], []),
        (["info", "m.npz"], []),
    ]


class Done(NamedTuple):
    """How a command has ended, and what it has written."""

    code: int
    stdout: str
    stderr: str


ONE_BY_ONE = """
import json, sys
from bpcli.cli.main import main

for args in json.loads(sys.argv[1]):
    try:
        main(args, prog_name="bpcli")
    except SystemExit as end:
        print(end.code or 0, end="\\0")
        print(end="\\0", file=sys.stderr)
"""


@pytest.fixture
def one_by_one():
    """Run commands one after the other in a process of their own, which starts only once."""

    def call(*commands, **options):
        given = json.dumps([[*map(str, args)] for args in commands])
        done = subprocess.run(
            [sys.executable, "-c", ONE_BY_ONE, given], capture_output=True, text=True, **options
        )
        outputs, errors = (stream.split("\0")[:-1] for stream in (done.stdout, done.stderr))
        assert len(outputs) == len(commands), done.stderr
        found = []
        for output, error in zip(outputs, errors, strict=True):
            stdout, _, code = output.rpartition("\n")
            found.append(Done(int(code), stdout, error))
        return found

    return call
