"""What is held out: a share of each class, by the images themselves, equal ones on one side."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.data.holdout import choose_images, digest_images

# BLAKE2b of 64 bits, little-endian, of "2 x 2" and four bytes, as b2sum finds it.
DIGESTS = ["0xbb126fcea9f3e445", "0xbb126fcea9f3e445", "0x47b1ff71e3f37550"]


def test_digests_are_the_same_everywhere():
    images = np.array([[0, 1, 2, 255], [0, 1, 2, 255], [0, 0, 0, 0]], np.uint8)
    found = digest_images(images, (2, 2))
    assert found.dtype == np.uint64
    assert [hex(digest) for digest in found.tolist()] == DIGESTS
    wide = np.zeros((3, 8), np.uint8)
    wide[:, ::2] = images
    np.testing.assert_array_equal(digest_images(wide[:, ::2], (2, 2)), found)
    np.testing.assert_array_equal(digest_images(np.asfortranarray(images), (2, 2)), found)


def test_images_of_other_sizes_are_others():
    images = np.zeros((1, 4), np.uint8)
    found = {int(digest_images(images, size)[0]) for size in ((2, 2), (1, 4), (4, 1))}
    assert len(found) == 3


@st.composite
def parted(draw, *, repeats):
    """Digests and labels of some images, and how many of them are held out."""
    n = draw(st.integers(2, 60))
    digests = np.array(draw(st.lists(st.integers(0, 2**64 - 1), min_size=n, max_size=n, unique=True)),
                       np.uint64)  # fmt: skip
    if repeats:
        digests = digests[draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=n))]
    labels = draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))
    return digests, np.array(labels, np.uint8), draw(st.integers(1, n - 1))


@given(parted(repeats=False))
def test_each_class_gives_its_share(case):
    digests, labels, count = case
    held = choose_images(digests, labels, count)
    assert held.sum() == count
    for label in set(labels.tolist()):
        own = labels == label
        assert abs(held[own].sum() - own.sum() * count / len(labels)) < 1
        if held[own].any() and not held[own].all():
            assert digests[own & held].max() < digests[own & ~held].min()


@given(parted(repeats=True), st.randoms(use_true_random=False))
def test_order_has_no_part_in_it_and_equal_images_stay_together(case, random):
    digests, labels, count = case
    held = choose_images(digests, labels, count)
    order = list(range(len(labels)))
    random.shuffle(order)
    np.testing.assert_array_equal(choose_images(digests[order], labels[order], count), held[order])
    assert not np.isin(digests[held], digests[~held]).any()


@pytest.mark.parametrize(
    ("sizes", "count", "expected"),
    [
        ([1, 1, 1, 1], 2, 2),
        ([3, 1, 1, 1], 2, 2),  # the group that is too large is passed over
        ([2, 2, 2], 3, 2),
        ([4, 4, 4], 3, 4),  # nearer than none
        ([4, 4, 4], 7, 8),
        ([9, 9], 2, 0),
    ],
)
def test_groups_come_as_near_as_they_can(sizes, count, expected):
    digests = np.repeat(np.arange(len(sizes), dtype=np.uint64), sizes)
    assert choose_images(digests, np.zeros(len(digests), np.uint8), count).sum() == expected


def test_equal_images_of_two_classes_are_of_the_first():
    digests = np.array([5, 5, 6, 7, 8, 9], np.uint64)
    held = choose_images(digests, np.array([1, 0, 0, 0, 1, 1], np.uint8), 3)
    assert held.tolist() == [True, True, False, False, True, False]
