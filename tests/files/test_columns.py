"""Which column of a CSV has the labels: told by a header, found where it can be, else asked for."""

import json
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import make_images

from bpcli.data import load_dataset, load_split
from bpcli.errors import DatasetError
from bpcli.files.part import Reading

QUICK = ["-s", "network.hidden=[8]", "-s", "training.iterations=20", "-q"]


def digits(count=60):
    """Images of a black border, as MNIST's are, and ten classes."""
    rng = np.random.default_rng(1)
    images = np.zeros((count, 6, 6), int)
    images[:, 1:5, 1:5] = rng.integers(0, 256, (count, 4, 4))
    return images, np.arange(count) % 10


def write(path, images, labels, place="first", names=None, delimiter=","):
    rows = [[str(value) for value in image.ravel()] for image in images]
    for row, label in zip(rows, [] if labels is None else labels, strict=labels is not None):
        row.insert({"first": 0, "last": len(row)}.get(place, place), str(label))
    lines = [delimiter.join(row) for row in ([names] if names else []) + rows]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def pixel_names(count=36):
    return [f"pixel{i}" for i in range(count)]


def assert_read(source, images, labels, **options):
    dataset = load_dataset(source, **options)
    np.testing.assert_array_equal(dataset.train.images, images.reshape(len(images), -1))
    found = [dataset.names[label] for label in dataset.train.labels]
    assert found == [str(label) for label in labels]


@pytest.mark.parametrize("place", ["first", "last"])
def test_without_a_header_they_are_found_within_a_black_border(place, folder, bpcli):
    images, labels = digits()
    source = write(folder / "d.csv", images, labels, place)
    assert_read(source, images, labels)
    assert bpcli("data", source).stderr == (
        f"{source}: its {place} column is taken for the labels, 0 to 9\n"
    )


@pytest.mark.parametrize("place", ["first", "last"])
def test_without_a_header_words_are_the_labels(place, folder):
    images, labels = make_images(40, np.random.default_rng(0))
    words = np.array(["cat", "dog", "2 eels", "x"])[labels]
    assert_read(write(folder / "d.csv", images, words, place), images, words)


@pytest.mark.parametrize("place", ["first", "last"])
def test_without_a_header_fractions_are_pixels(place, folder):
    images, labels = make_images(40, np.random.default_rng(0))
    source = write(folder / "d.csv", images / 255, labels, place)
    assert_read(source, images, labels)


@pytest.mark.parametrize("place", ["first", "last"])
def test_noise_along_the_border_is_told_from_labels_by_the_pixels_beside_it(place, folder):
    images, labels = make_images(120, np.random.default_rng(0))
    assert_read(write(folder / "d.csv", images, labels, place), images, labels)


def test_where_two_columns_may_be_the_labels_they_are_asked_for(folder, bpcli):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 2, (60, 4, 4)), np.arange(60) % 2
    source = write(folder / "d.csv", images, labels, "last")
    result = bpcli("train", "-s", f"dataset.source={source}", *QUICK, code=2)
    assert result.stderr == (
        f"{source}: found two columns of which either may be the labels, the first (0, 1) and the "
        "last (0, 1); say which: name it label in a header, or set dataset.label, or --label of "
        "data, eval and predict, to first, last or its name\n"
    )
    assert_read(source, images * 255, labels, label="last")
    bpcli("train", "-s", f"dataset.source={source}", "-s", "dataset.label=last", *QUICK)
    counts = json.loads(bpcli("data", source, "--label", "last", "--json").stdout)["splits"]
    assert counts["train"]["counts"] == {"0": 30, "1": 30}


IMAGES = {
    "border": lambda rng, n: digits(n)[0],
    "noise": lambda rng, n: rng.integers(0, 256, (n, 4, 4)),
    "few levels": lambda rng, n: rng.integers(0, 17, (n, 4, 4)) * (rng.random((n, 4, 4)) < 0.3),
    "two levels": lambda rng, n: rng.integers(0, 2, (n, 4, 4)),
    "smooth": lambda rng, n: np.cumsum(rng.integers(0, 16, (n, 4, 4)), axis=2),
    "fractions": lambda rng, n: np.round(rng.random((n, 4, 4)), 3),
}
LABELS = {
    "ten": lambda rng, n: rng.integers(0, 10, n),
    "two": lambda rng, n: rng.integers(0, 2, n),
    "signs": lambda rng, n: rng.integers(0, 2, n) * 2 - 1,
    "many": lambda rng, n: rng.integers(0, 100, n),
    "one": lambda rng, n: np.full(n, rng.integers(0, 10)),
    "letters": lambda rng, n: np.array(list("abc"))[rng.integers(0, 3, n)],
    "sorted": lambda rng, n: np.arange(n) * 10 // n,
    "numbers of images": lambda rng, n: np.arange(n),
}


