"""The model file: what is in it, that it is whole or not there, and that damage is refused."""

import json
import os
import zipfile
from dataclasses import asdict

import numpy as np
import pytest

from bpcli import __version__, checkpoint
from bpcli.errors import CheckpointError, SaveError
from bpcli.training import Record, train


@pytest.fixture
def run(make_run):
    run = make_run("optimizer.method=momentum", "network.dropout=0.2")
    list(train(run))
    return run


@pytest.fixture
def model(run, tmp_path):
    path = tmp_path / "model.npz"
    checkpoint.save(path, run)
    return path


def test_numpy_opens_it_without_pickle(model, run):
    with np.load(model, allow_pickle=False) as archive:
        assert set(archive.files) == {"W1", "b1", "W2", "b2", "optimizer.velocity", "metadata"}
        for name, array in run.network.arrays.items():
            assert archive[name].dtype == np.float32
            np.testing.assert_array_equal(archive[name], array)
        metadata = json.loads(str(archive["metadata"]))
    assert metadata["format"] == 1
    assert metadata["bpcli"] == __version__
    assert metadata["numpy"] == np.__version__
    assert metadata["blas_threads"] == "1"
    assert metadata["dataset"] == run.dataset.fingerprint
    assert metadata["config"]["optimizer"]["method"] == "momentum"
    assert metadata["record"]["iteration"] == 60
    assert metadata["record"]["test_accuracy"] == run.record.test_accuracy


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_loading_gives_the_same_network(model, run, dtype):
    network = checkpoint.load(model).network(dtype)
    assert network.parameters.dtype == dtype
    np.testing.assert_array_equal(network.parameters, run.network.parameters)


@pytest.mark.parametrize("method", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"])
@pytest.mark.parametrize("stop", [1, 17, 36])
def test_a_resumed_run_ends_like_one_that_was_not_stopped(make_run, tmp_path, method, stop):
    overrides = [
        f"optimizer.method={method}", "optimizer.learning_rate=0.01", "optimizer.schedule=cosine",
        "optimizer.warmup=20", "network.dropout=0.3", "training.batch_size=7",
        "network.input_dropout=0.1", "network.loss=squared", "distortion.alpha=5",
        "distortion.rotation=5", "dataset.deskew=true",
        "training.adversarial=0.05",
    ]  # fmt: skip
    whole, first, second = (make_run(*overrides) for _ in range(3))
    records = [record for record in train(whole) if record]
    resumed = []
    for record in train(first):
        resumed += [record] if record else []
        if first.iteration == stop:
            break
    checkpoint.save(tmp_path / "m.npz.part", first)
    checkpoint.find(tmp_path / "m.npz").restore(second)
    resumed += [record for record in train(second) if record]
    assert second.network.parameters.tobytes() == whole.network.parameters.tobytes()
    for name, vector in whole.optimizer.state.items():
        assert second.optimizer.state[name].tobytes() == vector.tobytes()
    figures = [
        [(r.iteration, r.epoch, r.loss, r.train_accuracy, r.test_accuracy) for r in found]
        for found in (records, resumed)
    ]
    assert figures[0] == figures[1]
    assert second.record.seconds >= first.record.seconds if first.record else True


def test_a_model_does_not_grow_with_the_number_of_evaluations(make_run, tmp_path):
    sizes = []
    for every in (60, 1):
        run = make_run(f"training.evaluate_every={every}")
        list(train(run))
        checkpoint.save(tmp_path / "m.npz", run)
        sizes.append((tmp_path / "m.npz").stat().st_size)
    assert sizes[1] == pytest.approx(sizes[0], abs=500)  # digits of figures


def test_more_iterations_extend_a_finished_model(make_run, model, run):
    overrides = ["optimizer.method=momentum", "network.dropout=0.2", "training.iterations=90"]
    whole, extended = make_run(*overrides), make_run(*overrides)
    list(train(whole))
    checkpoint.find(model).restore(extended)
    list(train(extended))
    assert extended.network.parameters.tobytes() == whole.network.parameters.tobytes()


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["seed=1"], "seed is 1 but was 0; only training.iterations may change"),
        (["training.batch_size=9", "optimizer.method=sgd"], "optimizer.method is sgd but was momentum; "),
        (["training.iterations=59"], "training.iterations is 59, expected at least the 60 that are"),
    ],
)  # fmt: skip
def test_another_configuration_cannot_be_resumed(make_run, model, overrides, expected):
    other = make_run("optimizer.method=momentum", "network.dropout=0.2", *overrides)
    with pytest.raises(CheckpointError, match=expected):
        checkpoint.load(model).restore(other)


