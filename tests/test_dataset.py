"""Data files: every layout that people have, every way in which they can be damaged."""

import gzip
import hashlib
import struct

import numpy as np
import pytest
from conftest import make_images, write_folder, write_idx

from bpcli.dataset import BUNDLED, Dataset, Split, load_dataset, load_split
from bpcli.errors import DatasetError

MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


@pytest.mark.parametrize("name", MD5)
def test_the_bundled_files_are_the_original_mnist(name):
    assert hashlib.md5((BUNDLED / name).read_bytes()).hexdigest() == MD5[name]
    assert MD5[name] in (BUNDLED / "SOURCE").read_text()


def test_mnist_is_mapped_into_memory():
    dataset = load_dataset()
    assert dataset.train.images.shape == (60_000, 784)
    assert dataset.held_out.images.shape == (10_000, 784)
    assert dataset.held_out.name == "test"
    assert (dataset.pixels, dataset.classes) == (784, 10)
    assert np.bincount(dataset.train.labels).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    array = dataset.train.images
    while isinstance(array, np.ndarray) and not isinstance(array, np.memmap):
        array = array.base
    assert isinstance(array, np.memmap)


def test_validation_holds_out_the_last_training_images():
    whole, parted = load_dataset(), load_dataset(validation=10_000)
    assert (parted.held_out.name, len(parted.train), len(parted.held_out)) == (
        "validation", 50_000, 10_000,
    )  # fmt: skip
    np.testing.assert_array_equal(parted.held_out.labels, whole.train.labels[50_000:])
    np.testing.assert_array_equal(parted.held_out.images, whole.train.images[50_000:])
    with pytest.raises(DatasetError, match=r"dataset.validation: found 60000, expected fewer than"):
        load_dataset(validation=60_000)


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("dash", ["-", "."])
def test_folders_of_idx_files(dash, end, tmp_path, rng):
    folder = write_folder(tmp_path / "data", rng, dash=dash, end=end)
    # A Kaggle download has folders beside the files, with the other spelling of their names.
    (folder / "train-images-idx3-ubyte").mkdir(exist_ok=True) if dash == "." else None
    dataset = load_dataset(str(folder))
    images, labels = make_images(120, np.random.default_rng(0))
    np.testing.assert_array_equal(dataset.train.images, images.reshape(120, 36))
    np.testing.assert_array_equal(dataset.train.labels, labels)
    assert (dataset.pixels, dataset.classes, len(dataset.held_out)) == (36, 4, 40)


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


def test_up_to_256_classes_and_any_size(tmp_path):
    for prefix in ("train", "t10k"):
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte", np.ones((256, 2, 5)))
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte", np.arange(256))
    dataset = load_dataset(str(tmp_path))
    assert (dataset.pixels, dataset.classes) == (10, 256)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"y_test": None}, "found no y_test, expected x_train, y_train, x_test and y_test"),
        ({"x_train": np.zeros((30, 36), np.uint8)}, "x_train has shape (30, 36)"),
        ({"x_train": np.zeros((30, 6, 6), np.float32)}, "type float32, expected 3 dimensions"),
        ({"y_train": np.full(30, 300)}, "y_train goes from 300 to 300, expected 0 to 255"),
        ({"y_train": np.full(30, -1)}, "y_train goes from -1 to -1, expected 0 to 255"),
        ({"y_train": np.zeros(29, np.uint8)}, "found 29 labels, expected one for each of the 30"),
        (
            {"x_train": np.array([{}] * 30, object)},
            "cannot be read: Object arrays cannot be loaded",
        ),
    ],
)
def test_npz_files_that_are_refused(changed, expected, tmp_path, rng):
    path = write_npz(tmp_path / "mnist.npz", rng, **changed)
    with pytest.raises(DatasetError) as caught:
        load_dataset(path)
    assert str(caught.value).startswith(path)
    assert expected in str(caught.value)


