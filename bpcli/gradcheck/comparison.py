"""a gradient and the function that it is of in -> a Comparison with the numerical gradient out."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Array
from bpcli.gradcheck.diagnosis import diagnose
from bpcli.gradcheck.numerical import (
    METHODS,
    STEP,
    Function,
    Move,
    along,
    central_difference,
    element,
)

EXTRAPOLATED = 3  # rounding errors of an extrapolated difference, in those of a difference
KINK_STEPS = STEP, STEP / 10, STEP / 100
KINK_TOLERANCE = 1e-4  # a difference to one side has an error of order h
LARGEST_NOISE = 1e-4  # of a numerical gradient; above it an agreement would mean nothing
ROUNDINGS = 8  # what so many roundings of the loss can make of a difference is no disagreement

Build = Callable[[npt.DTypeLike], Function]  # makes one and the same function in any precision


@dataclass(frozen=True)
class Comparison:
    """How backpropagation's gradient by one array compares with the numerical one.

    `name` is that of a parameter (W1, b1, ...), or x for a layer's input. `max_relative_error` is
    at the element `worst_index`, whose two gradients are `backprop` and `numerical`. A large array
    of a layer alone is compared along random directions, with no index, unless that fails. `kinks`
    counts elements with a bend of ReLU within the step, where the central difference says nothing:
    there backpropagation has to agree with the slope to one side. `zero` is whether all gradients
    are 0, both ways, which proves little. `problem` says what a failure
    looks like; one that leaves nothing to compare has no numbers.
    """

    layer: str
    name: str
    shape: tuple[int, ...] = ()
    checked: int = 0
    kinks: int = 0
    max_relative_error: float | None = None
    worst_index: tuple[int, ...] | None = None
    backprop: float | None = None
    numerical: float | None = None
    zero: bool = False
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Whether no relative error is above the tolerance, and nothing else went wrong."""
        return not self.problem

    @property
    def verdict(self) -> str:
        """`ok`, `FAILED`, or `not checked` where rounding hides the array's gradient."""
        if self.passed:
            return "ok"
        return "not checked" if self.shape and not self.checked else "FAILED"

    @property
    def ratio(self) -> float | None:
        """Backpropagation's gradient divided by the numerical one."""
        return self.backprop / self.numerical if self.backprop and self.numerical else None


def relative_error(a: Array, b: Array, floor: float) -> Array:
    """Return |a - b| / (|a| + |b|), with at least `floor` in the denominator.

    >>> relative_error(np.array([1.0, 1e-12]), np.array([3.0, 0.0]), 1e-3)
    array([5.e-01, 1.e-09])
    """
    error: Array = np.abs(a - b) / np.maximum(np.abs(a) + np.abs(b), floor)
    return error


class Comparer:
    """Compares the gradients of one function, which `build` makes in a precision of choice."""

    def __init__(self, build: Build, method: str, tolerance: float) -> None:
        self.real = build(np.float64)
        self.subject = self.real if method == "central" else build(np.complex128)
        self.slope = METHODS[method]
        self.tolerance = tolerance
        self.rounding = ROUNDINGS * float(np.finfo(np.float64).eps) * self.real.magnitude
        noise = self.rounding / (2 * STEP if method == "central" else 1)
        self.floor = noise / tolerance
        self.drowned = noise > LARGEST_NOISE

    def error_along(self, name: str, backprop: Array, direction: Array) -> float:
        """Return the relative error of the gradient along a direction."""
        numerical = self.slope(self.subject.value, along(self.subject.arrays[name], direction))
        terms = backprop * direction
        scale = max(float(np.linalg.norm(terms)), abs(numerical), self.floor)
        return abs(float(terms.sum()) - numerical) / scale

    def compare(
        self, layer: str, name: str, backprop: Array, samples: int, before: Array | None = None
    ) -> Comparison:
        """Compare the gradients by all elements of an array, one after the other.

        `before` is the gradient of a call before this one, if that was right.
        """
        array = self.subject.arrays[name]
        if self.drowned:
            problem = (
                f"cannot be checked: values up to {self.real.magnitude:.0e} come before the loss, "
                "and their rounding hides the gradient; try --method complex, or smaller weights"
            )
            return Comparison(layer, name, array.shape, problem=problem)
        slopes = [self.slope(self.subject.value, element(array, i)) for i in range(array.size)]
        numerical = np.array(slopes).reshape(array.shape)
        error = relative_error(backprop, numerical, self.floor)
        error[np.isnan(error)] = np.inf
        kinks = self._look_again(name, backprop, numerical, error)
        worst = np.unravel_index(np.argmax(error), error.shape)
        failed = not error[worst] <= self.tolerance
        problem = diagnose(backprop, numerical, samples, before) if failed else ""
        return Comparison(
            layer=layer,
            name=name,
            shape=array.shape,
            checked=array.size,
            kinks=kinks,
            max_relative_error=float(error[worst]),
            worst_index=tuple(int(i) for i in worst),
            backprop=float(backprop[worst]),
            numerical=float(numerical[worst]),
            zero=not (backprop.any() or numerical.any()),
            problem=problem,
        )

    def _look_again(self, name: str, backprop: Array, numerical: Array, error: Array) -> int:
        """Mend what the method got wrong itself, from the worst error to the first real one.

        Changes `numerical` and `error` in place, and returns the number of kinks.
        """
        kinks = 0
        for i in np.argsort(-error, axis=None, kind="stable").tolist():
            if error.flat[i] <= self.tolerance:
                break
            move = element(self.real.arrays[name], i)
            better = np.asarray(self._extrapolate(move))
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

    def _extrapolate(self, move: Move) -> float:
        """Return the derivative without its error of order h^2, for where the loss bends much.

        Richardson 1911: (4 d(h / 2) - d(h)) / 3.
        """
        whole, half = (central_difference(self.real.value, move, h) for h in (STEP, STEP / 2))
        return (4 * half - whole) / 3
