"""A person's own layers learn in the place of ours, from the same weights, to the same losses."""

import copy

import numpy as np
import pytest
from people import book, columns, cs231n, frameworks, lists, modules, nnfs

from bpcli.errors import SourceError
from bpcli.training import evaluate, load, save, train
from bpcli.training.own import InProcess, LentNetwork, check_layers, compare, join

ITERATIONS = 30
BOOK = [book.Affine, book.Relu, book.Sigmoid, book.SoftmaxWithLoss, book.BatchNormalization]
PAIRS = [thing for name, thing in vars(cs231n).items() if name.endswith(("ward", "softmax_loss"))]
OF_FRAMEWORKS = [
    frameworks.Dense, frameworks.ReLU, frameworks.Sigmoid, frameworks.Tanh,
    frameworks.SoftmaxCrossEntropy, frameworks.BatchNormalization,
]  # fmt: skip
ATTRIBUTES = [nnfs.Layer_Dense, nnfs.Activation_ReLU]
ATTRIBUTES += [nnfs.Activation_Softmax_Loss_CategoricalCrossentropy]
COLUMNS = [columns.linear_forward, columns.linear_backward, columns.relu, columns.relu_backward]
LISTS = [lists.Affine, lists.Sigmoid, lists.relu, lists.relu_derivative, lists.SoftmaxLoss]
LISTS += [lists.tanh, lists.tanh_derivative]
MODULES = [modules.Linear, modules.ReLU, modules.Sigmoid, modules.SoftmaxCrossEntropyLoss]
MODULES += [modules.tanh_forward, modules.tanh_backward, modules.BatchNorm1d]
PEOPLE = {
    "the book's": BOOK,
    "pairs of functions": PAIRS,
    "frameworks'": OF_FRAMEWORKS,
    "attributes": ATTRIBUTES,
    "columns": COLUMNS,
    "turned": [columns.Linear],
    "lists": LISTS,
    "modules": MODULES,
}
every_one = pytest.mark.parametrize("layers", PEOPLE.values(), ids=PEOPLE)


def losses(run):
    found, network = [], run.network
    forward = network.forward
    network.forward = lambda x, t: found.append(forward(x, t)) or found[-1]
    list(train(run))
    del network.forward
    return found


def trained(make_run, layers, *overrides):
    """Runs with our layers and with theirs, and the losses of both."""
    pair = []
    for own in ([], layers):
        run = make_run(f"training.iterations={ITERATIONS}", *overrides)
        if own:
            join(run, own)
        pair.append((run, losses(run)))
    return pair


@every_one
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_it_learns_as_with_ours(make_run, layers, activation):
    overrides = [f"network.activation={activation}", "network.hidden=[8, 8]"]
    (ours, expected), (theirs, found) = trained(make_run, layers, *overrides)
    assert found == pytest.approx(expected, abs=1e-3)
    assert len(set(expected)) == ITERATIONS
    assert theirs.record.accuracy == pytest.approx(ours.record.accuracy, abs=0.03)
    for name, array in ours.network.contents.items():
        np.testing.assert_allclose(theirs.network.contents[name], array, atol=1e-3)
    assert compare(theirs).agrees
    assert theirs.learnt_with.times > 0


@pytest.mark.parametrize(
    "layers", [BOOK, PAIRS, OF_FRAMEWORKS, MODULES], ids=["book", "pairs", "dense", "modules"]
)
def test_batch_normalisation_keeps_its_averages_in_the_model(make_run, layers, tmp_path):
    (ours, expected), (theirs, found) = trained(make_run, layers, "network.batch_norm=true")
    assert "BatchNormalization1: ours" not in theirs.learnt_with.layers
    assert found == pytest.approx(expected, abs=1e-3)
    for name in ("mean2", "variance2"):
        kept = theirs.network.contents[name]
        np.testing.assert_allclose(kept, ours.network.contents[name], atol=1e-3)
        assert kept.std() > 0
    assert compare(theirs).agrees
    save(tmp_path / "model.npz", theirs)
    network = load(tmp_path / "model.npz").network()
    split = theirs.dataset.held_out
    assert evaluate(network, split).accuracy == evaluate(theirs.network, split).accuracy