@settings(max_examples=150)
@given(
    st.sampled_from(list(IMAGES)),
    st.sampled_from(list(LABELS)),
    st.sampled_from([1, 2, 5, 15, 30, 90, 300]),
    st.sampled_from(["first", "last"]),
    st.integers(0, 10**6),
)
def test_pixels_are_never_taken_for_labels(images, labels, count, place, seed):
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        pixels, classes = IMAGES[images](rng, count), LABELS[labels](rng, count)
        source = write(Path(folder) / "d.csv", pixels, classes, place)
        try:
            split = load_split(source, "train")
        except DatasetError as error:
            assert re.search(
                "either may be the labels|different labels, or more|0 to 255", str(error)
            )
            return
    assert split.reading.label == place
    assert [split.names[n] for n in split.labels] == [str(label) for label in classes]


def test_a_mark_for_a_missing_pixel_is_no_word(folder):
    images, labels = digits()
    source = write(folder / "d.csv", images, labels)
    text = (folder / "d.csv").read_text().replace(",0\n", ",?\n", 5)
    (folder / "d.csv").write_text(text)
    with pytest.raises(DatasetError, match=r"the first \(0 to 9\) and the last \(0, \?\)"):
        load_split(source, "train")
    with pytest.raises(DatasetError, match=r"d.csv:1: found '\?', expected a number"):
        load_split(source, "train", Reading("first"))


@pytest.mark.parametrize("label", [7, 3])
def test_one_class_may_be_in_either_column(label, folder):
    images, _ = digits()
    images[:, 5, 5] = np.arange(60) % 3
    source = write(folder / "d.csv", images, np.full(60, label))
    with pytest.raises(DatasetError, match="either may be the labels"):
        load_split(source, "train")
    assert load_split(source, "train", Reading("first")).names == (str(label),)


@pytest.mark.parametrize(
    ("place", "name"),
    [("first", "label"), ("last", "Class"), ("last", "target"), (5, "y"), ("first", "LABEL")],
)
def test_a_header_says_where_they_are(place, name, folder):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (30, 4, 4)), np.arange(30) % 3
    names = pixel_names(16)
    names.insert({"first": 0, "last": 16}.get(place, place), name)
    assert_read(write(folder / "d.csv", images, labels, place, names), images, labels)


@pytest.mark.parametrize("place", ["first", "last", 7])
def test_a_name_unlike_those_of_pixels_is_that_of_the_labels(place, folder):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 2, (30, 4, 4)), np.arange(30) % 2
    names = [f"{i}x{j}" for i in range(4) for j in range(4)]
    names.insert({"first": 0, "last": 16}.get(place, place), "species")
    source = write(folder / "d.csv", images, labels, place, names)
    assert_read(source, images * 255, labels)
    assert_read(source, images * 255, labels, label="species")
    with pytest.raises(DatasetError, match="expected a column 'kind', once"):
        load_dataset(source, label="kind")


def test_two_columns_of_labels_are_told(folder):
    images, labels = digits()
    names = ["label", *pixel_names(), "class"]
    rows = [[label, *image.ravel(), label] for label, image in zip(labels, images, strict=True)]
    (folder / "d.csv").write_text("\n".join(",".join(map(str, row)) for row in [names, *rows]))
    with pytest.raises(DatasetError, match="found label and class in its header, expected the"):
        load_dataset("d.csv")


def test_a_model_and_its_user_say_where_the_labels_of_other_data_are(folder, bpcli):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 2, (60, 4, 4)), np.arange(60) % 2
    source = write(folder / "d.csv", images, labels, "last")
    bpcli("train", "-s", f"dataset.source={source}", "-s", "dataset.label=last", *QUICK)
    counted = json.loads(bpcli("eval", "model.npz", "--split", "train", "--json").stdout)[
        "accuracy"
    ]
    answers = bpcli("predict", "model.npz", source, "--csv", "-").stdout.splitlines()[1:]
    right = [row.split(",")[1] == str(label) for row, label in zip(answers, labels, strict=True)]
    assert np.mean(right) == counted
    first = write(folder / "first.csv", images, labels, "first")
    given = ["eval", "model.npz", "--data", first, "--split", "train", "--label", "first", "--json"]
    assert json.loads(bpcli(*given).stdout)["accuracy"] == counted
    given = ["predict", "model.npz", first, "--label", "first", "--csv", "-"]
    assert bpcli(*given).stdout.splitlines()[1:] == answers


