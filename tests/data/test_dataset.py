"""Data sets: the bundled one, what is held out, and what has to fit together."""

import hashlib

import numpy as np
import pytest
from tiny import write_idx

from bpcli.data import Dataset, Split, load_dataset, load_split
from bpcli.data.split import BUNDLED
from bpcli.errors import (
    DatasetError,
)
from bpcli.training.loop import train

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


@pytest.mark.parametrize("share", [10_000, 1 / 6])
def test_validation_holds_out_as_many_of_each_class(share):
    whole, parted = load_dataset(), load_dataset(validation=share)
    assert (parted.held_out.name, len(parted.train), len(parted.held_out)) == (
        "validation", 50_000, 10_000,
    )  # fmt: skip
    counts, held = (np.bincount(s.labels) for s in (whole.train, parted.held_out))
    assert (np.abs(held - counts / 6) < 1).all()
    for split in (parted.train, parted.held_out):
        np.testing.assert_array_equal(split.images, whole.train.images[split.places])
        np.testing.assert_array_equal(split.labels, whole.train.labels[split.places])
        assert (np.diff(split.places) > 0).all()  # in the order of the file
    assert not np.isin(parted.train.places, parted.held_out.places).any()


@pytest.mark.parametrize("count", [60_000, 1e-9, 60_001])
def test_what_leaves_nothing_on_a_side_is_refused(count):
    with pytest.raises(DatasetError, match=r"dataset.validation: found .*, expected fewer than"):
        load_dataset(validation=count)


def test_older_models_held_out_the_last_training_images():
    whole, parted = load_dataset(), load_dataset(validation=10_000, held_out_by="last")
    np.testing.assert_array_equal(parted.held_out.labels, whole.train.labels[50_000:])
    np.testing.assert_array_equal(parted.held_out.images, whole.train.images[50_000:])


def test_the_bundled_test_images_are_none_of_its_training_images():
    train, test = (load_split("mnist", name).hashed() for name in ("train", "test"))
    assert len(test.without(train.digests)) == 10_000
    assert len(np.unique(train.digests)) == 60_000


def test_up_to_256_classes_and_any_size(tmp_path):
    for prefix in ("train", "t10k"):
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte", np.ones((256, 2, 5)))
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte", np.arange(256))
    dataset = load_dataset(str(tmp_path))
    assert (dataset.pixels, dataset.classes) == (10, 256)


def test_places_without_data(tmp_path, tiny):
    with pytest.raises(DatasetError, match="no: found nothing there; expected mnist, a folder"):
        load_dataset(str(tmp_path / "no"))
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatasetError, match="file: found a file; expected mnist, a folder"):
        load_dataset(str(tmp_path / "file"))
    (tmp_path / "text.npz").write_text("x")
    with pytest.raises(DatasetError, match=r"text.npz: cannot be read"):
        load_dataset(str(tmp_path / "text.npz"))
    with pytest.raises(DatasetError, match=r"no.npz: found nothing there"):
        load_dataset(str(tmp_path / "no.npz"))
    (tiny / "t10k-labels-idx1-ubyte").unlink()
    found = load_dataset(str(tiny))
    assert found.held_out is found.train
    assert found.remarks[0].endswith(
        "t10k-images-idx3-ubyte: images without labels, which are left alone"
    )


def test_training_and_test_images_have_to_fit(tiny):
    write_idx(tiny / "t10k-labels-idx1-ubyte", np.full(40, 7))
    with pytest.raises(
        DatasetError,
        match="test labels: found 7, expected only 0 to 3, the classes of the training",
    ):
        load_dataset(str(tiny))
    write_idx(tiny / "t10k-images-idx3-ubyte", np.ones((40, 5, 5)))
    with pytest.raises(DatasetError, match="36 pixels and test images 25, expected the same"):
        load_dataset(str(tiny))


def test_a_network_has_to_fit_the_images(tiny):
    split = load_split(str(tiny), "test")
    split.check_fits(36, 4)
    with pytest.raises(DatasetError, match="found 36 pixels, expected 784"):
        split.check_fits(784, 4)
    with pytest.raises(DatasetError, match="found 4 classes, expected 2"):
        split.check_fits(36, 2)


