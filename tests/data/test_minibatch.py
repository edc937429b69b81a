"""Mini-batches: every image once an epoch, the same ones for a seed, whatever was drawn before."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.data.minibatch import MiniBatches
from bpcli.data.split import Split


def mini_batches(n, size, sampling, seed=0):
    split = Split(
        "train",
        np.arange(n, dtype=np.uint8)[:, None],
        np.arange(n, dtype=np.uint8),
        tuple(map(str, range(n))),
        "here",
        (1, 1),
    )
    return MiniBatches(split, size, np.random.SeedSequence(seed), sampling=sampling)


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 9))
def test_each_image_comes_once_an_epoch(n, size, seed):
    batches = mini_batches(n, size, "shuffle", seed)
    drawn = np.concatenate([batches.choose(i * size, (i + 1) * size) for i in range(2 * n)])
    assert len(drawn) == 2 * n * size
    for epoch in drawn.reshape(-1, n):
        assert sorted(epoch) == list(range(n))


@given(st.integers(1, 40), st.integers(1, 50), st.sampled_from(["shuffle", "replacement"]))
def test_a_mini_batch_depends_on_its_number_alone(n, size, sampling):
    one, other = mini_batches(n, size, sampling), mini_batches(n, size, sampling)
    for i in (0, 1, 2, 3, 4, 900, 2, 3):
        x, t = one.draw(i)
    chosen = other.choose(3 * size, 4 * size)
    assert len(chosen) == size
    np.testing.assert_array_equal(t, chosen)  # image i of this data set has the label and pixel i
    np.testing.assert_allclose(x[:, 0] * 255, chosen, rtol=1e-6)
    np.testing.assert_array_equal(other.draw(3)[1], t)


def test_epochs_and_seeds_differ():
    first = mini_batches(100, 100, "shuffle")
    assert (first.choose(0, 100) != first.choose(100, 200)).any()
    assert (first.choose(0, 100) != mini_batches(100, 100, "shuffle", seed=1).choose(0, 100)).any()


def test_sampling_with_replacement_repeats_images():
    drawn = mini_batches(100, 100, "replacement").choose(0, 100)
    assert 50 < len(set(drawn)) < 75  # 1 - 1/e of them on average


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mini_batches_are_grey_levels_from_0_to_1(dtype):
    images, labels = np.array([[0, 51, 255]], np.uint8), np.array([3], np.uint8)
    split = Split("train", images, labels, ("0", "1", "2"), "here", (1, 3))
    x, t = MiniBatches(split, 2, np.random.SeedSequence(0), dtype=dtype).draw(0)
    np.testing.assert_allclose(x, [[0, 0.2, 1]] * 2, rtol=1e-7)
    assert x.dtype == dtype
    assert t.tolist() == [3, 3]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(0, 9))
def test_balanced_epochs_are_of_each_class_as_often(labels, seed):
    labels = np.array(labels, np.uint8)
    n, names = len(labels), tuple("abcde")
    split = Split("train", np.arange(n, dtype=np.uint8)[:, None], labels, names, "here", (1, 1))
    batches, again = (
        MiniBatches(split, 7, np.random.SeedSequence(seed), sampling="balanced") for _ in range(2)
    )
    there = np.unique(labels)
    for epoch in (0, 1, 5):
        order = batches.order(epoch)
        counts = np.bincount(labels[order], minlength=5)[there]
        assert counts.sum() == n
        assert counts.max() - counts.min() <= 1
        for label in there:  # each image before any comes again
            drawn = order[labels[order] == label]
            own = np.bincount(drawn, minlength=n)[labels == label]
            assert own.max() - own.min() <= 1
    np.testing.assert_array_equal(again.order(5), batches.order(5))
    np.testing.assert_array_equal(again.draw(3)[1], batches.draw(3)[1])
