"""layers in -> what makes the dropout among them draw the same masks once more."""

from collections.abc import Callable, Sequence

from bpcli.backprop.layers import Dropout, Layer


def make_rewind(layers: Sequence[Layer]) -> Callable[[], None]:
    """Return what takes the layers' randomness back to where it is now."""
    generators = [layer.rng.bit_generator for layer in layers if isinstance(layer, Dropout)]
    states = [generator.state for generator in generators]

    def rewind() -> None:
        for generator, state in zip(generators, states, strict=True):
            generator.state = state

    return rewind
