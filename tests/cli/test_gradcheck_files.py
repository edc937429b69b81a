"""`bpcli gradcheck FILE.py`: how a person's file is run, what is said of it, and the exit code."""

import contextlib
import json
import os
import signal
import subprocess
import sys

import pytest
from signs import wait_until
from tiny import ROOT

from bpcli.gradcheck import check_file

RIGHT = """
import numpy as np
class Double:
    def forward(self, x):
        return 2 * x
    def backward(self, dout):
        return 2 * dout
"""
WRONG = RIGHT.replace("return 2 * dout", "return 3 * dout")


@pytest.fixture
def write(folder, measured):
    def call(text, name="layers.py"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return name

    return call


def test_a_right_file(bpcli, write):
    assert bpcli("gradcheck", write(RIGHT)).stdout == (
        "layers.py:6: Double (x (N, D))\n  x  ok\nlayers.py: 1 ok\n"
    )


def test_a_wrong_file(bpcli, write):
    assert bpcli("gradcheck", write(WRONG), code=1).stdout == (
        "layers.py:6: Double (x (N, D))\n"
        "  x  WRONG: every element is 1.5 times what it should be\n"
        "layers.py: 1 WRONG\n"
    )


def test_a_file_and_one_unit_of_it_are_both_answered(bpcli, write):
    write(RIGHT + WRONG.replace("Double", "Triple"))
    shown = bpcli("gradcheck", "layers.py", "layers.py:Double", code=1).stdout
    assert shown.count("Double (x (N, D))\n  x  ok\n") == 2
    assert shown.count("Triple") == 1
    assert shown.endswith("layers.py: 1 ok\n")
    shown = bpcli("gradcheck", "layers.py:Double", "layers.py:Triple", "layers.py", code=1).stdout
    assert "layers.py: 1 ok, 1 WRONG\n" in shown
    found = [json.loads(line) for line in bpcli("gradcheck", "layers.py:Double", "layers.py", "--json", code=1).stdout.splitlines()]  # fmt: skip
    assert [(len(f["units"]), f["passed"]) for f in found] == [(1, True), (2, False)]


def test_json(bpcli, write):
    found = json.loads(bpcli("gradcheck", write(WRONG), "--json", code=1).stdout)
    assert (found["file"], found["passed"], found["checked"]) == ("layers.py", False, True)
    (unit,) = found["units"]
    assert (unit["name"], unit["line"], unit["convention"]) == ("Double", 6, "x (N, D)")
    (gradient,) = unit["gradients"]
    assert (gradient["array"], gradient["verdict"]) == ("x", "WRONG")
    assert gradient["error"] > 0.1


def test_units_by_name_and_several_files(bpcli, write):
    write(RIGHT + WRONG.replace("Double", "Triple"))
    write(RIGHT, "more.py")
    assert bpcli("gradcheck", "layers.py:Double").stdout.endswith("layers.py: 1 ok\n")
    bpcli("gradcheck", "layers.py:Triple", code=1)
    both = bpcli("gradcheck", "more.py", "layers.py:Double").stdout
    assert "more.py: 1 ok" in both
    assert "layers.py: 1 ok" in both
    result = bpcli("gradcheck", "layers.py:Dubble", code=2)
    assert result.stderr == (
        "layers.py: found Double, Triple, expected Dubble; did you mean Double?\n"
    )


# What a file is like, what is to be said of it, and the exit code.
FILES = {
    "a syntax error": ("def f(:\n  pass\n", "layers.py:1: Python cannot read it: invalid syntax", 2),
    "Python 2": ("x = 1\nprint 'hello'\n", "layers.py:2: Python cannot read it: Missing parentheses", 2),
    "no text": ("\0", "layers.py", 2),
    "nothing in it": ("x = 1\n", "layers.py: found no class with forward and backward", 2),
    "a name that is nowhere": ("class A(Nowhere):\n    pass\n", "layers.py:1: NameError: name 'Nowhere' is not defined", 2),
    "a typo": (RIGHT.replace("backward", "backwark"), "Double.backwark: not checked: is backward meant?", 2),
    "a forward that raises": (RIGHT.replace("2 * x", "x.nothing"), "forward cannot be called: AttributeError at layers.py:5", 2),
    "an argument that nobody knows": (RIGHT.replace("class Double:", "class Double:\n    def __init__(self, zork): self.knead = zork['a'].frob()").replace("2 * x", "self.knead(x)"), "gradcheck_Double()", 2),
    "an abstract class": ("class Layer:\n    def forward(self, x): raise NotImplementedError\n    def backward(self, d): raise NotImplementedError\n" + RIGHT.replace("class Double:", "class Double(Layer):"), "layers.py: 1 ok", 0),
    "training at its end": (RIGHT + "for i in range(10**12): pass\nwhile True: pass\nopen('left', 'w')\n", "layers.py: 1 ok", 0),
    "a main guard": (RIGHT + "if __name__ == '__main__':\n    raise SystemExit(9)\n", "layers.py: 1 ok", 0),
    "an exit": ("import sys\nsys.exit(7)\n" + RIGHT, "layers.py: 1 ok", 0),
    "prints": (RIGHT.replace("        return 2 * x", "        print('forward'); import sys; sys.stderr.write('x')\n        return 2 * x"), "layers.py: 1 ok", 0),
    "modules that are not there": ("import matplotlib.pyplot as plt, cupy as cp\nfrom dataset.mnist import load_mnist\n(x, t), _ = load_mnist()\n" + RIGHT.replace("2 * x", "cp.asarray(2 * x)"), "stood in for: ", 0),
    "an import that is taken for lost": ("try:\n    from fast import product\nexcept ImportError:\n    pass\n" + RIGHT.replace("2 * dout", "product(2, dout)"), "not checked: no gradient found", 2),
    "numpy's old names": (RIGHT.replace("2 * x", "2 * x.astype(np.float).astype(np.float_)"), "layers.py: 1 ok", 0),
    "a decorator that is not there": ("from numba import njit\n@njit(parallel=True)\ndef relu(x):\n    return (x > 0) * x\n@njit\ndef relu_grad(x):\n    return (x > 0) * 1.0\n" + RIGHT, "2 ok", 0),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_files_as_people_have_them(kind, bpcli, write, folder):
    text, expected, code = FILES[kind]
    result = bpcli("gradcheck", write(text), code=code)
    assert expected in result.output
    assert "Traceback" not in result.output
    assert not (folder / "left").exists()


@pytest.mark.parametrize("name", ["numpy.py", "random.py", "copy.py", "bpcli.py", "json.py"])
def test_a_file_may_be_called_like_a_module(name, bpcli, write):
    text = RIGHT if name != "numpy.py" else RIGHT.replace("import numpy as np", "")
    assert bpcli("gradcheck", write(text, name)).stdout.endswith(f"{name}: 1 ok\n")


def test_files_import_what_lies_beside_and_above_them(bpcli, write):
    write("def double(x):\n    return 2 * x\n", "common/tools.py")
    write("", "common/__init__.py")
    text = "from common.tools import double\n" + RIGHT.replace("2 * x", "double(x)")
    write(text, "ch05/layers.py")
    assert bpcli("gradcheck", "ch05/layers.py").stdout.endswith("layers.py: 1 ok\n")
    write(text.replace("from common.tools", "from ..common.tools"), "ch05/relative.py")
    assert bpcli("gradcheck", "ch05/relative.py").stdout.endswith("relative.py: 1 ok\n")


def test_arguments_and_shapes_are_given_by_name(bpcli, write):
    write(
        RIGHT.replace("class Double:", "class Double:\n    def __init__(self, zork): self.zork = zork")
        .replace("return 2 * x", "assert x.shape == (4, 2, 3); return self.zork[0] * x")
        .replace("return 2 * dout", "return self.zork[0] * dout")
    )  # fmt: skip
    result = bpcli("gradcheck", "layers.py", "-s", "zork=7,8", "-s", "x=4x2x3")
    assert "  x  ok" in result.stdout
    result = bpcli("gradcheck", "layers.py", "-s", "zork", code=2)
    assert "-s zork: expected NAME=VALUE, as -s n_in=5 or -s x=3x5" in result.stderr


def test_a_name_that_no_argument_has_is_told(bpcli, write):
    write(RIGHT)
    result = bpcli("gradcheck", "layers.py", "-s", "zork=3", code=2)
    assert "layers.py: -s zork: found the arguments dout, x, expected one of them" in result.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["layers.py", "a.yaml"], "FILE.py goes with other such files, -s and --tolerance only"),
        (["layers.py", "--method", "complex"], "FILE.py goes with other such files"),
        (["a.yaml", "b.yaml"], "found 2 configurations, expected one"),
        (["--elements", "1"], "1 is not in the range x>=2"),
        (["no.py"], "no.py: found nothing there, expected a file of Python or a notebook"),
        (["layers.py:"], "expected layers.py:NAME, the name of a class"),
        (["layers.py:Double,Triple"], "expected layers.py:NAME, the name of a class"),
        (["--tolerance", "5"], "found 5, expected a relative error from 1e-15 to 0.1: with more"),
        (
            ["layers.py", "--tolerance", "nan"],
            "found nan, expected a relative error from 1e-15 to 0.1",
        ),
    ],
)
def test_what_does_not_go_together(args, words, bpcli, write):
    write(RIGHT)
    assert words in bpcli("gradcheck", *args, code=2).stderr


