"""a layout of arrays in -> a value for any argument that goes by a usual name, out.

All sizes differ, so that an array of another layout cannot pass for the one that is meant.
"""

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bpcli.arrays import Array, Shape
from bpcli.gradcheck.foreign import roles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

IMAGES, FEATURES, HIDDEN, UNITS = 3, 5, 6, 4  # of a small net: all different
CHANNELS, FILTERS, WINDOW, HEIGHT, WIDTH = 2, 4, 3, 7, 5  # of small pictures
LARGE = 8  # pixels each way, for nets of pictures with windows inside
STEPS = 2  # of a sequence


@dataclass(frozen=True)
class Scene:
    """How a layer's arrays are laid out: of its input, weights, bias, and one per feature."""

    name: str
    x: Shape
    W: Shape
    b: Shape
    feature: Shape
    images: int = IMAGES
    gates: int = 1  # of a recurrent layer, whose weights are side by side
    pairs: bool = False  # whether the size of a window is two numbers

    @property
    def pictures(self) -> bool:
        """Whether the input is pictures, (N, C, H, W) or (N, H, W, C)."""
        return len(self.x) == 4  # dimensions of pictures


def _rows(images: int = IMAGES) -> list[Scene]:
    x, W, few = (images, FEATURES), (FEATURES, UNITS), (FEATURES,)
    return [
        Scene("(N, D)", x, W, (UNITS,), few, images),
        Scene("(N, D)", x, W, (1, UNITS), (1, FEATURES), images),
        Scene("(N, D)", x, (UNITS, FEATURES), (UNITS,), few, images),
        Scene("(N, D)", x, (UNITS, FEATURES), (1, UNITS), (1, FEATURES), images),
        Scene("(N, D)", x, (FEATURES,), (), few, images),
    ]


def _columns(images: int = IMAGES) -> list[Scene]:
    x, W = (FEATURES, images), (UNITS, FEATURES)
    return [
        Scene("(D, N)", x, W, (UNITS, 1), (FEATURES, 1), images),
        Scene("(D, N)", x, (FEATURES, UNITS), (UNITS, 1), (FEATURES, 1), images),
    ]


def _pictures(height: int, width: int) -> list[Scene]:
    n, c, f, k = STEPS, CHANNELS, FILTERS, WINDOW
    first, last = (n, c, height, width), (n, height, width, c)
    return [
        Scene("(N, C, H, W)", first, (f, c, k, k), (f,), (c,), n),
        Scene("(N, C, H, W)", first, (f, c, k, k), (f, 1), (1, c, 1, 1), n),
        Scene("(N, H, W, C)", last, (k, k, c, f), (1, 1, 1, f), (c,), n),
        Scene("(N, H, W, C)", last, (k, k, c, f), (f,), (1, 1, 1, c), n),
    ]


