"""gradients that are right at a first call in -> whether they are at a second one, out."""

import numpy as np

from bpcli.arrays import Array
from bpcli.gradcheck.foreign import tree
from bpcli.gradcheck.foreign.experiment import UNIT, Experiment
from bpcli.gradcheck.foreign.finding import Finding
from bpcli.gradcheck.foreign.pairing import Candidate, in_shape, pair
from bpcli.gradcheck.foreign.state import MiscalledError
from bpcli.gradcheck.foreign.tree import Path
from bpcli.gradcheck.foreign.verdict import CLOSE_ENOUGH, COARSE, Comparison

APART = 20  # times the error that a constant makes at the first call, at most at the second


def look_again(comparison: Comparison, found: dict[Path, Finding]) -> None:
    """Call the unit once more, and see whether its gradients are those of the second call."""
    if _changes_itself(comparison):
        return
    douts = comparison.experiment.draw_douts(comparison.rng)
    experiment = comparison.experiment
    try:
        called = experiment.call(douts, comparison.first.state)
    except MiscalledError:
        return
    if any(
        not np.allclose(a, b) for a, b in zip(called.state.outputs, experiment.outputs, strict=True)
    ):
        return  # backward has changed what forward takes
    second = pair(experiment, called)
    kinds = {
        path: _compare_again(comparison, comparison.experiment, path, second, douts)
        for path in comparison.agreed
    }
    added = {path for path, kind in kinds.items() if kind == "added"}
    for path in [path for path, kind in kinds.items() if kind != "right"]:
        verdict, words = "WRONG", "right at the first call and wrong at the second: is a stale "
        words += "value used?"
        others = [p for p in comparison.agreed if p not in added and _is_sibling(p, path)]
        if path in added and others:
            words = f"added to the one before, where {found[others[0]].array} is set"
        elif path in added:
            verdict, words = "note", "added to at every call until somebody resets it"
        found[path] = Finding(found[path].array, verdict, words, found[path].error)


def look_at_second_input(comparison: Comparison, found: dict[Path, Finding]) -> None:
    """Call the same object with another input, and see whether its gradients are of that."""
    if _changes_itself(comparison):
        return
    other = comparison.experiment.with_second_input()
    if other is None:
        return
    try:
        state = comparison.experiment.call(comparison.experiment.douts).state
        before = pair(
            comparison.experiment, comparison.experiment.call(comparison.experiment.douts, state)
        )
        state.inputs = {**other.clone().inputs}
        again = other.call(other.douts, state)
    except MiscalledError:
        return
    if any(not np.allclose(a, b) for a, b in zip(state.outputs, other.outputs, strict=True)):
        return  # forward itself remembers
    second = pair(other, again)
    for path in comparison.agreed:
        if found[path].verdict == "WRONG" or path not in second:
            continue
        kind = _compare_again(comparison, other, path, second, other.douts, before)
        if kind == "wrong":
            words = "right for the first input and wrong for a second: is a stale value used?"
            found[path] = Finding(found[path].array, "WRONG", words, found[path].error)


def _changes_itself(comparison: Comparison) -> bool:
    return comparison.experiment.stateful or any(
        c.updates for cs in comparison.candidates.values() for c in cs
    )


def _compare_again(
    comparison: Comparison,
    experiment: Experiment,
    path: Path,
    second: dict[Path, list[Candidate]],
    douts: list[Array],
    before: dict[Path, list[Candidate]] | None = None,
) -> str:
    """Return `right`, `added` or `wrong` for a gradient that was right at the first call."""
    value, i = tree.get(experiment.base, path), comparison.agreed[path]
    lengths = {len(c.get(path, ())) for c in (second, before or second, comparison.candidates)}
    if len(lengths) > 1:
        return "right"
    new, old = (
        in_shape(c[path][i].array, value) for c in (second, before or comparison.candidates)
    )
    if new.shape != value.shape or old.shape != new.shape:
        return "right"
    mine, comparison.experiment = comparison.experiment, experiment
    try:
        near = COARSE if experiment.coarse else CLOSE_ENOUGH
        near = max(near, APART * comparison.by_constant.get(path, 0))
        images = experiment.convention.layout.images
        for factor in (1, images):  # which some are averaged over
            if comparison.error(path, new * factor, douts) <= near:
                return "right"
        for factor in (1, images):
            if comparison.error(path, (new - old) * factor, douts) <= near:
                return "added"
        return "wrong"
    finally:
        comparison.experiment = mine


def _is_sibling(path: Path, other: Path) -> bool:
    """Tell whether two arrays are parameters of the same object, kept from call to call."""
    return path[:-1] == other[:-1] and path[0] == UNIT[0]