def test_other_data_cannot_be_resumed(make_run, model, tiny):
    labels = tiny / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\0")
    other = make_run("optimizer.method=momentum", "network.dropout=0.2")
    with pytest.raises(CheckpointError, match="the training data of .*tiny are not those"):
        checkpoint.load(model).restore(other)


def test_find_prefers_the_unfinished_run(run, tmp_path):
    path = tmp_path / "m.npz"
    with pytest.raises(CheckpointError, match=r"m.npz.part: found neither it nor .*m.npz; train"):
        checkpoint.find(path)
    checkpoint.save(path, run)
    assert checkpoint.find(path).path == path
    checkpoint.save(checkpoint.part(path), run)
    assert checkpoint.find(path).path == checkpoint.part(path)
    checkpoint.finish(path, run)
    assert set(os.listdir(tmp_path)) == {"tiny", "m.npz"}


def rewrite(path, **changed):
    """Change arrays of a model file, or take them out with None."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files} | changed
    with path.open("wb") as file:
        np.savez(file, **{name: array for name, array in arrays.items() if array is not None})


RECORD = asdict(Record(1, 0.1, 2.3, 0.1, 0.1, None, 1000.0, 0.1))


def change_metadata(path, **changed):
    with np.load(path) as archive:
        metadata = json.loads(str(archive["metadata"])) | changed
    metadata = {key: value for key, value in metadata.items() if value is not None}
    rewrite(path, metadata=np.array(json.dumps(metadata)))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"W1": None}, "found 44 parameters, expected 108 by its configuration"),
        ({"W1": np.zeros((36, 9), np.float32)}, "found 368 parameters, expected 332 by its configuration"),
        ({"W1": np.zeros((72, 4), np.float32)}, "found 332 parameters, expected 620 by its configuration"),
        ({"b1": np.zeros((8, 1), np.float32)}, "b1: found float32 (8, 1), expected float32 (8,)"),
        ({"b2": np.array(1, np.float32)}, "found no valid metadata of bpcli: len() of unsized object"),
        ({"b2": np.zeros(4)}, "b2: found float64 (4,), expected float32 (4,)"),
        ({"b2": np.full(4, np.nan, np.float32)}, "b2: found values that are not finite"),
        ({"W1": np.zeros((0, 8), np.float32)}, "found an array without numbers, expected some"),
        ({"W3": np.zeros(0)}, "found 332 parameters, expected 296 by its configuration"),
        ({"optimizer.velocity": None}, "optimizer.velocity: found no such array, expected float32 (332,)"),
        ({"W1": np.array([{}], object)}, "not a model file, or damaged: Object arrays cannot be loaded"),
        ({"metadata": None}, "found no model, or a damaged one"),
        ({"metadata": np.array("{")}, "found no valid metadata of bpcli: Expecting property name"),
        ({"metadata": np.array("[1]")}, "found no valid metadata of bpcli: "),
    ],
)  # fmt: skip
def test_wrong_arrays_are_refused(model, changed, expected):
    rewrite(model, **changed)
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load(model)
    assert str(caught.value).startswith(f"{model}: ")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            {"format": 2, "bpcli": "9.9"},
            "found format 2, expected 1; it was written by bpcli '9.9'",
        ),
        ({"config": None}, "found no valid metadata of bpcli: 'config'"),
        (
            {"config": {"network": {"hidden": ["a"]}}},
            "network.hidden: found ['a'], expected a list",
        ),
        (
            {"config": {"network": {"hidden": [9]}}},
            "found 332 parameters, expected 373 by its configuration",
        ),
        ({"config": {"network": {"hidden": [10**6, 10**6]}}}, "expected 1,000,042,000,004"),
        ({"iteration": "many"}, "found no valid metadata of bpcli: "),
        ({"iteration": -5}, "found no numbers in its record or iteration"),
        ({"iteration": float("inf")}, "found no valid metadata of bpcli: "),
        ({"record": RECORD | {"loss": "low"}}, "found no numbers in its record or iteration"),
        ({"record": RECORD | {"loss": float("nan")}}, "found no numbers in its record"),
        ({"record": RECORD | {"loss": None}}, "found no numbers in its record"),
        ({"record": RECORD | {"seconds": float("inf")}}, "found no numbers in its record"),
        ({"record": RECORD | {"seconds": -1}}, "found no numbers in its record"),
        ({"record": RECORD | {"train_accuracy": True}}, "found no numbers in its record"),
        ({"record": RECORD | {"iteration": 20.0}}, "found no numbers in its record"),
        ({"record": RECORD | {"validation_accuracy": 0.5}}, "found no numbers in its record"),
        ({"record": RECORD | {"seconds": 10**400}}, "found no numbers in its record"),
        ({"record": RECORD | {"train_accuracy": 7.0}}, "found no numbers in its record"),
        ({"record": RECORD | {"iteration": 61}}, "found no numbers in its record"),
        ({"iteration": 5.5}, "found no valid metadata"),
        ({"record": 3}, "found no valid metadata of bpcli: "),
        ({"record": 0}, "found no valid metadata of bpcli: "),
        (
            {"dropout": {"bit_generator": "PCG64", "state": {"state": -1, "inc": 1}}},
            "found no valid",
        ),
        ({"record": {"iteration": 1}}, "found no valid metadata of bpcli: "),
        ({"dropout": {"bit_generator": "x"}}, "found no valid metadata of bpcli: "),
    ],
)
def test_wrong_metadata_is_refused(model, changed, expected):
    change_metadata(model, **changed)
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load(model)
    assert str(caught.value).startswith(f"{model}: ")
    assert expected in str(caught.value)


def test_files_that_are_no_models_are_refused(tmp_path, model):
    with pytest.raises(CheckpointError, match=r"no.npz: cannot be read: No such file"):
        checkpoint.load(tmp_path / "no.npz")
    with pytest.raises(CheckpointError, match="cannot be read: Is a directory"):
        checkpoint.load(tmp_path)
    for content in (b"", b"hello", model.read_bytes()[:1000], b"\x93NUMPY\1\0"):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(
            CheckpointError, match=r"bad.npz: (found no model|not a model file|cannot be read)"
        ):
            checkpoint.load(tmp_path / "bad.npz")
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(CheckpointError, match=r"array.npy: found no model"):
        checkpoint.load(tmp_path / "array.npy")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(CheckpointError, match=r"other.zip: found no model"):
        checkpoint.load(tmp_path / "other.zip")


def test_a_failed_write_leaves_the_old_model(model, run, monkeypatch, tmp_path):
    before = model.read_bytes()

    def full_disk(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(
        SaveError, match=r"model.npz: could not be written: No space left on device"
    ):
        checkpoint.save(model, run)
    assert model.read_bytes() == before
    assert set(os.listdir(tmp_path)) == {"tiny", "model.npz"}


def test_a_symbolic_link_stays_one(run, tmp_path):
    (tmp_path / "link.npz").symlink_to("target.npz")
    checkpoint.save(tmp_path / "link.npz", run)
    assert (tmp_path / "link.npz").is_symlink()
    assert checkpoint.load(tmp_path / "target.npz").iteration == 60


def test_where_nothing_can_be_written_is_known_before(tmp_path):
    with checkpoint.reserved(tmp_path / "m.npz"):
        pass
    assert os.listdir(tmp_path) == []
    for name, expected in (
        ("no/m.npz", "no model can be written there: No such file or directory"),
        ("x" * 300, "no model can be written there: File name too long"),
        ("x" * 253, "no model can be written there: File name too long"),
        (".", "found a folder, expected a file name"),
    ):
        with pytest.raises(CheckpointError, match=expected), checkpoint.reserved(tmp_path / name):
            pass
    (tmp_path / "m.npz.part").mkdir()
    with (
        pytest.raises(CheckpointError, match=r"m.npz.part: found a folder, expected a file name"),
        checkpoint.reserved(tmp_path / "m.npz"),
    ):
        pass