def test_a_unit_that_hangs_is_said_and_the_next_is_checked(write, bpcli, monkeypatch):
    monkeypatch.setattr(check_file, "__kwdefaults__", check_file.__kwdefaults__ | {"seconds": 3})
    slow = RIGHT.replace("Double", "Slow").replace("return 2 * x", "import time; time.sleep(99)")
    write(slow + RIGHT)
    result = bpcli("gradcheck", "layers.py")
    assert (
        "layers.py:3: Slow: not checked: it took more than 1 s and did nothing\n" in result.stdout
    )
    assert "Double (x (N, D))\n  x  ok\nlayers.py: 1 ok, 1 not checked\n" in result.stdout
    bpcli("gradcheck", "layers.py:Slow", "layers.py:Double", code=1)


def test_a_file_that_ends_python_is_told(bpcli, write):
    write(RIGHT.replace("        return 2 * x", "        import os; os._exit(3)"))
    result = bpcli("gradcheck", "layers.py", code=2)
    assert "layers.py:3: Double: not checked: it ended the process (code 3)" in result.stdout
    assert "nothing could be checked" in result.stderr


def test_ctrl_c_ends_it_at_once_and_shows_what_has_been_checked(folder, write, shell):
    hangs = "open('begun', 'w'); import time; time.sleep(99)"
    write(RIGHT + RIGHT.replace("Double", "Slow").replace("return 2 * x", hangs))
    process = shell("gradcheck", "layers.py", cwd=folder)
    wait_until((folder / "begun").exists, process)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Double (x (N, D))\n  x  ok\nlayers.py: it was stopped; what comes after" in output
    assert "Traceback" not in errors


