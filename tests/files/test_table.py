"""CSV files: a label and the pixels in each row, with or without a header."""

import gzip
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import make_images

from bpcli.data import load_dataset, load_split
from bpcli.errors import DatasetError


def write_csv(path, count, rng, *, header="label", delimiter=",", label=0, end="\n"):
    images, labels = make_images(count, rng)
    pixels = images.reshape(count, -1)
    rows = np.insert(pixels, label, labels, axis=1)
    lines = [delimiter.join(map(str, row)) for row in rows.tolist()]
    if header:
        names = [f"pixel{i}" for i in range(pixels.shape[1])]
        names.insert(label, header)
        lines.insert(0, delimiter.join(names))
    text = end.join(lines) + end
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


FORMS = {
    "Kaggle's": {},
    "without a header": {"header": ""},
    "with semicolons": {"delimiter": ";"},
    "with tabs": {"delimiter": "\t", "header": ""},
    "the label last": {"label": 36, "header": "class"},
    "from Windows": {"end": "\r\n"},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("names", ["{}.csv", "mnist_{}.csv", "fashion-mnist_{}.csv.gz"])
def test_a_folder_with_train_and_test(form, names, tmp_path, bpcli, tiny_options, folder):
    rng = np.random.default_rng(0)
    place = tmp_path / "csv"
    place.mkdir()
    for split, count in (("train", 120), ("test", 40)):
        write_csv(place / names.format(split), count, rng, **FORMS[form])
    images, labels = make_images(120, np.random.default_rng(0))
    dataset = load_dataset(str(place))
    np.testing.assert_array_equal(dataset.train.images, images.reshape(120, 36))
    np.testing.assert_array_equal(dataset.train.labels, labels)
    trained = bpcli("train", *tiny_options, "-s", f"dataset.source={place}", "--json", "-q").stdout
    assert json.loads(trained)["test_accuracy"] == 1


def test_one_file_is_enough_to_measure(tmp_path, bpcli, tiny_options, folder, rng):
    bpcli("train", *tiny_options, "-q")
    write_csv(tmp_path / "mine.csv", 20, rng)
    found = json.loads(bpcli("eval", "model.npz", "--data", "mine.csv", "--json").stdout)
    assert (found["images"], found["accuracy"]) == (20, 1)


def test_one_file_is_enough_to_train_on_if_images_are_held_out(
    tmp_path, bpcli, tiny_options, folder, rng
):
    write_csv(tmp_path / "mine.csv", 120, rng)
    options = [*tiny_options, "-s", "dataset.source=mine.csv", "--json", "-q"]
    result = bpcli("train", *options)
    assert result.stderr == (
        "mine.csv: there are no others to measure on: what it is measured on here is what it "
        "learns from, and says nothing of other images; -s dataset.validation=0.1 holds some out\n"
    )
    found = json.loads(bpcli("train", *options, "-s", "dataset.validation=20").stdout)
    assert found["validation_accuracy"] == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "found no rows, expected a label and pixels in each"),
        ("label,p1,p2,p3,p4\n", "found no rows"),
        ("1,2,3\n", "found 3 columns, expected a label and the pixels of a square image, as 785"),
        ("1,2,3,4\n", "found images without labels, expected a label for each"),
        ("label,1,2,3\n", "found 4 columns, .*; are the labels missing?"),
        ("1,2,3,4,5\n1,2,3,4\n", ":2: found 4 columns, expected 5, as many in each row"),
        ("y,a,b,c,d\n1,2,3,4,5\n1,2,3,4\n", ":3: found 4 columns, expected 5, as many in each row"),
        ("y,a,b,c,d\n1,2,3,4,5\n1,2,3,4,5,6\n", ":3: found 6 columns, expected 5, as many in each row"),
        ("y,a,b,c,d\n1,2,3,4,5\n1,2,x,4,5\n", ":3: found 'x', expected a number"),
        ("y,a,b,c,d\n1,2,3,4,5\n1,2,,4,5\n", ":3: found '', expected a number"),
        ("y,a,b,c,d\n1,2,3,4,300\n", "pixels: goes from 2 to 300, expected 0 to 255"),
        ("y,a,b,c,d\n1.5,2,3,4,5\n", "labels: found 1.5, expected whole numbers"),
        ("y,a,b,c,d\ninf,2,3,4,5\n", "labels: found inf, expected whole numbers"),
        ("y,a,b,c,d\ncat,2,3,4,5\n,2,3,4,5\n", "labels: found nothing, expected a label in each row"),
        ("y,a,b,c,d\n1,nan,3,4,5\n", "pixels: goes from nan to nan, expected 0 to 255"),
        ("y,a,b,c,d\n1e999999999,2,3,4,5\n", "labels: found 1e999999999, expected at most 18 digits"),
        ("id,label\n1,2\n", "found 1 column, expected a label and the pixels of a square image"),
        ("label,class,a,b,c,d\n1,2,3,4,5,6\n", "found label and class in its header, expected the labels once"),
        ("y,1,2,3,4,5,6,7,8,9,10,11,12\n", "; 3 x 2 x 2 colours are read from an .npz, reshaped"),
    ],
)  # fmt: skip
def test_tables_that_are_refused(text, expected, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(
        DatasetError, match=f"bad.csv: .*{expected}" if expected[0] == "," else expected
    ) as caught:
        load_split(str(path), "train")
    assert str(caught.value).startswith(str(path))


def test_a_table_that_is_no_text_is_refused(tmp_path):
    for content in (b"\xff\xfe\0\x01", b"\x1f\x8b\x08damaged"):
        (tmp_path / "bad.csv").write_bytes(content)
        with pytest.raises(DatasetError, match=r"bad.csv: "):
            load_split(str(tmp_path / "bad.csv"), "train")


NUMBERS = st.integers(0, 999).map(str) | st.sampled_from(
    ["", " 7", "007", "1.0", "1e1", "-3", "1234", "+1", "0x1", "nan", "٣", "1_0"]
)


@given(st.lists(st.lists(NUMBERS, min_size=4, max_size=5), min_size=1, max_size=4))
def test_numbers_are_read_as_they_are_written_or_refused(rows):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "d.csv"
        lines = ["label,a,b,c,d", *(",".join(["7", *row]) for row in rows)]
        path.write_text("\n".join(lines), encoding="utf-8")
        try:
            found = load_split(str(path), "train").images
        except DatasetError as error:
            assert str(error).startswith(str(path))
            found = None
    if any(len(row) != 4 or "" in row for row in rows):
        assert found is None
    elif all(word.isascii() and word.isdecimal() for row in rows for word in row):
        array = np.array(rows, int)
        scale = 255 if array.max() <= 1 else 1
        assert found is None if array.max() > 255 else (found == array * scale).all()
