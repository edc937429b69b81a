"""how arrays are laid out in -> shapes that can tell mistakes apart out.

All sizes differ, so that an array of another layout cannot pass for the one that is meant; pictures
are wider than high; sequences have four steps, since a mistake hides behind two.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bpcli.arrays import Array, Shape

IMAGES, FEATURES, HIDDEN, UNITS = 3, 5, 6, 4  # of a small net: all different
CHANNELS, FILTERS, WINDOW, HEIGHT, WIDTH = 2, 4, 3, 7, 9  # of small pictures
LARGE = 8  # pixels each way, for nets of pictures with windows inside
STEPS, PICTURES = 4, 2  # of a sequence; how many pictures, which are slow
MORE_UNITS = (7, 8, 10, 11, 12, 13)  # of further layers
COLUMNS, COLUMNS_IN_TIME, SERIES = "(D, N)", "(D, N, T)", "(N, C, L)"
SINGLE, NUMBERS = 1, 2  # tiers: one image at a time, and numbers, which no layer of arrays is for


@dataclass(frozen=True)
class Layout:
    """How a layer's arrays are laid out: of its input, weights, bias, and one per feature.

    `tier` is 0 for several images at a time; `square` makes as many units as features; `row_bias`
    gives a bias (1, M) in place of (M,); `few` makes what stands beside x one per feature.
    """

    name: str
    x: Shape
    W: Shape
    b: Shape
    feature: Shape
    images: int = IMAGES
    gates: int = 1  # of a recurrent layer, whose weights are side by side
    window: Shape = (WINDOW, WINDOW)
    stride: int = 1  # of windows
    pairs: bool = False  # whether the size of a window is two numbers
    tier: int = 0
    square: bool = False
    row_bias: bool = False
    few: bool = False
    stacked: bool = False  # whether a hidden state has an axis of one behind
    hidden: int = UNITS  # of a hidden state
    one_unit: bool = False  # whether the last product has one unit, as of logistic regression

    @property
    def single(self) -> bool:
        """Whether there is one output for each image."""
        return self.one_unit or len(self.W) == 1

    @property
    def pictures(self) -> bool:
        """Whether the input is pictures, (N, C, H, W) or (N, H, W, C)."""
        return len(self.x) == 4  # dimensions of pictures

    @property
    def symmetric(self) -> bool:
        """Whether pictures are as high as wide, where they hide what is taken for what."""
        first = self.name == "(N, C, H, W)"
        return self.pictures and (self.x[2] == self.x[3] if first else self.x[1] == self.x[2])

    def loses_channels(self, shape: Shape) -> bool:
        """Tell whether pictures come out with fewer channels: those were not the channels."""
        axis = 1 if self.name == "(N, C, H, W)" else -1
        return self.pictures and len(shape) == len(self.x) and shape[axis] < self.x[axis]

    @property
    def columns(self) -> bool:
        """Whether each image is a column."""
        return self.name in (COLUMNS, COLUMNS_IN_TIME)

    @property
    def channels(self) -> int:
        """How many channels pictures or series have, and how many features all else."""
        return self.x[1] if self.name in ("(N, C, H, W)", SERIES) else self.features

    @property
    def features(self) -> int:
        """How many features an image has: of pictures, channels."""
        if self.pictures:
            return self.x[1] if self.name == "(N, C, H, W)" else self.x[-1]
        return self.x[0] if self.columns else self.x[-1] if self.x else 1

    @property
    def state(self) -> Shape:
        """The shape of a hidden state."""
        if len(self.x) == 1:
            return self.feature if self.name == INDICES.name else (self.hidden,)
        if self.stacked:
            return (self.images, self.hidden, 1)
        return (self.hidden, self.images) if self.columns else (self.images, self.hidden)

    @property
    def units(self) -> tuple[int, ...]:
        """How many units each product has, one after the other."""
        if self.one_unit:
            return (1, *MORE_UNITS)
        return (UNITS * self.gates, HIDDEN, *MORE_UNITS)


def rows(images: int = IMAGES, tier: int = 0) -> list[Layout]:
    """Return layouts of images in rows, (N, D), for weights that are called as usual."""
    x, W, few = (images, FEATURES), (FEATURES, UNITS), (FEATURES,)
    return [
        Layout("(N, D)", x, W, (UNITS,), few, images, tier=tier),
        Layout("(N, D)", x, W, (1, UNITS), (1, FEATURES), images, tier=tier, row_bias=True),
        Layout("(N, D)", x, (UNITS, FEATURES), (UNITS,), few, images, tier=tier),
        Layout("(N, D)", x, (UNITS, FEATURES), (1, UNITS), (1, FEATURES), images, tier=tier),
        Layout("(N, D)", x, (FEATURES,), (), few, images, tier=tier),
    ]


def columns(images: int = IMAGES, tier: int = 0) -> list[Layout]:
    """Return layouts of images in columns, (D, N)."""
    x, W = (FEATURES, images), (UNITS, FEATURES)
    return [
        Layout(COLUMNS, x, W, (UNITS, 1), (FEATURES, 1), images, tier=tier),
        Layout(COLUMNS, x, (FEATURES, UNITS), (UNITS, 1), (FEATURES, 1), images, tier=tier),
    ]


def pictures(height: int, width: int, window: Shape = (WINDOW, WINDOW)) -> list[Layout]:
    """Return layouts of pictures, with the channels first or last."""
    n, c, f = PICTURES, CHANNELS, FILTERS
    first, last = (n, c, height, width), (n, height, width, c)
    found = [
        Layout("(N, C, H, W)", first, (f, c, *window), (f,), (c,), n),
        Layout("(N, C, H, W)", first, (f, c, *window), (f, 1), (1, c, 1, 1), n),
        Layout("(N, H, W, C)", last, (*window, c, f), (1, 1, 1, f), (c,), n),
        Layout("(N, H, W, C)", last, (*window, c, f), (f,), (1, 1, 1, c), n),
        Layout("(N, H, W, C)", last, (f, *window, c), (f,), (c,), n),
    ]
    return [replace(layout, window=window) for layout in found]


def declared(shape: Shape) -> Layout:
    """Return the layout of pictures of a shape (C, H, W)."""
    c = shape[0]
    weights = (FILTERS, c, WINDOW, WINDOW)
    return Layout("(N, C, H, W)", (PICTURES, *shape), weights, (FILTERS,), (c,), PICTURES)


ROWS, COLUMN_LAYOUTS = tuple(rows()), tuple(columns())
_SIDE_BY_SIDE = tuple(  # windows, as where an axis is made two: x.reshape(n, h, 2, w, 2, c)
    replace(layout, stride=2, pairs=pairs)
    for pairs in (False, True)
    for layout in pictures(LARGE - 2, LARGE, (2, 2))[:4:2]
)
PICTURE_LAYOUTS = (
    *pictures(HEIGHT, WIDTH),
    *pictures(LARGE - 2, LARGE, (2, 2)),
    *pictures(HEIGHT, HEIGHT),
    *(replace(layout, pairs=True) for layout in pictures(HEIGHT, WIDTH)[:4:2]),
    *_SIDE_BY_SIDE,
    *pictures(LARGE, LARGE)[:4:2],
    *pictures(2 * LARGE, 2 * LARGE)[:4:2],
)
SEQUENCES = (
    Layout("(N, T, D)", (IMAGES, STEPS, FEATURES), (FEATURES, UNITS), (UNITS,), (FEATURES,)),
    Layout("(T, N, D)", (STEPS, IMAGES, FEATURES), (FEATURES, UNITS), (UNITS,), (FEATURES,)),
    Layout(
        COLUMNS_IN_TIME, (FEATURES, IMAGES, STEPS), (UNITS, FEATURES), (UNITS, 1), (FEATURES, 1),
    ),
    Layout(
        SERIES, (IMAGES, FEATURES, WIDTH), (FILTERS, FEATURES, WINDOW), (FILTERS,),
        (FEATURES,),
    ),
)  # fmt: skip
STACKED = (
    replace(rows()[0], stacked=True),
    replace(rows()[0], name="(N, D, 1)", x=(IMAGES, FEATURES, 1), W=(UNITS, FEATURES),
            b=(UNITS, 1), stacked=True),
)  # fmt: skip
HEADS = (Layout("(N, T, D)", (IMAGES, STEPS, LARGE), (LARGE, LARGE), (LARGE,), (LARGE,)),)
INDICES = Layout("(T,)", (STEPS,), (UNITS, HIDDEN), (UNITS, 1), (UNITS, 1), 1)
GATED = tuple(
    Layout(name, x, (FEATURES, gates * UNITS), (gates * UNITS,), (FEATURES,), gates=gates)
    for gates in (4, 3, 2)  # of an LSTM, of a GRU, of a GRU with two of them apart
    for name, x in (("(N, D)", (IMAGES, FEATURES)), ("(N, T, D)", (IMAGES, STEPS, FEATURES)))
)
# Losses of one output for each image.
ONE_OUTPUT = (
    Layout("(N,)", (IMAGES,), (UNITS,), (UNITS,), (UNITS,)),
    Layout("(N, 1)", (IMAGES, 1), (1, UNITS), (UNITS,), (1,)),
    Layout("(1, N)", (1, IMAGES), (UNITS, 1), (UNITS, 1), (1, 1)),
)
# One image, and only where several are not taken: a sum over them does not show in one.
ALONE = (
    *rows(1, SINGLE)[:1],
    *columns(1, SINGLE)[:1],
    Layout("(D,)", (FEATURES,), (FEATURES, UNITS), (UNITS,), (FEATURES,), 1, tier=SINGLE),
    Layout("(D,)", (FEATURES,), (UNITS, FEATURES), (UNITS,), (FEATURES,), 1, tier=SINGLE),
    Layout("(C, H, W)", (CHANNELS, HEIGHT, WIDTH), (FILTERS, CHANNELS, WINDOW, WINDOW),
           (FILTERS,), (CHANNELS,), 1, tier=SINGLE),
    Layout("(C, H, W)", (CHANNELS, LARGE, LARGE), (FILTERS, CHANNELS, WINDOW, WINDOW),
           (FILTERS,), (CHANNELS,), 1, tier=SINGLE),
    Layout("(H, W, C)", (HEIGHT, WIDTH, CHANNELS), (WINDOW, WINDOW, CHANNELS, FILTERS),
           (FILTERS,), (CHANNELS,), 1, tier=SINGLE),
    Layout("(H, W)", (HEIGHT, WIDTH), (FILTERS, WINDOW, WINDOW), (FILTERS,), (FEATURES,), 1,
           tier=SINGLE),
    Layout("(H, W)", (HEIGHT, WIDTH), (WINDOW, WINDOW), (1,), (FEATURES,), 1, tier=SINGLE),
)  # fmt: skip
VECTORS = tuple(layout for layout in ALONE if len(layout.x) == 1)
ONLY_NUMBERS = (Layout("numbers", (), (), (), (), 1, tier=NUMBERS),)


def given(x: Any) -> Layout:
    """Return the layout of an input that is given."""
    shape = np.shape(x)
    return Layout("as given", shape, (), (), (), shape[0] if len(shape) > 1 else 1)


def reshaped(layout: Layout, shape: Shape) -> Layout:
    """Return a layout for an input of another shape."""
    axis = 1 if layout.columns and len(shape) > 1 else 0
    return replace(layout, x=shape, images=shape[axis] if shape else 1)


def draw(shape: Shape, rng: np.random.Generator, largest: float = 2) -> Array:
    """Return numbers small and large, but not near 0, where ReLU has its kink.

    With a `largest` beyond that of any usual kink, one of each sign is as large.
    """
    found = np.asarray(rng.choice([-1, 1], shape) * 10 ** rng.uniform(-1, np.log10(2), shape))
    if largest > 2 and found.size > 2:  # ReLU6 and the like
        found.flat[[0, -1]] = largest, -largest
    return found
