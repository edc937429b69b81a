"""Files made to do harm, numbers made to overflow: refused in a sentence, or harmless."""

import errno
import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from bpcli import checkpoint
from bpcli.cli import _stop
from bpcli.config import load_config
from bpcli.dataset import load_dataset
from bpcli.errors import CheckpointError, ConfigError, DatasetError, DivergedError, SaveError
from bpcli.training import check_finite, train


@pytest.fixture
def model(make_run, tmp_path):
    run = make_run("optimizer.method=momentum", "network.dropout=0.2", "training.iterations=5")
    list(train(run))
    checkpoint.save(tmp_path / "m.npz", run)
    return tmp_path / "m.npz"


def same_or_refused(path, good):
    """Tell whether a model is refused; if it is not, its arrays have to be the good ones."""
    try:
        found = checkpoint.load(path)
    except CheckpointError as error:
        assert str(error).startswith(f"{path}: ")
        return True
    assert found.arrays.keys() == good.arrays.keys()
    for name, array in good.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)
    return False


def test_a_flipped_bit_is_refused_or_harmless(model, rng):
    good, data = checkpoint.load(model), model.read_bytes()
    places = rng.choice(8 * len(data), 2000, replace=False)
    refused = 0
    for place in places.tolist():
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        model.write_bytes(flipped)
        refused += same_or_refused(model, good)
    assert refused > 1500  # the rest are flips of dates and the like


def test_a_model_that_was_cut_off_is_refused(model):
    data = model.read_bytes()
    cuts = [*range(0, len(data), 1024), len(data) - 1]
    assert len(cuts) > 5
    for cut in cuts:
        model.write_bytes(data[:cut])
        with pytest.raises(CheckpointError):
            checkpoint.load(model)


def test_bytes_after_the_end_are_refused_or_harmless(model):
    good = checkpoint.load(model)
    with model.open("ab") as file:
        file.write(b"x" * 100)
    same_or_refused(model, good)


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
        refused_in_little_memory("checkpoint.load(Path(sys.argv[1]))", model, "found")


def refused_in_little_memory(load, path, message):
    """See that `load`, a piece of code, refuses a file in 256 MB on top of what bpcli takes."""
    limit = 2**28
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from bpcli import checkpoint, dataset, errors\n"
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
    rewrite(path, {"x_train.npy": huge}, compression)
    refused_in_little_memory("dataset.load_dataset(sys.argv[1])", path, "by its header")
    good = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (9, 28, 28), }", bytes(9 * 28**2))
    rewrite(path, {"x_train.npy": good}, compression)
    lie_about_sizes(path)
    refused_in_little_memory("dataset.load_dataset(sys.argv[1])", path, "too few|more in it")


def test_a_configuration_inside_a_model_has_a_limit_too(model):
    contents = members(model)
    with np.load(model) as archive:
        metadata = json.loads(str(archive["metadata"]))
    metadata["config"]["network"]["hidden"] = [1] * 60_000
    file = io.BytesIO()
    np.save(file, np.array(json.dumps(metadata)))
    rewrite(model, contents | {"metadata.npy": file.getvalue()})
    with pytest.raises(CheckpointError, match="over 100,000 bytes, too long for a configuration"):
        checkpoint.load(model)


def test_data_that_are_compressed_without_limit_are_refused(tmp_path):
    file = io.BytesIO()
    np.save(file, np.zeros((1000, 28, 28), np.uint8))
    names = [f"{kind}_{split}.npy" for kind in "xy" for split in ("train", "test")]
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        rewrite(tmp_path / "data.npz", dict.fromkeys(names, file.getvalue()), method)
        with pytest.raises(DatasetError, match="compressed, expected by deflate or not at all"):
            load_dataset(str(tmp_path / "data.npz"))


def test_archives_of_others_are_not_taken_for_models(bpcli, tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, x=np.zeros(3), metadata="mine")
    before = path.read_bytes()
    result = bpcli("train", "-o", path, code=2)
    assert "found a file that is no model" in result.stderr
    assert path.read_bytes() == before


def test_a_file_that_appears_during_a_run_is_not_replaced(make_run, tmp_path):
    run = make_run()
    list(train(run))
    (tmp_path / "m.npz").write_text("precious")
    checkpoint.save(tmp_path / "m.npz.part", run)
    with pytest.raises(CheckpointError, match="found a file that is no model"):
        checkpoint.finish(tmp_path / "m.npz", run)
    assert (tmp_path / "m.npz").read_text() == "precious"
    assert checkpoint.load(tmp_path / "m.npz.part").iteration == run.iteration
    (tmp_path / "m.npz.part").unlink()
    for stands_there in ("file", "folder"):
        if stands_there == "folder":
            (tmp_path / "m.npz").unlink()
            (tmp_path / "m.npz").mkdir()
        with pytest.raises(CheckpointError, match=r"the finished run is in .*m.npz.part$"):
            checkpoint.finish(tmp_path / "m.npz", run)
        assert checkpoint.load(tmp_path / "m.npz.part").iteration == run.iteration
        (tmp_path / "m.npz.part").unlink()


