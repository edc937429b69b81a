"""The model file: what is in it, that it goes on as if never stopped, and that damage is refused."""

import copy
import itertools
import json
import zipfile

import numpy as np
import pytest
from tiny import ROOT

from bpcli import __version__
from bpcli.errors import CheckpointError
from bpcli.training import Output, Record, load, resume, save, train
from bpcli.training.inside import FIGURES

HISTORY = "iteration", "loss", "train_accuracy", "accuracy", "seconds", "held_out_loss"
LOSSES = "means", "total", "place"


def test_numpy_opens_it_without_pickle(model, run):
    with np.load(model, allow_pickle=False) as archive:
        curve = {f"history.{name}" for name in HISTORY} | {f"losses.{name}" for name in LOSSES}
        curve |= {f"inside.{name}" for name in ("iteration", "counts", "ends", *FIGURES)}
        assert set(archive.files) - curve == {
            "W1", "b1", "W2", "b2", "optimizer.velocity", "learnt", "metadata",
        }  # fmt: skip
        assert curve < set(archive.files)
        for name, array in run.network.arrays.items():
            assert archive[name].dtype == np.float32
            np.testing.assert_array_equal(archive[name], array)
        metadata = json.loads(str(archive["metadata"]))
    assert metadata["format"] == 4
    assert metadata["bpcli"] == __version__
    assert metadata["numpy"] == np.__version__
    assert metadata["blas_threads"] == "1"
    assert metadata["dataset"] == run.dataset.fingerprint
    assert metadata["config"]["optimizer"]["method"] == "momentum"
    assert metadata["record"]["iteration"] == 60
    assert metadata["record"]["test_accuracy"] == run.record.accuracy


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_loading_gives_the_same_network(model, run, dtype):
    network = load(model).network().astype(dtype)
    assert network.parameters.dtype == dtype
    np.testing.assert_array_equal(network.parameters, run.network.parameters)


@pytest.mark.parametrize("method", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"])
@pytest.mark.parametrize("stop", [1, 17, 36])
@pytest.mark.parametrize("batch_norm", ["false", "true"])
def test_a_resumed_run_ends_like_one_that_was_not_stopped(
    make_run, tmp_path, method, stop, batch_norm
):
    overrides = [
        f"network.batch_norm={batch_norm}",
        f"optimizer.method={method}", "optimizer.learning_rate=0.01", "optimizer.schedule=cosine",
        "optimizer.warmup=20", "network.dropout=0.3", "training.batch_size=7",
        "network.input_dropout=0.1", "network.loss=squared", "distortion.alpha=5",
        "distortion.rotation=5", "dataset.deskew=true",
        "training.adversarial=0.05",
    ]  # fmt: skip
    whole, first = make_run(*overrides), make_run(*overrides)
    records = [record for record in train(whole) if record]
    resumed = []
    for record in train(first):
        resumed += [record] if record else []
        if first.iteration == stop:
            break
    save(tmp_path / "m.npz.part", first)
    second = resume(first.config, Output(tmp_path / "m.npz").find()).run
    resumed += [record for record in train(second) if record]
    for name, array in whole.arrays.items():
        assert second.arrays[name].tobytes() == array.tobytes(), name
    figures = [
        [(r.iteration, r.epoch, r.loss, r.train_accuracy, r.accuracy) for r in found]
        for found in (records, resumed)
    ]
    assert figures[0] == figures[1]
    assert second.record.seconds >= first.record.seconds if first.record else True


def test_a_model_grows_by_a_few_bytes_with_each_evaluation(make_run, tmp_path):
    sizes = []
    for every in (60, 1):
        run = make_run(f"training.evaluate_every={every}")
        list(train(run))
        save(tmp_path / "m.npz", run)
        sizes.append((tmp_path / "m.npz").stat().st_size)
    layers = 2 * len(FIGURES) * 4 + 8
    assert sizes[1] == pytest.approx(sizes[0] + 59 * (28 + layers), abs=500)  # digits of figures


def test_the_history_has_a_point_for_each_evaluation(make_run, tmp_path):
    run = make_run("training.evaluate_every=20")
    records = [record for record in train(run) if record]
    save(tmp_path / "m.npz", run)
    saved = load(tmp_path / "m.npz")
    assert [point.iteration for point in saved.history] == [0, 20, 40, 60]
    assert saved.evaluations == 3
    for point, record in zip(saved.history[1:], records, strict=True):
        for name in HISTORY:
            assert getattr(point, name) == pytest.approx(getattr(record, name), rel=1e-6)
    with np.load(tmp_path / "m.npz") as archive:
        np.testing.assert_array_equal(archive["history.iteration"], [0, 20, 40, 60])


@pytest.mark.parametrize("stop", [1, 19, 20, 21, 59, 60])
def test_a_resumed_run_neither_loses_nor_repeats_an_evaluation(stop, make_run, tmp_path):
    run = make_run("training.evaluate_every=20")
    training = train(run)
    list(itertools.islice(training, min(stop, 59)))
    if stop == 60:  # stopped before the last evaluation
        before = run.record, [*run.history], copy.deepcopy(run.inside)
        next(training)
        run.record, run.history, run.inside = before
    save(tmp_path / "m.npz", run)
    again = resume(run.config, load(tmp_path / "m.npz")).run
    list(train(again))
    assert [point.iteration for point in again.history] == [0, 20, 40, 60]
    whole = make_run("training.evaluate_every=20")
    list(train(whole))
    assert [p.loss for p in again.history] == pytest.approx([p.loss for p in whole.history])


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("history.loss", None),
        ("history.loss", np.zeros(2, np.float32)),
        ("history.loss", np.array([np.nan], np.float32)),
        ("history.loss", np.zeros(1)),
        ("history.loss", np.zeros((1, 1), np.float32)),
        ("history.accuracy", np.array([1.5], np.float32)),
        ("history.iteration", np.array([-1])),
        ("history.iteration", np.array([61])),
        ("history.other", np.zeros(1)),
        ("history.held_out_loss", None),
        ("history.held_out_loss", np.array([np.inf], np.float32)),
        ("history.held_out_loss", np.array([-1], np.float32)),
    ],
)
def test_a_history_that_is_none_is_refused(name, array, model):
    with np.load(model) as archive:
        arrays = dict(archive)
    arrays |= {key: arrays[key][:1] for key in arrays if key.startswith("history.")}
    arrays[name] = array
    np.savez(model, **{key: value for key, value in arrays.items() if value is not None})
    with pytest.raises(CheckpointError, match="history"):
        load(model)


