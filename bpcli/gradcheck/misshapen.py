"""a gradient of another shape than its array in -> what kind of mistake it is out."""

import numpy as np

from bpcli.gradcheck.case import Case, DerivedCase, spell_shapes
from bpcli.gradcheck.closeness import CLOSE, close


def shapes(case: Case) -> str:
    """Say what shape was found, and what was expected."""
    return spell_shapes(case.found.shape, case.expected.shape)


def not_turned(case: Case) -> str:
    """Find what is right, but transposed."""
    if case.found.shape == case.expected.T.shape and close(case.found, case.expected.T):
        return f"{shapes(case)}: it is right, but transposed"
    return ""


def sum_is_missing(case: Case) -> str:
    """Find what is right once the images are added up."""
    for axis in range(case.found.ndim):
        for keepdims in (False, True):
            summed = case.found.sum(axis=axis, keepdims=keepdims)
            if summed.shape == case.expected.shape and close(summed, case.expected):
                words = "is the sum over the images missing"
                return f"{shapes(case)}: {words}, as np.sum(dout, axis={axis})?"
    return ""


def sum_of_everything(case: Case) -> str:
    """Find a sum without an axis."""
    if case.found.size == 1 and np.isclose(float(case.found.sum()), case.expected.sum(), CLOSE):
        output = case.output.shape if isinstance(case, DerivedCase) else ()
        axis = next((a for a, n in enumerate(output) if n == case.images), 0)
        return f"{shapes(case)}: is it np.sum(dout) without an axis, as axis={axis}?"
    return ""


def another_shape(case: Case) -> str:
    """Find what is right but for its shape."""
    one = case.images == 1 and case.found.ndim > case.expected.ndim  # whose sum may be missing
    if (
        not one
        and case.found.size == case.expected.size
        and close(case.found.ravel(), case.expected.ravel())
    ):
        return f"{shapes(case)}: it is right but for its shape, as without keepdims=True"
    return ""
