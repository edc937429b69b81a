"""what a solution makes of a trial, and what was handed in -> a Mark that takes both in, out."""

from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.gradcheck.closeness import find_factor
from bpcli.teaching.kinds import BATCH, DIFFERENT, FORWARD, NUMERICAL
from bpcli.teaching.mark import NOT_CHECKED, PASSED, WRONG, Fault, Mark

CLOSE = 1e-5  # relative; the book's log(y + 1e-7) makes less of a loss that is not large
SAME = 1e-3  # of a gradient, which such a constant changes more


def compare(mark: Mark, trial: dict[str, Any], answered: dict[str, Any], *, exactly: bool) -> Mark:
    """Return the mark of a layer whose forward, and gradients, are compared with a solution's.

    Gradients that the check in the file's own process has found right are compared where they are
    `exactly` so: they can then be no others than those of the solution.
    """
    if "unknown" in answered:
        words = f"not compared with the solution: {answered['unknown']}"
        return Mark(mark.layer, NOT_CHECKED, words=words) if mark.verdict == PASSED else mark
    faults = _faults(trial, answered, exactly=exactly and mark.verdict == PASSED)
    if not faults:
        return mark
    return Mark(mark.layer, WRONG, (*faults, *mark.faults))


def _faults(trial: dict[str, Any], answered: dict[str, Any], *, exactly: bool) -> list[Fault]:
    """Return where a layer does something else: the first thing that tells."""
    if answered.get("refused"):
        return [Fault("forward", BATCH, words=f"{BATCH}: x {trial['layout']}")]
    faults = []
    for number, draw in enumerate(trial["draws"]):
        found = answered["outputs"][number]
        if not found:
            words = f"{BATCH}: it raises where x is {_size(draw)}"
            faults.append(Fault("forward", BATCH, words=words))
        elif not _are_close(found, draw["outputs"]):
            faults.append(Fault("forward", FORWARD, words=_difference(found, draw["outputs"])))
        if faults:
            return faults
    elements = np.size(next(iter(trial["draws"][0]["values"].values())))
    if answered["calls"] > elements:
        words = f"{NUMERICAL}: it calls forward {answered['calls'] - 1} times"
        return [Fault("backward", NUMERICAL, words=words)]
    for name, ours in trial["gradients"].items() if exactly else ():
        theirs = answered["gradients"].get(name, [])
        if not any(_is_same(np.asarray(one), np.asarray(ours)) for one in theirs):
            faults.append(Fault(name, DIFFERENT, words=f"{DIFFERENT}, though its check has passed"))
    return faults


def _size(draw: dict[str, Any]) -> str:
    return str(np.shape(next(iter(draw["values"].values()))))


def _are_close(found: list[Any], expected: list[Any]) -> bool:
    return len(found) == len(expected) and all(
        np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=CLOSE, atol=CLOSE * np.abs(b).max())
        for a, b in zip(map(np.asarray, found), map(np.asarray, expected), strict=True)
    )


def _difference(found: list[Any], expected: list[Any]) -> str:
    """Say where the outputs of a forward differ most from those of the solution."""
    a, b = np.asarray(found[0], float), np.asarray(expected[0], float)
    if a.shape != b.shape:
        return f"{FORWARD}: found an output of {a.shape}, expected {b.shape}"
    at = np.unravel_index(np.argmax(np.nan_to_num(np.abs(a - b), nan=np.inf)), a.shape)
    place = f"at [{', '.join(map(str, at))}] " if at else ""
    return f"{FORWARD}: {place}found {a[at]:.4g}, expected {b[at]:.4g}"


def _is_same(found: npt.NDArray[Any], expected: npt.NDArray[Any]) -> bool:
    if found.size != expected.size:
        return False
    if not expected.any():
        return bool(np.allclose(found, 0, atol=SAME))
    factor = find_factor(found.reshape(expected.shape), expected)
    return factor is not None and abs(factor - 1) < SAME