def test_the_fingerprint_is_that_of_the_training_data():
    def fingerprint(images, labels):
        pixels = np.array(images, np.uint8)
        names = ("0", "1", "2", "3", "4")
        split = Split("train", pixels, np.array(labels, np.uint8), names, "here", (1, 2))
        return Dataset(split, split).fingerprint

    same = fingerprint([[1, 2], [3, 4]], [0, 1])
    assert fingerprint([[1, 2], [3, 4]], [0, 1]) == same
    assert fingerprint([[1, 2], [3, 5]], [0, 1]) != same
    assert fingerprint([[1, 2], [3, 4]], [1, 1]) != same
    assert fingerprint([[1], [2]], [3, 4]) != fingerprint([[3], [4]], [1, 2])


def test_labels_that_change_meanwhile_change_nothing(make_run, tiny):
    undisturbed = make_run()
    list(train(undisturbed))
    run = make_run()
    for path, count in (
        (tiny / "t10k-labels-idx1-ubyte", 40),
        (tiny / "train-labels-idx1-ubyte", 120),
    ):
        with path.open("r+b") as file:
            file.seek(8)
            file.write(b"\xff" * count)
    list(train(run))
    np.testing.assert_array_equal(run.network.parameters, undisturbed.network.parameters)
    assert run.record.loss == undisturbed.record.loss
    assert run.record.accuracy == undisturbed.record.accuracy


def test_a_split_is_train_or_test():
    for name in ("validation", "Train", ""):
        with pytest.raises(
            DatasetError, match="mnist: found the split '.*', expected train or test"
        ):
            load_split("mnist", name)
    with pytest.raises(DatasetError, match="dataset.validation: found -5"):
        load_dataset(validation=-5)


@pytest.mark.parametrize("few", [300, 1 / 200])
@pytest.mark.parametrize("validation", [0, 6_000])
def test_few_to_learn_from_are_of_each_class_and_chosen_by_the_images(few, validation):
    whole, parted = load_dataset(), load_dataset(validation=validation, train=few)
    left = 60_000 - validation
    count = few if few > 1 else left * few
    assert len(parted.train) == pytest.approx(count, abs=1)
    counts, own = (np.bincount(split.labels) for split in (whole.train, parted.train))
    assert (np.abs(own - counts / 60_000 * len(parted.train)) < 1.1).all()
    assert parted.held_out.name == ("validation" if validation else "test")
    assert len(parted.unused) == left - len(parted.train)
    assert not np.isin(parted.unused, parted.train.digests).any()
    if validation:
        assert not np.isin(
            parted.held_out.digests, np.append(parted.unused, parted.train.digests)
        ).any()


def test_few_are_the_same_in_any_order_of_the_file(tmp_path, rng):
    images = rng.integers(0, 256, (200, 4, 4), np.uint8)
    labels = np.arange(200) % 5
    found = []
    for i in range(3):
        order = rng.permutation(200)
        np.savez(tmp_path / f"{i}.npz", x_train=images[order], y_train=labels[order])
        dataset = load_dataset(str(tmp_path / f"{i}.npz"), train=30, validation=0.1)
        found.append({tuple(image) for image in dataset.train.images.tolist()})
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 30


@pytest.mark.parametrize("few", [60_001, 1e-9])
def test_more_than_there_are_or_none_cannot_be_learnt_from(few):
    with pytest.raises(
        DatasetError, match=r"dataset.train: found .*, expected at most the 60000 training"
    ):
        load_dataset(train=few)


def test_all_that_are_not_held_out_may_be_named(tmp_path):
    dataset = load_dataset(validation=10_000, train=50_000)
    assert (len(dataset.train), len(dataset.unused)) == (50_000, 0)


def test_a_sample_is_spread_over_all_of_a_split():
    whole = load_split("mnist", "test")
    few = whole.sample(4)
    assert few.places.tolist() == [0, 2_500, 5_000, 7_500]
    np.testing.assert_array_equal(few.images, whole.images[::2_500])
    assert len(whole.sample(20_000)) == 10_000
