"""a probe in -> for each array a Finding: whether the gradient by it is right, out."""

import re
from dataclasses import replace

import numpy as np

from bpcli.arrays import Array
from bpcli.gradcheck.diagnosis import close
from bpcli.gradcheck.foreign import tree
from bpcli.gradcheck.foreign.finding import Finding
from bpcli.gradcheck.foreign.kinds import Case, explain, explain_fused, spell
from bpcli.gradcheck.foreign.matching import Candidate, match, source_of
from bpcli.gradcheck.foreign.probe import INPUTS, UNIT, Probe
from bpcli.gradcheck.foreign.reading import MisreadError
from bpcli.gradcheck.foreign.tree import Path

CLOSE_ENOUGH, COARSE = 1e-4, 2e-2  # relative errors that are noted; with float32 inside
FINER_STEPS = (1e-6, 1e-7)  # where a kink of ReLU may lie within a step: fewer lie within these
ADAPTED = re.compile(r"clip|beta|adam|sqrt|momentum|velocity|rms", re.IGNORECASE)
MUCH = 100  # times the error at the first call, for one at the second to be another
NOISE = 1e-10  # of the largest output, which a difference cannot see below


class Comparison:
    """The gradients of a probe beside numerical ones, at a first call and at a second."""

    def __init__(self, probe: Probe, tolerance: float, *, explained: bool) -> None:
        self.probe, self.tolerance, self.explained = probe, tolerance, explained
        self.rng = np.random.default_rng(probe.seed + 2)
        self.first = probe.call(probe.douts)
        self.candidates = match(probe, self.first)
        self.dout = np.concatenate([np.ravel(dout) for dout in probe.douts])
        self.agreed: dict[Path, int] = {}  # which candidate is the gradient
        self.scale = max(float(np.abs(y).max()) for y in probe.outputs)

    def findings(self) -> list[Finding]:
        every = {path: self._find(path) for path in self.candidates}
        found = {path: finding for path, finding in every.items() if finding}
        if self.probe.reading.unit.backward is None and any(self.candidates.values()):
            found = {path: f for path, f in found.items() if self.candidates[path]}
        self._forgive_averages(found)
        if not any(finding.verdict == "WRONG" for finding in found.values()):
            self._look_again(found)
        notes = self._notes()
        if notes and found:
            first = next(iter(found))
            if found[first].verdict == "ok":
                found[first] = Finding(found[first].array, "note", notes, found[first].error)
        return list(found.values())

    def _find(self, path: Path) -> Finding | None:
        name, candidates = self.probe.leaves[path], self.candidates[path]
        if not candidates:
            return self._missing(path)
        shape = tree.get(self.probe.base, path).shape
        best: Finding | None = None
        for i, candidate in enumerate(candidates):
            array = candidate.array
            if (
                array.shape != shape
                and array.size == np.prod(shape)
                and ([n for n in array.shape if n > 1] == [n for n in shape if n > 1])
            ):
                array = array.reshape(shape)
            error = self._error(path, array, self.probe.douts)
            if error <= CLOSE_ENOUGH or (self.probe.coarse and error <= COARSE):
                self.agreed[path] = i
            if error <= self.tolerance or (self.probe.coarse and error <= COARSE):
                words = "float32 inside" * self.probe.coarse
                return Finding(name, "note" if words else "ok", words, error)
            if error <= CLOSE_ENOUGH:
                words = f"agrees to {error:.0e} only: is there a constant, as in log(y + 1e-7)?"
                return Finding(name, "note", words, error)
            best = best or self._wrong(path, replace(candidate, array=array), error)
        assert best  # noqa: S101 - there was a candidate
        return best

    def _error(self, path: Path, gradient: Array, douts: list[Array]) -> float:
        """Return the relative error along two random directions, infinite for another shape."""
        shape, worst = tree.get(self.probe.base, path).shape, 0.0
        if gradient.shape != shape or not np.isfinite(gradient).all():
            return np.inf
        for _ in range(2):
            direction = self.rng.choice([-1.0, 1.0], shape) * self.rng.uniform(0.5, 1, shape)
            terms = gradient * direction
            floor = NOISE * (1 + self.scale) / self.probe.step
            error = np.inf
            for step in (self.probe.step, *([] if self.probe.coarse else FINER_STEPS)):
                numerical = self.probe.slope(path, direction, douts, step)
                size = max(float(np.linalg.norm(terms)), abs(numerical), floor)
                error = min(error, abs(float(terms.sum()) - numerical) / size)
                if error <= self.tolerance:
                    break
            worst = max(worst, error)
        return worst

    def _missing(self, path: Path) -> Finding | None:
        """Say that there is no gradient by an array; a network needs none by its input."""
        name = self.probe.leaves[path]
        scalar = self.probe.outputs[0].ndim == 0
        if path[0] == INPUTS[0]:
            others = [p for p in self.probe.leaves if p[0] != INPUTS[0]]
            if scalar and others:
                return None
            if self.first.returned is None:
                shape = spell(tree.get(self.probe.base, path).shape)
                words = f"backward returned None, expected {shape}: is `return dx` missing?"
                first = next(iter(self.probe.leaves))
                return Finding(name, "WRONG" if path == first else "not checked", words)
        if any(c.updates for candidates in self.candidates.values() for c in candidates):
            return Finding(name, "WRONG", "backward changes other parameters, and this one never")
        last = name.rpartition(".")[2]
        return Finding(name, "not checked", f"no gradient found: is it called d{last} or grads?")

    def _wrong(self, path: Path, candidate: Candidate, error: float) -> Finding:
        """Say what is wrong with a gradient, or why it may not be."""
        probe, name = self.probe, self.probe.leaves[path]
        value = tree.get(probe.base, path)
        if probe.reading.likely and path[0] == INPUTS[0]:
            labels = [probe.base.inputs[n] for n in probe.base.constants]
            expected = (probe.jacobian(path) @ self.dout).reshape(value.shape)
            t = np.asarray(labels[0]) if labels else None
            fused = explain_fused(candidate.array, expected, value, t)
            if fused:
                words = f"right only together with {fused} before it: p - t"
                return Finding(name, "note", words, error)
        if isinstance(self.first.returned, list) and candidate.array.shape != value.shape:
            words = "backward returns a list: does forward take one?"
            return Finding(name, "not checked", words)
        if candidate.updates and ADAPTED.search(source_of(probe.reading)):
            words = (
                "backward changes it by more than its gradient: by momentum, clipping or the like"
            )
            return Finding(name, "not checked", words)
        if not self.explained:
            return Finding(name, "WRONG", error=error)
        jacobian = probe.jacobian(path)
        douts = probe.draw_douts(self.rng)
        others = match(probe, probe.call(douts))[path]
        other = next((c.array for c in others if c.name == candidate.name), None)
        first = next(iter(probe.base.inputs.values()), value)
        case = Case(
            candidate.array,
            value,
            jacobian,
            self.dout,
            np.asarray(first),
            probe.outputs[0],
            probe.reading.scene.images,
            other.reshape(value.shape) if other is not None and other.size == value.size else None,
            path == next(iter(probe.leaves)) and probe.reading.unit.backward is not None,
            probe.reading.indices,
        )
        if close(candidate.array, case.expected):
            return Finding(name, "ok", error=error)
        words = explain(case)
        updated = self._explain_update(path, candidate.array)
        return Finding(name, "WRONG", updated or words, error)

    def _explain_update(self, path: Path, found: Array) -> str:
        """Tell whether dx is that of weights which backward has already changed."""
        changed = [
            p
            for p in self.first.after
            if p in self.first.before
            and UNIT + p in self.probe.leaves
            and not np.array_equal(self.first.after[p], self.first.before[p])
        ]
        if not changed or path[0] != INPUTS[0]:
            return ""
        moved = Probe(self.probe.reading, self.probe.seed)
        for p in changed:
            tree.put(moved.base, UNIT + p, self.first.after[p].copy())
        right = moved.jacobian(path) @ self.dout
        same = close(found, right.reshape(found.shape))
        return "it is that of weights which are already updated: take dx first" * same

    def _forgive_averages(self, found: dict[Path, Finding]) -> None:
        """Note where all parameters' gradients are averaged and that by the input is not."""
        images = self.probe.reading.scene.images
        own = [p for p in found if self._is_parameter(p)]
        rest = [p for p in found if p not in own]
        if images == 1 or not own or any(found[p].verdict == "WRONG" for p in rest):
            return
        averaged = [p for p in own if found[p].verdict == "WRONG" and self._is_averaged(p)]
        everywhere = len(averaged) == len(own)
        words = f"divided by the {images} images, where other gradients are not"
        if everywhere:
            words = f"averaged over the {images} images, where dx is not, as deeplearning.ai has it"
        for p in averaged:
            verdict = "note" if everywhere else "WRONG"
            found[p] = Finding(found[p].array, verdict, words, found[p].error)

    def _is_parameter(self, path: Path) -> bool:
        """Tell whether an array is no input that images have, but weights that they share."""
        first = next(iter(self.probe.leaves))
        return path != first and self.probe.outputs[0].ndim > 0

    def _is_averaged(self, path: Path) -> bool:
        shape, images = tree.get(self.probe.base, path).shape, self.probe.reading.scene.images
        sums = [
            c.array.reshape(shape) * images
            for c in self.candidates[path]
            if c.array.size == np.prod(shape)
        ]
        return any(self._error(path, s, self.probe.douts) <= CLOSE_ENOUGH for s in sums)

    def _look_again(self, found: dict[Path, Finding]) -> None:
        """Call the unit once more, and see whether its gradients are those of the second call."""
        if self.probe.stateful or any(c.updates for cs in self.candidates.values() for c in cs):
            return
        douts = self.probe.draw_douts(self.rng)
        try:
            second = match(self.probe, self.probe.call(douts, self.first.world))
        except MisreadError:
            return
        added = {
            path for path in self.agreed if self._compare_again(path, second, douts) == "added"
        }
        wrong = {
            path for path in self.agreed if self._compare_again(path, second, douts) == "wrong"
        }
        for path in added | wrong:
            verdict, words = "WRONG", "right at the first call and wrong at the second: is a stale "
            words += "value used?"
            others = [p for p in self.agreed if p not in added and self._is_own(p)]
            if path in added and others and self._is_own(path):
                words = f"added to the one before, where {found[others[0]].array} is set"
            elif path in added:
                verdict, words = "note", "added to at every call until somebody resets it"
            found[path] = Finding(found[path].array, verdict, words, found[path].error)

    def _compare_again(
        self, path: Path, second: dict[Path, list[Candidate]], douts: list[Array]
    ) -> str:
        """Return `right`, `added` or `wrong` for a gradient that was right at the first call."""
        shape, i = tree.get(self.probe.base, path).shape, self.agreed[path]
        if len(second.get(path, ())) != len(self.candidates[path]):
            return "right"
        new, old = (c[path][i].array for c in (second, self.candidates))
        if new.size != np.prod(shape) or old.size != new.size:
            return "right"
        first = self._error(path, old.reshape(shape), self.probe.douts)
        near = COARSE if self.probe.coarse else max(CLOSE_ENOUGH, MUCH * first)
        if self._error(path, new.reshape(shape), douts) <= near:
            return "right"
        difference = (new - old).reshape(shape)
        return "added" if self._error(path, difference, douts) <= near else "wrong"

    def _is_own(self, path: Path) -> bool:
        """Tell whether an array is a parameter, whose gradient may be kept from call to call."""
        return self._is_parameter(path) or path[0] != INPUTS[0]

    def _notes(self) -> str:
        changed = list(dict.fromkeys(self.first.changed))
        return f"it writes into its argument {' and '.join(changed)}" if changed else ""
