"""a scalar function of arrays in -> its numerical derivatives out.

What a derivative is taken by is moved in place: by one element of an array, or along a direction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bpcli.arrays import Array

STEP = 1e-5  # balances the error of the difference, h^2, and that of rounding, 1 / h
COMPLEX_STEP = 1e-20  # nothing is subtracted, so that it can be too small for an error of its own

Move = Callable[[complex], None]  # displaces by so much; by 0, puts back
Slope = Callable[[Callable[[], Any], Move], float]


@dataclass(frozen=True)
class Function:
    """A scalar `value` of `arrays`, which may be moved in place; it errs by eps * `magnitude`."""

    value: Callable[[], Any]
    arrays: dict[str, Array]
    magnitude: float


def central_difference(function: Callable[[], Any], move: Move, step: float = STEP) -> float:
    """Return (f(p + h) - f(p - h)) / 2h: right up to terms of order h^2.  Section 4.3.1."""
    move(step)
    above = function()
    move(-step)
    below = function()
    move(0)
    return float(above - below) / (2 * step)


def extrapolated_difference(function: Callable[[], Any], move: Move, step: float = STEP) -> float:
    """Return the derivative without the error of order h^2, for where the function bends much.

    Richardson 1911: (4 d(h / 2) - d(h)) / 3.
    """
    whole, half = (central_difference(function, move, h) for h in (step, step / 2))
    return (4 * half - whole) / 3


def complex_step(function: Callable[[], Any], move: Move) -> float:
    """Return Im f(p + ih) / h: right up to rounding, as nothing cancels.  Squire & Trapp 1998."""
    move(1j * COMPLEX_STEP)
    slope = function().imag / COMPLEX_STEP
    move(0)
    return float(slope)


METHODS: dict[str, Slope] = {"central": central_difference, "complex": complex_step}


def element(array: Array, i: int) -> Move:
    """Return what moves element i of the raveled `array`, and back to where it is with 0."""
    elements, value = array.reshape(-1), array.item(i)

    def move(amount: complex) -> None:
        elements[i] = value + amount

    return move


def along(array: Array, direction: Array) -> Move:
    """Return what moves `array` along a direction of its shape, and back to where it is with 0."""
    start = array.copy()

    def move(amount: complex) -> None:
        array[...] = start + amount * direction

    return move
