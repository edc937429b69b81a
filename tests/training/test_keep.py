"""Keeping the best evaluation, and stopping where none is better any more."""

import itertools
import json

import numpy as np
import pytest

from bpcli.errors import ConfigError
from bpcli.training import Output, evaluate, load, load_config, resume, save, train

# A learning rate with which accuracies go up and down.
RESTLESS = ["dataset.validation=40", "optimizer.learning_rate=2.5", "optimizer.method=momentum",
            "network.dropout=0.3", "training.evaluate_every=4", "training.iterations=80"]  # fmt: skip


@pytest.fixture
def make(make_run):
    """A run whose best evaluation is not its last one."""
    return lambda *overrides: make_run(*RESTLESS, *overrides)


def finish(run):
    """The accuracies of all evaluations, and the arrays at each."""
    found = []
    for record in train(run):
        if record:
            arrays = [array.copy() for array in run.network.arrays.values()]
            found.append((record.accuracy, record.iteration, arrays))
    return found


def test_the_best_is_kept_and_is_the_first_of_equal_ones(make, tmp_path):
    for seed in range(20):
        run = make("training.keep=best", f"seed={seed}")
        found = finish(run)
        accuracies = [accuracy for accuracy, _, _ in found]
        best = accuracies.index(max(accuracies))
        if best < len(found) - 1:
            break
    assert best < len(found) - 1, "no seed has its best evaluation before its last"
    save(tmp_path / "m.npz", run)
    saved = load(tmp_path / "m.npz")
    assert (saved.record.accuracy, saved.record.iteration) == found[best][:2]
    for array, expected in zip(saved.parameters, found[best][2], strict=True):
        np.testing.assert_array_equal(array, expected)
    measured = evaluate(saved.network(), run.dataset.held_out)
    assert measured.accuracy == max(accuracies)
    assert (saved.own_iteration, saved.best_of, saved.iteration) == (found[best][1], 20, 80)


@pytest.mark.parametrize("patience", [1, 3, 5])
def test_patience_ends_a_run_so_many_evaluations_after_the_best(make, patience):
    whole = [accuracy for accuracy, _, _ in finish(make())]
    run = make(f"training.patience={patience}")
    found = [accuracy for accuracy, _, _ in finish(run)]
    assert found == whole[: len(found)]
    best = found.index(max(found))
    assert len(found) - 1 - best == patience or len(found) == len(whole)
    assert run.complete
    assert list(train(run)) == []
    for end in range(1, len(found)):  # it did not have to end before
        assert end - 1 - found.index(max(found[:end])) < patience


@pytest.mark.parametrize("stop", [1, 4, 9, 30, 39])
@pytest.mark.parametrize("keep", ["last", "best"])
@pytest.mark.parametrize("batch_norm", ["false", "true"])
def test_a_resumed_run_ends_as_one_that_was_not_stopped(make, tmp_path, stop, keep, batch_norm):
    overrides = [f"training.keep={keep}", "training.patience=8", f"network.batch_norm={batch_norm}"]
    whole, first = make(*overrides), make(*overrides)
    finish(whole)
    for _ in itertools.islice(train(first), min(stop, whole.iteration - 1)):
        pass
    place = Output(tmp_path / "m.npz")
    place.save(first)
    second = resume(first.config, place.find()).run
    finish(second)
    for run, name in ((whole, "whole"), (second, "second")):
        save(tmp_path / name, run)
    one, other = ({name: array.tobytes() for name, array in np.load(tmp_path / path).items()
                   if name not in ("metadata", "history.seconds")} for path in ("whole", "second"))  # fmt: skip
    assert one == other
    assert ("last.W1" in one) == (keep == "best")
    assert whole.kept.record.iteration == second.kept.record.iteration
    assert whole.kept.evaluation.accuracy == second.kept.evaluation.accuracy


def test_the_command_says_which_iteration_it_is(make, bpcli, tiny_options, folder):
    options = [*tiny_options, *(part for value in RESTLESS for part in ("-s", value))]
    options += ["-s", "training.keep=best"]
    result = bpcli("train", *options, "-s", "training.patience=6")
    saved = load("model.npz")
    words = f"of iteration {saved.own_iteration}, the best of {saved.evaluations} evaluations"
    last = result.stdout.splitlines()[-1]
    assert words in last
    assert f"training.patience has ended it at iteration {saved.iteration}" in last
    shown = bpcli("eval", "model.npz").stdout.splitlines()[1]
    assert shown == f"weights {words}"
    found = json.loads(bpcli("eval", "model.npz", "--split", "validation", "--json").stdout)
    assert found["iteration"] == saved.own_iteration
    assert found["accuracy"] == saved.record.accuracy
    assert (
        f"after {saved.own_iteration} iterations, the best of" in bpcli("info", "model.npz").stdout
    )
    assert (
        f"{saved.own_iteration} (best of {saved.iteration})" in bpcli("compare", "model.npz").stdout
    )
    bpcli("report", "model.npz", "-o", "page.html")
    assert f"those of iteration {saved.own_iteration}, the best of" in (
        folder / "page.html"
    ).read_text(encoding="utf-8")
    again = bpcli("train", "--resume", "-s", "training.iterations=200").stdout.splitlines()[-1]
    assert again.partition(" after ")[0] == last.partition(" after ")[0]
    assert load("model.npz").digest == saved.digest
    ended = json.loads(bpcli("train", *options, "--json").stdout.splitlines()[-1])
    assert (
        ended["iteration"] == ended["iterations"] or ended["iteration"] < ended["iterations"] == 80
    )


@pytest.mark.parametrize("override", ["training.keep=best", "training.patience=3"])
def test_the_test_images_choose_nothing(override, bpcli, tiny_options, folder):
    stderr = bpcli("train", *tiny_options, "-s", override, code=2).stderr
    key = override.partition("=")[0]
    assert stderr.startswith(f"-s {override}: {key}: found ")
    assert "-s dataset.validation=0.1 holds some out" in stderr
    assert stderr.count("\n") == 1
    with pytest.raises(ConfigError):
        load_config(
            None, ["dataset.validation=0"], load_config(None, [override, "dataset.validation=5"])
        )
    bpcli("train", *tiny_options, "-s", override, "-s", "dataset.validation=20", "-q")
