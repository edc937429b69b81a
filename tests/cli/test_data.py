"""`bpcli data`: what a source holds, in words and pictures, and all of it as an .npz."""

import json
import os

import numpy as np
import pytest
from tiny import make_images

from bpcli.data import load_dataset


def test_it_shows_splits_classes_and_pictures(bpcli, tiny, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = bpcli("data", tiny).stdout.splitlines()
    assert lines[:16] == [
        f"{tiny}: 4 classes, images of 6 x 6 pixels",
        "",
        "split   images  grey levels",
        "train      120  0 to 255",
        "test        40  0 to 255",
        "",
        "class    train     test",
        "    0       30       10",
        "    1       30       10",
        "    2       30       10",
        "    3       30       10",
        "",
        "rarest in train: 0, 25.0% of 120 images",
        "rarest in test: 0, 25.0% of 40 images",
        "",
        "mean of train   first 0   first 1   first 2   first 3",
    ]
    assert "█" in lines[16]


def test_json(bpcli, tiny):
    found = json.loads(bpcli("data", tiny, "--json").stdout)
    assert (found["source"], found["size"]) == (str(tiny), [6, 6])
    counts = {"0": 30, "1": 30, "2": 30, "3": 30}
    assert found["splits"]["train"] == {
        "images": 120,
        "grey_levels": [0, 255],
        "counts": counts,
        "rarest": {"label": "0", "share": 0.25},
        "repeated": 0,
        "shared": 0,
        "empty": 0,
        "sorted": False,
    }
    assert found["splits"]["test"]["images"] == 40


def test_the_bundled_data_are_what_it_shows_without_a_source(bpcli):
    found = json.loads(bpcli("data", "--json").stdout)
    assert found["source"] == "mnist"
    assert found["splits"]["train"]["counts"]["1"] == 6742


def test_classes_that_do_not_exist_are_not_shown(bpcli, tiny):
    for name in ("train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"):
        data = (tiny / name).read_bytes()
        (tiny / name).write_bytes(data[:8] + bytes(255 * (label > 1) for label in data[8:]))
    lines = bpcli("data", tiny).stdout.splitlines()
    assert lines[0].endswith(": 2 classes, images of 6 x 6 pixels")
    assert [line.split()[0] for line in lines[7:9]] == ["0", "255"]


def test_it_writes_what_it_shows_as_keras_has_it(bpcli, tiny, folder):
    bpcli("data", tiny, "-o", "all.npz")
    with np.load("all.npz") as archive:
        assert {name: (a.shape, a.dtype) for name, a in archive.items()} == {
            "x_train": ((120, 6, 6), np.uint8), "y_train": ((120,), np.uint8),
            "x_test": ((40, 6, 6), np.uint8), "y_test": ((40,), np.uint8),
        }  # fmt: skip
    assert load_dataset("all.npz").fingerprint == load_dataset(str(tiny)).fingerprint
    before = (folder / "all.npz").read_bytes()
    result = bpcli("data", tiny, "-o", "all.npz", code=2)
    assert result.stderr == "all.npz: found a file, expected none there; choose another with -o\n"
    assert (folder / "all.npz").read_bytes() == before
    assert sorted(os.listdir(folder)) == ["all.npz", "tiny"]


def test_where_nothing_can_be_written(bpcli, tiny):
    result = bpcli("data", tiny, "-o", "/nonexistent/all.npz", code=2)
    assert result.stdout == ""
    assert result.stderr.startswith("/nonexistent/all.npz: found no folder /nonexistent, expected ")


def test_a_source_of_one_split(bpcli, folder, tiny):
    images, labels = make_images(20, np.random.default_rng(0))
    np.savez("some.npz", x_test=images, y_test=labels)
    result = bpcli("data", "some.npz", "-o", "same.npz")
    assert result.stderr == ""
    assert "train       20" in result.stdout
    assert "test" not in result.stdout
    assert bpcli("data", "same.npz").stdout.startswith("same.npz: 4 classes")
    (folder / "two.csv").write_text("label,a,b,c,d\n3,0,9,9,0\n1,9,0,9,0\n")
    result = bpcli("data", "two.csv")
    assert result.stderr == ""
    assert result.stdout.startswith("two.csv: 2 classes, images of 2 x 2 pixels\n")


@pytest.mark.parametrize("source", ["nowhere", ""])
def test_what_is_no_source_is_refused(source, bpcli, folder):
    result = bpcli("data", source, code=2)
    assert "expected mnist, a folder of IDX files, CSV or pictures, or a file" in result.stderr
    assert result.stdout == ""


@pytest.fixture
def odd(folder):
    """60 training images sorted by class, with what may be wrong in data; 20 test images."""
    images, labels = make_images(80, np.random.default_rng(0))
    order = np.argsort(labels[:60], kind="stable")
    images[:60], labels[:60] = images[order], labels[order]
    images[7] = images[8] = images[9]  # three that are equal
    images[20], images[25] = 0, 17  # two that are empty
    labels[55:60] = 4  # five of a class that is rare
    images[60], images[70], labels[64] = images[9], images[30], 4
    np.savez(
        "odd.npz", X_train=images[:60], y_train=labels[:60], X_test=images[60:], y_test=labels[60:]
    )
    return "odd.npz"


def test_it_says_what_is_odd(odd, bpcli):
    lines = bpcli("data", odd).stdout.splitlines()
    start = lines.index("rarest in train: 4, 8.3% of 60 images")
    assert lines[start + 1 : start + 6] == [
        "rarest in test: 4, 5.0% of 20 images",
        "2 of the train images equal one before them",
        "2 of the train images are empty: of one grey level",
        "the train images are sorted by their classes",
        "2 of the test images equal some of train",
    ]
    assert lines[start + 6] == ""


def test_json_has_what_is_odd(odd, bpcli):
    found = json.loads(bpcli("data", odd, "--json").stdout)["splits"]
    names = ("repeated", "shared", "empty", "sorted")
    assert [found["train"][name] for name in names] == [2, 0, 2, True]
    assert [found["test"][name] for name in names] == [0, 2, 0, False]
    assert found["train"]["rarest"] == {"label": "4", "share": 5 / 60}


@pytest.mark.parametrize(
    ("labels", "is_sorted"),
    [
        ([0, 0, 1, 1, 2], True),
        ([2, 2, 0, 0, 1], True),
        ([0, 1, 0, 1, 2], False),
        ([0, 1, 2, 3, 4], False),
    ],
)
def test_an_order_is_told_whichever_it_is(labels, is_sorted, bpcli, folder, rng):
    np.savez("d.npz", X=rng.integers(0, 255, (5, 2, 2)), y=labels)
    assert (
        json.loads(bpcli("data", "d.npz", "--json").stdout)["splits"]["train"]["sorted"]
        is is_sorted
    )