def test_ctrl_c_shows_which_gradients_of_a_network_have_been_compared(bpcli, monkeypatch):
    @contextlib.contextmanager
    def interrupted(_total):
        done = []

        def count(more):
            done.append(more)
            if sum(done) > 2000:
                signal.raise_signal(signal.SIGINT)

        yield count

    monkeypatch.setattr("bpcli.cli.gradcheck.counter", interrupted)
    result = bpcli("gradcheck", "--elements", "all", code=130)
    assert "stopped before all was compared" in result.stdout
    assert "each layer alone: Affine1" in result.stdout
    assert "Traceback" not in result.output


def test_large_nets_are_checked_by_some_elements(bpcli, tiny):
    options = ["-s", f"dataset.source={tiny}", "-s", "network.hidden=[1500]"]
    found = json.loads(bpcli("gradcheck", *options, "--json").stdout)
    assert [row["checked"] for row in found["parameters"]] == [1000, 1000, 1000, 4]
    assert found["passed"]
    shown = bpcli("gradcheck", *options, "--elements", "20").stdout
    assert "some elements are compared one by one, at random and where the gradient is" in shown
    assert "--elements all" in shown
    small = ["-s", f"dataset.source={tiny}", "-s", "network.hidden=[20]"]
    found = json.loads(bpcli("gradcheck", *small, "--json", "--elements", "all").stdout)
    assert found["checked"] == 36 * 20 + 20 + 20 * 4 + 4


def test_a_tolerance_finer_than_differences_see_is_refused(bpcli, tiny):
    options = ["-s", f"dataset.source={tiny}", "--tolerance", "1e-12"]
    result = bpcli("gradcheck", *options, code=2)
    assert "tolerance: found 1e-12, but central differences see nothing below " in result.stderr
    assert result.stderr.endswith(" here; use --method complex\n")
    bpcli("gradcheck", *options, "--method", "complex")


def test_a_syntax_error_in_a_layer_of_bpcli_is_one_line(tmp_path):
    import shutil

    shutil.copytree(ROOT / "bpcli", tmp_path / "bpcli", ignore=shutil.ignore_patterns("*ubyte"))
    layers = tmp_path / "bpcli/backprop/layers.py"
    layers.write_text(layers.read_text() + "\ndef broken(:\n")
    done = subprocess.run(
        [sys.executable, "-m", "bpcli", "gradcheck"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 2
    assert "layers.py:" in done.stderr
    assert "Python cannot read it: invalid syntax" in done.stderr
    assert "Traceback" not in done.stderr


def test_layers_that_are_named_have_all_to_be_checked(bpcli, write):
    path = write(
        "import numpy as np\n\n\nclass Double:\n    def forward(self, x):\n        return 2 * x\n\n"
        "    def backward(self, dout):\n        return 2 * dout\n\n\nclass Broken:\n"
        "    def forward(self, x):\n        return X\n\n    def backward(self, dout):\n        return dout\n\n\n"
        "class Blank:\n    def forward(self, x):\n        return x + 1\n\n    def backward(self, dout):\n        pass\n"
    )
    bpcli("gradcheck", path)
    bpcli("gradcheck", f"{path}:Double")
    assert "not checked" in bpcli("gradcheck", f"{path}:Double", f"{path}:Broken", code=1).stdout
    message = bpcli("gradcheck", f"{path}:Double", f"{path}:Blank", code=2).stderr
    assert "found Double, Broken, expected Blank" in message
