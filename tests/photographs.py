"""Pictures of digits as people make them, drawn from MNIST's test images: pens, paper, cameras.

Each kind is a function (strokes, rng) -> a picture of Pillow, where `strokes` draws the digit with
a pen of some width. `photographs` gives them by kind, with the digit that they show.
"""

import functools
import io

import numpy as np
from PIL import Image
from scipy import ndimage

from bpcli.data import load_split

FIRST = 100  # of the test images, which pages with several digits are drawn from
FINE = 8  # times as many pixels as MNIST's, in which a pen's way is found


def skeleton(mask):
    """The middle lines of what is True: thinned from all sides in turn (Zhang & Suen 1984)."""
    mask = np.pad(mask, 1)
    while True:
        before = mask.sum()
        for first in (True, False):
            n, s, w, e = mask[:-2, 1:-1], mask[2:, 1:-1], mask[1:-1, :-2], mask[1:-1, 2:]
            nw, ne, sw, se = mask[:-2, :-2], mask[:-2, 2:], mask[2:, :-2], mask[2:, 2:]
            ring = [n, ne, e, se, s, sw, w, nw]
            count = np.sum(ring, axis=0)
            turns = sum(~a & b for a, b in zip(ring, [*ring[1:], ring[0]], strict=True))
            free = ~(n & e & s) & ~(e & s & w) if first else ~(n & e & w) & ~(n & s & w)
            gone = (count >= 2) & (count <= 6) & (turns == 1) & free
            mask[1:-1, 1:-1] &= ~gone
        if mask.sum() == before:
            return mask[1:-1, 1:-1]


class Strokes:
    """A digit as a pen's way, to be drawn in any size and width."""

    def __init__(self, image):
        fine = ndimage.zoom(image.reshape(28, 28).astype(float), FINE, order=3)
        line = skeleton(fine > 110)
        rows, columns = np.nonzero(line)
        self.line = line[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]

    def draw(self, height, pen):
        """Ink from 0 to 1, of a digit whose longer side is `height`, by a pen `pen` pixels wide."""
        scale = height / max(self.line.shape)
        away = ndimage.distance_transform_edt(~np.pad(self.line, int(2 * pen / scale) + 8))
        away = ndimage.zoom(away, scale, order=1, mode="nearest")  # its edges are nobody's ink
        return np.clip(pen / 2 + 0.5 - away * scale, 0, 1)


def lay(ink, size, rng=None, *, at=None):
    """Lay ink on an empty page (height, width), somewhere or at (row, column)."""
    page = np.zeros(size)
    rows, columns = np.nonzero(ink)
    ink = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    room = [max(0, n - m) for n, m in zip(size, ink.shape, strict=True)]
    row, column = at or [int(rng.integers(r + 1)) for r in room]
    place = page[row : row + ink.shape[0], column : column + ink.shape[1]]
    place[...] = ink[: place.shape[0], : place.shape[1]]
    return page


def colour(ink, paper, pen):
    """A picture of ink in the colour `pen` on paper (3,) or (height, width, 3)."""
    ink = ink[..., np.newaxis]
    mixed = np.asarray(paper, float) * (1 - ink) + np.asarray(pen, float) * ink
    return Image.fromarray(np.clip(np.round(mixed), 0, 255).astype(np.uint8))


def noisy(picture, rng, noise):
    pixels = np.asarray(picture, float) + rng.normal(0, noise, (*picture.size[::-1], 1))
    return Image.fromarray(np.clip(np.round(pixels), 0, 255).astype(np.uint8))


def saved(picture, form, **options):
    """A picture as it comes out of a file."""
    file = io.BytesIO()
    picture.save(file, form, **options)
    return Image.open(io.BytesIO(file.getvalue()))


def drawn_in_a_program(strokes, rng):
    ink = strokes.draw(rng.integers(90, 200), rng.integers(10, 20))
    return colour(lay(ink, (280, 280), rng), [255] * 3, [0] * 3)


def white_on_black(strokes, rng):
    ink = strokes.draw(rng.integers(100, 220), rng.integers(4, 26))
    return colour(lay(ink, (300, 280), rng), [0] * 3, [255] * 3)


def one_pixel_pencil(strokes, rng):
    ink = strokes.draw(rng.integers(17, 25), 1)
    return colour(lay(ink, (28, 28), rng), [255] * 3, [0] * 3)