def test_more_iterations_extend_a_finished_model(make_run, model, run):
    overrides = ["optimizer.method=momentum", "network.dropout=0.2", "training.iterations=90"]
    whole = make_run(*overrides)
    list(train(whole))
    extended = resume(whole.config, Output(model).find()).run
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
        resume(other.config, load(model))


def test_statistics_of_batch_normalisation_are_part_of_a_model(make_run, tmp_path, rng):
    run = make_run("network.batch_norm=true", "network.hidden=[8, 5]")
    list(train(run))
    save(tmp_path / "m.npz", run)
    saved, x = load(tmp_path / "m.npz"), rng.uniform(size=(1, 36)).astype(np.float32)
    assert list(saved.arrays) == [
        "W1", "b1", "gamma2", "beta2", "mean2", "variance2",
        "W3", "b3", "gamma4", "beta4", "mean4", "variance4", "W5", "b5",
    ]  # fmt: skip
    np.testing.assert_array_equal(saved.network().predict(x), run.network.predict(x))
    assert saved.classes == 4
    before = saved.digest
    rewrite(tmp_path / "m.npz", mean2=saved.arrays["mean2"] + 1)
    assert load(tmp_path / "m.npz").digest != before
    for wrong, expected in (
        ({"mean2": None}, "mean2: found no such array, expected float32 (8,)"),
        ({"variance4": np.ones(4, np.float32)}, "variance4: found float32 (4,), expected float32 (5,)"),
        ({"mean2": np.full(8, np.inf, np.float32)}, "mean2: found values that are not finite"),
        ({"variance2": np.full(8, -1, np.float32)}, "variance2: found a variance below 0, expected"),
    ):  # fmt: skip
        save(tmp_path / "m.npz", run)
        rewrite(tmp_path / "m.npz", **wrong)
        with pytest.raises(CheckpointError) as caught:
            load(tmp_path / "m.npz")
        assert expected in str(caught.value)


def test_other_data_cannot_be_resumed(make_run, model, tiny):
    labels = tiny / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\0")
    other = make_run("optimizer.method=momentum", "network.dropout=0.2")
    with pytest.raises(CheckpointError, match="the training data of .*tiny are not those"):
        resume(other.config, load(model))


