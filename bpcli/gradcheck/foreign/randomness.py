"""a module of a person's in -> the random numbers that it draws, the same at every call, out."""

import contextlib
import functools
import random
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

MAKER = "default_rng"


@functools.lru_cache(maxsize=64)
def generators_of(module: types.ModuleType | None) -> list[Any]:
    """Return the generators that a module and its classes hold."""
    names = list(vars(module).values()) if module else []
    inside = [part for thing in names if isinstance(thing, type) for part in vars(thing).values()]
    return [
        thing
        for thing in [*names, *inside]
        if isinstance(thing, np.random.Generator | random.Random)
        or type(thing).__name__ == "RandomState"
    ]


def rewind(seed: int, module: types.ModuleType | None = None) -> None:
    """Let everybody who draws random numbers draw the same as before."""
    np.random.seed(seed)
    random.seed(seed)
    for generator in generators_of(module):
        if isinstance(generator, np.random.Generator):
            kind = type(generator.bit_generator)
            generator.bit_generator.state = kind(seed).state
        else:
            generator.seed(seed)


@contextlib.contextmanager
def repeatable(module: types.ModuleType | None) -> Iterator[None]:
    """Let a generator that is made without a seed draw the same whenever it is made."""
    theirs = sys.modules.get("numpy.random", np.random)  # which may be a copy of ours
    original = theirs.default_rng

    def make(seed: Any = None) -> Any:
        return original(0 if seed is None else seed)

    held = [name for name, thing in vars(module).items() if thing is original] if module else []
    places = [(theirs, MAKER), *((module, name) for name in held)]
    for place, name in places:
        setattr(place, name, make)
    states = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        for place, name in places:
            setattr(place, name, original)
        random.setstate(states[0])
        np.random.set_state(states[1])


def module_of(thing: Any) -> types.ModuleType | None:
    """Return the module that a class, an object or a function is from."""
    name = getattr(thing, "__module__", None) or type(thing).__module__
    return sys.modules.get(name)
