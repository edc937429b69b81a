"""layers in -> what makes those that draw random numbers, as dropout does, draw the same again."""

from collections.abc import Callable, Sequence

import numpy as np

from bpcli.backprop.layers import Layer


def make_rewind(layers: Sequence[Layer]) -> Callable[[], None]:
    """Return what takes the layers' randomness, each its own `rng`, back to where it is now."""
    rngs = [getattr(layer, "rng", None) for layer in layers]
    generators = [rng.bit_generator for rng in rngs if isinstance(rng, np.random.Generator)]
    states = [generator.state for generator in generators]

    def rewind() -> None:
        for generator, state in zip(generators, states, strict=True):
            generator.state = state

    return rewind