def ball_pen(strokes, rng):
    ink = strokes.draw(rng.integers(120, 200), rng.uniform(1.2, 3))
    return noisy(colour(lay(ink, (260, 240), rng), [238, 236, 228], [30, 40, 130]), rng, 2)


def pencil(strokes, rng):
    ink = strokes.draw(rng.integers(120, 220), rng.uniform(2, 5))
    return noisy(colour(lay(ink, (300, 300), rng), [225, 222, 214], [140, 140, 142]), rng, 5)


def ruled(strokes, rng):
    page = np.full((420, 360, 3), [244, 243, 236], float)
    for row in range(int(rng.integers(20)), 420, 36):
        page[row : row + 2] = [170, 195, 225]
    ink = strokes.draw(rng.integers(90, 180), rng.uniform(4, 8))
    return noisy(colour(lay(ink, (420, 360), rng), page, [25, 25, 60]), rng, 3)


def shadowed(strokes, rng):
    rows, columns = np.mgrid[:400, :400] / 400
    turn = rng.uniform(0, 2 * np.pi)
    way = (rows - 0.5) * np.sin(turn) + (columns - 0.5) * np.cos(turn)
    light = np.clip(0.62 + 0.5 * way, 0.25, 1)[..., np.newaxis]
    ink = strokes.draw(rng.integers(110, 220), rng.uniform(5, 11))
    page = lay(ink, (400, 400), rng)[..., np.newaxis]
    mixed = light * (240 * (1 - page) + 45 * page)
    return noisy(Image.fromarray(np.repeat(mixed, 3, 2).astype(np.uint8)), rng, 3)


def framed(strokes, rng):
    page, line = (
        lay(strokes.draw(120, rng.uniform(6, 12)), (240, 220), rng),
        int(rng.integers(2, 7)),
    )
    page = lay(page[30:210, 25:195], (240, 220), rng, at=(30, 25))
    ink = lay(strokes.draw(120, rng.uniform(6, 12))[:180, :170], (240, 220), rng, at=(32, 30))
    ink[:line], ink[-line:], ink[:, :line], ink[:, -line:] = 1, 1, 1, 1
    return colour(ink, [255] * 3, [20] * 3)


def in_a_table(strokes, rng):
    above, below = int(rng.integers(4, 20)), int(rng.integers(218, 234))
    ink = strokes.draw(rng.integers(90, 120), rng.uniform(4, 9))
    high = np.ptp(np.nonzero(ink)[0]) + 1
    onto_the_line = rng.random() < 0.3
    page = lay(ink, (240, 240), at=(below - high + 4 if onto_the_line else 45, 60))
    for at in (above, below):
        page[at : at + 2], page[:, at : at + 2] = 1, 1
    return noisy(colour(page, [250] * 3, [60] * 3), rng, 2)


