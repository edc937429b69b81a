"""The learning loop: four steps, the same bytes for a seed, and a word when it goes wrong."""

import itertools
import types

import numpy as np
import pytest

from bpcli.errors import DivergedError
from bpcli.training import evaluate, load, loop, resume, save
from bpcli.training.loop import train


def finish(run):
    return [record for record in train(run) if record]


def reference_gradient(arrays, x, t):
    """Chapter 5 in the plainest way, for a two-layer net with ReLU."""
    W1, b1, W2, b2 = arrays
    hidden = np.maximum(x @ W1 + b1, 0)
    logits = hidden @ W2 + b2
    exp = np.exp(logits - logits.max(axis=1, keepdims=True))
    dlogits = (exp / exp.sum(axis=1, keepdims=True) - np.eye(len(b2))[t]) / len(t)
    dhidden = dlogits @ W2.T * (hidden > 0)
    return x.T @ dhidden, dhidden.sum(axis=0), hidden.T @ dlogits, dlogits.sum(axis=0)


@pytest.mark.parametrize("sampling", ["shuffle", "replacement"])
def test_each_iteration_is_the_four_steps(make_run, sampling):
    overrides = [f"training.sampling={sampling}", "optimizer.learning_rate=0.2"]
    run = make_run(*overrides, "training.iterations=300")
    order = make_run(*overrides).mini_batches
    arrays = [array.astype(np.float64) for array in run.network.arrays.values()]
    images, labels = run.dataset.train.images, run.dataset.train.labels
    for i, _ in enumerate(train(run)):
        chosen = order.choose(10 * i, 10 * i + 10)
        gradient = reference_gradient(arrays, images[chosen] / 255, labels[chosen])
        arrays = [p - 0.2 * g for p, g in zip(arrays, gradient, strict=True)]
    assert run.iteration == i + 1 == 300
    for array, expected in zip(run.network.arrays.values(), arrays, strict=True):
        np.testing.assert_allclose(array, expected, rtol=1e-4, atol=1e-5)


def test_it_learns(make_run):
    records = finish(make_run())
    assert [record.iteration for record in records] == [12, 24, 36, 48, 60]
    assert [record.epoch for record in records] == [1, 2, 3, 4, 5]
    assert records[-1].loss < records[0].loss / 2
    assert records[-1].train_accuracy == records[-1].accuracy == 1
    assert records[-1].split == "test"
    assert all(record.images_per_second > 0 for record in records)
    assert sorted(record.seconds for record in records) == [record.seconds for record in records]


@pytest.mark.parametrize("method", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_every_method_trains_every_activation(make_run, method, activation):
    rate = {"adagrad": 0.05, "rmsprop": 0.005, "adam": 0.02}.get(method, 0.2)
    records = finish(
        make_run(
            f"optimizer.method={method}",
            f"optimizer.learning_rate={rate}",
            "optimizer.schedule=cosine",
            "optimizer.warmup=5",
            f"network.activation={activation}",
            "network.dropout=0.1",
            "network.weight_decay=1e-4",
            "training.iterations=200",
        )
    )
    assert records[-1].accuracy > 0.9


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["training.evaluate_every=0"], [12, 24, 36, 48, 60]),
        (["training.evaluate_every=25"], [25, 50, 60]),
        (["training.evaluate_every=1000"], [60]),
        # 120 images in mini-batches of 50: epochs end within the iterations 3, 5, 8 and 10.
        (["training.evaluate_every=0", "training.batch_size=50", "training.iterations=10"], [3, 5, 8, 10]),
        (["training.evaluate_every=0", "training.batch_size=300", "training.iterations=3"], [1, 2, 3]),
    ],
)  # fmt: skip
def test_when_it_evaluates(make_run, overrides, expected):
    assert [record.iteration for record in finish(make_run(*overrides))] == expected


def test_a_seed_gives_the_same_bytes(make_run):
    first, same, other = make_run("seed=7"), make_run("seed=7"), make_run("seed=8")
    for run in (first, same, other):
        finish(run)
    assert first.network.parameters.tobytes() == same.network.parameters.tobytes()
    assert first.network.parameters.tobytes() != other.network.parameters.tobytes()