@pytest.mark.parametrize(
    "names",
    [
        ["label", *map(str, range(36))],
        ["letter", *map(str, range(36))],
        [str(i) for i in range(37)],
        ["5", "0", *(f"0.{i}" for i in range(1, 36))],
    ],
)
def test_a_header_of_numbers_is_no_row(names, folder):
    images, labels = digits()
    source = write(folder / "d.csv", images, labels, "first", names)
    assert_read(source, images, labels)


def test_a_header_and_a_key_that_differ_are_both_told(folder):
    images, labels = digits()
    source = write(folder / "d.csv", images, labels, "first", ["label", *pixel_names()])
    with pytest.raises(DatasetError, match="in the last column by dataset.label, and in number 1"):
        load_dataset(source, label="last")


@pytest.mark.parametrize("name", ["", "id", "Unnamed: 0", "ImageId"])
def test_a_column_that_counts_images_is_no_pixel(name, folder, bpcli):
    images, labels = digits()
    names = [name, "label", *pixel_names()]
    rows = [
        [i + 100, label, *image.ravel()]
        for i, (image, label) in enumerate(zip(images, labels, strict=True))
    ]
    text = "\n".join(",".join(map(str, row)) for row in [names, *rows])
    (folder / "d.csv").write_text(text)
    assert_read("d.csv", images, labels)
    bpcli("train", "-s", "dataset.source=d.csv", *QUICK)
    answers = bpcli("predict", "model.npz", "d.csv", "--csv", "-").stdout.splitlines()
    assert [row.split(",")[0] for row in answers[1:]] == [str(i + 100) for i in range(60)]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["16777216", "16777217"], ("16777216", "16777217")),
        (["9007199254740992", "9007199254740993"], ("9007199254740992", "9007199254740993")),
        (["1.0", "2", "1", "02"], ("1", "2")),
        (["1e1", "-3"], ("-3", "10")),
        (["1", "one"], ("1", "one")),
        (['"a, b"', "c"], ("a, b", "c")),
        (['"1"', "2"], ("1", "2")),
        (["#1", "#2"], ("#1", "#2")),
    ],
)
@pytest.mark.parametrize("place", ["first", "last"])
def test_labels_are_whole_numbers_or_words_and_never_rounded(words, names, place, folder):
    images, _ = digits(len(words) * 3)
    header = pixel_names()
    header.insert(0 if place == "first" else 36, "label")
    source = write(folder / "d.csv", images, words * 3, place, header)
    dataset = load_dataset(source)
    assert dataset.names == names
    np.testing.assert_array_equal(dataset.train.images, images.reshape(-1, 36))


def test_the_test_images_have_them_where_the_training_images_do(folder):
    images, labels = make_images(160, np.random.default_rng(0))
    (folder / "d").mkdir()
    write(folder / "d/train.csv", images[:120], labels[:120], "last")
    write(folder / "d/test.csv", images[120:132], labels[120:132], "last")
    dataset = load_dataset("d")
    assert (len(dataset.train), len(dataset.held_out)) == (120, 12)
    np.testing.assert_array_equal(dataset.held_out.labels, labels[120:132])


def test_a_model_knows_where_its_labels_were_found(folder, bpcli):
    images, labels = make_images(160, np.random.default_rng(0))
    (folder / "d").mkdir()
    write(folder / "d/train.csv", images[:120], labels[:120], "last")
    write(folder / "d/test.csv", images[120:132], labels[120:132], "last")
    trained = bpcli("train", "-s", "dataset.source=d", *QUICK, "--json").stdout
    measured = json.loads(bpcli("eval", "model.npz", "--json").stdout)
    assert measured["accuracy"] == json.loads(trained)["test_accuracy"]
    asked = bpcli("eval", "model.npz", "--data", "d/test.csv", code=2).stderr
    assert "either may be the labels" in asked
    bpcli("eval", "model.npz", "--data", "d/test.csv", "--label", "last")


def test_more_labels_than_classes_may_be_are_told(folder):
    images, _ = digits(600)
    source = write(folder / "d.csv", images, range(600), "first", ["label", *pixel_names()])
    with pytest.raises(
        DatasetError, match=r"labels: found [56]\d\d different labels, or more, expected"
    ):
        load_dataset(source)
