"""Archives made to do harm are refused in a sentence, without the memory that they ask for."""

import io
import json
import os
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from bpcli.data.dataset import load_dataset
from bpcli.errors import CheckpointError, DatasetError
from bpcli.training import load


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path, contents, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def npy(header, data=b""):
    text = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + data


def bomb(path, name):
    """Put 400 MB of zeros, which deflate to 400 kB, in place of a member."""
    contents = members(path)
    del contents[name]
    rewrite(path, contents, zipfile.ZIP_DEFLATED)
    zeros = bytes(2**20)
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open(name, "w") as file,
    ):
        file.write(npy(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({400 * 2**20},), }}"))
        for _ in range(400):
            file.write(zeros)


def lie_about_sizes(path):
    """Say of every member that it has 100 GB."""
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
    for info in infos:
        size = info.file_size.to_bytes(4, "little")
        data = data.replace(size, (0xFFFFFFF0).to_bytes(4, "little"))
    path.write_bytes(data)


def test_bombs_are_refused_without_the_memory_that_they_ask_for(model):
    contents = members(model)
    huge = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (25000000000,), }", b"\0" * 64)
    cases = [
        lambda: rewrite(model, contents | {"W1.npy": huge}),
        lambda: rewrite(model, contents | {"extra.npy": huge}),
        lambda: bomb(model, "W1.npy"),
        lambda: bomb(model, "metadata.npy"),
        lambda: lie_about_sizes(model),
    ]
    for damage in cases:
        rewrite(model, contents)
        damage()
        refused_in_little_memory("load(sys.argv[1])", model, "found")


def refused_in_little_memory(load, path, message):
    """See that `load`, a piece of code, refuses a file in 256 MB on top of what bpcli takes."""
    limit = 2**28
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from bpcli import errors\nfrom bpcli.data import load_dataset\nfrom bpcli.training import load\n"
        "size = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()\n"
        f"resource.setrlimit(resource.RLIMIT_AS, (size + {limit}, size + {limit}))\n"
        f"try: {load}\n"
        "except errors.BpcliError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.startswith(f"{path}: ")
    assert re.search(message, done.stdout)
    assert "llocate" not in done.stdout  # it was refused before that was tried


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_data_bombs_are_refused_without_the_memory_that_they_ask_for(tmp_path, compression):
    path, shape = tmp_path / "data.npz", (10**6, 28, 28)
    huge = npy(f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}", b"\0" * 64)
    labels = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (9,), }", bytes(range(9)))
    rewrite(path, {"x_train.npy": huge, "y_train.npy": labels}, compression)
    refused_in_little_memory("load_dataset(sys.argv[1])", path, "by its header")
    good = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (9, 28, 28), }", bytes(9 * 28**2))
    rewrite(path, {"x_train.npy": good, "y_train.npy": labels}, compression)
    lie_about_sizes(path)
    refused_in_little_memory("load_dataset(sys.argv[1])", path, "too few|more in it")


def test_data_that_are_compressed_without_limit_are_refused(tmp_path):
    file = io.BytesIO()
    np.save(file, np.zeros((1000, 28, 28), np.uint8))
    names = [f"{kind}_{split}.npy" for kind in "xy" for split in ("train", "test")]
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        rewrite(tmp_path / "data.npz", dict.fromkeys(names, file.getvalue()), method)
        with pytest.raises(DatasetError, match="compressed, expected by deflate or not at all"):
            load_dataset(str(tmp_path / "data.npz"))


def test_names_in_an_archive_are_said_so_that_a_terminal_can_show_them(model):
    contents = members(model)
    for name in ("optimizer.\x1b[31m.npy", "x" * 60_000 + ".npy", "\x1b[31m"):
        rewrite(model, contents | {name: contents["b1.npy"]})
        with pytest.raises(CheckpointError) as caught:
            load(model)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 500


def test_paths_inside_a_model_lead_nowhere(model, tmp_path):
    contents = members(model)
    for name in ("../evil.npy", "/tmp/evil.npy", "a/b.npy", "W1", "evil.py"):
        rewrite(model, contents | {name: contents["W1.npy"]})
        before = sorted(os.listdir(tmp_path))
        with pytest.raises(CheckpointError):
            load(model)
        assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '|S0', 'fortran_order': False, 'shape': (10000, 100000), }",
        "{'descr': '|V0', 'fortran_order': False, 'shape': (10000, 100000), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "-" * 9000 + "1,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (6L, 8L), }",
        "{" * 60_000,
    ],
    ids=range(5),
)
def test_headers_made_to_do_harm_are_refused(header, model):
    data = npy(header, b"\0" * 192)
    rewrite(model, members(model) | {"W1.npy": data})
    with pytest.raises(CheckpointError) as caught:
        load(model)
    assert str(caught.value).startswith(f"{model}: not a model file, or damaged: ")
    assert "\n" not in str(caught.value)


def test_a_pickle_is_not_opened(model, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "evil"),)

    contents = members(model)
    for name in ("W1.npy", "metadata.npy", "extra.npy"):
        file = io.BytesIO()
        np.save(file, np.array([Evil()], object), allow_pickle=True)
        rewrite(model, contents | {name: file.getvalue()})
        with pytest.raises(CheckpointError):
            load(model)
    file = tmp_path / "data.npz"
    np.savez(file, x_train=np.array([Evil()], object))
    with pytest.raises(DatasetError):
        load_dataset(str(file))
    assert not (tmp_path / "evil").exists()


def test_a_configuration_inside_a_model_has_a_limit_too(model):
    contents = members(model)
    with np.load(model) as archive:
        metadata = json.loads(str(archive["metadata"]))
    metadata["config"]["network"]["hidden"] = [1] * 60_000
    file = io.BytesIO()
    np.save(file, np.array(json.dumps(metadata)))
    rewrite(model, contents | {"metadata.npy": file.getvalue()})
    with pytest.raises(CheckpointError, match="over 100,000 bytes, too long for a configuration"):
        load(model)


def test_metadata_that_are_nested_too_deep_are_refused(model):
    contents = members(model)
    file = io.BytesIO()
    np.save(file, np.array("[" * 100_000))
    rewrite(model, contents | {"metadata.npy": file.getvalue()})
    with pytest.raises(CheckpointError):
        load(model)


@pytest.mark.parametrize("arrays", [{}, {"x": np.zeros(3)}, {"b1": np.zeros(3, np.float32)}])
def test_a_beginning_like_a_models_makes_no_model(arrays, tmp_path, bpcli):
    file = io.BytesIO()
    np.savez(file, **arrays)
    path = tmp_path / "m.npz"
    path.write_bytes(b"PK\x03\x04" + bytes(26) + b"metadata.npy" + file.getvalue())
    for command in ("info", "eval", "config"):
        stderr = bpcli(command, path, code=2).stderr
        assert re.fullmatch(
            rf"{path}: (found no model|not a model file|found .* archive), .*\n", stderr
        )
