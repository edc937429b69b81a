"""The losses of mini-batches: from the first on, in few numbers, the same after a stop."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.errors import CheckpointError
from bpcli.training import Output, load, losses, resume, save, train
from bpcli.training.losses import MOST, Losses

many = st.lists(st.integers(0, 10**6), max_size=2000).map(lambda ks: [k / 1024 for k in ks])


def record(values, into=None):
    found = into or Losses()
    for value in values:
        found.add(value)
    return found


@given(many, st.integers(0, 10**6))
def test_each_window_has_the_mean_of_its_own_losses(values, begin):
    found = record(values, Losses(begin))
    width = found.width
    assert len(found.means) < MOST
    assert width == 1 or len(found.means) >= MOST / 2
    assert len(found.means) == len(values) // width
    for i, mean in enumerate(found.means):
        own = values[i * width : (i + 1) * width]
        assert mean == pytest.approx(sum(own) / width)
        iterations = range(begin + i * width + 1, begin + (i + 1) * width + 1)
        assert found.iterations[i] == sum(iterations) / width


@given(many, st.integers(0, 2000))
def test_through_a_file_they_go_on_as_if_never_stopped(values, stop):
    before, after = values[:stop], values[stop:]
    arrays = losses.to_arrays(record(before))
    again = losses.from_arrays(arrays, len(before))
    assert not arrays
    assert record(after, again) == record(values)


def test_a_run_records_what_each_iteration_lost(make_run):
    run = make_run("training.iterations=450", "training.evaluate_every=450")
    lost = []
    add = run.losses.add
    run.losses.add = lambda loss: (lost.append(loss), add(loss))
    list(train(run))
    assert len(lost) == 450
    assert run.losses.width == 4
    np.testing.assert_allclose(run.losses.means, np.reshape(lost[:448], (-1, 4)).mean(axis=1))
    assert run.losses.means[0] > 2 * run.losses.means[-1]


@pytest.mark.parametrize("stop", [1, 12, 199, 200, 201, 411])
def test_a_stopped_run_has_the_same_losses_to_the_last_bit(stop, make_run, tmp_path):
    options = ["training.iterations=430", "training.evaluate_every=100", "network.dropout=0.2"]
    whole, first = make_run(*options), make_run(*options)
    list(train(whole))
    list(itertools.islice(train(first), stop))
    place = Output(tmp_path / "m.npz")
    place.save(first)
    second = resume(first.config, place.find()).run
    list(train(second))
    assert second.losses == whole.losses


def test_older_runs_go_on_and_record_from_there(make_run, tmp_path):
    run = make_run()
    list(itertools.islice(train(run), 30))
    save(tmp_path / "m.npz", run)
    saved = load(tmp_path / "m.npz")
    again = resume(run.config, saved).run
    again.losses = Losses(30)  # as of a file that has none
    list(train(again))
    assert again.losses.iterations == [*range(31, 61)]


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("means", None),
        ("means", np.zeros(60, np.float32)),
        ("means", np.full(60, np.nan)),
        ("means", np.zeros(59)),
        ("means", np.zeros((60, 1))),
        ("total", np.array(np.inf)),
        ("total", np.array(1.0)),  # of no loss
        ("total", np.zeros(1)),
        ("place", None),
        ("place", np.array([0, 1])),
        ("place", np.array([0, 1, 1])),
        ("place", np.array([0, 2, 0])),
        ("place", np.array([0, 0, 60])),
        ("place", np.array([-1, 1, 0])),
        ("place", np.array([0.0, 1.0, 0.0])),
        ("other", np.zeros(1)),
    ],
)
def test_losses_that_no_run_has_are_refused(name, array, model):
    with np.load(model) as archive:
        arrays = dict(archive) | {f"losses.{name}": array}
    np.savez(model, **{key: value for key, value in arrays.items() if value is not None})
    with pytest.raises(CheckpointError, match="losses"):
        load(model)


def test_more_windows_than_there_can_be_are_refused():
    arrays = losses.to_arrays(Losses(0, 1, 0, 0.0, [1.0] * MOST))
    with pytest.raises(ValueError, match="losses of mini-batches that no run has"):
        losses.from_arrays(arrays, MOST)
