"""What a few bytes ask for is bounded by arithmetic, and what is quoted of anybody has a length."""

import gzip
import itertools
import json
import os
import re
import struct
import zipfile
import zlib

import numpy as np
import pytest

resource = pytest.importorskip("resource")

LONG = 100_000  # characters
ROOM = 1 << 30  # bytes, beyond what Python and numpy take


def png(width, height):
    """A grey PNG, all black but for one white pixel in the middle: a few hundred bytes."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = [b"\0" + bytes(width)] * height
    rows[height // 2] = b"\0" + bytes(width // 2) + b"\xff" + bytes(width - width // 2 - 1)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + chunk(b"IDAT", zlib.compress(b"".join(rows), 9))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def limit():
    """Let what is allocated in this process be no more than so many bytes beyond what it has."""
    before = resource.getrlimit(resource.RLIMIT_DATA)

    def limit(room):
        with open("/proc/self/statm") as file:
            data = int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_DATA, (data + room, before[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_DATA, before)


@pytest.fixture
def limited(limit):
    limit(ROOM)


@pytest.mark.parametrize(("width", "height"), [(1_000_000, 1), (1, 1_000_000), (3_000_000, 2)])
def test_a_picture_of_any_shape_takes_no_more_than_its_pixels(
    width, height, bpcli, mnist_model, tmp_path, limited
):
    pytest.importorskip("PIL")
    path = tmp_path / "line.png"
    path.write_bytes(png(width, height))
    assert path.stat().st_size < 7000
    result = bpcli("predict", mnist_model, path, "--json", code=2)
    assert result.stderr == f"{path}: found nothing drawn on it, expected ink on paper\n"


def test_a_picture_is_made_smaller_of_any_shape(bpcli, model, folder, limited):
    pytest.importorskip("PIL")
    (folder / "line.png").write_bytes(png(1_000_000, 1))
    bpcli("predict", "model.npz", "line.png")


def test_a_packed_table_takes_no_more_than_its_pixels(bpcli, folder, limit):
    row = ("0," * 28 * 28 + "0\n").encode()
    with gzip.open("big.csv.gz", "wb", 9) as file:
        for _ in range(20):
            file.write(row * 1000)
    assert os.path.getsize("big.csv.gz") < 100_000
    bpcli("data", "big.csv.gz", "--label", "first")  # what is imported for it takes memory, too
    limit(8 * 20_000 * 28 * 28)
    found = json.loads(bpcli("data", "big.csv.gz", "--label", "first", "--json").stdout)
    assert found["splits"]["train"]["images"] == 20_000


def test_a_table_that_does_not_fit_into_memory_is_refused(bpcli, folder, monkeypatch):
    (folder / "data.csv").write_text("1,0,9,9,0\n" * 300_000)
    monkeypatch.setattr("bpcli.files.table.available_memory", lambda: 500_000)
    words = bpcli("data", "data.csv", "--label", "first", code=2).stderr
    assert words.startswith("out of memory: data.csv has more than ")


@pytest.mark.parametrize("packed", [False, True])
def test_a_row_has_an_end(bpcli, folder, packed, limited):
    with (gzip.open if packed else open)("a.csv", "wb") as file:
        file.write(b"0," * 6_000_000)
    words = bpcli("data", "a.csv", code=2).stderr
    assert words == (
        "a.csv:1: found more than 10,000,000 characters in a line, expected a row for each image\n"
    )


def test_real_numbers_are_made_bytes_part_by_part(bpcli, folder, limited):
    images = np.zeros((60_000, 28, 28))
    images[0] = 1
    np.savez_compressed("data.npz", x_test=images, y_test=np.zeros(60_000, np.uint8))
    del images
    found = json.loads(bpcli("data", "data.npz", "--json").stdout)
    assert found["splits"]["train"]["grey_levels"] == [0, 255]


def rewrite(path, classes=None, hidden=None):
    """Make a model of MNIST's a wide one, whose file is small."""
    with np.load(path) as archive:
        arrays = {name: array for name, array in archive.items() if "." not in name}
    metadata = json.loads(str(arrays["metadata"]))
    metadata |= {"format": 1, "record": None, "names": [*map(str, range(classes or 10))]}
    metadata["config"]["network"]["hidden"] = hidden
    metadata["config"]["optimizer"]["method"] = "sgd"
    sizes = [784, *hidden, classes or 10]
    arrays = {"metadata": np.array(json.dumps(metadata))}
    for i, (n, m) in enumerate(itertools.pairwise(sizes), 1):
        arrays |= {f"W{i}": np.ones((n, m), np.float32), f"b{i}": np.zeros(m, np.float32)}
    np.savez("wide.npz", **arrays)


