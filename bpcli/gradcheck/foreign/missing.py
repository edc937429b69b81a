"""an array without a gradient in -> whether there should be one, and what to say, out."""

from bpcli.gradcheck.foreign import texts, tree, vocabulary
from bpcli.gradcheck.foreign.discover import bound
from bpcli.gradcheck.foreign.experiment import GLOBALS, INPUTS, UNIT, Called, Experiment
from bpcli.gradcheck.foreign.finding import Finding
from bpcli.gradcheck.foreign.pairing import Candidate
from bpcli.gradcheck.foreign.tree import Path

INNER = 2  # steps of a path to an array that the object has itself


def explain_missing(
    experiment: Experiment, called: Called, candidates: dict[Path, list[Candidate]], path: Path
) -> Finding | None:
    """Say that there is no gradient by an array; a network needs none by its input."""
    name = experiment.leaves[path]
    scalar = experiment.outputs[0].ndim == 0
    value = tree.get(experiment.base, path)
    backward = experiment.convention.unit.backward
    if path[0] == GLOBALS[0]:
        return Finding(name, "not checked", "no gradient found")
    if path[0] == INPUTS[0]:
        others = [p for p in experiment.leaves if p[0] != INPUTS[0]]
        answered = any(candidates.values())
        if (scalar and others) or (answered and backward is None):
            return None
        inner = [p for p in others if len(p) > INNER]
        if called.returned is None and inner and all(candidates[p] for p in others):
            return None  # a network of layers, which nobody asks for dx
        if called.returned is None and not answered:
            words = f"backward returned None, expected {value.shape}: "
            first = next(iter(experiment.leaves))
            words += "is `return dx` missing?"
            return Finding(name, "WRONG" if path == first else "not checked", words)
        if called.returned is not None and answered and len(others) + 1 < len(experiment.leaves):
            return None  # it is a gradient by theta, say, and not by x
        words = f"no gradient found: is it called d{name}, or returned?"
        return Finding(name, "not checked", words)
    if any(c.updates for cs in candidates.values() for c in cs):
        return Finding(name, "WRONG", "backward changes other parameters, and this one never")
    last = name.rpartition(".")[2]
    if _should_have_gradient(experiment, called, candidates, path):
        words = f"no gradient is set: forward reads {last}, and backward never sets d{last}"
        return Finding(name, "WRONG", words)
    return Finding(name, "not checked", f"no gradient found: is it called d{last} or grads?")


def _should_have_gradient(
    experiment: Experiment, called: Called, candidates: dict[Path, list[Candidate]], path: Path
) -> bool:
    """Tell whether an array is one that is learnt: others beside it are, or the text says it."""
    unit = experiment.convention.unit
    if unit.backward is None or (len(path) > 2 and path[1][1] not in ("params", "parameters")):
        return False
    function = bound(called.state.unit, unit.backward)
    word = vocabulary.plain(str(path[-1][1]))
    learnt = vocabulary.is_array(word) and word not in ("mean", "var")
    assigned = {vocabulary.plain(n) for n in texts.assigned_names(function)}
    gradients = {
        f"d{word}",
        f"grad{word}",
        f"{word}grad",
        f"d{vocabulary.SHORT.get(word, word)}",
    }
    siblings = any(p[0] == UNIT[0] and candidates[p] for p in candidates)
    return (
        bool(assigned & gradients)
        or (learnt and siblings)
        or (learnt and any(hasattr(called.state.unit, n) for n in (f"d{path[-1][1]}", "grads")))
    )
