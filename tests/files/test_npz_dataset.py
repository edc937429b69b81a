"""Keras-style archives: what is read, and what is refused in which words."""

import gzip

import numpy as np
import pytest
from tiny import make_images

from bpcli.data.dataset import load_dataset
from bpcli.errors import (
    DatasetError,
)
from bpcli.training import save


def write_npz(path, rng, **changed):
    (x_train, y_train), (x_test, y_test) = make_images(30, rng), make_images(10, rng)
    arrays = {
        "x_train": x_train.astype(np.uint8),
        "y_train": y_train,
        "x_test": x_test,
        "y_test": y_test,
    }
    arrays = {name: array for name, array in (arrays | changed).items() if array is not None}
    np.savez_compressed(path, **arrays)
    return str(path)


def test_keras_npz(tmp_path, rng):
    dataset = load_dataset(write_npz(tmp_path / "mnist.npz", rng))
    assert dataset.train.images.shape == (30, 36)
    assert dataset.held_out.images.shape == (10, 36)
    assert {dataset.train.images.dtype, dataset.train.labels.dtype} == {np.dtype(np.uint8)}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"x_test": None}, "y_test: found labels without images, expected both"),
        (
            {"x_train": np.zeros((30, 35), np.uint8)},
            "x_train: found the shape (30, 35), expected (N, height, width)",
        ),
        (
            {"x_train": np.full((30, 6, 6), -1.5)},
            "x_train: goes from -1.5 to -1.5, expected 0 to 255",
        ),
        ({"y_train": np.full(30, np.nan)}, "y_train: found nan, expected whole numbers"),
        ({"y_train": np.zeros(29, np.uint8)}, "found 29 labels, expected one for each of the 30"),
        (
            {"x_train": np.array([{}] * 30, object)},
            "cannot be read: found x_train.npy of Python's objects, which may run code, expected",
        ),
    ],
)
def test_npz_files_that_are_refused(changed, expected, tmp_path, rng):
    path = write_npz(tmp_path / "mnist.npz", rng, **changed)
    with pytest.raises(DatasetError) as caught:
        load_dataset(path)
    assert str(caught.value).startswith(path)
    assert expected in str(caught.value)


def test_archives_of_images_that_were_cut_off_are_refused(tiny, tmp_path):
    whole = tiny / "t10k-images-idx3-ubyte"
    compressed = gzip.compress(whole.read_bytes())
    whole.unlink()
    for cut in range(len(compressed)):
        whole.with_name(whole.name + ".gz").write_bytes(compressed[:cut])
        with pytest.raises(DatasetError, match="t10k-images-idx3-ubyte.gz: "):
            load_dataset(str(tiny))
    images, labels = np.zeros((9, 3, 3), np.uint8), np.arange(9, dtype=np.uint8)
    path = tmp_path / "data.npz"
    np.savez_compressed(path, x_train=images, y_train=labels, x_test=images, y_test=labels)
    data = path.read_bytes()
    for cut in range(len(data)):
        path.write_bytes(data[:cut])
        with pytest.raises(DatasetError, match=r"data.npz: cannot be read: ."):
            load_dataset(str(path))


@pytest.mark.parametrize("shape", [(60, 1, 16), (60, 16, 1)])
def test_data_in_another_order_of_memory_are_read(shape, tmp_path, make_run, rng):
    x = np.asfortranarray(rng.integers(0, 256, shape, np.uint8))
    y = np.arange(60, dtype=np.uint8) % 4
    np.savez(tmp_path / "data.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    run = make_run(f"dataset.source={tmp_path / 'data.npz'}")
    np.testing.assert_array_equal(run.dataset.train.images, x.reshape(60, 16))
    save(tmp_path / "m.npz", run)
