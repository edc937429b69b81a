"""values in -> an axis that they lie on, and its numbers as people write them, out."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bpcli.show.number import MINUS, SUPERSCRIPT

TICKS = 5  # about as many, where there is room
SMALLEST, LARGEST = 1e-4, 1e7  # between them a number is written out
WITHIN = 1e-9  # of a power of ten: a number that is only rounded has reached it
EDGE = 0.04  # of the length of an axis, beyond the values at its ends


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`, with about `count` ticks, or without any where that is 0.

    `scale` is `linear`, `log`, or `symlog`, on which 0 has a place. An axis that is `whole` has
    ticks at whole numbers alone; one of `names` has those, at 0, 1, 2 and so on.
    """

    label: str
    low: float
    high: float
    scale: str = "linear"
    count: int = TICKS
    whole: bool = False
    names: tuple[str, ...] = ()

    def clamp(self, value: float) -> float:
        """Return a value that lies on the axis: what is beyond lies at its end."""
        return min(max(value, self.low), self.high)


def linear(label: str, low: float, high: float, *, count: int = TICKS, whole: bool = False) -> Axis:
    """Return an axis from `low` to `high`, or around them where they are the same.

    With `whole` its ticks are whole numbers, as of layers.
    """
    if high <= low:
        low, high = low - (abs(low) or 1) * EDGE, low + (abs(low) or 1) * EDGE
    return Axis(label, low, high, count=count, whole=whole)


def logarithmic(label: str, values: Iterable[float]) -> Axis:
    """Return a logarithmic axis for values above 0."""
    known = [value for value in values if value > 0] or [1.0]
    margin = (max(known) / min(known)) ** EDGE
    low, high = min(known) / margin, max(known) * margin
    if high < low * (1 + EDGE):
        low, high = low / 2, high * 2
    return Axis(label, low, high, "log")


def counts(label: str, most: int) -> Axis:
    """Return an axis for numbers of images on which 0 has a place, and 1 is seen beside 10,000."""
    return Axis(label, 0.0, float(max(most, 1)), "symlog")


def names(label: str, found: Sequence[str]) -> Axis:
    """Return an axis on which texts stand side by side, at 0, 1, 2 and so on."""
    return Axis(label, -0.5, len(found) - 0.5, names=tuple(found))


def spell(value: float, step: float = 0.0) -> str:
    """Return a number as people write it at an axis; `step` says how exact it has to be.

    >>> [spell(x) for x in (0, 10_000, 0.05, 1e-6, 3e8)]
    ['0', '10,000', '0.05', '10⁻⁶', '3×10⁸']
    """
    if value == 0:
        return "0"
    power = math.floor(math.log10(step or abs(value)) + WITHIN)
    if (step or abs(value)) >= SMALLEST and abs(value) < LARGEST:
        return f"{value:,.{max(0, -power)}f}".replace("-", MINUS)
    digits = max(0, math.floor(math.log10(abs(value)) + WITHIN) - power)
    mantissa, _, exponent = f"{value:.{digits}e}".partition("e")
    times = "" if float(mantissa) == 1 else f"{mantissa}×"
    return f"{times}10".replace("-", MINUS) + str(int(exponent)).translate(SUPERSCRIPT)
