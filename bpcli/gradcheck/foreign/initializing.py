"""an object that has been built in -> its parameters made, by what its class has for that, out."""

import numpy as np

from bpcli.gradcheck.foreign import roles
from bpcli.gradcheck.foreign.calling import fill
from bpcli.gradcheck.foreign.reading import Reading, World
from bpcli.gradcheck.foreign.scene import value

INITIALIZE = (
    "set_input_shape",
    "build",
    "initialize",
    "init_params",
    "init_weights",
    "_init_params",
    "reset_parameters",
    "initialize_parameters",
    "init",
    "initialise",
    "initialize_weights",
    "_initialize",
    "setup",
    "init_parameters",
    "compile",
    "_init_weights",
    "set_params",
)


def initialize(reading: Reading, world: World, seed: int) -> None:
    """Call what a layer has for making its parameters apart from its constructor.

    What is called as weights are, and is None, becomes an array.
    """
    rng = np.random.default_rng(seed)
    for name, part in list(getattr(world.unit, "__dict__", {}).items()):
        word = roles.plain(name)
        if part is None and (
            roles.WEIGHTS.fullmatch(word) or roles.BIAS.fullmatch(word) or word == "inputshape"
        ):
            setattr(world.unit, name, value(name, reading.scene, rng))
    for name in INITIALIZE:
        method = getattr(world.unit, name, None)
        if callable(method):
            try:
                method(**fill(method, {}, reading.scene, rng, reading.given))
            except Exception:  # noqa: BLE001, S112 - the next may be what is meant
                continue
