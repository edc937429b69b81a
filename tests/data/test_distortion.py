"""Distortions: as strong as stated, those of a known map, and the same ones for a seed."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from bpcli.data.distortion import Distortion
from bpcli.data.split import load_split
from bpcli.training.loop import train

SIZE = 28, 28


ALL = {"alpha": 34, "sigma": 4, "rotation": 15, "scale": 0.15, "shear": 0.15, "shift": 1}


def digits(n):
    return load_split("mnist", "test").images[:n]


class Extreme:
    """A generator without noise that draws the largest number of a range, or a share of it."""

    def __init__(self, *shares):
        self.shares = list(shares)

    def uniform(self, low, high, size):
        return np.full(size, high * (self.shares.pop(0) if self.shares else 1))

    def standard_normal(self, shape, dtype):
        return np.zeros(shape, dtype)


def test_no_strength_is_the_identity_to_the_bit(rng):
    np.testing.assert_array_equal(Distortion(SIZE)(digits(50), rng), digits(50))


@pytest.mark.parametrize("sigma", [2, 4, 8])
def test_elastic_fields_have_the_stated_deviation_and_smoothness(sigma, rng):
    fields = Distortion(SIZE, alpha=34, sigma=sigma).basis[:-3]
    drawn = (rng.standard_normal((20_000, len(fields))) @ fields).reshape(-1, *SIZE)
    stated = 34 / (sigma * math.sqrt(12 * math.pi))
    np.testing.assert_allclose(drawn.std(axis=0), stated, rtol=0.05)  # at every pixel
    correlation = (drawn[:, 10, 10] * drawn[:, 10, 10 + sigma]).mean() / stated**2
    assert correlation == pytest.approx(math.exp(-1 / 4), abs=0.03)


def test_elastic_fields_are_those_of_smoothed_uniform_noise(rng):
    alpha, sigma = 34, 4
    noise = rng.uniform(-1, 1, (60, 128, 128))
    smoothed = alpha * ndimage.gaussian_filter(noise, (0, sigma, sigma), mode="wrap")
    assert smoothed.std() == pytest.approx(alpha / (sigma * math.sqrt(12 * math.pi)), rel=0.03)
    neighbours = (smoothed * np.roll(smoothed, 6, axis=2)).mean() / smoothed.var()
    assert neighbours == pytest.approx(math.exp(-36 / (4 * sigma**2)), abs=0.05)


@pytest.mark.parametrize(
    ("values", "matrix", "shift"),
    [
        ({"rotation": 20}, None, 0),
        ({"scale": 0.2}, [[1.2, 0], [0, 1.2]], 0),
        ({"shear": 0.3}, [[1, 0], [0.3, 1]], 0),
        ({"shift": 1.5}, [[1, 0], [0, 1]], 1.5),
    ],
)
def test_a_known_map_agrees_with_scipy(values, matrix, shift):
    cos, sin = math.cos(math.radians(20)), math.sin(math.radians(20))
    matrix = np.array(matrix or [[cos, sin], [-sin, cos]])
    images = digits(20)
    found = Distortion(SIZE, **values)(images, Extreme())
    middle = np.array([13.5, 13.5])
    for before, after in zip(images, found, strict=True):
        framed = np.pad(before.reshape(SIZE), 4).astype(np.float64)
        expected = ndimage.affine_transform(
            framed, matrix, middle + 4 - matrix @ (middle + 4) + shift, order=1
        )[4:-4, 4:-4]
        assert np.abs(after.reshape(SIZE) - expected).max() < 0.6


def test_the_map_is_rotation_after_shear_after_scale():
    values = {"rotation": 20, "scale": 0.2, "shear": 0.3, "shift": 2}
    # Angle, shear, scale down and across, shift down and across, as shares of the largest.
    found = Distortion(SIZE, **values)(digits(20), Extreme(1, 0.5, -1, 0.5, 0.25, -0.5))
    cos, sin = math.cos(math.radians(20)), math.sin(math.radians(20))
    rotation, shear = np.array([[cos, sin], [-sin, cos]]), np.array([[1, 0], [0.15, 1]])
    matrix = rotation @ shear @ np.diag([0.8, 1.1])
    for before, after in zip(digits(20), found, strict=True):
        framed = np.pad(before.reshape(SIZE), 4).astype(np.float64)
        middle = np.array([17.5, 17.5])
        offset = middle - matrix @ middle + [0.5, -1]
        expected = ndimage.affine_transform(framed, matrix, offset, order=1)[4:-4, 4:-4]
        assert np.abs(after.reshape(SIZE) - expected).max() < 0.6


@given(
    st.builds(
        dict,
        alpha=st.floats(0, 1e4),
        sigma=st.floats(1, 100),
        rotation=st.floats(0, 359),
        scale=st.floats(0, 0.99),
        shear=st.floats(0, 1e4),
        shift=st.floats(0, 1e4),
    ),
    st.integers(0, 99),
)
def test_no_grey_level_is_brighter_than_the_image(values, seed):
    images = np.random.default_rng(seed).integers(100, 201, (3, 36), np.uint8)
    found = Distortion((6, 6), **values)(images, np.random.default_rng(seed))
    assert found.dtype == np.uint8
    assert found.max() <= images.max()


def test_images_differ_and_a_seed_repeats_them():
    images = np.repeat(digits(1), 2, axis=0)
    one, other = (Distortion(SIZE, **ALL)(images, np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert (one[0] != one[1]).any()
    assert (one != Distortion(SIZE, **ALL)(images, np.random.default_rng(2))).any()


def test_a_mini_batch_is_distorted_by_its_number_alone(make_run):
    overrides = ["distortion.alpha=8", "distortion.rotation=10"]
    one, other = make_run(*overrides).mini_batches, make_run(*overrides).mini_batches
    plain = make_run().mini_batches
    for i in (0, 1, 2, 30, 7):
        x, t = one.draw(i)
    np.testing.assert_array_equal(other.draw(7)[0], x)
    assert (plain.draw(7)[0] != x).any()
    np.testing.assert_array_equal(plain.draw(7)[1], t)


def test_a_net_learns_from_distorted_images(make_run):
    run = make_run("distortion.shift=0.5", "distortion.alpha=2", "training.iterations=200")
    assert [record for record in train(run) if record][-1].accuracy > 0.9
