"""A run that has learnt nothing says so, with its likely cause; one that has learnt does not."""

import itertools
import re

import pytest
from tiny import ROOT

from bpcli.errors import DivergedError
from bpcli.training import find_failure, load_config, set_up, train
from bpcli.training.inside import find_steepness

SHORT = ["training.iterations=300", "training.evaluate_every=300"]


@pytest.fixture
def failure(tenth):
    """Train for a few hundred iterations, and judge what came of it."""

    def call(*overrides, path=None):
        overrides = [f"dataset.source={tenth}", *SHORT, *overrides]
        run = set_up(load_config(path, overrides=overrides))
        list(train(run))
        return find_failure(run)

    return call


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["optimizer.learning_rate=5"], "every unit of ReLU1 is dead .* smaller than 5, or network"),
        (["network.weight_init=0"], "every test image for class 1; .*weights that are all 0"),
        (
            ["network.hidden=[50, 50]", "network.activation=sigmoid"],
            "every test image for class .*try network.weight_init: xavier",
        ),
        (
            ["network.activation=tanh", "optimizer.learning_rate=1e-6"],
            "its loss, 2.30., is not below that of guessing, 2.301; its iterations may be too few",
        ),
        (
            ["network.loss=squared", "network.activation=tanh", "optimizer.learning_rate=1000"],
            "try an optimizer.learning_rate smaller than 1000",
        ),
    ],
)  # fmt: skip
def test_a_network_that_has_learnt_nothing_is_told_with_its_cause(overrides, words, failure):
    found = failure(*overrides)
    assert found.words.startswith("the network has learnt nothing: it")
    assert re.search(words, found.words), found.words
    assert not found.diverged


FIVE = "network.hidden=[60, 60, 60, 60, 60]"


@pytest.mark.parametrize(
    ("activation", "init", "ways"),
    [
        ("relu", "0.01", "network.weight_init: he, or network.batch_norm: true"),
        ("tanh", "0.01", "network.weight_init: xavier, or network.batch_norm: true"),
        ("sigmoid", "0.01", "network.weight_init: xavier, or network.batch_norm: true"),
        ("sigmoid", "xavier", "network.batch_norm: true"),
    ],
)
def test_gradients_that_vanish_are_told_with_the_layer(activation, init, ways, failure):
    words = failure(FIVE, f"network.activation={activation}", f"network.weight_init={init}").words
    found = re.search(
        r"; gradients vanish: the one that reaches Affine1 is (\S+) times that of Affine6: try (.*)$",
        words,
    )
    assert float(found[1]) < 0.001
    assert found[2] == ways


def test_gradients_that_explode_are_told_where_the_loss_is_no_number(failure):
    with pytest.raises(DivergedError) as caught:
        failure(FIVE, "network.weight_init=1")
    assert re.search(
        r"^training diverged: the loss is nan at iteration \d+; gradients explode: the one that reaches "
        r"Affine1 is \d,\d{3} times that of Affine6: try network.weight_init: he, or network.batch_norm",
        str(caught.value),
    )


def test_no_gradient_of_a_right_network_is_said_to_vanish_or_explode(tenth):
    """Those that learn at once, whatever they are made of: at the beginning and after a while."""
    nets = [
        (name, FIVE.replace("60", str(width)), activation, method)
        for name, activation in (("he", "relu"), ("xavier", "tanh"), ("he", "tanh"), ("xavier", "relu"))
        for width in (10, 100)
        for method in ("sgd", "adam")
    ]  # fmt: skip
    for init, hidden, activation, method in nets:
        run = set_up(load_config(None, [
            f"dataset.source={tenth}", *SHORT, hidden, f"network.activation={activation}",
            f"network.weight_init={init}", f"optimizer.method={method}",
            f"optimizer.learning_rate={0.1 if method == 'sgd' else 0.001}",
        ]))  # fmt: skip
        list(train(run))
        assert [find_steepness(run.inside, i) for i in (0, -1)] == ["", ""], (
            init,
            hidden,
            activation,
        )
        assert run.record.accuracy > 0.3


