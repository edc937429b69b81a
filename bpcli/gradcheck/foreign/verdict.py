"""an experiment in -> for each array a Finding: whether the gradient by it is right, out."""

import contextlib
import inspect
import re
from dataclasses import replace

import numpy as np

from bpcli.arrays import Array
from bpcli.gradcheck.case import DerivedCase, spell_shapes
from bpcli.gradcheck.closeness import close, count_wrong
from bpcli.gradcheck.foreign import precision, tree
from bpcli.gradcheck.foreign.discover import bound
from bpcli.gradcheck.foreign.experiment import INPUTS, UNIT, Experiment
from bpcli.gradcheck.foreign.finding import Finding
from bpcli.gradcheck.foreign.missing import explain_missing
from bpcli.gradcheck.foreign.pairing import Candidate, in_shape, pair
from bpcli.gradcheck.foreign.repair import find_repair
from bpcli.gradcheck.foreign.state import MiscalledError
from bpcli.gradcheck.foreign.tree import Path
from bpcli.gradcheck.mistakes import explain, explain_fused

CLOSE_ENOUGH, COARSE = 1e-4, 2e-2  # relative errors that are noted; with float32 inside
FINER_STEPS = (1e-6, 1e-7)  # where a kink of ReLU may lie within a step: fewer lie within these
ADAPTED = re.compile(
    r"\b(lr|learning_?rate|rate|alpha)\s*[*/]=|"
    r"\b(self\.)?_?(clip|adam|momentum|velocity|rms\w*|beta_?[12]|sqrt|[mv]_?(dw|db|t|hat)\w*)\b",
    re.IGNORECASE,
)
NOISE = 1e-10  # of the largest output, which a difference cannot see below
NEAR_STEPS = (1.0, 0.7, 1.4, 0.5)
SPREADS = 3  # of differences with such steps, as far as noise takes a gradient away
MOST_NOISE = SPREADS * CLOSE_ENOUGH  # in what a difference cannot see below
FAR, FARTHER = 50, 1000  # times less, for an error that a constant was the cause of