def test_held_out_images_are_reported_on_and_not_learnt_from(make_run):
    run = make_run("dataset.validation=20")
    records = finish(run)
    assert len(run.mini_batches.split) == 100
    assert records[-1].split == "validation"
    assert "test_accuracy" not in records[-1].to_fields()
    assert records[-1].to_fields()["validation_accuracy"] == records[-1].accuracy


def test_divergence_is_said(make_run):
    run = make_run("optimizer.learning_rate=1e30")
    with (
        np.errstate(all="ignore"),
        pytest.raises(
            DivergedError, match=r"loss is (nan|inf) at iteration \d+; try .*than 1e\+30"
        ),
    ):
        finish(run)


def test_divergence_in_the_last_update_is_said(make_run):
    run = make_run("optimizer.learning_rate=1e38", "training.iterations=1")
    with np.errstate(all="ignore"), pytest.raises(DivergedError, match="at iteration 1;"):
        finish(run)


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


@pytest.fixture
def clock(monkeypatch):
    """A clock that is a second later each time that it is looked at."""
    moments = itertools.count()
    monkeypatch.setattr(loop, "time", types.SimpleNamespace(perf_counter=lambda: next(moments)))
    return moments


@pytest.mark.parametrize("stop", [1, 11, 12, 13, 59])
def test_seconds_forget_nothing_that_has_run(stop, clock, make_run, tmp_path):
    run = make_run()
    for _ in itertools.islice(train(run), stop):
        pass
    before = run.seconds
    assert before >= stop
    save(tmp_path / "m.npz.part", run)
    started = next(clock)
    again = resume(run.config, load(tmp_path / "m.npz.part")).run
    assert again.seconds == before
    list(train(again))
    assert again.record.seconds == before + next(clock) - started - 2  # the two looks of the test


@pytest.mark.parametrize("overrides", [[], ["dataset.validation=20"]])
def test_the_history_begins_before_learning(make_run, overrides):
    run = make_run(*overrides)
    network, dataset = run.network.astype(np.float32), run.dataset
    found = [evaluate(network, split) for split in (dataset.train, dataset.held_out)]
    records = finish(run)
    first, *others = run.history
    assert first.iteration == 0
    assert (first.loss, first.train_accuracy) == (found[0].loss, found[0].accuracy)
    assert (first.held_out_loss, first.accuracy) == (found[1].loss, found[1].accuracy)
    assert [point.iteration for point in others] == [record.iteration for record in records]
    assert run.evaluations == len(records)
    assert others[-1].held_out_loss == records[-1].held_out_loss


def test_what_is_found_before_learning_changes_nothing(make_run):
    """Neither the arrays, nor what is random, nor how long a second of learning takes."""
    options = ["network.dropout=0.3", "network.batch_norm=true"]
    run, bare = make_run(*options), make_run(*options)
    for _ in train(run):
        pass
    losses = loop.learn(
        bare.network,
        bare.optimizer,
        map(bare.mini_batches.draw, range(60)),
        map(bare.learning_rate, range(60)),
    )
    for _ in losses:
        pass
    for name, array in bare.network.contents.items():
        assert run.network.contents[name].tobytes() == array.tobytes()


def test_weights_whose_loss_is_no_number_have_no_point_before_learning(make_run):
    run = make_run("network.weight_init=1e25", "optimizer.learning_rate=1e-30")
    with pytest.raises(DivergedError), np.errstate(all="ignore"):
        finish(run)
    assert run.history == []


def test_patience_does_not_count_what_was_found_before_learning(make_run):
    run = make_run(
        "dataset.validation=40", "training.patience=2", "optimizer.learning_rate=1e-30",
        "training.iterations=60", "training.evaluate_every=10",
    )  # fmt: skip
    assert [record.iteration for record in finish(run)] == [10, 20, 30]  # the first is the best
    assert run.is_out_of_patience
