"""Warping: agrees with scipy between pixels, changes nothing by 0, and makes images upright."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from bpcli.data.split import load_split
from bpcli.data.warp import deskew_images, warp


def random_images(seed, n, size):
    return np.random.default_rng(seed).integers(0, 256, (n, size[0] * size[1]), np.uint8)


SIZES = st.tuples(st.integers(1, 12), st.integers(1, 12))


@given(SIZES, st.integers(1, 5), st.integers(0, 99))
def test_no_displacement_is_the_identity_to_the_bit(size, n, seed):
    images = random_images(seed, n, size)
    zeros = np.zeros((2, *images.shape), np.float32)
    np.testing.assert_array_equal(warp(images, size, *zeros), images)


@given(SIZES, st.integers(1, 5), st.integers(0, 99), st.sampled_from([0.1, 1, 5, 1e6]))
def test_it_interpolates_as_scipy_does(size, n, seed, strength):
    images = random_images(seed, n, size)
    rng = np.random.default_rng(seed)
    displacements = rng.normal(0, strength, (2, *images.shape)).astype(np.float32)
    coordinates = np.indices(size).reshape(2, 1, -1) + displacements.astype(np.float64)
    found = warp(images, size, *displacements.copy())
    for i, image in enumerate(images):
        # scipy's `constant` falls to 0 at the border at once; a black frame makes it fall in a pixel.
        framed = np.pad(image.reshape(size), 1)
        expected = ndimage.map_coordinates(
            framed.astype(np.float64), coordinates[:, i] + 1, order=1, mode="constant"
        )
        assert np.abs(found[i] - expected).max() < 0.51


def test_whole_pixels_are_a_shift():
    image = np.arange(1, 13, dtype=np.uint8).reshape(3, 4)
    dy, dx = np.full((1, 12), 1, np.float32), np.full((1, 12), -2, np.float32)
    expected = [[0, 0, 5, 6], [0, 0, 9, 10], [0, 0, 0, 0]]
    np.testing.assert_array_equal(
        warp(image.reshape(1, 12), (3, 4), dy, dx).reshape(3, 4), expected
    )


def slant(image):
    """The slope that a sheared upright stroke would have, by scipy's own centre of gravity."""
    r, c = ndimage.center_of_mass(image)
    rows, columns = np.indices(image.shape)
    return (image * (rows - r) * (columns - c)).sum() / (image * (rows - r) ** 2).sum()


def test_made_upright_a_digit_has_no_slant_and_stays_where_it_is():
    split = load_split("mnist", "test")
    before = split.images[:300].reshape(-1, 28, 28).astype(np.float64)
    after = deskew_images(split.images[:300], split.size).reshape(-1, 28, 28).astype(np.float64)
    assert np.abs([slant(image) for image in before]).mean() > 0.15
    assert np.abs([slant(image) for image in after]).max() < 0.02
    moved = [
        np.subtract(ndimage.center_of_mass(a), ndimage.center_of_mass(b))
        for a, b in zip(before, after, strict=True)
    ]
    assert np.abs(moved).max() < 0.1


@pytest.mark.parametrize("image", [np.zeros((4, 5)), np.full((4, 5), 255), np.eye(4, 5) * 0])
def test_images_without_a_slant_stay_as_they_are(image):
    images = image.astype(np.uint8).reshape(1, 20)
    np.testing.assert_array_equal(deskew_images(images, (4, 5)), images)


def test_a_single_row_has_no_slant():
    images = np.array([[0, 0, 0, 9, 8, 7, 0, 0, 0]], np.uint8)
    np.testing.assert_array_equal(deskew_images(images, (3, 3)), images)