def coloured(strokes, rng):
    paper = rng.integers(120, 256, 3)
    pen = paper - rng.permutation([int(min(paper)) // 4, 60, 110])
    ink = strokes.draw(rng.integers(110, 200), rng.uniform(6, 14))
    return colour(lay(ink, (260, 260), rng), paper, np.clip(pen, 0, 255))


def chalk(strokes, rng):
    ink = strokes.draw(rng.integers(140, 240), rng.uniform(5, 12))
    ink = ink * rng.uniform(0.55, 1, ink.shape)
    return noisy(colour(lay(ink, (340, 360), rng), [38, 70, 52], [232, 232, 224]), rng, 6)


def transparent(strokes, rng):
    ink = lay(strokes.draw(rng.integers(110, 200), rng.uniform(6, 14)), (260, 260), rng)
    pen = [0, 0, 0] if rng.random() < 0.5 else [255, 255, 255]
    alpha = np.round(255 * ink)[..., np.newaxis]
    return Image.fromarray(
        np.concatenate([np.broadcast_to(pen, (*ink.shape, 3)), alpha], 2).astype(np.uint8), "RGBA"
    )


def palette(strokes, rng):
    return drawn_in_a_program(strokes, rng).convert("P", palette=Image.Palette.ADAPTIVE, colors=8)


def sixteen_bits(strokes, rng):
    ink = lay(strokes.draw(rng.integers(110, 200), rng.uniform(6, 14)), (260, 260), rng)
    return Image.fromarray((60_000 - 55_000 * ink).astype(np.uint16))


def turned_by_the_camera(strokes, rng):
    exif = Image.Exif()
    exif[0x0112] = 6  # what is to be turned a quarter to the right
    return saved(pencil(strokes, rng).transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif)


def jpeg(strokes, rng):
    ink = strokes.draw(rng.integers(60, 140), rng.uniform(4, 9))
    page = noisy(colour(lay(ink, (200, 180), rng), [200, 198, 190], [50, 48, 60]), rng, 8)
    return saved(page, "JPEG", quality=18)


def far_off_the_centre(strokes, rng):
    ink = strokes.draw(rng.integers(90, 150), rng.uniform(4, 9))
    return colour(lay(ink, (800, 1100), rng), [255] * 3, [10] * 3)


def felt_pen_close_up(strokes, rng):
    ink = strokes.draw(rng.integers(600, 800), rng.uniform(50, 90))
    return noisy(colour(lay(ink, (1050, 1000), rng), [214, 206, 196], [40, 38, 50]), rng, 5)


def beside_something_cut_off(strokes, rng):
    page = lay(strokes.draw(rng.integers(110, 150), rng.uniform(5, 10)), (260, 260), at=(50, 90))
    size, at = rng.integers(60, 120, 2), int(rng.integers(140))
    edge = (
        page[at : at + size[0], : size[1] // 3]
        if rng.random() < 0.5
        else page[-18:, at : at + size[1]]
    )
    edge[...] = 1  # a finger, or a shadow's end
    return noisy(colour(page, [245] * 3, [30] * 3), rng, 2)


KINDS = (
    drawn_in_a_program, white_on_black, one_pixel_pencil, ball_pen, pencil, ruled, shadowed, framed,
    in_a_table, coloured, chalk, transparent, palette, sixteen_bits, turned_by_the_camera, jpeg,
    far_off_the_centre, felt_pen_close_up, beside_something_cut_off,
)  # fmt: skip


def photographs(count, seed=0):
    """Yield (kind, digit, picture), `count` of each kind, of different test images."""
    test = load_split("mnist", "test")
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(test.images), (len(KINDS), count), replace=False)
    for kind, images in zip(KINDS, chosen, strict=True):
        for i in images:
            yield kind.__name__, int(test.labels[i]), kind(Strokes(test.images[i]), rng)


@functools.cache
def strokes_of(image):
    return Strokes(load_split("mnist", "test").images[image])


def some_strokes(digit, rng):
    """Those of one of the first test images with this label."""
    return strokes_of(
        rng.choice(np.flatnonzero(load_split("mnist", "test").labels[:FIRST] == digit))
    )


def several_on_a_page(digits, rng):
    """A page with digits side by side, from the test images with these labels."""
    strokes = [some_strokes(digit, rng) for digit in digits]
    inks = [one.draw(rng.integers(90, 120), rng.uniform(5, 9)) for one in strokes]
    page, column = np.zeros((220, sum(ink.shape[1] for ink in inks) + 20)), 10
    for ink in inks:
        ink = ink[:200]
        row = int(rng.integers(0, 220 - ink.shape[0] + 1))
        page[row : row + ink.shape[0], column : column + ink.shape[1]] += ink
        column += ink.shape[1]
    return colour(np.clip(page, 0, 1), [245] * 3, [20] * 3)


def page_of_digits(rows, rng):
    """A page with rows of digits from the test images; and each digit's box, row by row."""
    high = int(rng.integers(45, 80))
    pen, apart = high * rng.uniform(0.05, 0.12), int(high * rng.uniform(0.35, 1))
    page = np.zeros((len(rows) * (high + apart) + 40, max(map(len, rows)) * 2 * high + 40))
    boxes = []
    for i, row in enumerate(rows):
        column = 15
        for digit in row:
            ink = some_strokes(int(digit), rng).draw(high * rng.uniform(0.85, 1.1), pen)
            lines, columns = np.nonzero(ink > 0.2)
            ink = ink[lines.min() : lines.max() + 1, columns.min() : columns.max() + 1]
            top = 20 + i * (high + apart) + int(rng.integers(-4, 5))
            place = page[top : top + ink.shape[0], column : column + ink.shape[1]]
            np.maximum(place, ink, out=place)
            boxes.append((column, top, ink.shape[1], ink.shape[0]))
            column += ink.shape[1] + int(high * rng.uniform(0.15, 0.4))
    return colour(page, [int(rng.integers(200, 256))] * 3, [int(rng.integers(0, 90))] * 3), boxes
