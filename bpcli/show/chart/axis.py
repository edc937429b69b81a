"""values in -> an axis that they lie on, with ticks as people write numbers, out."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from bpcli.show.number import MINUS, SUPERSCRIPT

TICKS = 5  # about as many, where there is room
ROUNDEST = (1, 3, 5, 2, 7, 4, 6, 8, 9)  # digits of ticks of a logarithmic axis
APART = 0.1  # of its length, from one of them to the next
FEWEST = 3  # on a logarithmic axis: of two nobody sees how it goes on
SMALLEST, LARGEST = 1e-4, 1e7  # between them a number is written out
WITHIN = 1e-9  # of the length of an axis: a tick that is only rounded lies on it
EDGE = 0.04  # of the length of an axis, beyond the values at its ends


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`, with `ticks`, values and what is written there.

    `scale` takes a value to where it lies, in whatever unit: log10 for a logarithmic axis.
    """

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    scale: Callable[[float], float] = float

    def part(self, value: float) -> float:
        """Return where a value lies: 0 at the low end, 1 at the high one, and never beyond."""
        low, high = self.scale(self.low), self.scale(self.high)
        return (self.scale(min(max(value, self.low), self.high)) - low) / (high - low)


def linear(
    label: str,
    low: float,
    high: float,
    *,
    count: int = TICKS,
    whole: bool = False,
    round_up: bool = False,
) -> Axis:
    """Return an axis from `low` to `high`; `round_up` moves both to the next ticks.

    With `whole` its ticks are whole numbers, as of layers.
    """
    if high <= low:
        low, high = low - (abs(low) or 1) * EDGE, low + (abs(low) or 1) * EDGE
    step = _step((high - low) / count)
    step = max(1.0, step) if whole else step
    if round_up:
        low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    slack = (high - low) * WITHIN
    first, last = math.ceil((low - slack) / step), math.floor((high + slack) / step)
    return Axis(label, low, high, _ticks([i * step for i in range(first, last + 1)], step))


def logarithmic(label: str, values: Iterable[float]) -> Axis:
    """Return a logarithmic axis for values above 0, with FEWEST ticks at least."""
    known = [value for value in values if value > 0] or [1.0]
    margin = (max(known) / min(known)) ** EDGE
    low, high = min(known) / margin, max(known) * margin
    if high < low * (1 + EDGE):
        low, high = low / 2, high * 2
    axis = Axis(label, low, high, (), math.log10)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found: list[float] = []
    for digit in ROUNDEST:
        for place in (digit * 10.0**power for power in decades):
            parts = [axis.part(other) for other in found]
            if low <= place <= high and all(abs(axis.part(place) - p) > APART for p in parts):
                found.append(place)
        if len(found) >= FEWEST:
            return replace(axis, ticks=tuple((place, spell(place)) for place in sorted(found)))
    return replace(axis, ticks=linear(label, low, high).ticks)


def counts(label: str, most: int) -> Axis:
    """Return an axis for numbers of images on which 0 has a place, and 1 is seen beside 10,000."""
    powers = [10**power for power in range(len(str(most)))]
    ticks = tuple((float(value), spell(value)) for value in [0, *powers])
    return Axis(label, 0.0, float(max(most, 1)), ticks, math.log1p)


def names(label: str, found: Sequence[str]) -> Axis:
    """Return an axis on which texts stand side by side, at 0, 1, 2 and so on."""
    ticks = tuple((float(i), name) for i, name in enumerate(found))
    return Axis(label, -0.5, len(found) - 0.5, ticks)


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


def _step(least: float) -> float:
    """Return the smallest of 1, 2 and 5, times a power of ten, that is no less."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= least * (1 - WITHIN))


def _ticks(places: Sequence[float], step: float) -> tuple[tuple[float, str], ...]:
    return tuple((place, spell(place, step)) for place in places)
