"""Batch normalisation, from a line of the configuration to every command that reads the model."""

import json

import numpy as np
import pytest

from bpcli.training import load

DEEP = ["network.hidden=[30, 30, 30, 30]", "training.iterations=300", "training.evaluate_every=300"]


def options(*values):
    return [part for value in values for part in ("-s", value)]


@pytest.fixture
def model(bpcli, tiny_options, folder):
    """A model with it, of which nothing is as it was at first."""
    bpcli("train", *tiny_options, *options("network.batch_norm=true", "network.hidden=[8, 5]"))
    return folder / "model.npz"


def test_a_deep_net_of_small_weights_learns_by_it(bpcli, tenth, folder):
    """Section 6.3.2: it depends less on what the weights were at first."""
    reached = {}
    for batch_norm in ("false", "true"):
        values = [f"dataset.source={tenth}", f"network.batch_norm={batch_norm}", *DEEP]
        shown = bpcli("train", *options(*values), "--json", code=None).stdout
        reached[batch_norm] = json.loads(shown.splitlines()[0])["test_accuracy"]
    assert reached["false"] < 0.2
    assert reached["true"] > 0.8


def test_the_model_is_one_for_every_command(model, bpcli, tiny):
    saved = load(model)
    assert not np.array_equal(saved.arrays["mean2"], np.zeros(8))
    found = json.loads(bpcli("eval", model, "--json").stdout)
    assert (found["accuracy"], found["digest"]) == (saved.record.accuracy, saved.digest)
    assert "gamma2 8, beta2 8, mean2 8, variance2 8" in bpcli("info", model).stdout
    assert "network.batch_norm=true" in bpcli("info", model).stdout
    drawn = bpcli("graph", "--model", model).stdout
    assert "(BatchNormalization2)" in drawn
    assert " ".join(drawn.split()).endswith(
        "391 parameters: W1 36×8, b1 8, gamma2 8, beta2 8, W3 8×5, b3 5, gamma4 5, beta4 5, W5 5×4, "
        "b5 4"
    )
    assert "model.npz" in bpcli("compare", model).stdout
    checked = json.loads(bpcli("gradcheck", "--model", model, "--json").stdout)
    assert checked["passed"]
    assert {row["name"] for row in checked["parameters"]} >= {"gamma2", "beta4"}
    assert load(model).digest == saved.digest


def test_a_configuration_is_drawn_as_its_network(model, bpcli, tiny_options):
    values = options("network.batch_norm=true", "network.hidden=[8, 5]")
    shown = bpcli("config", *tiny_options, *values).stdout
    model.with_name("c.yaml").write_text(shown)
    from_config, from_model = (
        json.loads(bpcli("graph", *args, "--json").stdout)
        for args in (("--config", "c.yaml"), ("--model", model))
    )
    assert from_config == from_model


def test_it_goes_on_and_begins_again_with_its_statistics(model, bpcli, tiny_options):
    values = options("network.batch_norm=true", "network.hidden=[8, 5]")
    first = load(model)
    bpcli("train", *tiny_options, *values, "-s", "training.iterations=80", "-o", "whole.npz")
    bpcli("train", "--resume", "-s", "training.iterations=80")
    whole, resumed = load("whole.npz"), load(model)
    assert whole.digest == resumed.digest != first.digest
    for name, array in whole.arrays.items():
        assert array.tobytes() == resumed.arrays[name].tobytes(), name
    rest = ["training.iterations=1", "optimizer.learning_rate=1e-30"]
    bpcli("train", *tiny_options, *values, *options(*rest), "--init", model, "-o", "again.npz")
    again, moved = load("again.npz"), np.abs(resumed.arrays["mean2"]).max()
    assert np.abs(again.arrays["mean2"] - resumed.arrays["mean2"]).max() < moved / 2
    np.testing.assert_array_equal(again.arrays["gamma2"], resumed.arrays["gamma2"])
    message = bpcli(
        "train", *tiny_options, "-s", "network.batch_norm=true", "--init", "plain.npz", code=2
    )
    assert "plain.npz" in message.stderr


def test_one_image_alone_is_refused_before_anything_is_learnt(bpcli, tiny_options, folder):
    both = options("network.batch_norm=true", "training.batch_size=1")
    message = bpcli("train", *tiny_options, *both, code=2).stderr
    assert message.startswith("-s training.batch_size=1: training.batch_size: found 1, expected 2")
    assert message.count("\n") == 1
    assert not (folder / "model.npz").exists()
    one = ["--samples", "1", "-s", "network.batch_norm=true"]
    message = bpcli("gradcheck", *tiny_options, *one, code=2).stderr
    assert "found one image, expected a mini-batch of several" in message


def test_a_search_goes_on_where_one_image_is_among_the_sizes_of_mini_batches(bpcli, search, folder):
    pytest.importorskip("optuna")
    sizes, rate = "training.batch_size=choice(1, 10)", "optimizer.learning_rate=0.1"
    values = options("network.batch_norm=true", sizes, rate, "network.hidden=[4]")
    bpcli("tune", "-o", "study", *search, *values, "--method", "grid")
    trials = json.loads(bpcli("tune", "--show", "study", "--json").stdout)["trials"]
    states = {trial["values"]["training.batch_size"]: trial["state"] for trial in trials}
    assert states == {1: "invalid", 10: "done"}
