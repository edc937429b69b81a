"""What is no data is named for what it is, with what would make it data."""

import gzip
import io
import pickle
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from bpcli.data import load_dataset


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("train-images-idx3-ubyte", b"x")
    return file.getvalue()


def npy():
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


FILES = [
    ("mnist.html", b"<!DOCTYPE html>\n<html>", "a web page"),
    ("mnist.gz", b"\n<html><body>404", "a web page"),
    ("mnist.bin", b"version https://git-lfs.github.com/spec/v1\noid", "a pointer of Git LFS"),
    ("mnist.pkl", pickle.dumps([1, 2]), "a pickle, which may run code: if you trust it, python -c"),
    (
        "mnist.pkl.gz",
        gzip.compress(pickle.dumps([1])),
        "a pickle, which may run code: if you trust",
    ),
    ("mnist.gz", gzip.compress(pickle.dumps([1])), "a pickle, which may run code: if you trust"),
    (
        "0.parquet",
        b"PAR1\x15\x04",
        "a Parquet file: where a row is a label and an image, python -c",
    ),
    ("digits", pickle.dumps([1, 2]), "a pickle"),
    ("mnist.zip", zipped(), "a zip: unpack it, and name the folder"),
    ("training.pt", zipped(), "a file of PyTorch"),
    ("mnist.arff", b"@RELATION mnist\n", "an ARFF file: save it as CSV, the label first"),
    ("mnist.mat", b"MATLAB 5.0 MAT-file", "a file of MATLAB"),
    ("mnist.h5", b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    ("x_train.npy", npy(), "an array alone: put images and labels into one .npz"),
    ("seven.png", b"\x89PNG\r\n\x1a\n", "a picture"),
    ("mnist.tar.gz", b"\x1f\x8b\x08\0", "packed by gzip: unpack it"),
    ("mnist.txt", b"hello", "a file"),
    ("mnist.dat", b"", "an empty file"),
]


@pytest.mark.parametrize(("name", "content", "what"), FILES, ids=[name for name, *_ in FILES])
def test_other_files_are_named_for_what_they_are(name, content, what, bpcli, folder):
    (folder / name).write_bytes(content)
    result = bpcli("train", "-s", f"dataset.source={name}", code=2)
    assert result.stderr.startswith(f"{name}: found {what}")
    assert (
        "expected mnist, a folder of IDX files, CSV or pictures, or a file .npz or .csv"
        in result.stderr
    )
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(("name", "content", "what"), FILES[4:8:2])
def test_a_folder_of_such_files_says_so(name, content, what, bpcli, folder):
    (folder / "d").mkdir()
    (folder / "d/README").write_text("of digits")
    (folder / "d" / name).write_bytes(content)
    said = bpcli("train", "-s", "dataset.source=d", code=2).stderr
    assert said.startswith(f"d: found {name}" if name < "R" else f"d: found README, {name}")
    assert f"; {name} is {what}" in said


def test_a_link_to_nothing(bpcli, folder):
    (folder / "data").symlink_to("gone")
    result = bpcli("train", "-s", "dataset.source=data", code=2)
    assert result.stderr.startswith("data: found a link to gone, where nothing is (looked for in /")


ARRAYS = np.random.default_rng(0).integers(0, 256, (30, 16), np.uint8)
LABELS = np.arange(30) % 3
PICKLES = {
    "mnist.pkl.gz": [(ARRAYS[:10] / 255, LABELS[:10]), (ARRAYS[10:20] / 255, LABELS[10:20]),
                     (ARRAYS[20:] / 255, LABELS[20:])],
    "mnist.pkl": {"train_img": ARRAYS[:10], "train_label": LABELS[:10],
                  "test_img": ARRAYS[20:], "test_label": LABELS[20:]},
    "of mine/data_batch_1": {"data": ARRAYS[:10], "labels": LABELS[:10].tolist()},
}  # fmt: skip


@pytest.mark.parametrize("name", PICKLES)
def test_the_line_that_is_named_makes_data_of_a_pickle(name, bpcli, folder):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    content = pickle.dumps(PICKLES[name], 2)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    said = bpcli("data", name, code=2).stderr
    program = re.search(r'python -c "([^"]*)" makes data of it', said)[1]
    assert not list(folder.rglob("*.npz"))
    subprocess.run([sys.executable, "-c", program], check=True)
    (made,) = folder.rglob("*.npz")
    assert (load_dataset(str(made)).train.images == ARRAYS[:10]).all()


def test_a_name_that_would_end_the_quotes_is_not_pasted(bpcli, folder):
    (folder / "a'b$(x).pkl").write_bytes(pickle.dumps([1]))
    assert "open('FILE', 'rb')" in bpcli("data", "a'b$(x).pkl", code=2).stderr