def test_a_model_of_more_classes_than_labels_can_tell_apart_is_refused(
    bpcli, mnist_model, folder, limited
):
    rewrite(mnist_model, classes=100_000, hidden=[10])
    words = bpcli("predict", "wide.npz", "none.png", code=2).stderr
    assert words == "wide.npz: found 100,000 classes, expected at most 256\n"


def test_a_wide_model_is_given_few_images_at_a_time(bpcli, mnist_model, folder, limited):
    pytest.importorskip("PIL")
    rewrite(mnist_model, hidden=[1, 40_000, 1])
    picture = np.zeros((40, 40), np.uint8)
    picture[10:30, 18:22] = 255
    from PIL import Image

    Image.fromarray(picture).save("one.png")
    assert "in doubt" in bpcli("predict", "wide.npz", "one.png").stdout


@pytest.mark.parametrize("command", [["graph", "--config"], ["config"], ["train"], ["gradcheck"]])
def test_more_layers_than_can_be_drawn_are_refused(command, bpcli, folder):
    (folder / "deep.yaml").write_text(f"network: {{hidden: [{'2,' * 24_500}]}}")
    words = bpcli(*command, "deep.yaml", code=2).stderr
    assert words.startswith("deep.yaml:1: network.hidden: found [2, 2, ")
    assert "expected a list like [50] of at most 1,000 entries" in words


def test_as_many_layers_as_are_taken_are_drawn(bpcli, folder):
    (folder / "deep.yaml").write_text(f"network: {{hidden: [{'2,' * 1000}]}}")
    assert "Affine1001" in bpcli("graph", "--config", "deep.yaml").stdout


X = "x" * LONG
ARGUMENTS = {
    "an override without a value": ["config", "-s", X],
    "a key": ["config", "-s", f"{X}=1"],
    "a key in a section": ["config", "-s", f"training.{X}=1"],
    "a word": ["config", "-s", f"network.activation={X}"],
    "a number": ["config", "-s", f"seed={'9' * LONG}"],
    "a list": ["config", "-s", f"network.hidden=[{'a,' * (LONG // 2)}]"],
    "no YAML": ["config", "-s", f"seed=[{X}"],
    "epochs": ["config", "-s", f"epochs={'9' * 400}"],
    "many epochs": ["config", "-s", "epochs=1e400"],
    "no epochs": ["config", "-s", "epochs=-1e400"],
    "what is searched": ["tune", "-o", "s", "-s", f"optimizer.learning_rate=log({X})"],
    "a choice": ["tune", "-o", "s", "-s", f"optimizer.learning_rate=choice({X})"],
    "a source": ["data", X],
    "a split": ["eval", "m.npz", "--split", X],
    "threads": ["config", "--threads", X],
    "an option": ["config", f"--{X}"],
    "a key for an option": ["config", f"--seed={X}"],
    "a command": [X],
    "a fraction": ["eval", "m.npz", "--min-accuracy", X],
    "per cent": ["eval", "m.npz", "--min-accuracy", " " * LONG + "97"],
    "an output": ["graph", "x", "x=1", "-o", X],
    "an expression": ["graph", X, "x=1"],
    "an expression with a value": ["graph", f"{X}=1", "x=1"],
    "a name of a value": ["graph", "x", "x=1", f"{X}=1"],
    "no value": ["graph", "x", X],
    "a value twice": ["graph", "x", "x=1", f"x={X}"],
    "a value": ["graph", "x", f"x={X}"],
    "a long list": ["graph", "x", f"x=[{'1,' * LONG}]"],
    "an array that is none": ["graph", "x", f"x=[{'[1],' * 9}{'2,' * 9}]"],
    "a decimal": ["graph", "x", f"x={'1' * LONG},5"],
    "for a file of Python": ["gradcheck", "a.py", "-s", X],
}


