"""a wrong gradient and the right one in -> words out: what kind of mistake it looks like."""

import traceback
from pathlib import Path

import numpy as np

from bpcli.arrays import Array, Shape
from bpcli.errors import BpcliError

CLOSE = 1e-4  # relative; a numerical gradient is far better, a wrong formula far worse


def diagnose(backprop: Array, numerical: Array, samples: int) -> str:
    """Say what `backprop` looks like beside `numerical`, of the same shape, for so many images.

    >>> diagnose(np.array([2.0, -4.0]), np.array([1.0, -2.0]), 3)
    'every element is 2 times what it should be'
    >>> diagnose(np.array([3.0, -6.0]), np.array([1.0, -2.0]), 3)
    'every element is 3 times what it should be: is the division by the 3 images missing?'
    """
    if not np.isfinite(backprop).all():
        return f"{np.count_nonzero(~np.isfinite(backprop)):,} elements are not finite numbers"
    if not backprop.any():
        return "zero everywhere: is it never set?"
    factor = find_factor(backprop, numerical)
    if factor is not None and abs(factor - 1) > CLOSE:
        return _explain_factor(factor, samples)
    if _is_square(backprop) and close(backprop, numerical.T):
        return "transposed"
    mask = _diagnose_mask(backprop, numerical)
    if mask:
        return mask
    wrong = np.count_nonzero(~np.isclose(backprop, numerical, CLOSE, CLOSE * _largest(numerical)))
    if wrong == 0:
        return "close, but not within the tolerance: is a small term missing?"
    if wrong == backprop.size:
        return "every element is wrong, with no pattern"
    return f"{wrong:,} of {backprop.size:,} elements are wrong"


def explain_shape(found: Array, shape: Shape, numerical: Array | None) -> str:
    """Say of a gradient of another shape than `shape` how it is to be mended.

    `numerical` is the right one, where it is known.

    >>> explain_shape(np.ones((4, 3)), (3, 4), np.ones((3, 4)))
    'found an array (4, 3), expected (3, 4): it is right, but transposed'
    """
    words = f"found an array {found.shape}, expected {shape}"
    if numerical is None:
        return words
    for axis in range(found.ndim):
        if close(found.sum(axis=axis), numerical):
            return f"{words}: is the sum over the images missing, as np.sum(dout, axis={axis})?"
    if close(found.T, numerical):
        return f"{words}: it is right, but transposed"
    if found.size == 1 and close(found.ravel(), numerical.sum(keepdims=True).ravel()):
        return f"{words}: is an axis missing, as in np.sum(dout, axis=0)?"
    if close(found.ravel(), numerical.ravel()):
        return f"{words}: it is right but for its shape"
    return words


def describe(error: BaseException) -> str:
    """Say what a layer raised, and where."""
    if isinstance(error, BpcliError):
        return str(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} raised at {Path(place.filename).name}:{place.lineno}: {error}"


def _diagnose_mask(backprop: Array, numerical: Array) -> str:
    zero = numerical == 0
    if zero.all():
        return "not zero, though the loss does not change with it: does forward use another array?"
    if not backprop[zero].any():
        return ""
    if not backprop[~zero].any():
        return "zero where it should not be, not zero where it should: is a mask inverted?"
    if find_factor(backprop[~zero], numerical[~zero]) is not None:
        return "not zero where it should be: is a mask missing?"
    return ""


def _explain_factor(factor: float, samples: int) -> str:
    if abs(factor + 1) < CLOSE:
        return "the sign is wrong"
    words = f"every element is {factor:.4g} times what it should be"
    if samples > 1 and abs(factor / samples - 1) < CLOSE:
        return f"{words}: is the division by the {samples} images missing?"
    if samples > 1 and abs(factor * samples - 1) < CLOSE:
        return f"{words}: is it divided by the {samples} images twice?"
    return words


def find_factor(backprop: Array, numerical: Array) -> float | None:
    """Return the c other than 0 for which backprop = c * numerical, if there is one."""
    squares = float(np.vdot(numerical, numerical))
    factor = float(np.vdot(numerical, backprop)) / squares if squares else 0.0
    return factor if factor and close(backprop, factor * numerical) else None


def _is_square(array: Array) -> bool:
    return array.ndim > 1 and array.shape[0] == array.shape[1]


def close(a: Array, b: Array) -> bool:
    """Tell whether two gradients are the same, as far as a difference can tell."""
    return a.shape == b.shape and float(np.abs(a - b).max(initial=0)) <= CLOSE * _largest(b)


def _largest(array: Array) -> float:
    return float(np.abs(array).max(initial=0))
