"""`NAME=VALUE` texts in -> the number, or the array, of each name out."""

import ast
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Array
from bpcli.errors import ExpressionError, readable
from bpcli.files.document import plain_scalar

LONGEST = 100_000  # characters of a list
MOST = 1_000_000  # random numbers
EXPECTED = "expected NAME=NUMBER, a list as x='[1, 2]', or random numbers as W='normal(2, 3)'"


def parse_values(assignments: Sequence[str], seed: int = 0) -> dict[str, Array]:
    """Read `NAME=VALUE` texts: numbers, lists of lists, or `normal(2, 3)`, random and of a shape.

    Raises ExpressionError.
    """
    values: dict[str, Array] = {}
    rng = np.random.default_rng(seed)
    for assignment in assignments:
        place = readable(assignment)
        name, sign, text = (part.strip() for part in assignment.partition("="))
        if not sign:
            hint = "quote the expression, or the shell takes * for names of files"
            raise ExpressionError(f"{place}: expected NAME=NUMBER; {hint}")
        name = unicodedata.normalize("NFKC", name)  # as Python takes the names of an expression
        if not name.isidentifier():
            raise ExpressionError(f"{place}: {EXPECTED}")
        if name in values:
            raise ExpressionError(f"{place}: {readable(name)} has a value already")
        values[name] = _parse(text, place, rng)
        if not np.isfinite(values[name]).all():
            raise ExpressionError(f"{place}: too large for a number")
    return values


def is_assignment(text: str) -> bool:
    """Tell whether a text is a name with a value, and not one that is computed."""
    try:
        parse_values([text])
    except ExpressionError:
        return False
    return True


def _parse(text: str, place: str, rng: np.random.Generator) -> Array:
    number = plain_scalar(text)
    if isinstance(number, int | float):
        try:
            return np.array(float(number))
        except OverflowError:
            return np.array(np.inf)
    random = re.fullmatch(r"normal\(\s*(\d{1,7}(?:\s*,\s*\d{1,7}){0,3})\s*,?\s*\)", text)
    if random:
        shape = tuple(int(size) for size in random[1].split(","))
        if not 0 < np.prod(shape, dtype=float) <= MOST:
            raise ExpressionError(f"{place}: expected 1 to {MOST:,} random numbers")
        return rng.normal(size=shape)
    if not text.startswith("["):
        comma = re.fullmatch(r"[+-]?\d+,\d+", text)
        hint = f"; a decimal is written {readable(text.replace(',', '.'))}" if comma else ""
        raise ExpressionError(f"{place}: {EXPECTED}{hint}")
    array = _read_list(text)
    if array.dtype.kind not in "if" or not array.size:
        raise ExpressionError(
            f"{place}: expected lists of numbers, with rows of one length, as x='[[1, 2], [3, 4]]'"
        )
    return array.astype(np.float64)


def _read_list(text: str) -> npt.NDArray[Any]:
    """Return the array of lists of lists; one of nothing for any other text."""
    if len(text) > LONGEST:
        return np.array([])
    try:
        return np.array(ast.literal_eval(text))
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError, OverflowError):
        return np.array([])
