"""Pages with several digits as people have them: tables, forms, telephone numbers, labels, sheets.

Each kind is a function rng -> (a picture of Pillow, the digits of each row of it).
"""

import numpy as np
from photographs import colour, lay, noisy, page_of_digits, some_strokes
from PIL import Image, ImageDraw, ImageFont

WORDS = ("Number:", "Date", "Name and code", "Total", "amount", "please write here")


def draw_digit(digit, height, pen, rng):
    return cropped(some_strokes(digit, rng).draw(height, pen))


def cropped(ink):
    rows, columns = np.nonzero(ink > 0.2)
    return ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def put(page, ink, top, left):
    place = page[top : top + ink.shape[0], left : left + ink.shape[1]]
    np.maximum(place, ink[: place.shape[0], : place.shape[1]], out=place)


def put_row(page, digits, height, top, rng, left=20):
    """Put digits side by side; returns where the next one may stand."""
    pen = height * rng.uniform(0.05, 0.11)
    for digit in digits:
        ink = draw_digit(int(digit), height * rng.uniform(0.85, 1.05), pen, rng)
        put(page, ink, top + int(rng.integers(0, height // 4)), left)
        left += ink.shape[1] + int(height * rng.uniform(0.15, 0.35))
    return left


def some_digits(rng, least, most):
    return "".join(map(str, rng.integers(0, 10, int(rng.integers(least, most)))))


def put_box(page, top, left, size, line):
    page[top : top + line, left : left + size] = 1
    page[top + size - line : top + size, left : left + size] = 1
    page[top : top + size, left : left + line] = 1
    page[top : top + size, left + size - line : left + size] = 1


def put_in_cell(page, digit, top, left, cell, height, rng):
    ink = draw_digit(int(digit), height * rng.uniform(0.8, 1), height * 0.08, rng)
    row, column = ((cell - n) * rng.uniform(0.3, 0.7) for n in ink.shape)
    put(page, ink, top + int(row), left + int(column))


def in_colours(page, rng, paper=None):
    pen = [int(rng.integers(0, 90))] * 3 if rng.random() < 0.6 else [30, 40, 130]
    paper = [int(rng.integers(215, 256))] * 3 if paper is None else paper
    return noisy(colour(page, paper, pen), rng, rng.choice([0, 2, 5]))


def table(rng):
    height, line = int(rng.integers(40, 70)), int(rng.integers(1, 4))
    cell = int(height * rng.uniform(1.5, 2))
    columns = int(rng.integers(2, 6))
    rows = [some_digits(rng, columns, columns + 1) for _ in range(int(rng.integers(2, 5)))]
    page = np.zeros((len(rows) * cell + 40, columns * cell + 40))
    for i, row in enumerate(rows):
        for j, digit in enumerate(row):
            put_box(page, 20 + i * cell, 20 + j * cell, cell + line, line)
            put_in_cell(page, digit, 20 + i * cell, 20 + j * cell, cell, height, rng)
    return in_colours(page, rng), rows


def form(rng):
    """A box for each digit."""
    digits, height = some_digits(rng, 4, 10), int(rng.integers(36, 60))
    cell, apart, line = int(1.5 * height), int(rng.integers(0, 12)), int(rng.integers(1, 3))
    page = np.zeros((cell + 60, len(digits) * (cell + apart) + 60))
    for i, digit in enumerate(digits):
        put_box(page, 30, 30 + i * (cell + apart), cell, line)
        put_in_cell(page, digit, 30, 30 + i * (cell + apart), cell, height, rng)
    return in_colours(page, rng), [digits]


def telephone_number(rng, paper=None):
    groups, height = [some_digits(rng, 2, 5) for _ in range(2)], int(rng.integers(40, 70))
    page, left = np.zeros((2 * height + 40, height * 18)), 20
    has_dash = rng.random() < 0.5
    for group in groups:
        if left > 20 and has_dash:
            left += int(0.3 * height)
            page[20 + height // 2 :, left:][: max(2, height // 14), : int(0.45 * height)] = 1
        left = put_row(page, group, height, 20, rng, left + (left > 20) * int(1.2 * height))
    page = page[:, : left + 20]
    return in_colours(page, rng, paper and paper(page.shape, rng)), ["".join(groups)]


def squares(shape, rng):
    paper, step = np.full((*shape, 3), 245.0), int(rng.integers(14, 26))
    paper[int(rng.integers(step)) :: step] = [170, 195, 225]
    paper[:, int(rng.integers(step)) :: step] = [170, 195, 225]
    return paper


def squared_paper(rng):
    return telephone_number(rng, squares)


def shadow(shape, rng):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    turn = rng.uniform(0, 2 * np.pi)
    way = (rows / shape[0] - 0.5) * np.sin(turn) + (columns / shape[1] - 0.5) * np.cos(turn)
    return 235 * np.clip(0.75 + 0.5 * way, 0.3, 1)[..., np.newaxis] * np.ones(3)


def text(words, size):
    image = Image.new("L", (size * len(words), 2 * size))
    ImageDraw.Draw(image).text((2, 2), words, fill=255, font=ImageFont.load_default(size))
    return cropped(np.asarray(image) / 255)


def beside_words(rng):
    digits, height = some_digits(rng, 1, 6), int(rng.integers(60, 100))
    words = text(str(rng.choice(WORDS)), int(height * rng.uniform(0.2, 0.35)))
    page = np.zeros((3 * height, max(int(1.4 * height * len(digits)), words.shape[1]) + 60))
    put(page, words, 10, 15)
    put_row(page, digits, height, int(1.1 * height), rng)
    return in_colours(page, rng), [digits]


def ten_digits(rng, paper=None):
    height = int(rng.integers(50, 80))
    page = np.zeros((4 * height, 8 * height))
    for i, row in enumerate(("01234", "56789")):
        put_row(page, row, height, int(height * (0.4 + 1.7 * i)), rng)
    return in_colours(page, rng, paper and paper(page.shape, rng)), ["01234", "56789"]


def photographed(rng):
    return ten_digits(rng, shadow)


def on_a_desk(rng):
    """A sheet of paper that lies a little turned on something dark."""
    sheet, rows = ten_digits(rng)
    margin = int(0.15 * max(sheet.size))
    shape = [n + 2 * margin for n in sheet.size]
    desk = Image.new("RGB", shape, tuple(rng.integers(40, 130, 3).tolist()))
    under = desk.getpixel((0, 0))
    desk.paste(sheet, (margin, margin))
    turned = desk.rotate(rng.uniform(-4, 4), Image.Resampling.BICUBIC, fillcolor=under)
    return noisy(turned, rng, 3), rows


def in_a_window(rng):
    inside, rows = telephone_number(rng)
    width, height = inside.size
    window = Image.new("RGB", (width + 4, height + 44), (180, 180, 180))
    pen = ImageDraw.Draw(window)
    pen.rectangle((0, 0, width + 4, 30), fill=(45, 45, 60))
    for i, light in enumerate(((230, 90, 80), (240, 190, 70), (90, 200, 90))):
        pen.ellipse((8 + 20 * i, 9, 20 + 20 * i, 21), fill=light)
    window.paste(inside, (2, 34))
    return window, rows


def rows_of_digits(rng):
    rows = [some_digits(rng, 1, 7) for _ in range(int(rng.integers(1, 5)))]
    return page_of_digits(rows, rng)[0], rows


def column(rng):
    rows = list(some_digits(rng, 2, 6))
    return page_of_digits(rows, rng)[0], rows


PAGES = (
    table, form, telephone_number, squared_paper, beside_words, photographed, on_a_desk, in_a_window,
    rows_of_digits, column,
)  # fmt: skip


def words_alone(rng):
    """A few lines of print, in which there is no digit."""
    page = np.zeros((220, 420))
    for i, words in enumerate(rng.choice(WORDS, 4, replace=False)):
        put(page, text(str(words), int(rng.integers(24, 36))), 15 + 50 * i, 15)
    return in_colours(page, rng), []


def letter(rng):
    ink = text(str(rng.choice(list("ABDEFGHKMNPQRTUVWXYabdefhkmnrtw"))), int(rng.integers(90, 160)))
    return in_colours(lay(ink, (240, 240), rng), rng), []


def scribble(rng):
    """A line that wanders about."""
    page = Image.new("L", (240, 240))
    steps = np.cumsum(rng.normal(0, 1, (60, 2)), axis=0)
    steps = (steps - steps.min(0)) / np.ptp(steps, axis=0) * 160 + 40
    ImageDraw.Draw(page).line([tuple(p) for p in steps.tolist()], 255, int(rng.integers(3, 9)))
    return in_colours(np.asarray(page) / 255, rng), []


def bars(rng):
    page = np.zeros((240, 260))
    for left in np.linspace(20, 200, int(rng.integers(3, 7))).astype(int):
        high = int(rng.integers(40, 200))
        page[220 - high : 220, left : left + int(rng.integers(12, 26))] = 1
    return in_colours(page, rng), []


def face(rng):
    page = Image.new("L", (240, 240))
    pen, width = ImageDraw.Draw(page), int(rng.integers(3, 9))
    left, top = (int(n) for n in rng.integers(15, 40, 2))
    pen.ellipse((left, top, left + 170, top + 180), outline=255, width=width)
    for eye in (left + 50, left + 110):
        pen.ellipse((eye, top + 55, eye + 14, top + 69), fill=255)
    pen.arc((left + 45, top + 70, left + 125, top + 145), 20, 160, fill=255, width=width)
    return in_colours(np.asarray(page) / 255, rng), []


def blots(rng):
    """Noise that is coarse enough to be taken for ink."""
    coarse = Image.fromarray((255 * (rng.random((14, 14)) > 0.6)).astype(np.uint8))
    return coarse.resize((224, 224), Image.Resampling.BICUBIC).convert("RGB"), []


NO_DIGITS = (words_alone, letter, scribble, bars, face, blots)
