"""two gradients in -> whether they are the same, or would be but for a factor, out."""

import numpy as np

from bpcli.arrays import Array

CLOSE = 1e-4  # relative; a numerical gradient is far better, a wrong formula far worse


def close(a: Array, b: Array) -> bool:
    """Tell whether two gradients are the same, as far as a difference can tell."""
    return a.shape == b.shape and float(np.abs(a - b).max(initial=0)) <= CLOSE * _largest(b)


def find_factor(found: Array, expected: Array) -> float | None:
    """Return the c other than 0 for which found = c * expected, if there is one."""
    squares = float(np.vdot(expected, expected))
    factor = float(np.vdot(expected, found)) / squares if squares else 0.0
    return factor if factor and close(found, factor * expected) else None


def count_wrong(found: Array, expected: Array) -> str:
    """Say how many elements are wrong, where nothing says more.

    >>> count_wrong(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))
    '1 of 3 elements are wrong'
    """
    near = np.isclose(found, expected, CLOSE, CLOSE * _largest(expected))
    wrong = found.size - np.count_nonzero(near)
    if wrong == 0:
        return "close, but not within the tolerance: is a small term missing?"
    if wrong == found.size:
        return "every element is wrong, with no pattern"
    return f"{wrong:,} of {found.size:,} elements are wrong"


def _largest(array: Array) -> float:
    return float(np.abs(array).max(initial=0))