SCENES = (
    *_rows(),
    *_columns(),
    *_pictures(HEIGHT, WIDTH),
    *_pictures(WIDTH, WIDTH),
    *(replace(scene, pairs=True) for scene in _pictures(WIDTH, WIDTH)[::2]),
    *_pictures(LARGE, LARGE)[::2],
    Scene("(N, T, D)", (IMAGES, STEPS, FEATURES), (FEATURES, UNITS), (UNITS,), (FEATURES,)),
    Scene("(T, N, D)", (STEPS, IMAGES, FEATURES), (FEATURES, UNITS), (UNITS,), (FEATURES,)),
    *(
        Scene(name, x, (FEATURES, gates * UNITS), (gates * UNITS,), (FEATURES,), gates=gates)
        for gates in (4, 3, 2)  # of an LSTM, of a GRU, of a GRU with two of them apart
        for name, x in (
            ("(N, D)", (IMAGES, FEATURES)),
            ("(N, T, D)", (IMAGES, STEPS, FEATURES)),
        )
    ),
)
# Losses of one output for each image.
ONE_OUTPUT = (
    Scene("(N,)", (IMAGES,), (UNITS,), (UNITS,), (UNITS,)),
    Scene("(N, 1)", (IMAGES, 1), (1, UNITS), (UNITS,), (1,)),
    Scene("(1, N)", (1, IMAGES), (UNITS, 1), (UNITS, 1), (1, 1)),
)
# One image, and only where several raise: a sum over them that is missing does not show in one.
ALONE = (
    *_rows(1)[:1],
    *_columns(1)[:1],
    Scene("(D,)", (FEATURES,), (FEATURES, UNITS), (UNITS,), (FEATURES,), 1),
    Scene("(D,)", (FEATURES,), (UNITS, FEATURES), (UNITS,), (FEATURES,), 1),
    Scene(
        "(C, H, W)",
        (CHANNELS, HEIGHT, WIDTH),
        (FILTERS, CHANNELS, WINDOW, WINDOW),
        (FILTERS,),
        (CHANNELS,),
        1,
    ),
    Scene(
        "(H, W, C)",
        (HEIGHT, WIDTH, CHANNELS),
        (WINDOW, WINDOW, CHANNELS, FILTERS),
        (FILTERS,),
        (CHANNELS,),
        1,
    ),
    Scene("(H, W)", (HEIGHT, WIDTH), (FILTERS, WINDOW, WINDOW), (FILTERS,), (FEATURES,), 1),
    Scene("numbers", (), (), (), (), 1),
)

PARAMETERS: dict[str, dict[str, Any]] = {
    "convparam": {"stride": 1, "pad": 1},
    "poolparam": {"pool_height": 2, "pool_width": 2, "stride": 1},
    "bnparam": {"mode": "train", "eps": 1e-5, "momentum": 0.9},
    "lnparam": {"eps": 1e-5},
    "gnparam": {"eps": 1e-5},
    "dropoutparam": {"mode": "train", "p": 0.6, "seed": 1},
    "hparameters": {"stride": 1, "pad": 1, "f": 2},
    "hparams": {"stride": 1, "pad": 1, "f": 2},
}
FRACTIONS = (
    "p",
    "ratio",
    "droprate",
    "keepprob",
    "dropoutratio",
    "dropoutrate",
    "dropprob",
    "rate",
    "dropout",
    "dropoutprob",
    "keepprobability",
    "prob",
    "keep",
    "probability",
)
SMALL = {
    "eps": 1e-5,
    "epsilon": 1e-5,
    "momentum": 0.9,
    "decay": 0.9,
    "reg": 0.1,
    "lambd": 0.1,
    "regularization": 0.1,
    "l2": 0.1,
    "weightdecay": 0.1,
    "reglambda": 0.1,
    "lamb": 0.1,
    "alpha": 0.1,
    "negativeslope": 0.1,
    "slope": 0.1,
    "leak": 0.1,
    "weightscale": 0.3,
    "weightinitstd": 0.3,
    "std": 0.3,
    "weightinit": 0.3,
    "initstd": 0.3,
    "lambda": 0.1,
    "weightdecaylambda": 0.1,
    "l1": 0.1,
    "margin": 1.0,
    "lam": 0.1,
}


class NoValueError(Exception):
    """An argument whose meaning its name does not tell."""


def value(name: str, scene: Scene, rng: np.random.Generator) -> Any:
    """Return what an argument of this name may be. Raises NoValueError if nobody knows."""
    word = roles.plain(name)
    if roles.TRAINING.fullmatch(word):
        return True
    if word == "mode":
        return "train"
    if word in ("mask", "masks"):
        return np.ones(scene.x[:-1], bool)
    if word in PARAMETERS:
        return dict(PARAMETERS[word])
    for make in (_array, _size, _number):
        found = make(word, scene, rng)
        if found is not None:
            return found
    raise NoValueError(name)


def draw(shape: Shape, rng: np.random.Generator, largest: float = 2) -> Array:
    """Return numbers small and large, but not near 0, where ReLU has its kink.

    With a `largest` beyond that of any usual kink, one of each sign is as large.
    """
    found = np.asarray(rng.choice([-1, 1], shape) * 10 ** rng.uniform(-1, np.log10(2), shape))
    if largest > 2 and found.size > 2:  # ReLU6 and the like
        found.flat[[0, -1]] = largest, -largest
    return found


