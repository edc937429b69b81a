"""A layer is written twice: as a class, and as its line in the table of what it is elsewhere."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bpcli.backprop import Layer, LossLayer, SoftmaxWithLoss, SquaredError, layers
from bpcli.backprop.architecture import ACTIVATIONS, LOSSES
from bpcli.data import load_split
from bpcli.errors import ExportError
from bpcli.export import TRANSLATIONS, translate

KINDS = [
    kind
    for kind in vars(layers).values()
    if isinstance(kind, type) and issubclass(kind, Layer | LossLayer) and kind not in (Layer, LossLayer)
]  # fmt: skip
NEEDED = {*KINDS, *ACTIVATIONS.values(), *LOSSES.values()}


@pytest.mark.parametrize("kind", sorted(NEEDED, key=lambda kind: kind.__name__))
def test_every_layer_that_predicts_has_its_line(kind):
    found = kind in TRANSLATIONS or getattr(kind, "training_only", False)
    found |= hasattr(kind, "fold")  # into W and b of what stands before it
    assert found, f"{kind.__name__} has no line in TRANSLATIONS of bpcli/export/translation.py"


def test_a_layer_without_a_line_is_named_with_the_place():
    class Swish(Layer):
        pass

    place = "Swish: found no words .* in TRANSLATIONS of bpcli/export/translation.py"
    with pytest.raises(ExportError, match=place):
        translate(Swish())


LOGITS = arrays.arrays(
    np.float64, st.tuples(st.integers(1, 4), st.integers(1, 5)), elements=st.floats(-1e5, 1e5)
)


@given(LOGITS)
def test_probabilities_are_those_of_the_formulas(x):
    """Against the textbook's forms, in numbers with an exponent that nothing here can overflow."""
    wide = x.astype(np.longdouble)
    exp = np.exp(np.maximum(wide - wide.max(axis=1, keepdims=True), -11_000))
    found = SoftmaxWithLoss().probabilities(x)
    np.testing.assert_allclose(found, exp / exp.sum(axis=1, keepdims=True), atol=1e-12)
    for y in (found, SquaredError().probabilities(x)):
        np.testing.assert_allclose(y.sum(axis=1), 1)
    near = np.clip(x, -11_000, 11_000).astype(np.longdouble)
    sigmoid = 1 / (1 + np.exp(-near))
    expected = sigmoid / sigmoid.sum(axis=1, keepdims=True)
    found = SquaredError().probabilities(near.astype(np.float64))
    np.testing.assert_allclose(found, expected.astype(np.float64), rtol=1e-9, atol=1e-12)


# What somebody writes who adds an activation: a class and its word, and a line of the table.
ADDED = """
import json, sys
import numpy as np
from click.testing import CliRunner
from bpcli.backprop import architecture
from bpcli.backprop.layers import Layer

class LeakyReLU(Layer):
    "y = x where x > 0, else x / 100."
    has_kink = True
    def forward(self, x):
        self.slope = np.where(x > 0, 1, 0.01).astype(x.real.dtype)
        return x * self.slope
    def backward(self, dout):
        return dout * self.slope

architecture.ACTIVATIONS["leaky_relu"] = LeakyReLU

from bpcli.export import TRANSLATIONS, by_element
if sys.argv[1] == "complete":
    TRANSLATIONS[LeakyReLU] = by_element(
        "LeakyRelu", "x > 0 ? x : x / 100", "LeakyReLU(0.01)", alpha=0.01)

from bpcli.cli.main import main
from bpcli.data import load_dataset
from bpcli.training import load
def bpcli(*args):
    done = CliRunner().invoke(main, args, prog_name="bpcli")
    print(json.dumps([args[0], done.exit_code, done.stdout, done.stderr]))

new = ["-s", "network.activation=leaky_relu", "-s", "network.weight_init=he"]
bpcli("train", *new, "-s", "training.iterations=300", "-s", "network.hidden=[12, 8]", "-q")
bpcli("config", *new)
bpcli("eval", "model.npz", "--json", "--min-accuracy", "0.5")
bpcli("gradcheck", "--model", "model.npz", "--elements", "20")
bpcli("graph", "--model", "model.npz")
bpcli("export", "model.npz", "-o", "model.onnx")
bpcli("export", "model.npz", "-o", "model.safetensors")
bpcli("report", "model.npz", "-o", "page.html")
saved = load("model.npz")
x = load_dataset().held_out.images[:20]
np.save("logits.npy", saved.network().predict((x / 255).astype(np.float32)))
"""


def add_an_activation(folder, how):
    """What each command says of a model with an activation that is new."""
    done = subprocess.run(
        [sys.executable, "-c", ADDED, how], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def added(tmp_path_factory):
    folder = tmp_path_factory.mktemp("added")
    return folder, add_an_activation(folder, "complete")


def test_a_new_activation_is_known_to_every_command(added):
    _, done = added
    assert [(command, code) for command, code, *_ in done if code] == []
    said = {command: stdout for command, _, stdout, _ in done}
    assert "relu, sigmoid, tanh or leaky_relu" in said["config"]
    assert "LeakyReLU2 ok" in said["gradcheck"]
    assert "(LeakyReLU1)" in said["graph"]


def test_a_new_activation_is_exported(added):
    folder, _ = added
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(
        str(folder / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    images = load_split("mnist", "test").images[:20].reshape(-1, 28, 28)
    (found,) = session.run(["logits"], {"images": images})
    np.testing.assert_allclose(found, np.load(folder / "logits.npy"), atol=1e-4)
    safetensors = pytest.importorskip("safetensors")
    with safetensors.safe_open(folder / "model.safetensors", "numpy") as file:
        said = json.loads(file.metadata()["bpcli"])["torch"]
    units = [(784, 12), (12, 8), (8, 10)]
    linear = [f"Linear({n}, {m})" for n, m in units]
    leaky = ", LeakyReLU(0.01), "
    assert said == f"Sequential({leaky.join(linear)})"


def test_a_new_activation_answers_the_same_on_a_page(added, browser):
    folder, _ = added
    browser.get((folder / "page.html").as_uri())
    images = load_split("mnist", "test").images[:20]
    found = browser.execute_script(
        "return arguments[0].map(image => "
        "[...network.forward(Float64Array.from(image, v => v / 255)).at(-1)])",
        images.tolist(),
    )
    np.testing.assert_allclose(found, np.load(folder / "logits.npy"), atol=1e-4)


def test_without_its_line_it_trains_and_says_what_is_missing(tmp_path):
    done = add_an_activation(tmp_path, "without a line")
    failed = [(command, code) for command, code, *_ in done if code]
    assert failed == [("export", 2), ("export", 2)]
    for command, _, _, stderr in done:
        if command == "export":
            assert stderr.startswith("LeakyReLU: found no words for this layer")
            assert "bpcli/export/translation.py" in stderr
            assert stderr.count("\n") == 1
    assert not list(tmp_path.glob("model.onnx*"))
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<canvas" not in page
    assert "hidden units" in page
