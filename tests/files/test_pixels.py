"""Arrays as people save them: any shape, any type, under any of the usual names."""

import numpy as np
import pytest
from tiny import make_images

from bpcli.data import load_dataset
from bpcli.errors import DatasetError


def arrays():
    rng = np.random.default_rng(0)
    (x_train, y_train), (x_test, y_test) = make_images(120, rng), make_images(40, rng)
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def write(path, change=lambda name, array: array, rename=lambda name: name):
    saved = {rename(name): change(name, array) for name, array in arrays().items()}
    np.savez_compressed(path, **saved)
    return str(path)


def assert_is_tiny(source):
    dataset = load_dataset(source)
    np.testing.assert_array_equal(dataset.train.images, arrays()["x_train"].reshape(120, 36))
    np.testing.assert_array_equal(dataset.train.labels, arrays()["y_train"])
    assert dataset.train.images.dtype == dataset.train.labels.dtype == np.uint8
    assert dataset.white == 255


IMAGES = {
    "int64": lambda x: x,
    "float32 to 255": lambda x: x.astype(np.float32),
    "float64 to 1": lambda x: x / 255,
    "(N, pixels)": lambda x: x.reshape(len(x), 36).astype(np.uint8),
    "(N, h, w, 1)": lambda x: x[..., np.newaxis],
    "(N, 1, h, w)": lambda x: x[:, np.newaxis],
    "Fortran's order": lambda x: np.asfortranarray(x.astype(np.uint8)),
}
LABELS = {
    "(N, 1)": lambda y: y[:, np.newaxis],
    "one-hot": lambda y: np.eye(4)[y],
    "one-hot bool": lambda y: np.eye(4, dtype=bool)[y],
    "float": lambda y: y.astype(np.float32),
    "int8": lambda y: y.astype(np.int8),
}


@pytest.mark.parametrize("form", IMAGES)
def test_images_of_any_shape_and_type(form, tmp_path):
    change = IMAGES[form]
    assert_is_tiny(write(tmp_path / "d.npz", lambda n, a: change(a) if n[0] == "x" else a))


@pytest.mark.parametrize("form", LABELS)
def test_labels_of_any_shape_and_type(form, tmp_path):
    change = LABELS[form]
    assert_is_tiny(write(tmp_path / "d.npz", lambda n, a: change(a) if n[0] == "y" else a))


NAMES = {
    "MedMNIST": lambda n: f"{n[2:]}_{'images' if n[0] == 'x' else 'labels'}",
    "upper case": lambda n: n.capitalize(),
    "without underlines": lambda n: f"{n[2:]}{n[0].upper()}",
    "the other way round": lambda n: f"{n[2:]}_{n[0]}",
}


@pytest.mark.parametrize("form", NAMES)
def test_names_that_people_give(form, tmp_path):
    assert_is_tiny(write(tmp_path / "d.npz", rename=NAMES[form]))


def test_pixels_of_two_kinds_are_zeros_and_ones(tmp_path):
    path = write(tmp_path / "d.npz", lambda n, a: a > 127 if n[0] == "x" else a)
    dataset = load_dataset(path)
    assert dataset.white == dataset.train.images.max() == 1


def test_measuring_needs_the_test_arrays_only(tmp_path, bpcli, tiny_options, folder):
    bpcli("train", *tiny_options, "-q")
    saved = {name: array for name, array in arrays().items() if "test" in name}
    np.savez(tmp_path / "d.npz", **saved)
    assert "accuracy 100.00%" in bpcli("eval", "model.npz", "--data", "d.npz").stdout


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("x_train", lambda a: np.stack([a] * 2, axis=1), "found the shape (120, 2, 6, 6), expected (N, height, width)"),
        ("x_train", lambda a: a.reshape(120, 36)[:, :35], "found the shape (120, 35), expected (N, height, width)"),
        ("x_train", lambda a: (a * 257).astype(np.uint16), "goes from 0 to 65535, expected 0 to 255; divide it by 257"),
        ("x_train", lambda a: a - 2, "expected 0 to 255"),
        ("x_train", lambda a: np.full(a.shape, np.nan), "goes from nan to nan, expected 0 to 255"),
        ("x_train", lambda a: a.astype("S3"), "found |S3 (120, 6, 6), expected numbers"),
        ("x_train", lambda a: a.astype(complex), "found complex128 (120, 6, 6), expected numbers"),
        ("y_train", lambda a: a + 0.5, "found 0.5, expected whole numbers"),
        ("y_train", lambda a: np.ones((120, 4)), "expected a label for each image, or rows of zeros with a single one"),
        ("y_train", lambda a: a.astype(complex), "expected numbers or words"),
        ("y_train", lambda a: np.array([["a", "b"]] * len(a)), "expected a label for each image, or rows of zeros"),
        ("y_train", lambda a: a[:, None, None], "found the shape (120, 1, 1), expected (N,)"),
        ("y_train", lambda a: a[:9], "found 9 labels, expected one for each of the 120 images"),
    ],
)  # fmt: skip
def test_arrays_that_are_no_images_or_labels_are_told(name, change, expected, tmp_path):
    path = write(tmp_path / "d.npz", lambda n, a: change(a) if n == name else a)
    with pytest.raises(DatasetError) as caught:
        load_dataset(path)
    assert str(caught.value).startswith(path)
    assert expected in str(caught.value)
