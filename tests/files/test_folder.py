"""Folders of data under all the names, and in all the nests, in which people have them."""

import gzip
import json
import os
import shutil
import struct

import numpy as np
import pytest
from tiny import make_images, write_idx

from bpcli.data import load_dataset
from bpcli.errors import DatasetError

FILES = {
    ("train", "images"): "train-images-idx3-ubyte",
    ("train", "labels"): "train-labels-idx1-ubyte",
    ("test", "images"): "t10k-images-idx3-ubyte",
    ("test", "labels"): "t10k-labels-idx1-ubyte",
}


@pytest.fixture
def renamed(tiny):
    """Give each file of the small data set another name, by a function of split, kind and name."""

    def rename(name):
        for (split, kind), old in FILES.items():
            path = tiny / name(split, kind, old)
            path.parent.mkdir(exist_ok=True, parents=True)
            shutil.move(tiny / old, path.with_name(path.name + ".tmp"))
            shutil.move(path.with_name(path.name + ".tmp"), path)
        return tiny

    return rename


NAMES = {
    "dots": lambda split, kind, old: old.replace("-idx", ".idx"),
    "idx": lambda split, kind, old: f"{split}-{kind}.idx",
    "bin": lambda split, kind, old: f"{split}-{kind}.bin",
    "upper case": lambda split, kind, old: old.upper(),
    "underlines": lambda split, kind, old: old.replace("-", "_"),
    "test for t10k": lambda split, kind, old: old.replace("t10k", "test"),
    "EMNIST": lambda split, kind, old: f"emnist-letters-{split}-{kind}-{old[-11:]}",
    "a browser's copy": lambda split, kind, old: f"{old} (1)",
    "a folder for each file": lambda split, kind, old: f"{old}.d/{old}",
    "above MNIST/raw": lambda split, kind, old: f"MNIST/raw/{old}",
}


def assert_is_tiny(source):
    dataset, (images, labels) = (
        load_dataset(str(source)),
        make_images(120, np.random.default_rng(0)),
    )
    np.testing.assert_array_equal(dataset.train.images, images.reshape(120, 36))
    np.testing.assert_array_equal(dataset.train.labels, labels)
    assert (len(dataset.held_out), dataset.pixels, dataset.classes) == (40, 36, 4)


@pytest.mark.parametrize("name", NAMES)
def test_names_and_nests_that_people_have(name, renamed, bpcli, tiny_options, folder):
    source = renamed(NAMES[name])
    assert_is_tiny(source)
    trained = bpcli("train", *tiny_options, "--json", "-q").stdout
    assert json.loads(trained)["test_accuracy"] == 1


@pytest.mark.parametrize("end", [".gz", "", " (1).gz"])
@pytest.mark.parametrize("packed", [True, False])
def test_what_is_packed_is_told_by_content_and_not_by_name(end, packed, renamed):
    source = renamed(lambda split, kind, old: old + end)
    for path in source.iterdir():
        path.write_bytes(gzip.compress(path.read_bytes()) if packed else path.read_bytes())
    assert_is_tiny(source)


def test_a_file_beside_its_own_archive_is_one(tiny):
    for path in list(tiny.iterdir()):
        path.with_name(path.name + ".gz").write_bytes(b"not looked at")
    assert_is_tiny(tiny)


def idx(array, code):
    return struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape) + array.tobytes()


def test_labels_as_qmnist_has_them(tiny):
    for name in ("train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"):
        labels = np.frombuffer((tiny / name).read_bytes()[8:], np.uint8)
        table = np.zeros((len(labels), 8), ">i4")
        table[:, 0], table[:, 1:] = labels, 123456
        (tiny / name).unlink()
        split = "train" if "train" in name else "test"
        (tiny / f"qmnist-{split}-labels-idx2-int").write_bytes(idx(table, 0x0C))
    assert_is_tiny(tiny)


