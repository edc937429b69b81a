"""Pictures as people make them: what they show is found, in whatever light, and nothing in nothing."""

import functools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photographs import KINDS, Strokes, colour, lay, page_of_digits, photographs, several_on_a_page
from PIL import Image

from bpcli.data import load_split, prepare
from bpcli.files.image import read_image
from bpcli.training import Reader, load
from bpcli.training.prediction import spell

COUNT = 3  # pictures of each kind


@pytest.fixture(scope="module")
def reader(mnist_model):
    return Reader(load(mnist_model))


def answer(reader, pixels):
    return "".join(one.label for one in reader.read(pixels))


def pixels_of(picture, tmp_path):
    """A picture as `read_image` finds it in a file."""
    path = tmp_path / f"p.{(picture.format or 'PNG').lower()}"
    jpeg = {"exif": picture.getexif(), "quality": 95}
    picture.save(path, **(jpeg if picture.format == "JPEG" else {"compress_level": 1}))
    return read_image(path)


def test_digits_of_every_kind_of_picture_are_recognised(reader, tmp_path):
    right = dict.fromkeys((kind.__name__ for kind in KINDS), 0)
    for kind, digit, picture in photographs(COUNT):
        right[kind] += answer(reader, pixels_of(picture, tmp_path)) == str(digit)
    assert all(right.values()), right
    assert sum(right.values()) >= 0.9 * COUNT * len(KINDS), right


def test_images_of_mnist_pass_nearly_unchanged(reader):
    test = load_split("mnist", "test")
    right = as_is = 0
    for image, label in zip(test.images[:250], test.labels[:250], strict=True):
        picture = np.repeat(image.reshape(28, 28, 1), 3, axis=2)
        (found,) = prepare(picture)
        assert not found.is_dark
        right += answer(reader, picture) == str(label)
        as_is += reader.read(picture, as_is=True)[0].label == str(label)
    assert right >= as_is - 2


@pytest.mark.parametrize("digits", [[4, 2], [1, 0, 7], [3, 1, 4, 1, 5]])
def test_digits_side_by_side_are_read_from_left_to_right(digits, reader, rng):
    found = [answer(reader, np.array(several_on_a_page(digits, rng))) for _ in range(5)]
    assert sum(len(one) == len(digits) for one in found) >= 4
    assert sum(one == "".join(map(str, digits)) for one in found) >= 3


PAGES = 6


def test_pages_of_rows_and_columns_are_read_row_by_row(reader, rng):
    right = digits = 0
    for _ in range(PAGES):
        count, length = int(rng.integers(1, 5)), int(rng.integers(1, 7))
        rows = ["".join(map(str, rng.integers(0, 10, length))) for _ in range(count)]
        picture, boxes = page_of_digits(rows, rng)
        found = reader.read(np.array(picture))
        got = [""] * count
        for one in found:
            got[one.seen.how.row] += one.label
        digits += count * length
        if list(map(len, got)) == list(map(len, rows)):
            right += sum(a == b for a, b in zip("".join(got), "".join(rows), strict=True))
            for one, (left, top, width, height) in zip(found, boxes, strict=True):
                x, y, wide, high = one.seen.how.ink  # of a broken digit a speck may be left out
                assert left < x + wide / 2 < left + width
                assert top < y + high / 2 < top + height
    assert right >= 0.93 * digits