@pytest.mark.parametrize(
    "dropout",
    [[book.Dropout], [frameworks.Dropout], [cs231n.dropout_forward, cs231n.dropout_backward]],
    ids=["ratio, scaled where it predicts", "what is kept", "in a dictionary"],
)
def test_dropout_leaves_out_as_much_and_scales_while_it_learns(make_run, dropout):
    run = make_run("network.dropout=0.3", "network.hidden=[400]")
    join(run, dropout)
    run.network.partner.forward(*run.mini_batches.draw(0))
    layer = next(one for one in run.network.partner.network.layers if one.training_only)
    x = np.ones((50, 400), np.float32)
    y = layer.forward(x)
    assert np.mean(y == 0) == pytest.approx(0.3, abs=0.05)
    np.testing.assert_allclose(y[y != 0], 1 / 0.7, rtol=1e-5)
    np.testing.assert_allclose(layer.backward(x), y, rtol=1e-5)
    list(train(run))
    assert compare(run).agrees


def test_what_is_missing_stays_ours_and_draws_what_it_would(make_run):
    overrides = ["network.dropout=0.3", "network.weight_decay=0.01", "training.adversarial=0.05"]
    (ours, expected), (theirs, found) = trained(make_run, [book.Affine], *overrides)
    assert found == pytest.approx(expected, abs=1e-3)
    assert ours.dropout_rng.bit_generator.state == theirs.dropout_rng.bit_generator.state
    assert theirs.learnt_with.layers == (
        "Affine1, Affine2: Affine of layers; ReLU1: ours; Dropout1: ours; SoftmaxWithLoss: ours"
    )


def test_it_begins_with_the_same_weights_in_the_memory_of_the_network(make_run):
    run = make_run()
    before, memory = run.network.parameters.copy(), run.network.parameters
    join(run, [frameworks.Dense])
    assert run.network.parameters is memory
    np.testing.assert_array_equal(memory, before)
    x, t = run.mini_batches.draw(0)
    run.network.forward(x, t)
    dense = run.network.partner.network.layers[0].thing
    np.testing.assert_array_equal(dense.params["w"], run.network.arrays["W1"])
    assert dense.params["w"].dtype == np.float32


def test_a_copy_of_the_network_is_of_our_layers(make_run):
    run = make_run()
    join(run, [book.Affine])
    twin = copy.deepcopy(run.network)
    assert not isinstance(twin, LentNetwork)
    x, _ = run.mini_batches.draw(0)
    np.testing.assert_allclose(twin.predict(x), run.network.predict(x), atol=1e-5)


class Leaky:
    """A forward of its own, and the gradient that belongs to it."""

    __name__ = "Relu"

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, 0.5 * x)

    def backward(self, dout):
        return np.where(self.x > 0, dout, 0.5 * dout)


def test_a_forward_that_is_not_ours_is_found_with_its_layer(make_run):
    Relu = type("Relu", (Leaky,), {})
    run = make_run("network.hidden=[8, 8]")
    join(run, [Relu])
    list(train(run))
    found = compare(run)
    assert not found.agrees
    assert found.first.layer == "ReLU1"
    assert found.first.share > 0.1


def test_gradients_are_checked_as_gradcheck_does(make_run):
    class Affine(book.Affine):
        def backward(self, dout):
            dx = super().backward(dout)
            self.dW = 2 * self.dW
            return dx

    checks = check_layers(make_run(), [Affine, book.Relu, book.Sigmoid])
    assert {check.name: check.passed for check in checks} == {"Affine": False, "Relu": True}
    assert "2 times" in next(f.words for f in checks[0].findings if f.verdict == "WRONG")


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([book.Sigmoid], "found Sigmoid, expected one of Affine, ReLU, SoftmaxWithLoss"),
        ([], "found nothing with a forward and a backward"),
        ([book.Affine, columns.Linear], "found Affine and Linear for Affine, expected one"),
        ([book.Affine(np.ones((2, 2)), np.ones(2))], "found a Affine, expected classes"),
    ],
)
def test_what_takes_no_place_is_said(make_run, layers, words):
    with pytest.raises(SourceError, match=words):
        join(make_run(), layers)


def test_a_layer_of_the_wrong_shape_is_said(make_run):
    class Affine(book.Affine):
        def forward(self, x):
            return super().forward(x)[:, :3]

    with pytest.raises(SourceError, match=r"Affine cannot stand .* returns \(7, 3\), expected"):
        join(make_run(), [Affine])


def test_the_best_weights_are_those_that_are_compared(make_run):
    run = make_run("training.keep=best", "dataset.validation=30", "network.batch_norm=true")
    join(run, BOOK)
    list(train(run))
    last = {name: array.copy() for name, array in run.network.contents.items()}
    assert compare(run).agrees
    for name, array in run.network.contents.items():
        np.testing.assert_array_equal(array, last[name])


def test_a_partner_in_this_process_needs_no_other(make_run):
    run = make_run()
    join(run, [book.Affine])
    assert isinstance(run.network.partner, InProcess)
