"""`bpcli export`: other programs find the same logits in the file as the network does."""

import json
import struct

import numpy as np
import pytest

from bpcli.data import load_split
from bpcli.training import find_images, load

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def logits(model, split):
    saved = load(model)
    images = find_images(saved, "test", split).images
    x = images.images.astype(np.float32) * np.float32(1 / saved.white)
    return saved.network().predict(x)


def run(path, images):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["logits", "probabilities"], {"images": images})


def grey(source, size):
    """The images of a source as they are before they are prepared."""
    return load_split(source, "test").images.reshape(-1, *size)


@pytest.fixture
def trained(bpcli, tmp_path):
    """Train a small net on MNIST for a moment."""

    def train(*overrides):
        values = ["network.hidden=[16]", "training.iterations=100", *overrides]
        bpcli(
            "train", "-q", *(part for v in values for part in ("-s", v)), "-o", tmp_path / "m.npz"
        )
        return tmp_path / "m.npz"

    return train


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["network.activation=sigmoid", "network.weight_init=xavier"],
        ["network.activation=tanh", "network.loss=squared"],
        ["network.hidden=[20, 10]", "network.dropout=0.2", "network.input_dropout=0.1"],
        ["network.hidden=[]"],
        ["network.batch_norm=true", "network.hidden=[20, 10]"],
        ["network.batch_norm=true", "network.activation=sigmoid", "network.dropout=0.2"],
        ["dataset.deskew=true"],
    ],
)
def test_onnxruntime_finds_the_same_logits(overrides, trained, bpcli, tmp_path):
    model = trained(*overrides)
    bpcli("export", model, "-o", tmp_path / "m.onnx")
    found, chances = run(tmp_path / "m.onnx", grey("mnist", (28, 28)))
    expected = logits(model, None)
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-5)
    # Logits of saturated sigmoids lie so near to one another that their probabilities are equal.
    chosen = np.take_along_axis(found, chances.argmax(axis=1)[:, np.newaxis], axis=1)
    np.testing.assert_allclose(chosen[:, 0], found.max(axis=1), rtol=1e-6)


def test_any_number_of_images_at_a_time(mnist_model, bpcli, tmp_path):
    bpcli("export", mnist_model, "-o", tmp_path / "m.onnx")
    images, expected = grey("mnist", (28, 28)), logits(mnist_model, None)
    for n in (1, 7, 1000):
        found, chances = run(tmp_path / "m.onnx", images[:n])
        assert found.shape == chances.shape == (n, 10)
        np.testing.assert_allclose(found, expected[:n], atol=1e-4)


def test_images_of_another_size_and_white(model, tiny, bpcli, tmp_path):
    bpcli("export", model, "-o", tmp_path / "m.onnx")
    found, _ = run(tmp_path / "m.onnx", grey(str(tiny), (6, 6)))
    np.testing.assert_allclose(found, logits(model, str(tiny)), atol=1e-4)


def test_the_file_says_what_it_is(mnist_model, bpcli, tmp_path):
    bpcli("export", mnist_model, "-o", tmp_path / "m.onnx")
    made = onnx.load(tmp_path / "m.onnx")
    onnx.checker.check_model(made, full_check=True)
    assert made.ir_version == 8
    assert [(one.domain, one.version) for one in made.opset_import] == [("", 17)]
    assert {"W1", "b1", "W2", "b2"} <= {one.name for one in made.graph.initializer}
    (given,) = made.graph.input
    shape = given.type.tensor_type.shape.dim
    assert (given.name, given.type.tensor_type.elem_type) == ("images", onnx.TensorProto.UINT8)
    assert (shape[0].dim_param, shape[1].dim_value, shape[2].dim_value) == ("N", 28, 28)
    said = {one.key: one.value for one in made.metadata_props}
    saved = load(mnist_model)
    assert said["digest"] == saved.digest
    assert json.loads(said["config"])["network.hidden"] == [64]
    assert float(said["test_accuracy"]) == saved.record.accuracy