class Comparison:
    """The gradients of an experiment beside numerical ones, at a first call and at a second."""

    def __init__(self, experiment: Experiment, tolerance: float, *, explained: bool) -> None:
        self.experiment, self.tolerance, self.explained = experiment, tolerance, explained
        self.rng = np.random.default_rng(experiment.seed + 2)
        self.first = experiment.call(experiment.douts)
        self.candidates = pair(experiment, self.first)
        self.dout = np.concatenate([np.ravel(dout) for dout in experiment.douts])
        self.agreed: dict[Path, int] = {}  # which candidate is the gradient
        self.by_constant: dict[Path, float] = {}  # how far they are apart because of a constant
        self.without: dict[bool, Comparison] = {}  # with smaller constants: those of a logarithm
        self.misfit = False  # whether a gradient has an axis of the images that its array has not
        self.fits = True  # whether every gradient has the shape of its array
        self.scale = max(float(np.abs(y).max()) for y in experiment.outputs)

    def find(self, path: Path) -> Finding | None:
        name, candidates = self.experiment.leaves[path], self.candidates[path]
        if not candidates:
            return explain_missing(self.experiment, self.first, self.candidates, path)
        value, best = tree.get(self.experiment.base, path), None
        for i, candidate in enumerate(candidates):
            array = in_shape(candidate.array, value)
            error = self.error(path, array, self.experiment.douts)
            if error <= self.tolerance or (self.experiment.coarse and error <= COARSE):
                self.agreed[path] = i
                if self.experiment.coarse:
                    words = f"beyond {max(error, 1e-3):.0e}: there is float32 inside"
                    return Finding(name, "note", f"not checked {words}", error)
                return Finding(name, "ok", "", error)
            constant = self._constant(path, i, error) if error < np.inf else 0.0
            if constant:
                self.agreed[path], self.by_constant[path] = i, error
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
        """Return the small constant in the text without which a gradient agrees, or 0.

        Where it differs by more than a little, that is one of a logarithm: a small probability is
        hardly larger.
        """
        far = error > CLOSE_ENOUGH
        module = self.experiment.convention.unit.module
        with (
            contextlib.suppress(MiscalledError, LookupError, FloatingPointError),
            precision.smaller_constants(module, logarithms=far) as found,
        ):
            if not found:
                return 0.0
            if far not in self.without:
                convention, seed = self.experiment.convention, self.experiment.seed
                again = Experiment(convention, seed)
                self.without[far] = Comparison(again, self.tolerance, explained=False)
            other = self.without[far]
            candidate = other.candidates[path][i]
            value = tree.get(other.experiment.base, path)
            better = other.error(path, in_shape(candidate.array, value), other.experiment.douts)
            if better <= max(self.tolerance, error / (FARTHER if far else FAR)):
                return max(found, default=0.0)
        return 0.0

    def error(self, path: Path, gradient: Array, douts: list[Array]) -> float:
        """Return the relative error along two random directions, infinite for another shape."""
        shape, worst = tree.get(self.experiment.base, path).shape, 0.0
        if gradient.shape != shape or not np.isfinite(gradient).all():
            return np.inf
        along = np.where(gradient < 0, -1.0, 1.0)  # in which nothing cancels out
        for signs in (self.rng.choice([-1.0, 1.0], shape), along):
            direction = signs * self.rng.uniform(0.5, 1, shape)
            terms = gradient * direction
            floor = NOISE * (1 + self.scale) / self.experiment.step
            error, apart = np.inf, np.inf
            for step in (self.experiment.step, *([] if self.experiment.coarse else FINER_STEPS)):
                numerical = self.experiment.slope(path, direction, douts, step)
                size = max(float(np.linalg.norm(terms)), abs(numerical), floor)
                now = abs(float(terms.sum()) - numerical)
                apart, error = min(apart, now), min(error, now / size)
                if error <= self.tolerance:
                    break
            small = self.tolerance < error < CLOSE_ENOUGH and apart <= MOST_NOISE * floor
            if small and self._is_noise(path, direction, douts, float(terms.sum()), floor):
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
        return spread <= CLOSE_ENOUGH * floor and abs(found - slopes[0]) <= SPREADS * spread

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
        if candidate.updates and ADAPTED.search(self.text()):
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
        words = updated or explain(case) or self._repair(path) or _most_wrong(case)
        return Finding(name, "WRONG", words, error)

    def _repair(self, path: Path) -> str:
        """Say which one change of backward's text makes a gradient right, if one does."""
        experiment, value = self.experiment, tree.get(self.experiment.base, path)

        def is_right() -> bool:
            try:
                now = pair(experiment, experiment.call(experiment.douts))[path]
            except MiscalledError:
                return False
            array = in_shape(now[0].array, value) if now else np.empty(0)
            return self.error(path, array, experiment.douts) <= self.tolerance

        return find_repair(experiment.convention.unit, is_right)

    def _along(self, path: Path, found: Array) -> str:
        """Say how far a large gradient is from what it should be, along a random direction."""
        value = tree.get(self.experiment.base, path)
        if found.shape != value.shape:
            return spell_shapes(found.shape, value.shape)
        direction = self.rng.normal(size=value.shape)
        expected = self.experiment.slope(path, direction, self.experiment.douts)
        along = float(np.vdot(found, direction))
        return f"along a random direction found {along:.4g}, expected {expected:.4g}"

    def _case(self, path: Path, candidate: Candidate) -> DerivedCase:
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
        kept = tree.arrays([self.first.state.unit, self.first.state.inputs])
        jacobian = experiment.jacobian(path)
        if other is not None:
            other = other.reshape(value.shape) if other.size == value.size else None
        return DerivedCase(
            candidate.array,
            (jacobian @ self.dout).reshape(value.shape),
            experiment.convention.layout.images,
            value=value,
            jacobian=jacobian,
            dout=self.dout,
            inputs=np.asarray(first if isinstance(first, np.ndarray) else value),
            output=experiment.outputs[0],
            other=other,
            is_input=path == next(iter(experiment.leaves))
            and experiment.convention.unit.backward is not None,
            indices=experiment.convention.indices,
            others=rights,
            kept=tuple(kept.values()),
        )

    def text(self) -> str:
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


def _most_wrong(case: DerivedCase) -> str:
    """Say how much is wrong, and where it is most, where its kind says nothing."""
    found, expected = case.found, case.expected
    if found.shape != expected.shape:
        return spell_shapes(found.shape, expected.shape)
    at = np.unravel_index(np.argmax(np.abs(found - expected)), found.shape)
    place = ", ".join(str(i) for i in at)
    words = f"worst at [{place}]: found {found[at]:.4g}, expected {expected[at]:.4g}"
    return f"{count_wrong(found, expected)}; {words}"
