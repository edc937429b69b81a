"""a gradient and the function that it is of in -> a Comparison with the numerical gradient out."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Array, Indices
from bpcli.errors import ArgumentError
from bpcli.gradcheck.case import Case, spell_shapes
from bpcli.gradcheck.closeness import CLOSE, count_wrong
from bpcli.gradcheck.comparison import Comparison, relative_error
from bpcli.gradcheck.mistakes import explain
from bpcli.gradcheck.numerical import (
    METHODS,
    STEP,
    Function,
    Move,
    along,
    central_difference,
    complex_step,
    element,
    extrapolated_difference,
)

EXTRAPOLATED = 3  # rounding errors of an extrapolated difference, in those of a difference
KINK_STEPS = STEP, STEP / 10, STEP / 100
KINK_TOLERANCE = 1e-4  # a difference to one side has an error of order h
LARGEST_NOISE = 1e-4  # of a numerical gradient; above it an agreement would mean nothing
ROUNDINGS = 8  # what so many roundings of the loss can make of a difference is no disagreement

MANY = 100  # elements that are moved together first, where nothing should change
BATCH = 500  # elements, after which somebody may be told
DIRECTIONS = 3  # along which an array is compared of which not all elements are
LARGE = 500  # elements of an array, above which a direction comes first where that is enough

FINE_STEP = 1e-9  # of one element: far above what float64 rounds to, far below what float32 does
APART = 30  # a slope over such a step that is so many times another, or as much less
PROBED = 3  # elements that are moved so
COARSE_STEPS, COARSE = (1e-2, 1e-3), 0.1  # of differences of float32, and errors that they show

RANDOM = (
    "forward gives something else at each call: it draws random numbers that cannot be repeated"
)
ROUNDED = "not beyond two digits: it computes in float32, of which differences say no more"
NOT_ANALYTIC = "not by complex steps: forward takes numbers for real ones, as abs does; use central"
ADDED = "added to the gradient of the call before: it should be set"
STALE = "right at the first call and wrong at the second: is a stale value used?"

Build = Callable[[npt.DTypeLike], Function]  # makes one and the same function in any precision
Watch = Callable[[int], None]  # is told how many elements have been compared


class Comparer:
    """Compares the gradients of one function, which `build` makes in a precision of choice."""

    def __init__(
        self,
        build: Build,
        method: str,
        tolerance: float,
        *,
        elements: int | None = None,
        watch: Watch = lambda _elements: None,
    ) -> None:
        self.real = build(np.float64)
        self.subject = self.real if method == "central" else build(np.complex128)
        self.slope = METHODS[method]
        self.elements, self.watch = elements, watch
        self.tolerance = tolerance
        self.rounding = ROUNDINGS * float(np.finfo(np.float64).eps) * self.real.magnitude
        self.method = method
        self.noise = self.rounding / (2 * STEP if method == "central" else 1)
        self.floor = self.noise / tolerance
        self.drowned = self.noise > LARGEST_NOISE
        self.random = not np.array_equal(self.real.value(), self.real.value(), equal_nan=True)

    def check_visible(self, gradients: Iterable[Array]) -> None:
        """Raise ArgumentError if no error of the tolerance can be seen in any of the gradients."""
        largest = max((float(np.abs(g).max(initial=0)) for g in gradients), default=0.0)
        if self.drowned or not np.isfinite(largest) or self.noise <= self.tolerance * largest:
            return
        if largest:
            hint = "use --method complex" if self.method == "central" else "choose a larger one"
            raise ArgumentError(
                f"tolerance: found {self.tolerance:g}, but {self.method} differences see nothing "
                f"below {self.noise / largest:.0e} here; {hint}"
            )

    def error_along(self, name: str, backprop: Array, direction: Array) -> float:
        """Return the relative error of the gradient along a direction.

        A step of many elements can reach kinks of ReLU: where it seems wrong, smaller ones decide.
        """
        move, terms = along(self.subject.arrays[name], direction), backprop * direction
        total, norm = float(terms.sum()), float(np.linalg.norm(terms))
        best = np.inf
        for step in KINK_STEPS:
            if self.method == "central":
                numerical = central_difference(self.subject.value, move, step)
            else:
                numerical = self.slope(self.subject.value, move)
            scale = max(norm, abs(numerical), self.floor * STEP / step)
            best = min(best, abs(total - numerical) / scale)
            if best <= self.tolerance or self.method != "central":
                break
        return best

    def compare(
        self, layer: str, name: str, backprop: Array, samples: int, *, quick: bool = False
    ) -> Comparison:
        """Compare the gradients by the elements of an array, one after the other.

        Of a large array, where not all are asked for, it is some of them, and the whole along a few
        random directions; with `quick` the latter alone, as long as they agree.
        """
        array = self.subject.arrays[name]
        found = Comparison(layer, name, array.shape)
        if self.random or self.drowned:
            problem = RANDOM if self.random else self._explain_drowned()
            return replace(found, problem=problem, unknown=True)
        if backprop.shape != array.shape:
            return replace(found, problem=self._explain_shape(name, backprop))
        if quick and array.size > LARGE:
            error = self._largest_error_along(name, backprop)
            if error <= self.tolerance:
                return replace(found, checked=array.size, max_relative_error=error)
        found = self._compare_elements(found, backprop, samples)
        if found.passed:
            return found
        if self._is_rounded(name, backprop):
            return replace(found, problem=ROUNDED, unknown=True)
        if self.method == "complex" and not self._is_analytic(name):
            return replace(found, problem=NOT_ANALYTIC, unknown=True)
        return found

    def explain_again(self, name: str, backprop: Array, before: Array) -> str:
        """Say what a gradient looks like that was right at the call before, and is wrong now."""
        return ADDED if self._largest_error_along(name, backprop - before) <= CLOSE else STALE

    def _compare_elements(self, found: Comparison, backprop: Array, samples: int) -> Comparison:
        """Return what was `found` of an array with all that its elements tell."""
        chosen = self._choose(backprop)
        numerical = self._differentiate(found.name, backprop, chosen)
        error = relative_error(backprop, numerical, self.floor)
        error[np.isnan(error)] = np.inf
        kinks = self._look_again(found.name, backprop, numerical, error)
        worst = np.unravel_index(np.argmax(error), error.shape)
        problem = ""
        if not error[worst] <= self.tolerance:
            some = (
                chosen.size < backprop.size
            )  # of which no pattern can be seen but by their values
            mine, right = (g.flat[chosen] if some else g for g in (backprop, numerical))
            problem = explain(Case(mine, right, samples)) or count_wrong(mine, right)
        elif chosen.size < backprop.size and (
            self._largest_error_along(found.name, backprop) > self.tolerance
        ):
            problem = (
                "wrong along a random direction, though the elements that were compared are "
                "right: --elements all finds where"
            )
        return replace(
            found,
            checked=chosen.size,
            kinks=kinks,
            max_relative_error=float(error[worst]),
            worst_index=tuple(int(i) for i in worst),
            backprop=float(backprop[worst]),
            numerical=float(numerical[worst]),
            zero=not (backprop.any() or numerical.any()),
            problem=problem,
        )

    def _largest_error_along(self, name: str, backprop: Array) -> float:
        """Return the largest relative error of a gradient along a few random directions."""
        rng = np.random.default_rng(1)
        directions = (rng.normal(size=backprop.shape) for _ in range(DIRECTIONS))
        return max(self.error_along(name, backprop, direction) for direction in directions)

    def _explain_shape(self, name: str, backprop: Array) -> str:
        """Say of a gradient of another shape how the right one is made of it, if that is small."""
        array = self.subject.arrays[name]
        words = spell_shapes(backprop.shape, array.shape)
        if array.size > LARGE:
            return words
        numerical = self._differentiate(name, np.ones(array.shape), np.arange(array.size))
        return explain(Case(backprop, numerical)) or words

    def _is_rounded(self, name: str, backprop: Array) -> bool:
        """Tell whether a gradient is right as far as a function that rounds can tell.

        Such a function stays the same over a tiny step, or jumps.
        """
        array = self.real.arrays[name]
        jumps = []
        for i in np.argsort(-np.abs(backprop), axis=None, kind="stable")[:PROBED].tolist():
            move, middle = element(array, i), self.real.value()
            slope = abs(central_difference(self.real.value, move, COARSE_STEPS[0]))
            step = FINE_STEP * max(1.0, abs(array.item(i)))
            if slope * step > self.rounding:
                sides = []
                for side in (step, -step):
                    move(side)
                    sides.append(abs(self.real.value() - middle) / step)
                move(0)
                jumps.append(not any(slope / APART < rise < slope * APART for rise in sides))
        if not jumps or not all(jumps):
            return False
        direction = np.random.default_rng(1).normal(size=array.shape)
        move, total = along(array, direction), float((backprop * direction).sum())
        slopes = [central_difference(self.real.value, move, step) for step in COARSE_STEPS]
        return any(abs(total - slope) <= COARSE * max(abs(total), abs(slope)) for slope in slopes)

    def _is_analytic(self, name: str) -> bool:
        """Tell whether complex steps see the same slope as differences: abs, say, has none."""
        array = self.real.arrays[name]
        direction = np.random.default_rng(1).normal(size=array.shape)
        slope = complex_step(self.subject.value, along(self.subject.arrays[name], direction))
        move = along(array, direction)
        slopes = [central_difference(self.real.value, move, step) for step in KINK_STEPS]
        noise = self.rounding / KINK_STEPS[-1]
        return any(
            abs(slope - s) <= KINK_TOLERANCE * max(abs(slope), abs(s)) + noise for s in slopes
        )

    def _explain_drowned(self) -> str:
        return (
            f"cannot be checked: values up to {self.real.magnitude:.0e} come before the loss, "
            "and their rounding hides the gradient; try --method complex, or smaller weights"
        )

    def _choose(self, backprop: Array) -> Indices:
        """Return which elements are compared: all, or some at random and where most is at stake."""
        if self.elements is None or backprop.size <= self.elements:
            return np.arange(backprop.size)
        largest = np.argsort(-np.abs(backprop), axis=None, kind="stable")
        half = self.elements // 2
        rest = np.random.default_rng(0).permutation(largest[half:])
        return np.sort(np.concatenate([largest[:half], rest[: self.elements - half]]))

    def _differentiate(self, name: str, backprop: Array, chosen: Indices) -> Array:
        """Return the numerical gradient by the chosen elements; others are as in `backprop`.

        Elements by which backpropagation finds 0, such as those of pixels that are black in all
        images, are moved together first: where that changes nothing, none of them does.
        """
        array, numerical = self.subject.arrays[name], backprop.copy()
        zero = chosen[backprop.flat[chosen] == 0]
        if zero.size > MANY:
            direction = np.zeros(array.shape)
            direction.flat[zero] = np.random.default_rng(0).normal(size=zero.size)
            if self.error_along(name, backprop, direction) <= self.tolerance:
                chosen = chosen[backprop.flat[chosen] != 0]
                self.watch(zero.size)
        for start in range(0, chosen.size, BATCH):
            batch = chosen[start : start + BATCH].tolist()
            for i in batch:
                numerical.flat[i] = self.slope(self.subject.value, element(array, i))
            self.watch(len(batch))
        return numerical

    def _look_again(self, name: str, backprop: Array, numerical: Array, error: Array) -> int:
        """Mend what the method got wrong itself, from the worst error to the first real one.

        Changes `numerical` and `error` in place, and returns the number of kinks.
        """
        kinks = 0
        for i in np.argsort(-error, axis=None, kind="stable").tolist():
            if error.flat[i] <= self.tolerance:
                break
            move = element(self.real.arrays[name], i)
            better = np.asarray(extrapolated_difference(self.real.value, move))
            again = relative_error(backprop.flat[i], better, EXTRAPOLATED * self.floor)
            if again <= self.tolerance:
                numerical.flat[i], error.flat[i] = better, again
            elif self._is_kink(move, backprop.flat[i]):
                kinks += 1
                error.flat[i] = 0
            else:
                break
        return kinks

    def _is_kink(self, move: Move, backprop: float) -> bool:
        """Tell whether the slopes to both sides differ, and `backprop` is one of them.

        Where kinks lie on both sides, it has to be one of those for a smaller step.
        """
        middle = self.real.value()
        for step in KINK_STEPS:
            move(step)
            right = (self.real.value() - middle) / step
            move(-step)
            left = (middle - self.real.value()) / step
            move(0)
            near = KINK_TOLERANCE * max(abs(left), abs(right)) + self.rounding / step
            if step == STEP and not abs(left - right) > near:
                return False
            if min(abs(backprop - left), abs(backprop - right)) <= near < np.inf:
                return True
        return False