def test_rows_are_lines_of_the_answer_and_wide_gaps_spaces(reader, rng):
    picture, _ = page_of_digits(["1111", "11"], rng)
    pixels = np.array(picture)
    row = pixels[: len(pixels) // 2]
    gap = np.repeat(row[:, :1], 2 * len(row), axis=1)
    wide = np.concatenate([row, gap, row], axis=1)
    assert len(spell(reader.read(pixels))) == 2
    (answer,) = spell(reader.read(wide))
    assert re.fullmatch(r"\d{4} \d{4}", answer)


def test_an_image_is_as_mnist_has_them(rng):
    for _, _, picture in photographs(1):
        if picture.mode == "RGB":
            for one in prepare(np.array(picture)):
                assert one.image.shape == (28, 28)
                assert one.image.dtype == np.uint8
                assert one.image.max() == 255
                assert max(one.scaled) == 20
                ink = one.image.astype(float)
                middle = [(ink.sum(axis=a) @ (np.arange(28) + 0.5)) / ink.sum() for a in (0, 1)]
                assert np.abs(np.array(middle) - 14.5).max() < 1


@functools.cache
def seven():
    test = load_split("mnist", "test")
    return Strokes(test.images[0])


@functools.cache
def drawn_seven(height):
    return seven().draw(height, height / 12)


@functools.cache
def seven_in_the_middle():
    page = lay(drawn_seven(100), (380, 380), at=(90, 90))
    (prepared,) = prepare(np.array(colour(page, [255] * 3, [0] * 3)))
    return prepared.image


@settings(max_examples=15)
@given(st.integers(0, 200), st.integers(0, 200), st.sampled_from([60, 85, 110]))
def test_wherever_and_however_large_it_is_drawn_the_image_is_the_same(row, column, height):
    page = lay(drawn_seven(height), (380, 380), at=(row + 1, column + 1))
    (found,) = prepare(np.array(colour(page, [255] * 3, [0] * 3)))
    difference = np.abs(found.image.astype(int) - seven_in_the_middle().astype(int))
    assert difference.mean() < 12
    rows, columns = np.nonzero(page > 0.5)
    box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
    np.testing.assert_allclose(found.ink, box, atol=1)


def test_dark_on_light_and_light_on_dark_are_one():
    page = lay(seven().draw(120, 10), (200, 200), at=(30, 40))
    dark, light = (np.array(colour(page, [a] * 3, [b] * 3)) for a, b in ((255, 0), (0, 255)))
    (one,), (other,) = prepare(dark), prepare(light)
    assert (one.is_dark, other.is_dark) == (True, False)
    np.testing.assert_array_equal(one.image, other.image)


NOTHING = {
    "white": np.full((200, 200, 3), 255, np.uint8),
    "black": np.zeros((100, 300, 3), np.uint8),
    "noisy paper": np.clip(np.random.default_rng(0).normal(200, 1, (200, 200, 3)), 0, 255).astype(np.uint8),
    "a gradient": np.repeat(np.tile(np.linspace(0, 255, 200), (200, 1))[..., None], 3, 2).astype(np.uint8),
    "one pixel": np.full((1, 1, 3), 7, np.uint8),
    "a line of pixels": np.full((1, 900, 3), 7, np.uint8),
    "a frame alone": np.pad(np.full((180, 180, 3), 255, np.uint8), ((10, 10), (10, 10), (0, 0))),
}  # fmt: skip


@pytest.mark.parametrize("name", NOTHING)
def test_where_nothing_is_drawn_nothing_is_found(name):
    assert prepare(NOTHING[name]) == []


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_any_picture_can_be_looked_at(height, width, seed):
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, rng.integers(2, 257), (height, width, 3)).astype(np.uint8)
    for one in prepare(picture):
        assert one.image.shape == (28, 28)
        assert np.isfinite(one.stroke)


def test_a_picture_as_wide_as_a_wall_is_made_smaller(rng):
    page = lay(seven().draw(900, 80), (1200, 4000), rng)
    (found,) = prepare(np.array(colour(page, [255] * 3, [0] * 3)))
    assert abs(found.ink[3] - 900) < 110


def test_what_is_transparent_lies_on_paper_on_which_the_ink_can_be_seen(tmp_path):
    alpha = np.round(255 * lay(seven().draw(120, 10), (200, 200), at=(30, 40)))
    images = []
    for pen in (0, 255):
        pixels = np.full((200, 200, 4), pen, np.uint8)
        pixels[..., 3] = alpha
        Image.fromarray(pixels).save(tmp_path / "p.png")
        images.append(prepare(read_image(tmp_path / "p.png")))
    (dark,), (light,) = images
    assert (dark.is_dark, light.is_dark) == (True, False)
    np.testing.assert_allclose(dark.image.astype(int), light.image.astype(int), atol=2)
