"""an experiment in -> for each array a Finding: whether the gradient by it is right, out."""

import contextlib
import inspect
import re
from dataclasses import replace

import numpy as np

from bpcli.arrays import Array
from bpcli.gradcheck.diagnosis import close, find_factor
from bpcli.gradcheck.foreign import precision, tree, usage, vocabulary
from bpcli.gradcheck.foreign.calling import MiscalledError
from bpcli.gradcheck.foreign.discover import bound
from bpcli.gradcheck.foreign.experiment import GLOBALS, INPUTS, UNIT, Experiment
from bpcli.gradcheck.foreign.finding import Finding
from bpcli.gradcheck.foreign.mistakes import Case, explain, explain_fused, spell
from bpcli.gradcheck.foreign.pairing import Candidate, pair
from bpcli.gradcheck.foreign.tree import Path

CLOSE_ENOUGH, COARSE = 1e-4, 2e-2  # relative errors that are noted; with float32 inside
FINER_STEPS = (1e-6, 1e-7)  # where a kink of ReLU may lie within a step: fewer lie within these
ADAPTED = re.compile(
    r"\b(self\.)?_?(clip|adam|momentum|velocity|rms\w*|beta_?[12]|sqrt|[mv]_?(dw|db|t|hat)\w*)\b",
    re.IGNORECASE,
)
NOISE = 1e-10  # of the largest output, which a difference cannot see below
NEAR_STEPS = (1.0, 0.7, 1.4, 0.5)
INNER = 2  # steps of a path to an array that the object has itself
FAR = 50  # times less, for an error that a constant was the cause of