def idx(shape, data, magic=b"\0\0\x08"):
    return magic + bytes([len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + data


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("images", b"", "starts with nothing, expected 00 00 08 03"),
        ("images", b"\0\0", "starts with 00 00, expected 00 00 08 03"),
        ("images", b"GIF89a", "starts with 47 49 46 38, expected 00 00 08 03"),
        ("images", idx((2, 2), b"1234"), "starts with 00 00 08 02, expected 00 00 08 03"),
        ("images", idx((1, 2, 2), b"1234", b"\0\0\x0d"), "starts with 00 00 0d 03"),
        (
            "images",
            idx((1, 2, 2), b"123"),
            "found 3 bytes of data, expected 4 bytes of data, 1 x 2 x 2",
        ),
        ("images", idx((1, 2, 2), b"12345"), " bytes of data, expected 4 bytes of data"),
        ("images", idx((0, 2, 2), b""), "its header says (0, 2, 2), expected no size to be 0"),
        ("images", idx((2**32 - 1,) * 3, b"1"), "expected 79,228,162,458,924,"),
        ("labels", idx((3,), b"\0\1\2"), "found 3 labels, expected one for each of the 120"),
    ],
)
@pytest.mark.parametrize("end", ["", ".gz"])
def test_damaged_idx_files(name, content, expected, end, tmp_path, rng):
    folder = write_folder(tmp_path / "data", rng, end=end)
    path = folder / f"train-{name}-idx{3 if name == 'images' else 1}-ubyte{end}"
    path.write_bytes(gzip.compress(content) if end else content)
    with pytest.raises(DatasetError) as caught:
        load_dataset(str(folder))
    assert str(caught.value).startswith(str(path))
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-20], lambda b: b[:40] + b"xxxx" + b[44:], lambda b: b"no"]
)
def test_damaged_gzip(damage, tmp_path, rng):
    folder = write_folder(tmp_path / "data", rng, end=".gz")
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DatasetError, match="train-images-idx3-ubyte.gz: cannot be read"):
        load_dataset(str(folder))


def test_places_without_data(tmp_path, tiny):
    with pytest.raises(DatasetError, match="no: found nothing there, expected mnist, a folder"):
        load_dataset(str(tmp_path / "no"))
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatasetError, match="file: found a file, expected mnist, a folder"):
        load_dataset(str(tmp_path / "file"))
    (tmp_path / "text.npz").write_text("x")
    with pytest.raises(DatasetError, match=r"text.npz: cannot be read"):
        load_dataset(str(tmp_path / "text.npz"))
    with pytest.raises(DatasetError, match=r"no.npz: found nothing there"):
        load_dataset(str(tmp_path / "no.npz"))
    (tiny / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(
        DatasetError, match="tiny: found none of t10k-labels-idx1-ubyte, t10k-labels.idx1"
    ):
        load_dataset(str(tiny))


def test_training_and_test_images_have_to_fit(tiny):
    write_idx(tiny / "t10k-labels-idx1-ubyte", np.full(40, 7))
    with pytest.raises(DatasetError, match="a test label is 7, expected at most 3"):
        load_dataset(str(tiny))
    write_idx(tiny / "t10k-images-idx3-ubyte", np.ones((40, 5, 5)))
    with pytest.raises(DatasetError, match="36 pixels and test images 25, expected the same"):
        load_dataset(str(tiny))


def test_a_network_has_to_fit_the_images(tiny):
    split = load_split(str(tiny), "test")
    split.check_fits(36, 4)
    with pytest.raises(DatasetError, match="found 36 pixels, expected 784"):
        split.check_fits(784, 4)
    with pytest.raises(DatasetError, match="found 3, expected at most 1"):
        split.check_fits(36, 2)


def test_the_fingerprint_is_that_of_the_training_data():
    def fingerprint(images, labels):
        pixels = np.array(images, np.uint8)
        split = Split("train", pixels, np.array(labels, np.uint8), "here", (1, 2))
        return Dataset(split, split).fingerprint

    same = fingerprint([[1, 2], [3, 4]], [0, 1])
    assert fingerprint([[1, 2], [3, 4]], [0, 1]) == same
    assert fingerprint([[1, 2], [3, 5]], [0, 1]) != same
    assert fingerprint([[1, 2], [3, 4]], [1, 1]) != same
    assert fingerprint([[1], [2]], [3, 4]) != fingerprint([[3], [4]], [1, 2])
