"""an object that has been built in -> its parameters made, by what its class has for that, out."""

import numpy as np

from bpcli.gradcheck.foreign import vocabulary
from bpcli.gradcheck.foreign.arguments import Supply
from bpcli.gradcheck.foreign.convention import Convention
from bpcli.gradcheck.foreign.state import State
from bpcli.gradcheck.foreign.values import value

SHAPES = ("input_shape", "in_shape", "shape", "input_size")  # what a layer may be built for


def initialize(convention: Convention, state: State, seed: int, *, whole: bool = False) -> None:
    """Call what a layer has for making its parameters apart from its constructor.

    What is called as weights are, and is None, becomes an array. The shape of an input is that of
    one image, or `whole`, of all of them.
    """
    rng = np.random.default_rng(seed)
    shapes = dict.fromkeys(SHAPES, convention.layout.x) if whole else {}
    for name, part in list(getattr(state.unit, "__dict__", {}).items()):
        word = vocabulary.plain(name)
        if part is None and (
            vocabulary.WEIGHTS.fullmatch(word)
            or vocabulary.BIAS.fullmatch(word)
            or word == "inputshape"
        ):
            setattr(state.unit, name, value(name, convention.layout, rng))
    for name in vocabulary.INITIALIZE:
        method = getattr(state.unit, name, None)
        if callable(method):
            try:
                method(**Supply(convention.layout, rng, convention.given).fill(method, shapes))
            except Exception:  # noqa: BLE001, S112 - the next may be what is meant
                continue