@pytest.mark.parametrize("rate", [50, 100, 1000])
def test_a_loss_far_above_that_of_guessing_is_divergence(rate, failure):
    found = failure(f"optimizer.learning_rate={rate}", "dataset.validation=100")
    assert found.diverged
    assert found.words.startswith(
        "training diverged: the network has learnt nothing: it takes every"
    )
    assert "validation image for class" in found.words


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["optimizer.learning_rate=0.01"],
        ["network.activation=sigmoid", "network.weight_init=xavier"],
        ["network.activation=tanh", "optimizer.learning_rate=0.003"],
        ["network.loss=squared", "network.weight_init=he"],
        ["network.hidden=[]", "optimizer.learning_rate=0.001"],
        ["network.dropout=0.5", "network.weight_init=he"],
        ["network.batch_norm=true", "network.weight_init=he"],
        ["network.batch_norm=true", "network.hidden=[30, 30, 30]", "network.activation=sigmoid"],
        ["optimizer.method=adam", "optimizer.learning_rate=0.0001", "network.weight_init=he"],
    ],
    ids=str,
)
def test_networks_that_learn_slowly_raise_no_alarm(overrides, failure):
    assert failure(*overrides) is None


@pytest.mark.parametrize("name", ["mnist", "fast", "98", "sigmoid"])
def test_the_configurations_raise_no_alarm_at_their_first_evaluation(name, tenth):
    run = set_up(load_config(ROOT / f"configs/{name}.yaml", [f"dataset.source={tenth}"]))
    next(record for record in train(run) if record)
    assert find_failure(run) is None


@pytest.mark.parametrize(
    "path", sorted((ROOT / "configs/table").glob("*.yaml")), ids=lambda p: p.stem
)
def test_the_published_nets_raise_no_alarm_even_before_their_first_evaluation(path, failure):
    hidden = "network.hidden=[40]"  # narrower than they are, for time's sake
    assert failure(hidden, "training.iterations=150", "optimizer.warmup=100", path=path) is None


def test_one_class_among_the_test_images_is_no_failure(tmp_path, tiny_options, tiny):
    labels = tiny / "t10k-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:8] + bytes(40))
    run = set_up(load_config(overrides=tiny_options[1::2]))
    list(train(run))
    assert find_failure(run) is None


def test_what_has_not_been_evaluated_is_not_judged(make_run):
    run = make_run("training.evaluate_every=50", "network.weight_init=0")
    assert find_failure(run) is None
    list(itertools.islice(train(run), 3))
    assert find_failure(run) is None


def test_the_command_says_it_and_keeps_a_model_that_may_only_be_short(bpcli, tiny_options, folder):
    options = [*tiny_options, "-s", "network.weight_init=0", "-q"]
    result = bpcli("train", *options)
    assert result.stderr.startswith(
        "model.npz: the network has learnt nothing: it takes every test"
    )
    assert result.stderr.count("\n") == 1
    assert (folder / "model.npz").exists()


def test_the_command_leaves_no_model_of_a_run_that_diverged(bpcli, tiny_options, folder):
    options = ["-s", "optimizer.learning_rate=300", "-s", "network.activation=relu"]
    options += ["-s", "training.iterations=12"]
    result = bpcli("train", *tiny_options, *options, code=1)
    assert result.stderr.startswith("training diverged: ")
    assert result.stderr.count("\n") == 1
    assert not (folder / "model.npz").exists()


def test_a_check_over_zeros_says_that_it_proves_little(bpcli, tiny_options):
    shown = bpcli("gradcheck", *tiny_options, "-s", "network.weight_init=0").stdout.splitlines()
    assert shown[-2].startswith("all gradients by W1, b1, W2 are 0, which proves little")
    assert "all agree" in shown[-1]
    assert "proves little" not in bpcli("gradcheck", *tiny_options).stdout
