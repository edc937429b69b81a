"""Labels that are not 0 to n - 1 keep their names, from the data to the model and its reports."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import make_images, write_idx

from bpcli.data import load_dataset
from bpcli.errors import DatasetError
from bpcli.files.labels import list_names, to_classes, to_labels


def write(path, name, *, splits=("train", "test")):
    """Write the small data set with other labels: `name` is given the number of a class."""
    rng, arrays = np.random.default_rng(0), {}
    for split, count in (("train", 120), ("test", 40)):
        images, labels = make_images(count, rng)
        if split in splits:
            arrays |= {f"x_{split}": images, f"y_{split}": np.array([name(n) for n in labels])}
    np.savez(path, **arrays)
    return str(path)


FORMS = {
    "letters": (lambda n: n + 1, "1 2 3 4"),
    "far apart": (lambda n: (0, 3, 254, 255)[n], "0 3 254 255"),
    "negative": (lambda n: n - 1, "-1 0 1 2"),
    "large": (lambda n: 10**9 * (n + 1), "1000000000 2000000000 3000000000 4000000000"),
    "float": (lambda n: 10.0 * n, "0 10 20 30"),
    "words": (lambda n: ("bag", "coat", "dress", "shirt")[n], "bag coat dress shirt"),
    "words of digits": (lambda n: ("9", "10", "11", "100")[n], "9 10 11 100"),
}


@pytest.mark.parametrize("form", FORMS)
def test_labels_keep_their_names_from_data_to_reports(form, bpcli, tiny_options, folder):
    name, names = FORMS[form]
    write("d.npz", name)
    options = [*tiny_options, "-s", "dataset.source=d.npz"]
    result = bpcli("train", *options, "-q")
    assert result.stderr.startswith("d.npz: the 4 classes are ")
    with np.load("model.npz") as archive:
        assert archive["b2"].shape == (4,)
        assert json.loads(str(archive["metadata"]))["names"] == names.split()
    rows = bpcli("eval", "model.npz").stdout.splitlines()
    assert [line.split()[:3] for line in rows[-4:]] == [
        [word, "100.00%", "100.00%"] for word in names.split()
    ]
    assert json.loads(bpcli("eval", "model.npz", "--json").stdout)["classes"] == names.split()
    found = json.loads(bpcli("data", "d.npz", "--json").stdout)["splits"]["test"]["counts"]
    assert found == dict.fromkeys(names.split(), 10)
    bpcli("data", "d.npz", "-o", "again.npz")
    with np.load("again.npz") as archive, np.load("d.npz") as before:
        np.testing.assert_array_equal(
            archive["y_train"].astype(before["y_train"].dtype), before["y_train"]
        )


def test_mistakes_are_told_by_name(bpcli, tiny_options, folder):
    write("d.npz", lambda n: "pqrs"[n])
    options = [*tiny_options, "-s", "dataset.source=d.npz", "-s", "training.iterations=2"]
    bpcli("train", *options)
    found = json.loads(bpcli("eval", "model.npz", "--mistakes", 3, "--json").stdout)["mistakes"]
    assert all(m["label"] == "pqrs"[m["index"] % 4] != m["predicted"] in "pqrs" for m in found)
    shown = bpcli("eval", "model.npz", "--mistakes", 3).stdout
    assert re.findall(r"#\d+: ([p-s]), taken for ([p-s])", shown) == [
        (m["label"], m["predicted"]) for m in found
    ]


def test_a_class_is_told_from_another_by_name_and_not_by_number(bpcli, tiny_options, folder):
    bpcli("train", *tiny_options, "-s", f"dataset.source={write('d.npz', lambda n: n + 1)}")
    images, labels = make_images(120, np.random.default_rng(1))
    np.savez("some.npz", x_test=images[labels > 1], y_test=labels[labels > 1] + 1)
    result = bpcli("eval", "model.npz", "--data", "some.npz")
    rows = [line.split()[0] for line in result.stdout.splitlines()[6:]]
    assert "accuracy 100.00%" in result.stdout
    assert rows == ["3", "4"]  # the others are neither there nor seen
    write("zero.npz", lambda n: n, splits=("test",))
    result = bpcli("eval", "model.npz", "--data", "zero.npz", code=2)
    assert result.stderr == (
        "zero.npz: test labels: found 0, expected only 1 to 4, the classes of the training images\n"
    )


def test_training_does_not_go_on_with_labels_of_another_name(bpcli, tiny_options, folder):
    options = [*tiny_options, "-s", "dataset.source=d.npz"]
    write("d.npz", lambda n: n)
    bpcli("train", *options)
    write("d.npz", lambda n: n + 1)
    result = bpcli("train", *options, "--resume", "-s", "training.iterations=70", code=2)
    assert "the training data of d.npz are not those that it was trained on" in result.stderr


@pytest.mark.parametrize(
    "names", [["0", "1"], ["0", "1", "2", "2"], ["0", "1", "2", 3], "012", 4, [""] * 4, {"a": 1}]
)
def test_names_in_a_model_that_are_none_are_refused(names, bpcli, model):
    with np.load(model) as archive:
        arrays = dict(archive)
    metadata = json.loads(str(arrays["metadata"])) | {"names": names}
    np.savez(model, **arrays | {"metadata": np.array(json.dumps(metadata))})
    assert "found no valid metadata of bpcli" in bpcli("eval", model, code=2).stderr


def test_more_classes_than_bytes_tell_apart_are_refused(tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, x_train=np.ones((257, 2, 2)), y_train=np.arange(257), x_test=1, y_test=1)
    with pytest.raises(DatasetError, match="y_train: found 257 different labels, expected at most"):
        load_dataset(str(path))


def test_classes_of_the_test_images_alone_cannot_be_learnt(tiny):
    write_idx(tiny / "t10k-labels-idx1-ubyte", np.arange(40) % 5)
    with pytest.raises(DatasetError, match="test labels: found 4, expected only 0 to 3"):
        load_dataset(str(tiny))


@given(st.lists(st.integers(-(2**40), 2**40) | st.integers(0, 255), min_size=1, max_size=50))
def test_numbers_come_back_as_they_went(values):
    for array in (np.array(values), np.array(values).astype(str)):
        labels, names = to_classes(array, "here")
        assert [int(names[label]) for label in labels] == values
        assert list(map(int, names)) == sorted(set(values))
        assert to_labels(labels, names).tolist() == values


def test_names_in_a_message():
    assert list_names(("0", "1", "2", "3")) == "0 to 3"
    assert list_names(("0", "255")) == "0, 255"
    assert list_names(("0", "1", "3")) == "0, 1, 3"
    assert list_names(tuple("abcdefghij")) == "a, b, c, d, e, f, g, h, ..."