@pytest.mark.parametrize(
    ("code", "dtype"), [(0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")]
)
def test_elements_of_other_types_that_are_whole(code, dtype, tiny):
    for path in tiny.iterdir():
        dimensions = 3 if "images" in path.name else 1
        data = path.read_bytes()
        shape = np.frombuffer(data, ">u4", dimensions, 4)
        array = np.frombuffer(data[4 + 4 * dimensions :], np.uint8).reshape(shape)
        path.write_bytes(idx(array.astype(dtype), code))
    assert_is_tiny(tiny)


def test_kmnist_has_an_archive_for_each(tiny):
    for (split, kind), name in FILES.items():
        data, dimensions = (tiny / name).read_bytes(), 3 if kind == "images" else 1
        shape = np.frombuffer(data, ">u4", dimensions, 4)
        array = np.frombuffer(data[4 + 4 * dimensions :], np.uint8).reshape(shape)
        word = "imgs" if kind == "images" else "labels"
        np.savez_compressed(tiny / f"kmnist-{split}-{word}.npz", array)
        (tiny / name).unlink()
    assert_is_tiny(tiny)


def test_two_files_of_which_either_might_be_meant_are_both_named(tiny, bpcli, tiny_options):
    shutil.copy(tiny / "train-images-idx3-ubyte", tiny / "emnist-train-images-idx3-ubyte")
    result = bpcli("train", *tiny_options, code=2)
    assert result.stderr == (
        f"{tiny}: found emnist-train-images-idx3-ubyte and train-images-idx3-ubyte, expected one "
        "of them alone\n"
    )


def test_what_is_no_data_is_not_taken_for_it(tiny):
    for name in ("train-images.png", "train-images-idx3-ubyte.md5", "train-labels.txt"):
        (tiny / name).write_text("x")
    (tiny / "train-images-thumbnail").write_text("not IDX")
    assert_is_tiny(tiny)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            [],
            "found nothing in it, expected train-images-idx3-ubyte and train-labels-idx1-ubyte or the like,",
        ),
        (["a.txt", "b"], "found a.txt, b/, expected train-images-idx3-ubyte"),
        (
            ["train-images-idx3-ubyte"],
            "train-images-idx3-ubyte: found images without labels, expected a label for each",
        ),
    ],
)
def test_a_folder_without_data_says_what_is_in_it(names, expected, tmp_path):
    place = tmp_path / "d"
    place.mkdir()
    for name in names:
        (place / name).mkdir() if name == "b" else write_idx(place / name, np.ones((3, 2, 2)))
    with pytest.raises(DatasetError) as caught:
        load_dataset(str(place))
    assert expected in str(caught.value)
    assert str(caught.value).startswith(str(place))


def test_a_link_to_nothing_says_where_it_leads(tiny):
    (tiny / "train-images-idx3-ubyte").unlink()
    (tiny / "train-images-idx3-ubyte").symlink_to("/mnt/gone/images")
    with pytest.raises(DatasetError) as caught:
        load_dataset(str(tiny))
    assert str(caught.value) == (
        f"{tiny / 'train-images-idx3-ubyte'}: cannot be read: it is a link to /mnt/gone/images, "
        "where nothing is"
    )


def test_a_link_to_nothing_is_named_among_what_is_there(tmp_path):
    (tmp_path / "images").symlink_to("../gone")
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(
        DatasetError, match=r"found images \(a link to \.\./gone, where nothing is\), notes"
    ):
        load_dataset(str(tmp_path))


def test_a_link_to_nothing_beside_the_data_is_not_in_the_way(tiny):
    (tiny / "latest").symlink_to("gone")
    (tiny / "train-images (1)").symlink_to("gone")
    (tiny / "loop").symlink_to("loop")
    assert_is_tiny(tiny)


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_file_is_not_read_for_one(kind, tiny):
    path = tiny / "train-labels-idx1-ubyte"
    path.unlink()
    os.mkfifo(path) if kind == "pipe" else path.symlink_to("/dev/zero")
    with pytest.raises(
        DatasetError, match=f"train-labels-idx1-ubyte: found a {kind}, expected a file"
    ):
        load_dataset(str(tiny))


def test_links_to_data_are_followed(tiny, tmp_path):
    (tmp_path / "linked").mkdir()
    for path in tiny.iterdir():
        (tmp_path / "linked" / path.name).symlink_to(path)
    (tmp_path / "all").symlink_to("linked")
    assert_is_tiny(tmp_path / "all")
