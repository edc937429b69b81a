"""numbers and shapes in -> as a person writes them, or as JSON can hold them, out."""

import math
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MINUS = "−"  # as wide as +, and no hyphen
SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
# A number with a sign or a power that is no part of a name.
WRITTEN = re.compile(r"(?<![\w.)])(-?)(inf|\d[\d,]*\.?\d*)(?:e([-+]\d+))?(?!\w)")
SIGN = re.compile(r"(?<![\w.)])-(?=\d|inf)")
SMALL = 1e-3  # of an array's numbers; below it four decimals say too little
SHOWN = 60  # numbers of an array that are shown in full
LARGEST_WHOLE = 1e15  # above it float64 has no digit for each unit


def draw_number(value: float) -> str:
    """Return a number as a person would write it, to six digits.

    >>> [draw_number(x) for x in (2.2000000000000002, 220.00000000000003, 1 / 3, 1234567, 1.5e-7)]
    ['2.2', '220', '0.333333', '1234567', '1.5e-07']
    """
    if math.isfinite(value) and value == int(value) and abs(value) < LARGEST_WHOLE:
        return str(int(value))
    return f"{value:.6g}"


def typeset(text: str) -> str:
    """Return a text whose numbers have signs and powers as in print, for pictures and pages.

    >>> typeset("-0.5"), typeset("(2, 3)"), typeset("8.7e-04"), typeset("x-1")
    ('−0.5', '(2, 3)', '8.7×10⁻⁴', 'x-1')
    """

    def spell(found: re.Match[str]) -> str:
        sign, digits, power = found.groups()
        if power:
            times = f"{digits}×" if digits != "1" else ""
            digits = f"{times}10{str(int(power)).translate(SUPERSCRIPT)}"
        return f"{MINUS * bool(sign)}{digits}"

    return WRITTEN.sub(spell, text)


def with_minus(text: str) -> str:
    """Return a text whose numbers have signs as in print, and their old width."""
    return SIGN.sub(MINUS, text)


def draw_shape(shape: Sequence[int | str]) -> str:
    """Return the shape of an array as people write it, such as 784×50."""
    return "×".join(map(str, shape))


def draw_matrix(array: npt.NDArray[np.float64], width: int) -> list[str]:
    """Return an array as lines of at most so many characters, in part if it is large."""
    sizes = np.abs(array[array != 0])
    plain = not sizes.size or bool(sizes.min() >= SMALL)
    with np.printoptions(
        precision=4, threshold=SHOWN, edgeitems=2, linewidth=width, suppress=plain
    ):
        return str(array).split("\n")


def json_array(array: npt.NDArray[np.float64]) -> Any:
    """Return a number, or lists of numbers, for JSON: None for each that JSON has not."""
    numbers = np.array(array, object)
    numbers[~np.isfinite(array)] = None
    return numbers.tolist()


def json_number(value: Any) -> Any:
    """Return a value for JSON: None for a number that JSON has not."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def json_fields(record: "DataclassInstance") -> dict[str, Any]:
    """Return the fields of a dataclass for JSON."""
    return {name: json_number(value) for name, value in asdict(record).items()}
