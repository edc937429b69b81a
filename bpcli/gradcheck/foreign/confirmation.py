"""an Outcome in which all is right in -> findings that hold where mistakes would show out."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from bpcli.gradcheck.foreign import vocabulary
from bpcli.gradcheck.foreign.convention import Convention
from bpcli.gradcheck.foreign.experiment import Experiment
from bpcli.gradcheck.foreign.failure import raising
from bpcli.gradcheck.foreign.finding import Finding
from bpcli.gradcheck.foreign.leniency import differs_by_decay
from bpcli.gradcheck.foreign.state import BACKWARD, MiscalledError
from bpcli.gradcheck.foreign.trial import RIGHT, SEEDS, Outcome, compare
from bpcli.gradcheck.foreign.variants import Variant, variants
from bpcli.gradcheck.foreign.verdict import Comparison

REFUSALS = (NotImplementedError, AssertionError)
OWN_FAULTS = (AttributeError, NameError, UnboundLocalError)  # whatever backward was given


def confirm(
    outcome: Outcome, findings: list[Finding], experiment: Experiment, tolerance: float
) -> list[Finding]:
    """Return findings with what is wrong only where a mistake shows: another stride, say."""
    right = {f.array for f in findings if f.verdict in RIGHT}
    found = {f.array: f for f in findings}
    for variant in variants(outcome.convention, experiment):
        if not any(found[name].verdict in RIGHT for name in right):
            break
        for finding in _try_variant(variant, experiment, tolerance):
            said = replace(finding, words=f"with {variant.words}: {finding.words}")
            if finding.array in right and found[finding.array].verdict in RIGHT:
                found[finding.array] = said
            elif finding.array == "backward" and "backward" not in found:
                found["backward"] = said
    return list(found.values())


def _try_variant(variant: Variant, before: Experiment, tolerance: float) -> Iterator[Finding]:
    """Yield what is WRONG in a variant, with two sorts of numbers."""
    convention = variant.convention
    try:
        outcome, experiment = compare(convention, SEEDS[0], tolerance, explained=True)
        wrong = [f for f in outcome.findings if f.verdict == "WRONG"]
        if not wrong or not _shows(variant, experiment, before):
            return
        again, _ = compare(convention, SEEDS[1], tolerance)
    except MiscalledError as error:
        sure = variant.natural and not isinstance(error.error, REFUSALS)
        lost = isinstance(error.error, OWN_FAULTS) and not (variant.seen or variant.same)
        if error.stage == BACKWARD and (sure or lost):
            yield raising(error.error)
        return
    twice = {f.array for f in again.findings if f.verdict == "WRONG"}
    decay = _decays(convention, experiment, tolerance)
    yield from (f for f in wrong if f.array in twice and f.array not in decay)


def _shows(variant: Variant, experiment: Experiment, before: Experiment) -> bool:
    """Tell whether forward returns what it has to for a variant to count."""
    one, other = experiment.outputs[0], before.outputs[0]
    if variant.same:
        return one.shape == other.shape and np.allclose(one, other)
    return not variant.seen or (one.ndim == other.ndim and not np.array_equal(one, other))


def _decays(convention: Convention, experiment: Experiment, tolerance: float) -> set[str]:
    """Return the arrays whose gradients differ by the decay that a usual loss would add."""
    amounts = [
        value
        for name, value in convention.options.items()
        if vocabulary.plain(name) in vocabulary.DECAY and value
    ]
    if not amounts:
        return set()
    comparison = Comparison(experiment, tolerance, explained=False)
    return {
        experiment.leaves[path]
        for path in experiment.leaves
        if differs_by_decay(comparison, path, amounts[0])
    }