def test_a_file_that_cannot_be_read_is_not_replaced(make_run, tmp_path, monkeypatch):
    run = make_run("training.iterations=1")
    list(train(run))
    path = tmp_path / "m.npz"
    path.write_text("precious")
    opened = Path.open

    def refuse(self, *args):
        if self == path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        with pytest.raises(
            SaveError, match="could not be written: Permission denied; the finished"
        ):
            checkpoint.finish(path, run)
    assert path.read_text() == "precious"
    assert checkpoint.load(tmp_path / "m.npz.part").iteration == run.iteration


def test_names_in_an_archive_are_said_so_that_a_terminal_can_show_them(model):
    contents = members(model)
    for name in ("optimizer.\x1b[31m.npy", "x" * 60_000 + ".npy", "\x1b[31m"):
        rewrite(model, contents | {name: contents["b1.npy"]})
        with pytest.raises(CheckpointError) as caught:
            checkpoint.load(model)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 500


def test_no_file_of_others_is_removed_or_replaced_for_an_unfinished_run(make_run, tmp_path):
    run = make_run()
    part = tmp_path / "m.npz.part"
    part.write_text("precious")
    for _ in train(run):
        with pytest.raises(CheckpointError, match="found a file that is no model"):
            checkpoint.save(part, run)
        break
    list(train(run))
    checkpoint.finish(tmp_path / "m.npz", run)
    assert part.read_text() == "precious"
    assert checkpoint.load(tmp_path / "m.npz").iteration == run.iteration


def test_an_interrupted_run_does_not_save_what_is_not_finite(make_run, tmp_path):
    run = make_run()
    run.network.parameters[3] = np.inf
    with pytest.raises(DivergedError):
        check_finite(run)
    with pytest.raises(DivergedError):
        _stop(tmp_path / "m.npz", run, signal.SIGINT)
    assert os.listdir(tmp_path) == ["tiny"]


def test_mistakes_of_a_model_that_overflows_are_json(make_run, tmp_path, bpcli):
    run = make_run("training.iterations=1")
    list(train(run))
    run.network.parameters[...] = np.where(run.network.parameters > 0, 3e38, -3e38)
    checkpoint.save(tmp_path / "m.npz", run)
    found = json.loads(bpcli("eval", tmp_path / "m.npz", "--json", "--mistakes", 3).stdout)
    assert len(found["mistakes"]) == 3


