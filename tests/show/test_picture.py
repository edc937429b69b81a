"""Small pictures: which pixels are bright, with half blocks or with ASCII characters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.show.picture import draw_picture

IMAGE = np.array([[0, 255, 0, 255], [0, 0, 255, 255], [127, 128, 60, 200]], np.uint8)


@pytest.mark.parametrize(
    ("ascii_only", "lines"), [(False, [" ▀▄█", " ▀ ▀"]), (True, [" ==@", "::.-"])]
)
def test_a_picture_is_half_as_high_as_the_image(ascii_only, lines):
    assert draw_picture(IMAGE, ascii_only=ascii_only) == lines


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_half_blocks_show_which_pixels_are_bright(height, width, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    lines = draw_picture(image, ascii_only=False)
    upper = [[c in "▀█" for c in line] for line in lines]
    lower = [[c in "▄█" for c in line] for line in lines]
    shown = np.stack([upper, lower], axis=1).reshape(-1, width)[:height]
    np.testing.assert_array_equal(shown, image >= 128)
