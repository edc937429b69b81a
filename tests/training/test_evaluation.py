"""Accuracy, loss and the confusion matrix, against plain counting."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.backprop.architecture import build_network
from bpcli.data.split import Split
from bpcli.training.evaluation import Evaluation, evaluate

NAMES = ("a", "b", "c", "d", "e")


@pytest.mark.parametrize("n", [1, 999, 1000, 1001, 2500])
def test_evaluation_counts(n, rng):
    network = build_network(9, 5, rng, weight_init="he")
    images, labels = rng.integers(0, 256, (n, 9), np.uint8), rng.integers(0, 5, n, np.uint8)
    split = Split("test", images, labels, NAMES, "here", (3, 3))
    found = evaluate(network, split)
    logits = network.predict((split.images / 255).astype(np.float32)).astype(np.float64)
    predicted = logits.argmax(axis=1)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert found.images == n
    assert found.accuracy == np.mean(predicted == split.labels)
    assert found.loss == pytest.approx(np.mean(-np.log(p[np.arange(n), split.labels])), rel=1e-5)
    for true, guess in np.ndindex(5, 5):
        assert found.confusion[true, guess] == ((split.labels == true) & (predicted == guess)).sum()


def test_precision_and_recall():
    found = Evaluation(0.5, np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]]))
    assert found.accuracy == 7 / 8
    assert found.precision == [1, 0.8, None]  # class 2 was never predicted
    assert found.recall == [0.75, 1, None]  # and has no image


def test_a_network_that_predicts_one_class_is_reported_as_it_is(rng):
    network = build_network(9, 4, rng, weight_init=0)
    network.arrays["b2"][2] = 1
    labels = np.repeat(np.arange(4, dtype=np.uint8), 2)
    split = Split("test", np.zeros((8, 9), np.uint8), labels, NAMES, "here", (3, 3))
    found = evaluate(network, split)
    assert found.accuracy == 0.25
    assert found.recall == [0, 0, 1, 0]
    assert found.precision == [None, None, 0.25, None]


def f1_of(t, predicted, label):
    """By its definition: twice what is right, of all that are of a class or taken for it."""
    right = sum(a == b == label for a, b in zip(t, predicted, strict=True))
    both = t.count(label) + predicted.count(label)
    return 2 * right / both if both else None


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=50))
def test_figures_in_which_each_class_counts_the_same(pairs):
    t, predicted = (list(column) for column in zip(*pairs, strict=True))
    confusion = np.zeros((4, 4), np.intp)
    for pair in pairs:
        confusion[pair] += 1
    found = Evaluation(0.5, confusion)
    expected = [f1_of(t, predicted, label) for label in range(4)]
    assert found.f1 == pytest.approx(expected)
    seen = [f1 for f1 in expected if f1 is not None]
    assert found.macro_f1 == pytest.approx(sum(seen) / len(seen))
    recalls = [sum(p == label for a, p in pairs if a == label) / t.count(label) for label in set(t)]
    assert found.balanced_accuracy == pytest.approx(sum(recalls) / len(recalls))
    wrong = Counter(pair for pair in pairs if pair[0] != pair[1])
    confused = found.confused(3)
    assert [count for _, _, count in confused] == sorted(wrong.values(), reverse=True)[:3]
    assert all(wrong[c, p] == count for c, p, count in confused)