def _array(word: str, scene: Scene, rng: np.random.Generator) -> Any:
    rows = scene.x[:1] == (scene.images,)
    hidden = (scene.images, UNITS)
    shapes: list[tuple[Callable[[str], Any], Shape]] = [
        (lambda w: w in roles.PER_FEATURE, scene.feature),
        (re.compile("wxt").fullmatch, (FEATURES, UNITS)),
        (re.compile("wht").fullmatch, (UNITS, UNITS)),
        (re.compile("bht").fullmatch, (UNITS,)),
        (re.compile(r"(prev)?[hc](0|prev)|(prev)?[hc]").fullmatch, hidden),
        (re.compile(r"w[hu]\d?|whh|whidden|wxt?h").fullmatch, (UNITS, scene.gates * UNITS)),
    ]
    if not scene.pictures and scene.gates == 1:
        between = (FEATURES, HIDDEN) if rows else (HIDDEN, FEATURES)
        after = (HIDDEN, UNITS) if rows else (UNITS, HIDDEN)
        column = () if len(scene.b) == 1 else (1,)
        shapes += [
            (lambda w: re.fullmatch(r"(w|weights?|theta)1", w), between),
            (lambda w: re.fullmatch(r"(w|weights?|theta)2", w), after),
            (lambda w: re.fullmatch(r"(b|bias)1", w), (HIDDEN,) if rows else (HIDDEN, *column)),
            (lambda w: re.fullmatch(r"(b|bias)2", w), (UNITS,) if rows else (UNITS, *column)),
        ]
    shapes += [(roles.WEIGHTS.fullmatch, scene.W), (roles.BIAS.fullmatch, scene.b)]
    for matches, shape in shapes:
        if matches(word):
            found = rng.normal(size=shape)
            return np.abs(found) + 0.5 if "var" in word else found
    return None


def _size(word: str, scene: Scene, _rng: np.random.Generator) -> Any:
    if scene.pictures:
        channels = scene.x[1] if scene.name == "(N, C, H, W)" else scene.x[-1]
        window = (WINDOW, WINDOW) if scene.pairs else WINDOW
        pictures: tuple[tuple[Sequence[str], Any], ...] = (
            (roles.CHANNELS_IN, channels),
            (roles.CHANNELS_OUT, FILTERS),
            (roles.WINDOW, window),
            (("inputshape", "inshape", "shape", "inputsize"), scene.x[1:]),
        )
        for names, size in pictures:
            if word in names:
                return size
    inputs = scene.x[0] if scene.name == "(D, N)" else scene.x[-1] if scene.x else 1
    sizes: tuple[tuple[Sequence[str], Any], ...] = (
        (roles.HIDDEN_SIZES, [HIDDEN, HIDDEN + 1]),
        (roles.HIDDEN_SIZE, HIDDEN),
        (roles.ALL_SIZES, [inputs, HIDDEN, UNITS]),
        (("inputshape", "shape"), (inputs,)),
        (roles.INPUTS_SIZE, inputs),
        (roles.OUTPUTS_SIZE, UNITS),
        (roles.WINDOW, 2),
        (("stride", "strides", "dilation"), 1),
        (("pad", "padding"), 1),
        (("numlayers", "nlayers", "depth", "g", "groups"), 2),
        (("seed", "randomseed"), 1),
        (("vocabsize", "v", "numembeddings"), HIDDEN + 2),
        (("axis",), -1),
        (("transformationshape", "weightshape", "wshape", "weightsshape"), scene.W),
        (("scoresshape", "xshape"), scene.x),
        (("batchsize", "n", "batch", "numimages", "m"), scene.images),
    )
    for names, size in sizes:
        if word in names:
            return size
    return None


def _number(word: str, _scene: Scene, _rng: np.random.Generator) -> Any:
    if word in FRACTIONS:
        return 0.6
    if roles.RATE.fullmatch(word):
        return 0.1
    return SMALL.get(word)
