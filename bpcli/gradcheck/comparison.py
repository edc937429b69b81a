"""a gradient beside a numerical one in -> whether it passes, and by how much, out."""

from dataclasses import dataclass

import numpy as np

from bpcli.arrays import Array


@dataclass(frozen=True)
class Comparison:
    """How backpropagation's gradient by one array compares with the numerical one.

    `name` is that of a parameter (W1, b1, ...), or x for a layer's input. `max_relative_error` is
    at the element `worst_index`, whose two gradients are `backprop` and `numerical`. A large array
    of a layer alone is compared along random directions, with no index, unless that fails. `kinks`
    counts elements with a bend of ReLU within the step, where the central difference says nothing:
    there backpropagation has to agree with the slope to one side. `zero` is whether all gradients
    are 0, both ways, which proves little. `problem` says what a failure looks like, or, with
    `unknown`, why nothing can be told; one that leaves nothing to compare has no numbers. `note` is
    what to know of a gradient that is right.
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
    unknown: bool = False
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether no relative error is above the tolerance, and nothing else went wrong."""
        return not self.problem

    @property
    def verdict(self) -> str:
        """`ok`, `FAILED`, or `not checked` where it cannot be told."""
        if self.passed:
            return "ok"
        return "not checked" if self.unknown else "FAILED"

    @property
    def ratio(self) -> float | None:
        """Backpropagation's gradient divided by the numerical one."""
        return self.backprop / self.numerical if self.backprop and self.numerical else None


def relative_error(a: Array, b: Array, floor: float) -> Array:
    """Return |a - b| / (|a| + |b|), with at least `floor` in the denominator.

    >>> relative_error(np.array([1.0, 1e-12]), np.array([3.0, 0.0]), 1e-3)
    array([5.e-01, 1.e-09])
    """
    return np.asarray(np.abs(a - b) / np.maximum(np.abs(a) + np.abs(b), floor))
