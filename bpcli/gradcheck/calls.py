"""a Subject in -> two Calls of it, with the arrays that it depends on and their gradients, out."""

import contextlib
import copy
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from bpcli.arrays import Array
from bpcli.gradcheck.comparer import Call, Missing
from bpcli.gradcheck.execution import (
    INPUTS,
    OWNER,
    BackwardError,
    Execution,
    cast,
    execute,
    input_paths,
    make_function,
)
from bpcli.gradcheck.foreign import tree
from bpcli.gradcheck.foreign.tree import Path
from bpcli.gradcheck.leaves import Leaves, Where
from bpcli.gradcheck.places import as_gradient
from bpcli.gradcheck.raised import describe
from bpcli.gradcheck.rewind import make_rewind
from bpcli.gradcheck.subject import Subject

SAME = 1e-9  # relative; how far apart sums of the same numbers may lie
AGAIN = 0.8, 1.0  # of an input, what the second call is given: as positive, and as small


class Examination:
    """Two calls of a copy of a subject, forward and backward, the second on other inputs.

    `calls` has the two, `outputs` what the first forward returned. `parameters` are the names of
    the subject's own arrays, `constants` those of inputs that were taken as given, because nothing
    is differentiated by them. `where` says of arrays of the object where they and their gradients
    are; None looks for them. Raises what forward raises, BackwardError, and ArgumentError.
    """

    def __init__(self, subject: Subject, where: Where | None = None) -> None:
        self.base, self.rewind = cast(copy.deepcopy(subject), np.float64), make_rewind(None)
        used = copy.deepcopy(self.base)
        first = execute(used, _rng(), self.rewind)
        leaves = Leaves(self.base, self.rewind, first, where)
        every = leaves.inputs | leaves.owned
        self.outputs = first.outputs
        self.parameters, self.constants = tuple(leaves.owned), tuple(leaves.constants)
        self.missing: dict[str, Missing] = {}
        self.places: dict[str, Path] = {}
        for name, leaf in every.items():
            if isinstance(leaf.place, Missing):
                self.missing[name] = leaf.place
            else:
                self.places[name] = leaf.place
        self.paths = {name: every[name].path for name in self.places}
        found = self._read(self.base, first)
        unset, self.before = self._find_unset(found)
        for name in unset:
            words = f"{tree.spell(self.places[name][1:])} is never set"
            self.missing[name] = Missing(words)
        kept = {n: p for n, p in self.paths.items() if p[:1] == OWNER}
        changed = {
            name: (tree.get(self.base, path), np.copy(tree.get(used, path)))
            for name, path in kept.items()
        }
        call = self._call(self.base, first, found)
        call = replace(call, arguments=first.arguments | changed)
        self.calls = call, self._call_again(used, call)

    def images(self, call: Call) -> Iterator[Call]:
        """Make a call for each row of the inputs of one of the two, alone."""
        origin = self.base if call is self.calls[0] else self.again
        for row in range(count_rows(origin.inputs)):
            start = copy.deepcopy(origin)
            start.inputs = _take_row(start.inputs, row)
            execution = execute(copy.deepcopy(start), _rng(), self.rewind)
            yield self._call(start, execution, self._read(start, execution))

    def _call(self, start: Subject, execution: Execution, found: dict[str, Array]) -> Call:
        """Return the call that began with a subject as it was at the `start`."""
        build = partial(
            make_function, start, douts=execution.douts, paths=self.paths, rewind=self.rewind
        )
        own = {name: np.asarray(g - self.before.get(name, 0)) for name, g in found.items()}
        return Call(build, {**own, **self.missing})

    def _call_again(self, used: Subject, first: Call) -> Call:
        """Call what has been used once more, on other inputs."""
        moved = {path for path in self.paths.values() if path[:1] == INPUTS}
        used.inputs = _draw_again(self.base.inputs, moved)
        start = self.again = copy.deepcopy(used)
        try:
            second = execute(used, _rng(), self.rewind)
            return self._call(start, second, self._read(start, second))
        except Exception as error:  # noqa: BLE001 - it may be meant for one call alone
            words = f"right at the first call; the second: {describe(error.__cause__ or error)}"
            never = Missing(words, unknown=True)
            return replace(first, gradients=dict.fromkeys(first.found, never) | self.missing)

    def _read(self, start: Subject, execution: Execution) -> dict[str, Array]:
        """Return a copy of each gradient, in the shape of its array where it can be added to it."""
        found = {}
        for name, place in self.places.items():
            gradient = as_gradient(tree.get(execution.left, place))
            shape = np.shape(tree.get(start, self.paths[name]))
            if gradient.shape != shape and gradient.size == math.prod(shape):
                with contextlib.suppress(ValueError):
                    gradient = np.broadcast_to(gradient, shape).copy()
            found[name] = gradient
        return found

    def _find_unset(self, found: Mapping[str, Array]) -> tuple[list[str], dict[str, Array]]:
        """Return whose gradients backward leaves as they are, and what it adds others to.

        It is called once more, with marks in the arrays where gradients are kept before it.
        """
        rng, marks = np.random.default_rng(4), {}
        for name, place in self.places.items():
            if place[:1] == OWNER:
                marks[place] = rng.normal(size=found[name].shape)
        try:
            marked = execute(copy.deepcopy(self.base), _rng(), self.rewind, marks)
        except BackwardError:  # it does not take such numbers
            return [], {}
        unset, sums = list[str](), dict[str, Array]()
        for name, place in self.places.items():
            value = as_gradient(tree.get(marked.left, place))
            before = marked.filled.get(place)
            if before is None or value is None or value.shape != found[name].shape:
                continue
            if np.array_equal(value, marks[place]):
                unset.append(name)
            elif _are_close(value - marks[place], found[name] - before):
                sums[name] = before
        return unset, sums


def _rng() -> np.random.Generator:
    """Return what draws dout: the same for each call."""
    return np.random.default_rng(2)


def count_rows(inputs: Mapping[str, Any]) -> int:
    """Return how many rows the first array among inputs has, 1 if there is none."""
    return next((len(array) for array in inputs.values() if _has_rows(array)), 1)


def _has_rows(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim > 0


def _take_row(inputs: dict[str, Any], row: int) -> dict[str, Any]:
    """Return inputs of one row of those that have as many as the first."""
    rows = count_rows(inputs)
    return {
        name: value[row : row + 1] if _has_rows(value) and len(value) == rows else value
        for name, value in inputs.items()
    }


def _are_close(a: Array, b: Array) -> bool:
    return bool(np.allclose(a, b, SAME, SAME * float(np.abs(b).max(initial=0))))


def _draw_again(inputs: dict[str, Any], moved: set[Path]) -> dict[str, Any]:
    """Return other inputs: what is differentiated somewhat smaller, labels in reverse order."""
    inputs, rng = copy.deepcopy(inputs), np.random.default_rng(6)
    for path in input_paths(inputs).values():
        array = tree.get(inputs, path)
        if INPUTS + path not in moved:
            array[...] = array[::-1].copy() if array.ndim else array
        elif array.any():
            array *= rng.uniform(*AGAIN, array.shape)
        else:
            array += 0.1 * rng.normal(size=array.shape)
    return inputs
