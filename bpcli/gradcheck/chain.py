"""a wrong gradient that has come through a product, or through steps -> what is missing out."""

import numpy as np

from bpcli.arrays import Array
from bpcli.gradcheck.case import DerivedCase
from bpcli.gradcheck.closeness import close

MATRIX, SEQUENCES = 2, 3  # axes
FORGOTTEN = (
    "the dh that comes back from the next step is forgotten: add it to dout of each step",
    "what comes back from more than one step later is missing: is dh passed on as it was summed?",
)


def no_transpose(case: DerivedCase) -> str:
    """Find dx = d W, or W d, of square weights W, where it should be d Wᵀ, or Wᵀ d.

    What has come to the product, d, is solved for: it is what the right gradient was made of.
    """
    size = case.value.shape[-1] if case.value.ndim > 1 else 0
    for W in case.kept:
        if W.ndim != MATRIX or W.shape[0] != W.shape[1] or np.linalg.matrix_rank(W) < len(W):
            continue
        if size == len(W):
            right, found = case.expected.reshape(-1, size), case.found.reshape(-1, size)
            if _is_turned(W, right, found):
                return "a transpose is missing: d @ W.T in place of d @ W"
        columns = case.value.ndim == MATRIX and len(case.value) == len(W)
        if columns and _is_turned(W.T, case.expected.T, case.found.T):
            return "a transpose is missing: W.T @ d in place of W @ d"
    return ""


def _is_turned(W: Array, right: Array, found: Array) -> bool:
    """Tell whether right = d Wᵀ and found = d W for the same d."""
    d = np.linalg.solve(W, right.T).T
    return close(found, d @ W) and not close(found, right)


def next_step(case: DerivedCase) -> str:
    """Find by a sequence what comes back from the outputs of its own steps, or from one more."""
    shape, output = case.value.shape, case.output.shape
    same = len(shape) == len(output) == SEQUENCES and case.output.size == case.dout.size
    if not (same and case.is_input and shape[:2] == output[:2]):
        return ""
    terms = (case.jacobian * case.dout).reshape(*shape, *output)
    for axis in (1, 0):
        steps = shape[axis]
        for later, words in enumerate(FORGOTTEN):
            places = [1] * terms.ndim
            places[axis], places[SEQUENCES + axis] = steps, steps
            near = np.triu(np.ones((steps, steps))) * np.tri(steps, k=later)
            some = (terms * near.reshape(places)).sum(axis=(3, 4, 5))
            if close(case.found, some) and not close(some, case.expected):
                return words
    return ""
