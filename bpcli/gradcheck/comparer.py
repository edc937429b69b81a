"""calls of anything with a backward in -> a Comparison of each gradient with a numerical one out.

One piece of code judges the arrays of our network, our layers alone, and anybody's: whoever can say
what a Call was hands it to `compare_calls`. Nothing in here knows what a layer is.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Array
from bpcli.gradcheck.comparison import Comparison
from bpcli.gradcheck.elements import ADDED, Build, Comparer


@dataclass(frozen=True)
class Missing:
    """Why there is no gradient by an array; `unknown` if there may be one all the same."""

    words: str
    unknown: bool = False


@dataclass(frozen=True)
class Call:
    """One forward and backward of anything, and what they left behind.

    `build` makes what was differentiated, in a precision of choice: the loss or, where backward was
    given dout, the sum of dout * forward(x), as a Function of arrays that may be moved in place.
    Each evaluation is as the one of the call was: what is random is drawn again, what is kept from
    call to call is as before. `gradients` has what backward says is the derivative by each of these
    arrays, in an array of its own; `arguments` what the caller gave, as it was and as it is now.
    """

    build: Build
    gradients: Mapping[str, Array | Missing]
    arguments: Mapping[str, tuple[npt.NDArray[Any], npt.NDArray[Any]]] = field(default_factory=dict)

    @property
    def found(self) -> dict[str, Array]:
        """The gradients that there are."""
        return {name: g for name, g in self.gradients.items() if not isinstance(g, Missing)}


def compare_calls(
    layer: str,
    calls: Sequence[Call],
    comparer: "Callable[[Build], Comparer]",
    samples: int,
    *,
    thorough: bool = False,
    may_add: Collection[str] = (),
) -> Iterator[Comparison]:
    """Compare the gradients of two calls of one thing, the second after the first, on other inputs.

    A gradient that is right at the first call alone is of a stale value, or was added to the one of
    the first: which all those of `may_add` may be, together. `samples` is the number of images in
    an input. An array of more than LARGE elements is compared along random directions, and by
    element only if these disagree; with `thorough` by element in the first call. What is random, or
    rounded to float32 on the way, is `unknown`, unless it is wrong beyond that.
    """
    for name, (given, left) in calls[0].arguments.items():
        if np.shape(given) != np.shape(left) or not np.array_equal(given, left, equal_nan=True):
            yield Comparison(layer, name, problem="changed in place by forward or backward")
    comparers = [comparer(call.build) for call in calls]
    rows = [
        _compare_array(layer, name, calls, comparers, samples, thorough=thorough)
        for name in calls[0].gradients
    ]
    yield from _allow_sums(rows, may_add)


def _compare_array(
    layer: str,
    name: str,
    calls: Sequence[Call],
    comparers: "Sequence[Comparer]",
    samples: int,
    *,
    thorough: bool,
) -> Comparison:
    """Compare the gradients by one array, of the first call and then of the others."""
    found, before = Comparison(layer, name), None
    for call, comparer in zip(calls, comparers, strict=True):
        gradient = call.gradients[name]
        if isinstance(gradient, Missing):
            return Comparison(layer, name, problem=gradient.words, unknown=gradient.unknown)
        quick = not thorough or before is not None
        now = comparer.compare(layer, name, gradient, samples, quick=quick)
        if before is None:
            found = now
        elif not (now.passed or now.unknown):
            return replace(now, problem=comparer.explain_again(name, gradient, before))
        if not now.passed:
            return now
        before = gradient
    return found


def _allow_sums(rows: Sequence[Comparison], may_add: Collection[str]) -> Iterator[Comparison]:
    """Yield the rows, with a note where all gradients that may be added up are."""
    others = [r.name for r in rows if r.name in may_add and r.checked and r.problem != ADDED]
    for row in rows:
        if row.name not in may_add or row.problem != ADDED:
            yield row
        elif others:
            yield replace(
                row,
                problem=f"{ADDED}, as that by {others[0]} is",
            )
        else:
            yield replace(row, problem="", note="added to at every call until somebody resets it")
