"""a wrong gradient of what goes through windows, or takes rows -> which of them count, out."""

import numpy as np

from bpcli.arrays import Array, Shape
from bpcli.gradcheck.case import DerivedCase
from bpcli.gradcheck.closeness import CLOSE, close

WINDOWS = ((1,), (-1,), (1, -1), ())  # axes of an output that belong to one window: its channels
PICTURES = 4  # axes


def overwrites(case: DerivedCase) -> str:
    """Find windows that overlap, of which only the last one has been kept."""
    if not case.indices and case.output.ndim < PICTURES:
        return ""
    if case.output.size != case.dout.size:
        return ""
    expected, terms = case.expected, case.jacobian * case.dout
    for axes in WINDOWS:
        for last in (True, False):
            kept = _keep_one(terms, case.output.shape, axes, last=last).reshape(expected.shape)
            if close(case.found, kept) and not close(kept, expected):
                if case.indices:
                    return "rows that are taken twice count once: np.add.at(dW, idx, dout)"
                which = "last" if last else "first"
                return f"where windows overlap only the {which} one counts: += in place of ="
    return ""


def _keep_one(terms: Array, shape: Shape, axes: tuple[int, ...], *, last: bool) -> Array:
    """Return for each element the contribution of one window alone, of all that it is in."""
    summed = terms.reshape(len(terms), *shape)
    where = tuple({(1 + a) if a >= 0 else summed.ndim + a for a in axes if abs(a) < len(shape)})
    windows = summed.sum(axis=where).reshape(len(terms), -1)
    order = np.arange(1, windows.shape[1] + 1)
    touched = np.where(windows != 0, order, 0)
    pick = touched.argmax(axis=1) if last else (windows != 0).argmax(axis=1)
    kept: Array = windows[np.arange(len(windows)), pick]
    return kept


def pooled(case: DerivedCase) -> str:
    """Find what max pooling does where windows overlap, if each output has one element of x.

    An element has then one dout where others should add up to it, or none, as what came last set
    0 there; or those of windows besides in which it is not the largest.
    """
    if case.output.ndim < PICTURES or case.output.size != case.dout.size or not case.is_input:
        return ""
    jacobian, found, expected = np.abs(case.jacobian), case.found.ravel(), case.expected.ravel()
    chosen = np.all((jacobian < CLOSE) | (np.abs(jacobian - 1) < CLOSE))
    right = np.isclose(found, expected, CLOSE, CLOSE)
    if not chosen or found[expected == 0].any() or not right[expected != 0].any():
        return ""
    wrong = np.flatnonzero(~right)
    terms = np.pad(case.jacobian * case.dout, ((0, 0), (0, 1)))  # or 0
    if all(np.isclose(found[i], terms[i], CLOSE, CLOSE).any() for i in wrong):
        return "where windows overlap only the last one counts: += in place of ="
    others = case.dout[:, None] + np.append(case.dout, 0)
    sums = np.append(others.ravel(), case.dout)
    if all(np.isclose(found[i] - expected[i], sums, CLOSE, CLOSE).any() for i in wrong):
        return "where windows overlap: is one mask kept for all of them, and not one for each?"
    return ""
