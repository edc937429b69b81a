"""Folders of IDX files: every layout that people have, every way in which they can be damaged."""

import gzip
import struct
import zlib

import numpy as np
import pytest
from tiny import make_images, write_folder

from bpcli.data.dataset import load_dataset
from bpcli.errors import (
    DatasetError,
)


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


def idx(shape, data, magic=b"\0\0\x08"):
    return magic + bytes([len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + data


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("images", b"", "starts with nothing, expected 00 00 08 03"),
        ("images", b"\0\0", "starts with 00 00, expected 00 00 08 03"),
        ("images", b"GIF89a", "starts with 47 49 46 38, expected 00 00 08 03"),
        ("images", idx((2, 2), b"1234"), "starts with 00 00 08 02, expected 00 00 08 03"),
        ("images", idx((1, 2, 2), b"1234", b"\0\0\x0a"), "starts with 00 00 0a 03"),
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
    "damage", [lambda b: b[:-20], lambda b: b[:40] + b"xxxx" + b[44:], lambda b: b[:9]]
)
def test_damaged_gzip(damage, tmp_path, rng):
    folder = write_folder(tmp_path / "data", rng, end=".gz")
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DatasetError, match="train-images-idx3-ubyte.gz: cannot be read"):
        load_dataset(str(folder))


def test_images_that_were_cut_off_are_refused(tiny):
    path = tiny / "t10k-images-idx3-ubyte"
    data = path.read_bytes()
    for cut in range(len(data)):
        path.write_bytes(data[:cut])
        with pytest.raises(DatasetError) as caught:
            load_dataset(str(tiny))
        assert str(caught.value).startswith(f"{path}: ")


def test_gzip_bombs_are_refused_by_arithmetic(tiny):
    path = tiny / "t10k-images-idx3-ubyte"
    path.unlink()
    header = b"\0\0\x08\3" + b"".join(n.to_bytes(4, "big") for n in (2**16, 2**8, 2**8))
    deflated = zlib.compressobj(9, wbits=31)
    data = deflated.compress(header + bytes(10_000)) + deflated.flush()
    path.with_name(path.name + ".gz").write_bytes(data)
    with pytest.raises(DatasetError, match=r"a gzip file of \d+ bytes, too few"):
        load_dataset(str(tiny))
