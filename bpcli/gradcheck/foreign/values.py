"""the name of an argument and a layout in -> what such a name means in it out."""

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from bpcli.arrays import Array, Shape
from bpcli.gradcheck.foreign import vocabulary
from bpcli.gradcheck.foreign.layout import FEATURES, FILTERS, HIDDEN, UNITS, Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RATE = 0.1  # of learning
PARAMETERS: dict[str, dict[str, Any]] = {
    "convparam": {"stride": 1, "pad": 1},
    "poolparam": {"pool_height": 2, "pool_width": 2, "stride": 2},
    "bnparam": {"mode": "train", "eps": 1e-5, "momentum": 0.9},
    "lnparam": {"eps": 1e-5},
    "gnparam": {"eps": 1e-5},
    "dropoutparam": {"mode": "train", "p": 0.6, "seed": 1},
}


class NoValueError(Exception):
    """An argument whose meaning neither its name nor its use tells."""


def value(name: str, layout: Layout, rng: np.random.Generator) -> Any:
    """Return what an argument of this name may be. Raises NoValueError if nobody knows."""
    word = vocabulary.plain(name)
    if vocabulary.TRAINING.fullmatch(word):
        return True
    if word == "mode":
        return "train"
    if word in vocabulary.MASK:
        return np.ones(layout.x[:-1], bool)
    if word in PARAMETERS:
        return dict(PARAMETERS[word])
    for make in (_array, _size, _number):
        found = make(word, layout, rng)
        if found is not None:
            return found
    raise NoValueError(name)


def _array(word: str, layout: Layout, rng: np.random.Generator) -> Array | None:
    in_rows = layout.x[:1] == (layout.images,)
    hidden = (layout.images, layout.hidden) if in_rows else (layout.hidden, layout.images)
    shapes: list[tuple[Callable[[str], Any], Shape]] = [
        (lambda w: w in vocabulary.PER_FEATURE, layout.feature),
        (re.compile("wxt").fullmatch, (FEATURES, UNITS)),
        (re.compile("wht").fullmatch, (UNITS, UNITS)),
        (re.compile("bht").fullmatch, (UNITS,)),
        (re.compile(r"(prev)?[hc](0|prev)|(prev)?[hc]").fullmatch, hidden),
        (re.compile(r"w[hu]\d?|whh|whidden|wxt?h").fullmatch, (UNITS, layout.gates * UNITS)),
    ]
    if not layout.pictures and layout.gates == 1:
        between = (FEATURES, HIDDEN) if in_rows else (HIDDEN, FEATURES)
        after = (HIDDEN, UNITS) if in_rows else (UNITS, HIDDEN)
        column = () if len(layout.b) == 1 else (1,)
        shapes += [
            (re.compile(r"(w|weights?|theta)1").fullmatch, between),
            (re.compile(r"(w|weights?|theta)2").fullmatch, after),
            (re.compile(r"(b|bias)1").fullmatch, (HIDDEN,) if in_rows else (HIDDEN, *column)),
            (re.compile(r"(b|bias)2").fullmatch, (UNITS,) if in_rows else (UNITS, *column)),
        ]
    shapes += [(vocabulary.WEIGHTS.fullmatch, layout.W), (vocabulary.BIAS.fullmatch, layout.b)]
    for matches, shape in shapes:
        if matches(word):
            found = rng.normal(size=shape)
            return np.abs(found) + 0.5 if "var" in word else found
    return None


def _size_of_pictures(word: str, layout: Layout) -> Any:
    """Return what a size is of pictures, of windows in them, or of channels."""
    height, width = layout.window
    strides = (layout.stride, layout.stride)
    sizes: tuple[tuple[Sequence[str], Any], ...] = (
        (vocabulary.CHANNELS_IN, layout.channels),
        (vocabulary.CHANNELS_OUT, FILTERS),
        (vocabulary.WINDOW_WIDTH, width),
        (vocabulary.WINDOW, (height, width) if layout.pairs else height),
        (vocabulary.SHAPES, layout.x[1:]),
        (vocabulary.WINDOW_SHAPE, layout.window),
        (vocabulary.STRIDE_SHAPE, strides),
        (vocabulary.FILTER_SHAPE, layout.W[1:]),
    )
    found = next((size for names, size in sizes if word in names), None)
    if found is None and layout.pairs:
        pairs = (vocabulary.PAD, (0, 0)), (vocabulary.STRIDE + vocabulary.DILATION, strides)
        found = next((size for names, size in pairs if word in names), None)
    return found


def _size(word: str, layout: Layout, _rng: np.random.Generator) -> Any:
    found = _size_of_pictures(word, layout) if layout.pictures else None
    if found is not None:
        return found
    units = layout.features if layout.square else UNITS
    if word in vocabulary.SHAPE_IN or word in vocabulary.SHAPE_OUT:
        return layout.x[1:] if word in vocabulary.SHAPE_IN else (units,)
    if word in vocabulary.HEADS and word != "h":
        return 2 if layout.features % 2 == 0 else None
    if word in vocabulary.HEAD_SIZE:
        return layout.features // 2 if layout.features % 2 == 0 else None
    sizes: tuple[tuple[Sequence[str], Any], ...] = (
        (vocabulary.HIDDEN_SIZES, [HIDDEN, HIDDEN + 1]),
        (vocabulary.HIDDEN_SIZE, HIDDEN),
        (vocabulary.ALL_SIZES, [layout.features, HIDDEN, UNITS]),
        (("inputshape", "shape"), (layout.features,)),
        (vocabulary.INPUTS_SIZE, layout.features),
        (vocabulary.OUTPUTS_SIZE, units),
        (vocabulary.WINDOW, 2),
        (vocabulary.STRIDE, layout.stride),
        (vocabulary.DILATION, 1),
        (vocabulary.PAD, 1),
        (vocabulary.COUNTS, 2),
        (vocabulary.SEED, 1),
        (vocabulary.VOCABULARY_SIZE, HIDDEN + 2),
        (vocabulary.AXIS, -1),
        (vocabulary.WEIGHT_SHAPE, layout.W),
        (vocabulary.OUTPUT_SHAPE, layout.x),
        (vocabulary.SEQUENCE_LENGTH, layout.x[1] if len(layout.x) == 3 else 4),
        (vocabulary.BATCH_SIZE, layout.images),
        (vocabulary.CHANNELS_IN, layout.channels),
        (vocabulary.CHANNELS_OUT, units),
    )
    return next((size for names, size in sizes if word in names), None)


def _number(word: str, _layout: Layout, _rng: np.random.Generator) -> Any:
    if word in vocabulary.FRACTIONS or word.endswith(vocabulary.FRACTION_ENDS):
        return 0.6
    if vocabulary.RATE.fullmatch(word):
        return RATE
    return next((n for n, names in vocabulary.SMALL.items() if word in names), None)
