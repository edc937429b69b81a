"""objects that may draw random numbers in -> what makes them draw the same again out."""

import random
from collections.abc import Callable

import numpy as np

from bpcli.gradcheck.foreign.tree import walk


def make_rewind(thing: object) -> Callable[[], None]:
    """Return what takes all randomness back to where it is now.

    That is each generator inside an object, whatever it is called, and the two that everybody
    shares, of numpy and of Python. A generator of a module of somebody's stays as it is.
    """
    parts = [thing, *(part for _, part in walk(thing))]
    inside = [part.bit_generator for part in parts if isinstance(part, np.random.Generator)]
    states = [generator.state for generator in inside]
    legacy = [part for part in parts if isinstance(part, np.random.RandomState)]
    legacy_states = [generator.get_state() for generator in legacy]
    python = [part for part in parts if isinstance(part, random.Random)]
    python_states = [generator.getstate() for generator in python]
    shared, shared_python = np.random.get_state(), random.getstate()

    def rewind() -> None:
        for generator, state in zip(inside, states, strict=True):
            generator.state = state
        for old, old_state in zip(legacy, legacy_states, strict=True):
            old.set_state(old_state)
        for own, own_state in zip(python, python_states, strict=True):
            own.setstate(own_state)
        np.random.set_state(shared)
        random.setstate(shared_python)

    return rewind