class Comparison:
    """The gradients of an experiment beside numerical ones, at a first call and at a second."""

    def __init__(self, experiment: Experiment, tolerance: float, *, explained: bool) -> None:
        self.experiment, self.tolerance, self.explained = experiment, tolerance, explained
        self.rng = np.random.default_rng(experiment.seed + 2)
        self.first = experiment.call(experiment.douts)
        self.candidates = pair(experiment, self.first)
        self.dout = np.concatenate([np.ravel(dout) for dout in experiment.douts])
        self.agreed: dict[Path, int] = {}  # which candidate is the gradient
        self.misfit = False  # whether a gradient has an axis of the images that its array has not
        self.fits = True  # whether every gradient has the shape of its array
        self.scale = max(float(np.abs(y).max()) for y in experiment.outputs)

    def findings(self) -> list[Finding]:
        """Return what is to be said of each array, in the order in which forward has them."""
        every = {path: self._find(path) for path in self.candidates}
        found = {path: finding for path, finding in every.items() if finding}
        if self.experiment.convention.unit.backward is None and any(self.candidates.values()):
            found = {path: f for path, f in found.items() if self.candidates[path]}
        self._forgive_averages(found)
        self._forgive_rates(found)
        if not any(finding.verdict == "WRONG" for finding in found.values()):
            self._look_again(found)
        if not any(finding.verdict == "WRONG" for finding in found.values()):
            self._look_at_second_input(found)
        notes = self._notes()
        if notes and found:
            first = next(iter(found))
            if found[first].verdict == "ok":
                found[first] = Finding(found[first].array, "note", notes, found[first].error)
        return list(found.values())

    def _find(self, path: Path) -> Finding | None:
        name, candidates = self.experiment.leaves[path], self.candidates[path]
        if not candidates:
            return self._missing(path)
        value, best = tree.get(self.experiment.base, path), None
        for i, candidate in enumerate(candidates):
            array = _in_shape(candidate.array, value)
            error = self._error(path, array, self.experiment.douts)
            if error <= self.tolerance or (self.experiment.coarse and error <= COARSE):
                self.agreed[path] = i
                if self.experiment.coarse:
                    words = f"beyond {max(error, 1e-3):.0e}: there is float32 inside"
                    return Finding(name, "note", f"not checked {words}", error)
                return Finding(name, "ok", "", error)
            if error <= CLOSE_ENOUGH:
                constant = self._constant(path, i, error)
                if constant:
                    self.agreed[path] = i
                    words = f"agrees to {error:.0e} only, because of the constant {constant:g}"
                    return Finding(name, "note", words, error)
            if best is None:
                best = replace(candidate, array=array), error
        assert best  # noqa: S101 - there was a candidate
        if not best[0].sure and len(candidates) > 1:
            names = " and ".join(dict.fromkeys(c.name for c in candidates if c.name)) or "several"
            return Finding(name, "not checked", f"which is its gradient, of {names}?")
        self._note_shape(best[0].array, value)
        return self._wrong(path, best[0], best[1])

    def _note_shape(self, found: Array, value: Array) -> None:
        images = self.experiment.convention.layout.images
        if found.shape != value.shape:
            self.fits = False
            axis = images in found.shape and images not in value.shape
            self.misfit |= images > 1 and (axis or found.size == images**2 * value.size)

    def _constant(self, path: Path, i: int, error: float) -> float:
        """Return the small constant in the text without which a gradient agrees, or 0."""
        convention, seed = self.experiment.convention, self.experiment.seed
        with (
            contextlib.suppress(MiscalledError, LookupError, FloatingPointError),
            precision.smaller_constants(convention.unit.module) as found,
        ):
            again = Comparison(Experiment(convention, seed), self.tolerance, explained=False)
            candidate = again.candidates[path][i]
            value = tree.get(again.experiment.base, path)
            better = again._error(path, _in_shape(candidate.array, value), again.experiment.douts)
            if better <= max(self.tolerance, error / FAR):
                return max(found, default=0.0)
        return 0.0

    def _error(self, path: Path, gradient: Array, douts: list[Array]) -> float:
        """Return the relative error along two random directions, infinite for another shape."""
        shape, worst = tree.get(self.experiment.base, path).shape, 0.0
        if gradient.shape != shape or not np.isfinite(gradient).all():
            return np.inf
        for _ in range(2):
            direction = self.rng.choice([-1.0, 1.0], shape) * self.rng.uniform(0.5, 1, shape)
            terms = gradient * direction
            floor = NOISE * (1 + self.scale) / self.experiment.step
            error = np.inf
            for step in (self.experiment.step, *([] if self.experiment.coarse else FINER_STEPS)):
                numerical = self.experiment.slope(path, direction, douts, step)
                size = max(float(np.linalg.norm(terms)), abs(numerical), floor)
                error = min(error, abs(float(terms.sum()) - numerical) / size)
                if error <= self.tolerance:
                    break
            if self.tolerance < error < CLOSE_ENOUGH and self._is_noise(
                path, direction, douts, float(terms.sum()), floor
            ):
                error = self.tolerance
            worst = max(worst, error)
        return worst

    def _is_noise(
        self, path: Path, direction: Array, douts: list[Array], found: float, floor: float
    ) -> bool:
        """Tell whether a gradient that is next to nothing differs by rounding alone.

        As that of a bias before batch normalisation: differences with other steps differ as much.
        """
        slopes = [
            self.experiment.slope(path, direction, douts, self.experiment.step * times)
            for times in NEAR_STEPS
        ]
        spread = max(slopes) - min(slopes)
        return spread <= CLOSE_ENOUGH * floor and abs(found - slopes[0]) <= 3 * spread

    def _missing(self, path: Path) -> Finding | None:
        """Say that there is no gradient by an array; a network needs none by its input."""
        name = self.experiment.leaves[path]
        scalar = self.experiment.outputs[0].ndim == 0
        value = tree.get(self.experiment.base, path)
        backward = self.experiment.convention.unit.backward
        if path[0] == GLOBALS[0]:
            return Finding(name, "not checked", "no gradient found")
        if path[0] == INPUTS[0]:
            others = [p for p in self.experiment.leaves if p[0] != INPUTS[0]]
            answered = any(self.candidates.values())
            if (scalar and others) or (answered and backward is None):
                return None
            inner = [p for p in others if len(p) > INNER]
            if self.first.returned is None and inner and all(self.candidates[p] for p in others):
                return None  # a network of layers, which nobody asks for dx
            if self.first.returned is None and not answered:
                words = f"backward returned None, expected {spell(value.shape)}: "
                first = next(iter(self.experiment.leaves))
                words += "is `return dx` missing?"
                return Finding(name, "WRONG" if path == first else "not checked", words)
            if (
                self.first.returned is not None
                and answered
                and len(others) + 1 < len(self.experiment.leaves)
            ):
                return None  # it is a gradient by theta, say, and not by x
            words = f"no gradient found: is it called d{name}, or returned?"
            return Finding(name, "not checked", words)
        if any(c.updates for candidates in self.candidates.values() for c in candidates):
            return Finding(name, "WRONG", "backward changes other parameters, and this one never")
        last = name.rpartition(".")[2]
        if self._should_have_gradient(path):
            words = f"no gradient is set: forward reads {last}, and backward never sets d{last}"
            return Finding(name, "WRONG", words)
        return Finding(name, "not checked", f"no gradient found: is it called d{last} or grads?")

    def _should_have_gradient(self, path: Path) -> bool:
        """Tell whether an array is one that is learnt: others beside it are, or the text says it."""
        unit = self.experiment.convention.unit
        if unit.backward is None or (len(path) > 2 and path[1][1] not in ("params", "parameters")):
            return False
        function = bound(self.first.state.unit, unit.backward)
        word = vocabulary.plain(str(path[-1][1]))
        learnt = vocabulary.is_array(word) and word not in ("mean", "var")
        assigned = {vocabulary.plain(n) for n in usage.assigned_names(function)}
        gradients = {
            f"d{word}",
            f"grad{word}",
            f"{word}grad",
            f"d{vocabulary.SHORT.get(word, word)}",
        }
        siblings = any(p[0] == UNIT[0] and self.candidates[p] for p in self.candidates)
        return (
            bool(assigned & gradients)
            or (learnt and siblings)
            or (
                learnt
                and any(hasattr(self.first.state.unit, n) for n in (f"d{path[-1][1]}", "grads"))
            )
        )

    def _wrong(self, path: Path, candidate: Candidate, error: float) -> Finding:
        """Say what is wrong with a gradient, or why it may not be."""
        experiment, name = self.experiment, self.experiment.leaves[path]
        value = tree.get(experiment.base, path)
        if experiment.convention.likely and path[0] == INPUTS[0]:
            labels = [experiment.base.inputs[n] for n in experiment.base.constants]
            expected = (experiment.jacobian(path) @ self.dout).reshape(value.shape)
            t = np.asarray(labels[0]) if labels else None
            fused = explain_fused(candidate.array, expected, value, t)
            if fused:
                words = f"right only together with {fused} before it: p - t"
                return Finding(name, "note", words, error)
        if isinstance(self.first.returned, list) and candidate.array.shape != value.shape:
            words = "backward returns a list: does forward take one?"
            return Finding(name, "not checked", words)
        if candidate.updates and ADAPTED.search(self._text()):
            words = (
                "backward changes it by more than its gradient: by momentum, clipping or the like"
            )
            return Finding(name, "not checked", words)
        if not self.explained:
            return Finding(name, "WRONG", error=error)
        if not experiment.can_afford(path):
            return Finding(name, "WRONG", self._along(path, candidate.array), error)
        case = self._case(path, candidate)
        if close(candidate.array, case.expected) and error <= CLOSE_ENOUGH:
            words = f"agrees to {error:.0e} only, and no small constant is the cause"
            return Finding(name, "WRONG", words, error)
        updated = self._explain_update(path, candidate.array)
        return Finding(name, "WRONG", updated or explain(case), error)

    def _along(self, path: Path, found: Array) -> str:
        """Say how far a large gradient is from what it should be, along a random direction."""
        value = tree.get(self.experiment.base, path)
        if found.shape != value.shape:
            shapes = spell(found.shape), spell(value.shape)
            return f"found an array of {shapes[0]}, expected one of {shapes[1]}"
        direction = self.rng.normal(size=value.shape)
        expected = self.experiment.slope(path, direction, self.experiment.douts)
        along = float(np.vdot(found, direction))
        return f"along a random direction found {along:.4g}, expected {expected:.4g}"

    def _case(self, path: Path, candidate: Candidate) -> Case:
        experiment, value = self.experiment, tree.get(self.experiment.base, path)
        douts = experiment.draw_douts(self.rng)
        others = pair(experiment, experiment.call(douts)).get(path, [])
        other = next((c.array for c in others if c.name == candidate.name), None)
        if experiment.convention.labels or experiment.convention.loss:
            other = None  # there is no dout
        rights = {
            experiment.leaves[p]: (experiment.jacobian(p) @ self.dout).reshape(
                tree.get(experiment.base, p).shape
            )
            for p in experiment.leaves
            if p != path
            and tree.get(experiment.base, p).shape == candidate.array.shape
            and experiment.can_afford(p)
        }
        first = next(iter(experiment.base.inputs.values()), value)
        kept = tree.arrays(self.first.state.unit)
        return Case(
            candidate.array,
            value,
            experiment.jacobian(path),
            self.dout,
            np.asarray(first if isinstance(first, np.ndarray) else value),
            experiment.outputs[0],
            experiment.convention.layout.images,
            other.reshape(value.shape) if other is not None and other.size == value.size else None,
            path == next(iter(experiment.leaves))
            and experiment.convention.unit.backward is not None,
            experiment.convention.indices,
            rights,
            tuple(kept.values()),
        )

    def _text(self) -> str:
        """Return the text of a unit's backward without its docstring, as far as there is any."""
        unit = self.experiment.convention.unit
        function = None if unit.backward is None else bound(unit.thing, unit.backward)
        try:
            text = inspect.getsource(inspect.unwrap(function)) if function else ""
        except (OSError, TypeError):
            return ""
        return text.replace(function.__doc__ or '"""', "")

    def _explain_update(self, path: Path, found: Array) -> str:
        """Tell whether dx is that of weights which backward has already changed."""
        changed = [
            p
            for p in self.first.after
            if p in self.first.before
            and UNIT + p in self.experiment.leaves
            and not np.array_equal(self.first.after[p], self.first.before[p])
        ]
        if not changed or path[0] != INPUTS[0] or not self.experiment.can_afford(path):
            return ""
        moved = Experiment(self.experiment.convention, self.experiment.seed)
        for p in changed:
            tree.put(moved.base, UNIT + p, self.first.after[p].copy())
        right = moved.jacobian(path) @ self.dout
        same = found.size == right.size and close(found, right.reshape(found.shape))
        return "it is that of weights which are already updated: take dx first" * same

    def _forgive_averages(self, found: dict[Path, Finding]) -> None:
        """Note where all parameters' gradients are averaged and that by the input is not."""
        images = self.experiment.convention.layout.images
        own = [p for p in found if self._is_parameter(p) and self.candidates[p]]
        if images == 1 or not own:
            return
        averaged = [p for p in own if found[p].verdict == "WRONG" and self._is_averaged(p)]
        everywhere = len(averaged) == len(own)
        words = f"divided by the {images} images, where other gradients are not"
        if everywhere:
            words = f"averaged over the {images} images, where dx is not, as deeplearning.ai has it"
        for p in averaged:
            verdict = "note" if everywhere else "WRONG"
            found[p] = Finding(found[p].array, verdict, words, found[p].error)

    def _forgive_rates(self, found: dict[Path, Finding]) -> None:
        """Note where backward itself takes its gradients, times a number of its own text, away."""
        updated = {
            p: c
            for p in found
            for c in self.candidates[p][:1]
            if c.updates and found[p].verdict in ("WRONG", "not checked")
        }
        given = any(vocabulary.is_rate(name) for name in self._arguments())
        numbers = {float(n) for n in re.findall(r"(?<![\w.])\d*\.?\d+(?:e-?\d+)?", self._text())}
        if not updated or given:
            return
        for p, candidate in updated.items():
            if not self.experiment.can_afford(p):
                continue
            value = tree.get(self.experiment.base, p)
            right = (self.experiment.jacobian(p) @ self.dout).reshape(value.shape)
            taken = _in_shape(candidate.updates[0], value)
            factor = find_factor(taken, right) if taken.shape == value.shape else None
            if factor and any(np.isclose(factor, n, 1e-4) for n in numbers):
                words = f"backward itself takes {factor:.4g} times its gradient away"
                found[p] = Finding(found[p].array, "note", words, found[p].error)

    def _arguments(self) -> list[str]:
        unit = self.experiment.convention.unit
        if unit.backward is None:
            return []
        return list(inspect.signature(bound(self.first.state.unit, unit.backward)).parameters)

    def _is_parameter(self, path: Path) -> bool:
        """Tell whether an array is no input that images have, but weights that they share."""
        first = next(iter(self.experiment.leaves))
        return path != first and self.experiment.outputs[0].ndim > 0

    def _is_averaged(self, path: Path) -> bool:
        value = tree.get(self.experiment.base, path)
        images = self.experiment.convention.layout.images
        sums = [_in_shape(c.array, value) * images for c in self.candidates[path]]
        return any(self._error(path, s, self.experiment.douts) <= self.tolerance * 10 for s in sums)

    def _look_again(self, found: dict[Path, Finding]) -> None:
        """Call the unit once more, and see whether its gradients are those of the second call."""
        if self._changes_itself():
            return
        douts = self.experiment.draw_douts(self.rng)
        try:
            second = pair(self.experiment, self.experiment.call(douts, self.first.state))
        except MiscalledError:
            return
        kinds = {
            path: self._compare_again(self.experiment, path, second, douts) for path in self.agreed
        }
        added = {path for path, kind in kinds.items() if kind == "added"}
        for path in [path for path, kind in kinds.items() if kind != "right"]:
            verdict, words = "WRONG", "right at the first call and wrong at the second: is a stale "
            words += "value used?"
            others = [p for p in self.agreed if p not in added and self._is_sibling(p, path)]
            if path in added and others:
                words = f"added to the one before, where {found[others[0]].array} is set"
            elif path in added:
                verdict, words = "note", "added to at every call until somebody resets it"
            found[path] = Finding(found[path].array, verdict, words, found[path].error)

    def _look_at_second_input(self, found: dict[Path, Finding]) -> None:
        """Call the same object with another input, and see whether its gradients are of that."""
        if self._changes_itself():
            return
        other = self.experiment.with_second_input()
        if other is None:
            return
        try:
            state = self.experiment.call(self.experiment.douts).state
            before = pair(self.experiment, self.experiment.call(self.experiment.douts, state))
            state.inputs = {**other.clone().inputs}
            again = other.call(other.douts, state)
        except MiscalledError:
            return
        if any(not np.allclose(a, b) for a, b in zip(state.outputs, other.outputs, strict=True)):
            return  # forward itself remembers
        second = pair(other, again)
        for path in self.agreed:
            if found[path].verdict == "WRONG" or path not in second:
                continue
            kind = self._compare_again(other, path, second, other.douts, before)
            if kind == "wrong":
                words = "right for the first input and wrong for a second: is a stale value used?"
                found[path] = Finding(found[path].array, "WRONG", words, found[path].error)

    def differs_by_decay(self, path: Path, amount: float) -> bool:
        """Tell whether a gradient differs by what a usual decay of so much would add to it."""
        value, images = (
            tree.get(self.experiment.base, path),
            self.experiment.convention.layout.images,
        )
        right = (self.experiment.jacobian(path) @ self.dout).reshape(value.shape)
        for candidate in self.candidates[path]:
            found = _in_shape(candidate.array, value)
            if found.shape == value.shape:
                usual = [amount * k for k in (1, 2, 1 / images, 2 / images, 0.5)]
                factor = find_factor(found - right, value) or find_factor(
                    found - right, np.sign(value)
                )
                if factor and any(np.isclose(factor, u, 1e-3) for u in usual):
                    return True
        return False

    def _changes_itself(self) -> bool:
        return self.experiment.stateful or any(
            c.updates for cs in self.candidates.values() for c in cs
        )

    def _compare_again(
        self,
        experiment: Experiment,
        path: Path,
        second: dict[Path, list[Candidate]],
        douts: list[Array],
        before: dict[Path, list[Candidate]] | None = None,
    ) -> str:
        """Return `right`, `added` or `wrong` for a gradient that was right at the first call."""
        value, i = tree.get(experiment.base, path), self.agreed[path]
        lengths = {len(c.get(path, ())) for c in (second, before or second, self.candidates)}
        if len(lengths) > 1:
            return "right"
        new, old = (_in_shape(c[path][i].array, value) for c in (second, before or self.candidates))
        if new.shape != value.shape or old.shape != new.shape:
            return "right"
        mine, self.experiment = self.experiment, experiment
        try:
            near = COARSE if experiment.coarse else CLOSE_ENOUGH
            images = experiment.convention.layout.images
            for factor in (1, images):  # which some are averaged over
                if self._error(path, new * factor, douts) <= near:
                    return "right"
            for factor in (1, images):
                if self._error(path, (new - old) * factor, douts) <= near:
                    return "added"
            return "wrong"
        finally:
            self.experiment = mine

    def _is_sibling(self, path: Path, other: Path) -> bool:
        """Tell whether two arrays are parameters of the same object, kept from call to call."""
        return path[:-1] == other[:-1] and path[0] == UNIT[0]

    def _notes(self) -> str:
        changed = list(dict.fromkeys(self.first.changed))
        return f"it writes into its argument {' and '.join(changed)}" if changed else ""


def _in_shape(gradient: Array, value: Array) -> Array:
    """Return a gradient in the shape of its array, if it can be taken from that as it is."""
    if gradient.shape == value.shape or gradient.size != value.size:
        return gradient
    try:
        fits = np.broadcast_shapes(value.shape, gradient.shape) == value.shape
    except ValueError:
        return gradient
    return gradient.reshape(value.shape) if fits else gradient