def rewrite(path, **changed):
    """Change arrays of a model file, or take them out with None."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files} | changed
    with path.open("wb") as file:
        np.savez(file, **{name: array for name, array in arrays.items() if array is not None})


RECORD = Record(1, 0.1, 2.3, 0.1, "test", 0.1, 1000.0, 0.1).to_fields()


def change_metadata(path, **changed):
    with np.load(path) as archive:
        metadata = json.loads(str(archive["metadata"])) | changed
    metadata = {key: value for key, value in metadata.items() if value is not None}
    rewrite(path, metadata=np.array(json.dumps(metadata)))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"W1": None}, "W1: found no such array, expected float32 "),
        ({"W1": np.zeros((36, 9), np.float32)}, "W1: found float32 (36, 9), expected float32 (36, 8)"),
        ({"W1": np.zeros((72, 4), np.float32)}, "W1: found float32 (72, 4), expected float32 (72, 8)"),
        ({"b1": np.zeros((8, 1), np.float32)}, "b1: found float32 (8, 1), expected float32 (8,)"),
        ({"b2": np.array(1, np.float32)}, "found no valid metadata of bpcli: len() of unsized object"),
        ({"b2": np.zeros(4)}, "b2: found float64 (4,), expected float32 (4,)"),
        ({"b2": np.full(4, np.nan, np.float32)}, "b2: found values that are not finite"),
        ({"W1": np.zeros((0, 8), np.float32)}, "found an array without numbers, expected some"),
        ({"W3": np.zeros(0)}, "found an array without numbers, expected some"),
        ({"optimizer.velocity": None}, "optimizer.velocity: found no such array, expected float32 (332,)"),
        ({"W1": np.array([{}], object)}, "not a model file, or damaged: found W1.npy of Python's objects"),
        ({"learnt": None}, "found no word on what it has learnt from, or no digests of it"),
        ({"learnt": np.array([2, 1], np.uint64)}, "found digests of what it has learnt from that are"),
        ({"learnt": np.array([1.0, 2.0])}, "found digests of what it has learnt from that are none"),
        ({"last.W1": np.zeros((36, 8), np.float32)}, "last.W2: found no such array, expected float32"),
        ({"metadata": None}, "found no model, or a damaged one"),
        ({"metadata": np.array("{")}, "found no valid metadata of bpcli: Expecting property name"),
        ({"metadata": np.array("[1]")}, "found no valid metadata of bpcli: "),
    ],
)  # fmt: skip
def test_wrong_arrays_are_refused(model, changed, expected):
    rewrite(model, **changed)
    with pytest.raises(CheckpointError) as caught:
        load(model)
    assert str(caught.value).startswith(f"{model}: ")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            {"format": 5, "bpcli": "9.9"},
            "found format 5, expected 1 to 4; it was written by bpcli '9.9'",
        ),
        ({"config": None}, "found no valid metadata of bpcli: 'config'"),
        (
            {"config": {"network": {"hidden": ["a"]}}},
            "network.hidden: found ['a'], expected a list",
        ),
        (
            {"config": {"network": {"hidden": [9]}}},
            "W1: found float32 (36, 8), expected float32 (36, 9)",
        ),
        (
            {"config": {"network": {"hidden": [10**6, 10**6]}}},
            "W1: found float32 (36, 8), expected float32 (36, 1000000)",
        ),
        ({"iteration": "many"}, "found no valid metadata of bpcli: "),
        ({"iteration": -5}, "found no valid metadata of bpcli: "),
        ({"iteration": float("inf")}, "found no valid metadata of bpcli: "),
        ({"record": RECORD | {"loss": "low"}}, "found values that are no figures of an evaluation"),
        ({"record": RECORD | {"loss": float("nan")}}, "found NaN, expected JSON"),
        ({"record": RECORD | {"loss": None}}, "found other fields than an evaluation has: "),
        ({"record": RECORD | {"seconds": float("inf")}}, "found Infinity, expected JSON"),
        ({"record": RECORD | {"seconds": -1}}, "found values that are no figures"),
        ({"record": RECORD | {"train_accuracy": True}}, "found values that are no figures"),
        ({"record": RECORD | {"iteration": 20.0}}, "found an evaluation at 20.0 of 60 iterations"),
        ({"record": RECORD | {"validation_accuracy": 0.5}}, "found no accuracy, or two, on images"),
        ({"record": RECORD | {"seconds": 10**400}}, "found values that are no figures"),
        ({"record": RECORD | {"train_accuracy": 7.0}}, "found an accuracy above 1"),
        ({"record": RECORD | {"test_accuracy": None}}, "found no accuracy, or two, on images"),
        ({"record": RECORD | {"colour": 1}}, "found other fields than an evaluation has: "),
        ({"record": RECORD | {"iteration": 61}}, "found an evaluation at 61 of 60 iterations"),
        ({"iteration": 5.5}, "iteration: found 5.5, expected a whole number"),
        ({"iteration": True}, "iteration: found True, expected a whole number"),
        ({"iteration": 61}, "found 61 of 60 iterations"),
        (
            {"iteration": 10**400},
            "000... of 60 iterations",
        ),
        ({"iteration": 40}, "found an evaluation at 60 of 40 iterations"),
        ({"format": True}, "found format True, expected 1 to 4"),
        ({"format": 2.0}, "found format 2.0, expected 1 to 4"),
        ({"white": 255.0}, "white: found 255.0, expected a whole number"),
        ({"white": 256}, "and the grey level 256"),
        ({"prepared": True}, "found prepared images of 6 x 6 pixels, expected 28 x 28"),
        ({"prepared": "no"}, "prepared: found 'no', expected true or false"),
        ({"dark": 0}, "dark: found 0, expected true or false"),
        ({"dataset": 7}, "dataset: found 7, expected text"),
        ({"names": "0123"}, "found no names for 4 classes"),
        ({"names": {"0": 0, "1": 1, "2": 2, "3": 3}}, "found no names for 4 classes"),
        ({"names": ["0", "1", "1", "3"]}, "found no names for 4 classes"),
        ({"names": ["0", "1", "", "3"]}, "found no names for 4 classes"),
        ({"size": [36]}, "size: found [36], expected height and width"),
        ({"size": [6.0, 6]}, "size: found [6.0, 6], expected height and width"),
        ({"size": [True, 36]}, "size: found [True, 36], expected height and width"),
        ({"size": [-6, -6]}, "found a size of [-6, -6] for 36 pixels"),
        ({"size": [6, 10**400]}, "found a size of [6, 1000"),
        ({"record": RECORD | {"seconds": -0.0}}, "found values that are no figures"),
        ({"record": RECORD}, "found a history that does not end with the last evaluation"),
        ({"record": RECORD | {"x" * 10**6: 1}}, "found other fields than an evaluation has: "),
        ({"config": {"y" * 10**4: 1}}, "found no valid configuration: "),
        ({"seconds": -1.0}, "found another time of the run"),
        ({"seconds": 0.0}, "found another time of the run"),
        ({"seconds": float("nan")}, "found NaN, expected JSON"),
        ({"seconds": "long"}, "found another time of the run"),
        ({"record": 3}, "found no valid metadata of bpcli: "),
        ({"record": 0}, "found no valid metadata of bpcli: "),
        (
            {"dropout": {"bit_generator": "PCG64", "state": {"state": -1, "inc": 1}}},
            "found no valid",
        ),
        ({"record": {"iteration": 1}}, "found no valid metadata of bpcli: "),
        ({"dropout": {"bit_generator": "x"}}, "found no valid metadata of bpcli: "),
        ({"learnt": None}, "found no valid metadata of bpcli: 'learnt'"),
        ({"learnt": "in its data"}, "found no word on what it has learnt from, or no digests"),
        ({"held_out_by": "chance"}, "found images held out by 'chance'"),
    ],
)
def test_wrong_metadata_is_refused(model, changed, expected):
    change_metadata(model, **changed)
    with pytest.raises(CheckpointError) as caught:
        load(model)
    assert str(caught.value).startswith(f"{model}: ")
    assert expected in str(caught.value)


def test_files_that_are_no_models_are_refused(tmp_path, model):
    with pytest.raises(CheckpointError, match=r"no.npz: cannot be read: No such file"):
        load(tmp_path / "no.npz")
    with pytest.raises(CheckpointError, match="found a folder, expected a file"):
        load(tmp_path)
    for content in (b"", b"hello", model.read_bytes()[:1000], b"\x93NUMPY\1\0"):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(
            CheckpointError, match=r"bad.npz: (found no model|not a model file|cannot be read)"
        ):
            load(tmp_path / "bad.npz")
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(CheckpointError, match=r"array.npy: found no model"):
        load(tmp_path / "array.npy")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(CheckpointError, match=r"other.zip: found no model"):
        load(tmp_path / "other.zip")


def same_or_refused(path, good):
    """Tell whether a model is refused; if it is not, its arrays have to be the good ones."""
    try:
        found = load(path)
    except CheckpointError as error:
        assert str(error).startswith(f"{path}: ")
        return True
    assert found.arrays.keys() == good.arrays.keys()
    for name, array in good.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)
    return False


def test_a_flipped_bit_is_refused_or_harmless(model, rng):
    good, data = load(model), model.read_bytes()
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
            load(model)


def test_bytes_after_the_end_are_refused_or_harmless(model):
    good = load(model)
    with model.open("ab") as file:
        file.write(b"x" * 100)
    same_or_refused(model, good)


def test_a_model_of_version_0_1_0_still_loads():
    """It is of 36 pixels, 8 units and 4 classes, held images out, and has all that can be."""
    saved = load(ROOT / "tests/training/model-0.1.0.npz")
    assert saved.config.optimizer.method == "adam"
    assert (saved.pixels, saved.classes, saved.iteration) == (36, 4, 60)
    assert (saved.record.split, saved.record.accuracy) == ("validation", 1.0)
    assert saved.network().parameters.any()
