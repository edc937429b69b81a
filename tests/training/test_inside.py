"""What happens in the layers: as plain formulas have it, in few numbers, the same after a stop."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.data.split import to_inputs
from bpcli.errors import CheckpointError
from bpcli.training import Output, load, resume, save, train
from bpcli.training.inside import (
    BINS,
    FIGURES,
    MOST,
    OUTPUTS,
    STEPS,
    Histograms,
    Inside,
    find_steepness,
)

DEEP = ["network.hidden=[12, 9, 7]", "network.weight_init=xavier", "training.evaluate_every=20"]


def rms(array):
    return np.sqrt(np.mean(np.square(array.astype(np.float64))))


def forward(run, x):
    """The outputs of each layer, by chapter 5 in the plainest way."""
    activations = {
        "relu": lambda y: np.maximum(y, 0), "sigmoid": lambda y: 1 / (1 + np.exp(-y)), "tanh": np.tanh,
    }  # fmt: skip
    arrays, outputs = list(run.network.arrays.values()), []
    for i, (W, b) in enumerate(zip(arrays[::2], arrays[1::2], strict=True)):
        x = x @ W.astype(np.float64) + b
        if i < len(arrays) // 2 - 1:
            x = activations[run.config.network.activation](x)
        outputs.append(x)
    return outputs


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("init", ["xavier", "1"])
def test_figures_of_outputs_are_those_of_plain_formulas(activation, init, make_run):
    run = make_run(*DEEP, f"network.activation={activation}", f"network.weight_init={init}")
    held_out, looks = run.dataset.held_out, []
    x = to_inputs(held_out.images, held_out.white, np.empty(held_out.images.shape))
    looks.append(forward(run, x))
    list(train(run))
    looks.append(forward(run, x))
    inside = run.inside
    assert inside.iterations == [0, 20, 40, 60]
    for outputs, at, histogram in zip(looks, (0, -1), inside.histograms, strict=True):
        stuck = []
        for layer, y in enumerate(outputs):
            np.testing.assert_allclose(
                inside.figure("mean")[at, layer], y.mean(), rtol=1e-3, atol=1e-5
            )
            np.testing.assert_allclose(inside.figure("deviation")[at, layer], y.std(), rtol=1e-3)
            low, high = histogram.ends[layer]
            if layer < 3 and activation != "relu":
                assert (low, high) == ((0, 1) if activation == "sigmoid" else (-1, 1))
            assert histogram.counts[layer].sum() == y.size
            counts = np.histogram(y, BINS, (float(low), float(high)))[0]
            assert np.abs(counts - histogram.counts[layer]).sum() <= 0.03 * y.size  # at the edges
            stuck.append({
                "relu": (y == 0).all(axis=0), "sigmoid": np.abs(y - 0.5) > 0.4743, "tanh": np.abs(y) > 0.9487,
            }[activation].mean())  # fmt: skip
        np.testing.assert_allclose(inside.figure("stuck")[at, :3], stuck[:3], atol=0.01)
        assert np.isnan(inside.figure("stuck")[at, 3])


@pytest.mark.parametrize("method", ["sgd", "nesterov", "adam"])
def test_gradients_and_updates_are_those_of_the_mini_batch_before(method, make_run):
    options = [
        *DEEP,
        f"optimizer.method={method}",
        "optimizer.learning_rate=0.05",
        "network.dropout=0.2",
    ]
    run, same = make_run(*options), make_run(*options)
    list(train(run))
    expected = []
    for iteration in range(1, 61):
        before = same.network.parameters.copy()
        same.network.forward(*same.mini_batches.draw(iteration - 1))
        same.network.backward()
        gradients = {name: rms(array) for name, array in same.network.gradient_arrays.items()}
        same.optimizer.update(same.learning_rate(iteration - 1))
        moved, same_after = same.network.parameters - before, same.network.arrays
        if iteration in (1, 20, 40, 60):
            updates = split(moved, same_after)
            expected.append([
                [gradients[f"W{i}"], gradients[f"b{i}"], updates[f"W{i}"], rms(same_after[f"W{i}"])]
                for i in range(1, 5)
            ])  # fmt: skip
    found = np.array([run.inside.figure(name) for name in STEPS]).transpose(1, 2, 0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    for name, array in same.network.arrays.items():
        assert array.tobytes() == run.network.arrays[name].tobytes()


def split(vector, arrays):
    """Root mean squares of the parts of a vector of all parameters, by name."""
    ends = np.cumsum([array.size for array in arrays.values()])[:-1]
    return dict(zip(arrays, map(rms, np.split(vector, ends)), strict=True))


def test_with_batch_normalisation_beta_is_what_is_added_to_a_unit(make_run):
    run = make_run("network.batch_norm=true", "training.iterations=1", "network.hidden=[6, 5]")
    same = make_run("network.batch_norm=true", "training.iterations=1", "network.hidden=[6, 5]")
    list(train(run))
    same.network.forward(*same.mini_batches.draw(0))
    same.network.backward()
    found = same.network.gradient_arrays
    np.testing.assert_allclose(
        run.inside.figure("bias_gradient")[0],
        [rms(found[name]) for name in ("beta2", "beta4", "b5")],
    )


@given(st.integers(1, 3000), st.integers(1, 5))
def test_of_many_evaluations_some_are_kept_evenly_and_the_last(evaluations, step):
    inside, history = Inside(1), []
    some = np.zeros((len(OUTPUTS), 1), np.float32), np.zeros((len(STEPS), 1), np.float32)
    found = Histograms(0, np.zeros((1, BINS), np.int32), np.zeros((1, 2), np.float32))
    for iteration in range(0, evaluations * step, step):
        history.append(iteration)
        if iteration % (7 * step) == 0 or len(history) == evaluations or len(history) < 300:
            inside.add(*some, Histograms(iteration, found.counts, found.ends), history)
    assert len(inside.iterations) <= MOST + 1
    assert inside.iterations[0] == 0
    assert inside.iterations[-1] == history[-1]
    assert inside.iterations == sorted(set(inside.iterations))
    assert [one.iteration for one in inside.histograms] == sorted({0, history[-1]})


@pytest.mark.parametrize("stop", [1, 19, 20, 41, 59])
@pytest.mark.parametrize("batch_norm", ["false", "true"])
def test_a_stopped_run_finds_the_same_to_the_last_bit(stop, batch_norm, make_run, tmp_path):
    options = [*DEEP, f"network.batch_norm={batch_norm}", "network.dropout=0.2"]
    whole, first = make_run(*options), make_run(*options)
    list(train(whole))
    list(itertools.islice(train(first), stop))
    place = Output(tmp_path / "m.npz")
    place.save(first)
    second = resume(first.config, place.find()).run
    list(train(second))
    assert second.inside.iterations == whole.inside.iterations
    assert len(whole.inside.figures) == 4
    for name in FIGURES:
        assert second.inside.figure(name).tobytes() == whole.inside.figure(name).tobytes(), name
    for one, other in zip(second.inside.histograms, whole.inside.histograms, strict=True):
        assert one.counts.tobytes() == other.counts.tobytes()
        assert one.ends.tobytes() == other.ends.tobytes()


def test_a_long_run_keeps_few(make_run, tmp_path):
    run = make_run("training.iterations=500", "training.evaluate_every=1")
    list(train(run))
    save(tmp_path / "m.npz", run)
    saved = load(tmp_path / "m.npz")
    assert saved.inside.iterations == [*range(0, 500, 8), 500]
    assert len(saved.history) == 501


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("mean", None),
        ("mean", np.zeros((2, 2), np.float32)),
        ("mean", np.zeros((6, 2))),
        ("mean", np.full((6, 2), np.inf, np.float32)),
        ("weights", np.full((6, 2), -1, np.float32)),
        ("stuck", np.full((6, 2), 1.5, np.float32)),
        ("gradient", np.zeros((6, 3), np.float32)),
        ("counts", np.zeros((2, 2, 29), np.int32)),
        ("counts", np.full((2, 2, 30), -1, np.int32)),
        ("counts", np.zeros((3, 2, 30), np.int32)),
        ("ends", np.full((2, 2, 2), np.nan, np.float32)),
        ("ends", np.tile(np.array([1, 0], np.float32), (2, 2, 1))),
        ("iteration", np.array([0, 12, 24, 36, 48, 59])),  # of which the history says nothing
        ("iteration", np.array([0, 24, 12, 36, 48, 60])),
        ("iteration", np.array([[0, 12, 24, 36, 48, 60]])),
        ("iteration", np.array([0, 12, 24, 36, 48, 60], np.int32)),
        ("other", np.zeros(1)),
    ],
)
def test_figures_that_no_run_has_are_refused(name, array, model):
    with np.load(model) as archive:
        arrays = dict(archive) | {f"inside.{name}": array}
    np.savez(model, **{key: value for key, value in arrays.items() if value is not None})
    with pytest.raises(CheckpointError, match=r"figures of layers|inside.other"):
        load(model)


def test_a_run_that_is_evaluated_without_a_step_before_knows_no_gradient(make_run, tmp_path):
    run = make_run("training.evaluate_every=50")
    list(itertools.islice(train(run), 30))
    save(tmp_path / "m.npz.part", run)
    again = resume(
        make_run("training.evaluate_every=50", "training.iterations=30").config,
        load(tmp_path / "m.npz.part"),
    ).run
    list(train(again))
    assert again.inside.iterations == [0, 30]
    assert np.isnan(again.inside.figure("update")[1]).all()
    assert np.isfinite(again.inside.figure("deviation")).all()
    save(tmp_path / "m.npz", again)
    assert load(tmp_path / "m.npz").inside.iterations == [0, 30]


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (
            1e-9,
            0.01,
            "gradients vanish: the one that reaches Affine1 is 1e-07 times that of Affine3",
        ),
        (0, 0.01, "gradients vanish: the one that reaches Affine1 is 0e+00 times that of Affine3"),
        (
            50,
            0.01,
            "gradients explode: the one that reaches Affine1 is 5,000 times that of Affine3",
        ),
        (0.00002, 0.01, ""),
        (5, 0.01, ""),
        (1, 0, ""),
        (0, 0, ""),
        (np.nan, 1, ""),
        (1, np.nan, ""),
    ],
)
def test_what_vanishes_or_explodes_is_told_by_numbers(first, last, words):
    inside, steps = Inside(3), np.ones((len(STEPS), 3), np.float32)
    steps[STEPS.index("bias_gradient")] = first, 1, last
    found = Histograms(0, np.zeros((3, BINS), np.int32), np.zeros((3, 2), np.float32))
    inside.add(np.zeros((len(OUTPUTS), 3), np.float32), steps, found, [0])
    assert find_steepness(inside, 0) == words