def test_safetensors_has_the_names_of_a_sequential(mnist_model, bpcli, tmp_path):
    safetensors = pytest.importorskip("safetensors")
    path = tmp_path / "m.safetensors"
    told = bpcli("export", mnist_model, "-o", path).stderr
    assert told == f"{path}: images have to be divided by 255\n"
    with safetensors.safe_open(path, "numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        said = json.loads(file.metadata()["bpcli"])
    assert said["digest"] == load(mnist_model).digest
    saved = load(mnist_model)
    assert set(arrays) == {"0.weight", "0.bias", "2.weight", "2.bias"}
    np.testing.assert_array_equal(arrays["0.weight"], saved.arrays["W1"].T)
    np.testing.assert_array_equal(arrays["2.bias"], saved.arrays["b2"])
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    assert json.loads(content[8 : 8 + length])["0.bias"]["shape"] == [64]


def test_pytorch_finds_the_same_logits(mnist_model, bpcli, tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors import safe_open
    from safetensors.torch import load_file

    bpcli("export", mnist_model, "-o", tmp_path / "m.safetensors")
    with safe_open(tmp_path / "m.safetensors", "pt") as file:
        said = json.loads(file.metadata()["bpcli"])["torch"]
    assert said == "Sequential(Linear(784, 64), ReLU(), Linear(64, 10))"
    net = eval(said, vars(torch.nn).copy())
    net.load_state_dict(load_file(tmp_path / "m.safetensors"))
    x = torch.from_numpy(load_split("mnist", "test").images.copy()) / 255
    found = net(x).detach().numpy()
    np.testing.assert_allclose(found, logits(mnist_model, None), atol=1e-4)


def test_what_images_need_is_told(trained, bpcli, tmp_path):
    model = trained("dataset.transpose=true", "dataset.deskew=true")
    turned = "images have to be transposed, if they are of mnist, to stand upright"
    for suffix, words in (
        ("onnx", turned),
        ("safetensors", f"{turned}, then deskewed, then divided by 255"),
    ):
        path = tmp_path / f"m.{suffix}"
        assert bpcli("export", model, "-o", path).stderr == f"{path}: {words}\n"
    found, _ = run(tmp_path / "m.onnx", grey("mnist", (28, 28)).swapaxes(1, 2))
    np.testing.assert_allclose(found, logits(model, None), atol=1e-4)


@pytest.mark.parametrize("suffix", ["onnx", "safetensors"])
def test_a_file_is_replaced_by_its_own_kind_alone(suffix, mnist_model, bpcli, tmp_path):
    path = tmp_path / f"m.{suffix}"
    bpcli("export", mnist_model, "-o", path)
    first = path.read_bytes()
    bpcli("export", mnist_model, "-o", path)
    assert path.read_bytes() == first
    path.write_text("my notes")
    assert "is left as it is" in bpcli("export", mnist_model, "-o", path, code=2).stderr
    assert path.read_text() == "my notes"


@pytest.mark.parametrize(
    ("suffix", "package"), [("onnx", "onnx"), ("safetensors", "safetensors.numpy")]
)
def test_packages_are_named_where_they_are_missing(
    suffix, package, mnist_model, bpcli, tmp_path, monkeypatch
):
    import sys

    monkeypatch.setitem(sys.modules, package, None)
    message = bpcli("export", mnist_model, "-o", tmp_path / f"m.{suffix}", code=2).stderr
    assert "pip install 'bpcli-mnist[export]'" in message


def test_mistakes(mnist_model, bpcli, tmp_path):
    words = "expected a name that ends in .onnx or .safetensors"
    assert words in bpcli("export", mnist_model, "-o", tmp_path / "m.pt", code=2).stderr
    assert "cannot be read" in bpcli("export", "no.npz", "-o", tmp_path / "m.onnx", code=2).stderr
    bpcli("export", mnist_model, code=2)
