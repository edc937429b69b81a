"""Pages with several digits are read row by row, and what is no digit is not called one in silence."""

import difflib

import numpy as np
import pytest
from pages import NO_DIGITS, PAGES, draw_digit, put, put_box, put_row
from photographs import colour

from bpcli.errors import PictureError
from bpcli.show import draw_prediction
from bpcli.training import Reader, load, load_config, save, set_up, train
from bpcli.training.prediction import spell

SHORT, LONG = 2, 20  # pages of each kind


@pytest.fixture(scope="module")
def reader(mnist_model, request, tmp_path_factory):
    """Of the short form it is one of two seconds, of the long form the best for pictures."""
    if not request.config.getoption("--long"):
        return Reader(load(mnist_model))
    run = set_up(load_config("99"))
    list(train(run))
    path = tmp_path_factory.mktemp("pages") / "99.npz"
    save(path, run)
    return Reader(load(path))


@pytest.fixture
def count(request):
    return LONG if request.config.getoption("--long") else SHORT


def read(reader, picture):
    try:
        return reader.read(np.array(picture.convert("RGB")))
    except PictureError:
        return []


def test_digits_of_pages_are_found_row_by_row(reader, rng, count):
    right, digits, laid_out = 0, 0, {kind.__name__: 0 for kind in PAGES}
    for kind in PAGES:
        for _ in range(count):
            picture, rows = kind(rng)
            found = [row.replace(" ", "") for row in spell(read(reader, picture))]
            pairs = difflib.SequenceMatcher(None, " ".join(found), " ".join(rows), autojunk=False)
            right += sum(m.size for m in pairs.get_matching_blocks()) - (len(rows) - 1)
            digits += sum(map(len, rows))
            laid_out[kind.__name__] += list(map(len, found)) == list(map(len, rows))
    assert min(laid_out.values()) >= 0.6 * count, laid_out
    assert sum(laid_out.values()) >= 0.95 * count * len(PAGES) - 1, laid_out
    assert right >= (0.95 if count == LONG else 0.9) * digits


def test_what_is_no_digit_is_doubted(reader, rng, count):
    silent = {kind.__name__: 0 for kind in NO_DIGITS}
    for kind in NO_DIGITS:
        for _ in range(2 * count):
            found = read(reader, kind(rng)[0])
            doubted = sum(bool(one.doubts) for one in found)
            silent[kind.__name__] += bool(found) and not doubted
            assert len(found) < 10 or doubted >= 2
    assert not silent["words_alone"] + silent["face"], silent
    # A single letter, or a line that wanders about, may be as like a digit as many a digit is.
    assert sum(silent.values()) <= 0.3 * 2 * count * len(NO_DIGITS), silent


def test_small_digits_on_a_large_page_are_looked_at_more_closely(reader, rng):
    page, rows = np.zeros((1200, 1600)), ["270418", "31415", "86753"]
    for i, row in enumerate(rows):
        put_row(page, row, 22, 300 + 100 * i, rng, 150)
    found = spell(reader.read(np.array(colour(page, [255] * 3, [0] * 3))))
    assert list(map(len, found)) == [6, 5, 5]
    assert sum(a == b for a, b in zip("".join(found), "".join(rows), strict=True)) >= 14


@pytest.mark.parametrize(("digit", "width"), [(8, 24), (0, 20), (5, 34)])
def test_a_finger_beside_a_digit_is_no_digit(digit, width, reader, rng):
    page = np.zeros((200, 260))
    put(page, draw_digit(digit, 120, 10, rng), 40, 110)
    page[45:155, :width] = 1
    found = reader.read(np.array(colour(page, [250] * 3, [20] * 3)))
    assert len(found) == 1
    assert found[0].seen.how.ink[0] > 90


def test_a_one_whose_foot_is_broken_off_is_no_line_beside_it(reader):
    page = np.zeros((260, 260))
    page[44:235, 101:121] = 1
    page[211:230, 135:178] = 1
    (found,) = reader.read(np.array(colour(page, [255] * 3, [0] * 3)))
    assert found.seen.how.ink[3] > 180


def test_a_stroke_inside_a_zero_is_a_part_of_it_and_a_digit_in_a_box_is_not(reader):
    rows, columns = np.mgrid[:200, :200]
    ring = np.abs(np.hypot((rows - 100) / 80, (columns - 100) / 60) - 1) < 0.08
    stroke = (np.abs(rows - 100 + 1.5 * (columns - 100)) < 10) & (np.abs(rows - 100) < 35)
    zero = colour(np.where(ring | stroke, 1.0, 0), [255] * 3, [0] * 3)
    (found,) = reader.read(np.array(zero))
    assert found.seen.how.ink[3] > 150
    page = np.zeros((200, 200))
    put_box(page, 10, 10, 180, 5)
    page[60:140, 97:106] = 1
    (found,) = reader.read(np.array(colour(page, [255] * 3, [0] * 3)))
    assert found.label == "1"


@pytest.mark.parametrize("mark", ["none", "dash", "plus", "point"])
def test_a_mark_beside_digits_is_left_out_and_that_is_told(mark, reader, rng):
    page = np.zeros((120, 300))
    put(page, draw_digit(4, 80, 6, rng), 20, 20)
    put(page, draw_digit(2, 80, 6, rng), 20, 200)
    if mark in ("dash", "plus"):
        page[57:63, 125:155] = 1
    if mark == "plus":
        page[45:75, 137:143] = 1
    if mark == "point":
        page[85:100, 130:145] = 1
    found = reader.read(np.array(colour(page, [255] * 3, [0] * 3)))
    assert len(found) == 2
    assert {one.seen.how.left_out for one in found} == {0 if mark == "none" else 1}
    told = draw_prediction("p", found, pictures=False, ascii_only=True)
    assert ("left out: 1 mark that is too low for a digit" in told) == (mark != "none")


def test_bars_are_no_ones(reader):
    page = np.full((200, 240, 3), 255, np.uint8)
    for left, top in ((30, 40), (80, 20), (130, 60), (180, 50)):
        page[top:180, left : left + 14] = 0
    found = reader.read(page)
    assert len(found) == 4
    assert all("most of what is beside it are bars" in one.doubts for one in found)
