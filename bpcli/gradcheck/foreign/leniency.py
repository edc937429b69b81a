"""gradients that differ by a usual convention from numerical ones in -> that noted out."""

import inspect
import re

import numpy as np

from bpcli.gradcheck.closeness import find_factor
from bpcli.gradcheck.foreign import tree, vocabulary
from bpcli.gradcheck.foreign.discover import bound
from bpcli.gradcheck.foreign.experiment import INPUTS
from bpcli.gradcheck.foreign.finding import Finding
from bpcli.gradcheck.foreign.pairing import in_shape
from bpcli.gradcheck.foreign.tree import Path
from bpcli.gradcheck.foreign.verdict import Comparison


def find_derived_argument(comparison: Comparison, found: dict[Path, Finding]) -> None:
    """Take what a function of forward's own arguments returns for the gradient by the one it fits.

    As of f_gradient(x, theta), which may be by theta: nothing but the numbers says it.
    """
    experiment, first = comparison.experiment, next(iter(comparison.candidates))
    returned = [c for c in comparison.candidates[first] if c.order == 0 and not c.name]
    own = [path for path in comparison.candidates if path[0] == INPUTS[0] and path != first]
    alone = experiment.convention.style == "input" and len(returned) == 1
    if not alone or first not in found or found[first].verdict != "WRONG":
        return
    for path in own:
        gradient = in_shape(returned[0].array, tree.get(experiment.base, path))
        error = comparison.error(path, gradient, experiment.douts)
        if error <= comparison.tolerance and not comparison.candidates[path]:
            found[path] = Finding(experiment.leaves[path], "ok", "", error)
            del found[first]
            return


def forgive_averages(comparison: Comparison, found: dict[Path, Finding]) -> None:
    """Note where all parameters' gradients are averaged and that by the input is not."""
    images = comparison.experiment.convention.layout.images
    own = [p for p in found if _is_parameter(comparison, p) and comparison.candidates[p]]
    if images == 1 or not own:
        return
    averaged = [p for p in own if found[p].verdict == "WRONG" and _is_averaged(comparison, p)]
    everywhere = len(averaged) == len(own)
    words = f"divided by the {images} images, where other gradients are not"
    if everywhere:
        words = f"averaged over the {images} images, where dx is not, as deeplearning.ai has it"
    for p in averaged:
        verdict = "note" if everywhere else "WRONG"
        found[p] = Finding(found[p].array, verdict, words, found[p].error)


def forgive_what_is_assumed(comparison: Comparison, found: dict[Path, Finding]) -> None:
    """Note weight decay beside a loss that is taken for granted, and ask for no dx of it.

    That loss was told by what is right; what it has besides, and by how many images a gradient is
    divided that nobody uses, cannot be.
    """
    if not comparison.experiment.convention.loss:
        return
    wrong = [p for p, finding in found.items() if finding.verdict == "WRONG"]
    for path in wrong if len(wrong) < len(found) else ():
        value = tree.get(comparison.experiment.base, path)
        candidate = in_shape(comparison.candidates[path][0].array, value)
        if path[0] == INPUTS[0] and path == next(iter(comparison.candidates)):
            del found[path]
        elif candidate.shape == value.shape and comparison.experiment.can_afford(path):
            right = (comparison.experiment.jacobian(path) @ comparison.dout).reshape(value.shape)
            factor = find_factor(candidate - right, value) if value.size > 1 else None
            if factor and factor > 0:
                words = f"{factor:.4g} times the array itself is added, as weight decay"
                found[path] = Finding(found[path].array, "note", words, found[path].error)


def forgive_rates(comparison: Comparison, found: dict[Path, Finding]) -> None:
    """Note where backward itself takes its gradients, times a number of its own text, away."""
    updated = {
        p: c
        for p in found
        for c in comparison.candidates[p][:1]
        if c.updates and found[p].verdict in ("WRONG", "not checked")
    }
    given = any(vocabulary.is_rate(name) for name in _arguments(comparison))
    numbers = {float(n) for n in re.findall(r"(?<![\w.])\d*\.?\d+(?:e-?\d+)?", comparison.text())}
    numbers |= set(_numbers_of(comparison.experiment.base.unit))
    if not updated or given:
        return
    for p, candidate in updated.items():
        if not comparison.experiment.can_afford(p):
            continue
        value = tree.get(comparison.experiment.base, p)
        right = (comparison.experiment.jacobian(p) @ comparison.dout).reshape(value.shape)
        taken = in_shape(candidate.updates[0], value)
        factor = find_factor(taken, right) if taken.shape == value.shape else None
        if factor and any(np.isclose(factor, n, 1e-4) for n in numbers):
            words = f"backward itself takes {factor:.4g} times its gradient away"
            found[p] = Finding(found[p].array, "note", words, found[p].error)


def _numbers_of(owner: object) -> list[float]:
    """Return the numbers that an object keeps, of which one may be its learning rate."""
    kept = getattr(owner, "__dict__", {}).values()
    return [number for number in kept if isinstance(number, float) and 0 < number < 1]


def _arguments(comparison: Comparison) -> list[str]:
    unit = comparison.experiment.convention.unit
    if unit.backward is None:
        return []
    return list(inspect.signature(bound(comparison.first.state.unit, unit.backward)).parameters)


def _is_parameter(comparison: Comparison, path: Path) -> bool:
    """Tell whether an array is no input that images have, but weights that they share."""
    first = next(iter(comparison.experiment.leaves))
    return path != first and comparison.experiment.outputs[0].ndim > 0


def _is_averaged(comparison: Comparison, path: Path) -> bool:
    value = tree.get(comparison.experiment.base, path)
    images = comparison.experiment.convention.layout.images
    sums = [in_shape(c.array, value) * images for c in comparison.candidates[path]]
    return any(
        comparison.error(path, s, comparison.experiment.douts) <= comparison.tolerance * 10
        for s in sums
    )


def differs_by_decay(comparison: Comparison, path: Path, amount: float) -> bool:
    """Tell whether a gradient differs by what a usual decay of so much would add to it."""
    value, images = (
        tree.get(comparison.experiment.base, path),
        comparison.experiment.convention.layout.images,
    )
    right = (comparison.experiment.jacobian(path) @ comparison.dout).reshape(value.shape)
    for candidate in comparison.candidates[path]:
        found = in_shape(candidate.array, value)
        if found.shape == value.shape:
            usual = [amount * k for k in (1, 2, 1 / images, 2 / images, 0.5)]
            factor = find_factor(found - right, value) or find_factor(found - right, np.sign(value))
            if factor and any(np.isclose(factor, u, 1e-3) for u in usual):
                return True
    return False
