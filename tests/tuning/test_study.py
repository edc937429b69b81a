"""A study keeps its total and its comparisons right, whatever happens to a trial."""

import contextlib
import dataclasses
import functools
import os
import warnings

import pytest

from bpcli.files import atomic
from bpcli.training import Output
from bpcli.tuning import (
    Interrupted,
    Tuning,
    Waiting,
    fill_slots,
    list_trials,
    open_study,
    read_space,
    slots,
    storage,
    work,
    worker,
)
from bpcli.tuning.search import tidy
from bpcli.tuning.trial import _take_over

optuna = pytest.importorskip("optuna")
State = optuna.trial.TrialState


@pytest.fixture
def tuning(search, tmp_path):
    """What a worker has to know for three trials in a folder."""
    space = read_space(None, [*search[1::2], "training.iterations=100"])
    return Tuning(space, 3, 1, tmp_path, "tpe", "never")


def test_a_slot_whose_trial_fails_is_filled_again(tuning, monkeypatch):
    failed = []

    def fail_once(*args):
        if not failed:
            failed.append(True)
            raise optuna.exceptions.StorageInternalError("the database hiccups")
        return run_trial(*args)

    run_trial = worker.run_trial
    monkeypatch.setattr(worker, "run_trial", fail_once)
    with open_study(tuning.folder, None) as shared:
        shared = dataclasses.replace(
            shared, forgiving=functools.partial(storage.forgiving, Waiting(), is_remote=True)
        )
        work(shared, tuning)
        assert [(one.slot, one.state) for one in list_trials(shared.study)] == [
            (0, "done"), (1, "done"), (2, "done")]  # fmt: skip
        first, *_, again = shared.study.get_trials()
        assert (first.state, again.state) == (State.FAIL, State.COMPLETE)
        assert first.params == again.params


def test_a_trial_that_nobody_asked_for_changes_nothing(tuning):
    with open_study(tuning.folder, None) as shared:
        work(shared, tuning)
        shared.study.optimize(
            lambda trial: worker._objective(trial, tuning, shared.waiting.is_stopped),
            n_trials=1, catch=(worker.WithoutSlotError,),
        )  # fmt: skip
        assert len(list_trials(shared.study)) == 3
        space = optuna.search_space.IntersectionSearchSpace(include_pruned=True)
        assert set(space.calculate(shared.study)) == set(tuning.space.dimensions)


def test_a_worker_that_dies_before_its_first_heartbeat_is_missed(tuning, monkeypatch):
    monkeypatch.setattr(slots, "LIFELESS", 0.5)
    with open_study(tuning.folder, None) as shared:
        fill_slots(shared, tuning)
        with warnings.catch_warnings(action="ignore"):
            shared.study.ask()  # and nothing else
        work(shared, tuning)
        assert {one.state for one in list_trials(shared.study)} == {"done"}


def test_a_resumed_trial_is_compared_at_the_same_evaluations(tuning):
    asked = []

    def after_two():
        running = shared.study.get_trials(states=(State.RUNNING,))
        asked.append(any(len(trial.intermediate_values) == 2 for trial in running))
        return any(asked)

    with open_study(tuning.folder, None) as shared:
        work(dataclasses.replace(shared, waiting=Waiting(after_two)), tuning)
        work(shared, tuning)
        (stopped,) = shared.study.get_trials(states=(State.FAIL,))
        again = next(one for one in shared.study.get_trials()[stopped.number + 1 :]
                     if one.user_attrs["slot"] == stopped.user_attrs["slot"])  # fmt: skip
        assert sorted(stopped.intermediate_values) == [0, 1]
        assert sorted(again.intermediate_values) == [2, 3, 4]


def test_the_latest_try_is_taken_over(tuning, tmp_path):
    for number, content in ((1, b"early"), (2, b"late")):
        (tmp_path / f"{number}.npz.part").write_bytes(content)
    _take_over(tmp_path / "3.npz", [tmp_path / "2.npz", tmp_path / "1.npz"])
    assert (tmp_path / "3.npz.part").read_bytes() == b"late"


def test_a_copy_of_a_try_that_is_cut_short_is_not_taken(tuning, tmp_path, monkeypatch):
    (tmp_path / "1.npz.part").write_bytes(b"early")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    _take_over(tmp_path / "2.npz", [tmp_path / "1.npz"])
    assert set(os.listdir(tmp_path)) == {"tiny", "1.npz.part"}


@pytest.mark.parametrize("seeds", [1, 2])
def test_what_tries_have_left_goes_once_their_slot_has_ended(seeds, tuning):
    tuning = dataclasses.replace(tuning, seeds=seeds)
    with open_study(tuning.folder, None) as shared:
        for looks in (30, 45, 45):  # until it is stopped, in the middle of a run
            stopped = Waiting(iter([False] * looks + [True] * 1000).__next__)
            with contextlib.suppress(Interrupted):
                work(dataclasses.replace(shared, waiting=stopped), tuning)
        tries = sorted(tuning.folder.glob("*.part"))
        assert len(tries) > 1
        tidy(shared.study, tuning)
        assert sorted(tuning.folder.glob("*.part")) == tries  # as their slots have not ended
        left = tuning.folder / atomic._beside(tries[0].with_suffix(""), "tmp").name
        left.write_bytes(b"of a killed writer")
        work(shared, tuning)
        tidy(shared.study, tuning)
        done = [one for one in shared.study.get_trials() if one.state == State.COMPLETE]
        names = {f"trial-{one.user_attrs['slot']:04d}-try-{one.number}-seed-{seed}.npz"
                 for one in done for seed in range(seeds)}  # fmt: skip
    assert len(names) == 3 * seeds
    assert set(os.listdir(tuning.folder)) == {"tiny", "study.db", *names}


def test_what_another_worker_is_writing_to_is_left_to_it(tuning, make_run):
    place = Output(tuning.folder / "trial-0000-try-0-seed-0.npz")
    place.save(make_run())
    with place.reserved():
        place.discard(is_whole=True)
        assert place.part.exists()
    place.discard(is_whole=True)
    assert not place.part.exists()
