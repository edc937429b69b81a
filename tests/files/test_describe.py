"""What is no data is named for what it is, with what would make it data."""

import io
import pickle
import zipfile

import numpy as np
import pytest


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
    ("mnist.pkl", pickle.dumps([1, 2]), "a pickle, which may run code: save its arrays as an .npz"),
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


def test_a_link_to_nothing(bpcli, folder):
    (folder / "data").symlink_to("gone")
    result = bpcli("train", "-s", "dataset.source=data", code=2)
    assert result.stderr.startswith("data: found a link to gone, where nothing is (looked for in /")
