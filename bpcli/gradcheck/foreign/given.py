"""the text of an argument, as a person gives it, in -> its value out."""

import contextlib
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.arrays import Shape
from bpcli.gradcheck.foreign.layout import draw


@dataclass(frozen=True)
class Shaped:
    """An array that the person has given the shape of."""

    shape: Shape


def take(given: Any, rng: np.random.Generator) -> Any:
    """Return a value that the person has given, or an array of the shape that they have."""
    return draw(given.shape, rng) if isinstance(given, Shaped) else given


def parse_given(text: str) -> Any:
    """Return what `3x5` (a shape), `2,5`, `0.1`, `true` or a word stands for.

    >>> parse_given("3x5"), parse_given("2,5"), parse_given("0.1"), parse_given("relu")
    (Shaped(shape=(3, 5)), (2, 5), 0.1, 'relu')
    """
    if re.fullmatch(r"\d+(x\d+)+|\d+x", text):
        return Shaped(tuple(int(size) for size in text.split("x") if size))
    if "," in text:
        return tuple(parse_given(part.strip()) for part in text.split(",") if part.strip())
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for number in (int, float):
        with contextlib.suppress(ValueError):
            return number(text)
    return text