def test_paths_inside_a_model_lead_nowhere(model, tmp_path):
    contents = members(model)
    for name in ("../evil.npy", "/tmp/evil.npy", "a/b.npy", "W1", "evil.py"):
        rewrite(model, contents | {name: contents["W1.npy"]})
        before = sorted(os.listdir(tmp_path))
        with pytest.raises(CheckpointError):
            checkpoint.load(model)
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
        checkpoint.load(model)
    assert str(caught.value).startswith(f"{model}: not a model file, or damaged: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["m.npz", "data.npz"])
def test_pipes_and_devices_are_refused_at_once(name, model, tmp_path, shell):
    for path in (tmp_path / "pipe" / name, tmp_path / "device" / name):
        path.parent.mkdir()
    os.mkfifo(tmp_path / "pipe" / name)
    (tmp_path / "device" / name).symlink_to("/dev/zero")
    for path in (tmp_path / "pipe" / name, tmp_path / "device" / name):
        args = [path] if name == "m.npz" else [model, "--data", path]
        with shell("eval", *args) as process:
            _, stderr = process.communicate(timeout=20)
        assert process.returncode == 2
        assert stderr.startswith(f"{path}: cannot be read: ")
        assert stderr.endswith("found a device or a pipe, expected a file\n")


@pytest.mark.parametrize("shape", [(60, 1, 16), (60, 16, 1)])
def test_data_in_another_order_of_memory_are_read(shape, tmp_path, make_run, rng):
    x = np.asfortranarray(rng.integers(0, 256, shape, np.uint8))
    y = np.arange(60, dtype=np.uint8) % 4
    np.savez(tmp_path / "data.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    run = make_run(f"dataset.source={tmp_path / 'data.npz'}")
    np.testing.assert_array_equal(run.dataset.train.images, x.reshape(60, 16))
    checkpoint.save(tmp_path / "m.npz", run)


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
    assert run.record.test_accuracy == undisturbed.record.test_accuracy


def test_metadata_that_are_nested_too_deep_are_refused(model):
    contents = members(model)
    file = io.BytesIO()
    np.save(file, np.array("[" * 100_000))
    rewrite(model, contents | {"metadata.npy": file.getvalue()})
    with pytest.raises(CheckpointError):
        checkpoint.load(model)


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
            checkpoint.load(model)
    file = tmp_path / "data.npz"
    np.savez(file, x_train=np.array([Evil()], object))
    with pytest.raises(DatasetError):
        load_dataset(str(file))
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("command", ["eval", "gradcheck --model", "train --resume -o"])
def test_every_command_refuses_a_damaged_model(model, bpcli, command):
    model.write_bytes(model.read_bytes()[:-100])
    result = bpcli(*command.split(), model, code=2)
    assert result.stderr.startswith(f"{model}: ")
    assert result.stderr.count("\n") == 1


def test_images_that_were_cut_off_are_refused(tiny):
    path = tiny / "t10k-images-idx3-ubyte"
    data = path.read_bytes()
    for cut in range(len(data)):
        path.write_bytes(data[:cut])
        with pytest.raises(DatasetError) as caught:
            load_dataset(str(tiny))
        assert str(caught.value).startswith(f"{path}: ")


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


def test_gzip_bombs_are_refused_by_arithmetic(tiny):
    path = tiny / "t10k-images-idx3-ubyte"
    path.unlink()
    header = b"\0\0\x08\3" + b"".join(n.to_bytes(4, "big") for n in (2**16, 2**8, 2**8))
    deflated = zlib.compressobj(9, wbits=31)
    data = deflated.compress(header + bytes(10_000)) + deflated.flush()
    path.with_name(path.name + ".gz").write_bytes(data)
    with pytest.raises(DatasetError, match=r"a gzip file of \d+ bytes, too few"):
        load_dataset(str(tiny))


BILLION_LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(24)
)


@pytest.mark.parametrize(
    "content",
    [
        BILLION_LAUGHS.encode(),
        b"network: &a\n  hidden: [*a]\n",
        b"seed: !!python/object/apply:os.system ['touch evil']\n",
        b"x: " * 300_000,
        b"- " * 400_000,
        b"{" * 100_000,
        b"seed: 0\n" * 100_000,
        b"seed: \0\n",
        "seed: 0\n".encode("utf-16")[:-1],
        b"\tseed: 0\n",
        b"seed: 0\n" + b"#" * 10_000_000,
    ],
    ids=range(11),
)
def test_hostile_configurations_are_refused(content, tmp_path):
    path = tmp_path / "c.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith(f"{path}:")
    assert os.listdir(tmp_path) == ["c.yaml"]


RATES = [10.0**exponent for exponent in range(-30, 31, 5)]


@pytest.mark.parametrize("method", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("init", ["0.01", "he", "1e20"])
def test_any_learning_rate_trains_or_says_that_it_diverged(method, activation, init, make_run):
    diverged = 0
    for rate in RATES:
        run = make_run(
            f"optimizer.method={method}", f"optimizer.learning_rate={rate}",
            f"network.activation={activation}", f"network.weight_init={init}",
            "training.iterations=15", "training.evaluate_every=5",
        )  # fmt: skip
        try:
            with np.errstate(all="ignore"):
                list(train(run))
        except DivergedError as error:
            diverged += 1
            assert "training diverged" in str(error)
        else:
            assert np.isfinite(run.network.parameters).all()
            assert np.isfinite(run.record.loss)
    assert init == "1e20" or diverged < len(RATES)


@pytest.mark.parametrize("rate", ["1e-30", "1", "1e30"])
def test_the_command_saves_no_nan_and_shows_no_warning(shell, tiny_options, tmp_path, rate):
    model = tmp_path / "m.npz"
    options = ["-s", f"optimizer.learning_rate={rate}", "-o", model]
    with shell("train", *tiny_options, *options) as process:
        _, stderr = process.communicate(timeout=60)
    assert "Warning" not in stderr
    assert "Traceback" not in stderr
    if process.returncode:
        assert (process.returncode, stderr.count("\n")) == (1, 1)
        assert not model.exists()
    else:
        assert all(np.isfinite(a).all() for a in checkpoint.load(model).arrays.values())


def test_a_config_for_json_is_yaml_too(tmp_path):
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"training": {"batch_size": 7}}))
    assert load_config(path).training.batch_size == 7
