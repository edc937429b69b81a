"""a comparison in -> for each array a Finding, with what is usual forgiven, out."""

from bpcli.gradcheck.foreign.finding import Finding
from bpcli.gradcheck.foreign.leniency import (
    find_derived_argument,
    forgive_averages,
    forgive_rates,
    forgive_what_is_assumed,
)
from bpcli.gradcheck.foreign.repetition import look_again, look_at_second_input
from bpcli.gradcheck.foreign.verdict import Comparison


def judge(comparison: Comparison) -> list[Finding]:
    """Return what is to be said of each array, in the order in which forward has them."""
    every = {path: comparison.find(path) for path in comparison.candidates}
    found = {path: finding for path, finding in every.items() if finding}
    if comparison.experiment.convention.unit.backward is None and any(
        comparison.candidates.values()
    ):
        found = {path: f for path, f in found.items() if comparison.candidates[path]}
    find_derived_argument(comparison, found)
    forgive_averages(comparison, found)
    forgive_rates(comparison, found)
    forgive_what_is_assumed(comparison, found)
    if not any(finding.verdict == "WRONG" for finding in found.values()):
        look_again(comparison, found)
    if not any(finding.verdict == "WRONG" for finding in found.values()):
        look_at_second_input(comparison, found)
    notes = _notes(comparison)
    if notes and found:
        first = next(iter(found))
        if found[first].verdict == "ok":
            found[first] = Finding(found[first].array, "note", notes, found[first].error)
    return list(found.values())


def _notes(comparison: Comparison) -> str:
    changed = list(dict.fromkeys(comparison.first.changed))
    if changed:
        return f"it writes into its argument {' and '.join(changed)}"
    taken = [comparison.candidates[path][i] for path, i in comparison.agreed.items()]
    orders = [c.order for c in taken if not c.name]
    functions = comparison.experiment.convention.unit.kind == "functions"
    if functions and len(orders) == len(comparison.candidates) and orders != sorted(orders):
        return (
            "the gradients are returned in another order than forward's arguments: is that meant?"
        )
    return ""