@pytest.mark.parametrize("what", ARGUMENTS)
def test_what_is_quoted_of_arguments_has_a_length(what, bpcli, folder):
    result = bpcli(*ARGUMENTS[what], code=2)
    assert 0 < len(result.stderr) < 3000
    assert "Traceback" not in result.stderr
    assert not re.search(r"x{1001}|9{1001}", result.stderr)


DOCUMENTS = {
    "a key": f"{X[:90_000]}: 1",
    "a key in a section": f"training:\n  ? {X[:90_000]}\n  : 1",
    "keys": f"{X[:40_000]}: 1\n{X[:40_000]}: 1",
    "a tag": f"seed: !{X[:90_000]} 1",
    "an anchor": f"seed: *{X[:90_000]}",
    "a word": f"network: {{loss: {X[:90_000]}}}",
    "text": X[:90_000],
    "a list for a key": f"? [{'a,' * 40_000}]\n: 1",
    "merged": f"<<: {X[:90_000]}",
    "no YAML": f"seed: [{X[:90_000]}",
    "a quoted one": f'seed: "{X[:90_000]}',
    "a directive": f"%TAG {X[:90_000]}\n---\nseed: 1",
}


@pytest.mark.parametrize("what", DOCUMENTS)
def test_what_is_quoted_of_a_document_has_a_length(what, bpcli, folder):
    (folder / "c.yaml").write_text(DOCUMENTS[what])
    words = bpcli("config", "c.yaml", code=2).stderr
    assert 0 < len(words) < 2000
    assert words.startswith("c.yaml:")


def test_keys_that_begin_alike_do_not_stand_twice(bpcli, folder):
    long = "x" * 80
    (folder / "c.yaml").write_text(
        f"{long}1: &a {{batch_size: 7}}\n{long}2: &b {{iterations: 9}}\ntraining: {{<<: [*a, *b]}}\n"
    )
    assert re.search(r"batch_size: 7 .*\n.*iterations: 9 ", bpcli("config", "c.yaml").stdout)


METADATA = {
    "format": "format", "its writer": "bpcli", "numpy": "numpy", "fingerprint": "dataset",
    "names": "names", "size": "size", "iteration": "iteration", "record": "record",
    "white": "white", "prepared": "prepared", "dropout": "dropout", "config": "config",
}  # fmt: skip


@pytest.mark.parametrize("what", METADATA)
@pytest.mark.parametrize(
    "value",
    [X * 10, [X] * 10, {X: X}, {"bit_generator": X}],
    ids=["a word", "a list", "a key", "a state"],
)
def test_what_is_quoted_of_a_model_has_a_length(what, value, bpcli, model, folder):
    with np.load("model.npz") as archive:
        arrays = dict(archive)
    metadata = json.loads(str(arrays["metadata"])) | {METADATA[what]: value}
    np.savez("model.npz", **arrays | {"metadata": np.array(json.dumps(metadata))})
    for command in (["info", "model.npz"], ["train", "--resume"], ["eval", "model.npz"]):
        result = bpcli(*command, code=None)
        assert result.exit_code in (0, 2)
        assert len(result.stderr) < 2000
        assert len(result.stdout) < 20_000


def test_what_differs_from_a_run_of_before_has_a_length(bpcli, model):
    change = f"dataset.source={X[:3000]}"
    words = bpcli("train", "--resume", "-s", change, "-s", "network.hidden=[9]", code=2).stderr
    assert "dataset.source is 'xxx" in words
    assert len(words) < 1000


def test_what_is_quoted_of_an_archive_has_a_length(bpcli, model, folder):
    for suffix, name in ((".npy", X[:60_000]), ("", X[:60_000])):
        with zipfile.ZipFile("model.npz", "a") as archive:
            archive.writestr(name + suffix, b"")
        for command in (["info", "model.npz"], ["data", "model.npz"]):
            assert len(bpcli(*command, code=2).stderr) < 2000
