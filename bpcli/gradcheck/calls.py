"""a Subject in -> two Calls of it, with the arrays that it depends on and their gradients, out."""

import contextlib
import copy
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
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
    Rewind,
    cast,
    execute,
    input_paths,
    make_function,
)
from bpcli.gradcheck.foreign import tree
from bpcli.gradcheck.foreign.tree import Path
from bpcli.gradcheck.leaves import Leaves, Where
from bpcli.gradcheck.places import as_gradient
from bpcli.gradcheck.rewind import make_rewind
from bpcli.gradcheck.subject import Outputs, Subject

SAME = 1e-9  # relative; how far apart sums of the same numbers may lie
AGAIN = 0.8, 1.0  # of an input, what the second call is given: as positive, and as small


@dataclass(frozen=True)
class Examined:
    """Two calls of a subject, and the `outputs` of the first.

    `parameters` has the names of its own arrays, `constants` those of inputs that were taken as
    given, because nothing is differentiated by them.
    """

    calls: tuple[Call, Call]
    outputs: Outputs
    parameters: tuple[str, ...]
    constants: tuple[str, ...]
    images: Callable[[], Iterator[Call]]  # a call for each row of the inputs, alone


def examine(subject: Subject, where: Where | None = None) -> Examined:
    """Call a copy of a subject forward and backward twice, the second time on other inputs.

    `where` says of arrays of the object where they and their gradients are; None looks for them.
    Raises what forward raises, BackwardError, and ArgumentError.
    """
    base, rewind = cast(copy.deepcopy(subject), np.float64), make_rewind(None)
    rng = np.random.default_rng(2)
    world = copy.deepcopy(base)
    first = execute(world, rng, rewind)
    leaves = Leaves(base, rewind, first, where)
    every = leaves.inputs | leaves.owned
    missing = {name: leaf.place for name, leaf in every.items() if isinstance(leaf.place, Missing)}
    places = {n: leaf.place for n, leaf in every.items() if not isinstance(leaf.place, Missing)}
    paths = {name: every[name].path for name in places}
    found = _read(first, places, base, paths)
    unset, sums = _mark(base, rewind, places, found)
    missing |= {name: Missing(f"{tree.spell(places[name][1:])} is never set") for name in unset}
    changed = {
        name: (tree.get(base, leaf.path), np.copy(tree.get(world, leaf.path)))
        for name, leaf in leaves.owned.items()
        if name in paths
    }

    def call(start: Subject, execution: Execution, gradients: dict[str, Array]) -> Call:
        own = {name: np.asarray(g - sums.get(name, 0)) for name, g in gradients.items()}
        build = partial(make_function, start, douts=execution.douts, paths=paths, rewind=rewind)
        return Call(build, own | missing, execution.arguments | changed)

    calls = [call(base, first, found)]
    world.inputs = _draw_again(base, {leaf.path for leaf in leaves.inputs.values()}, rng)
    start = copy.deepcopy(world)
    try:
        second = execute(world, rng, rewind)
        calls.append(call(start, second, _read(second, places, base, paths)))
    except Exception as error:  # noqa: BLE001 - it may be meant for one call alone
        words = f"right at the first call; at the second it raises {type(error.__cause__ or error).__name__}"
        never = Missing(f"{words}: {error.__cause__ or error}", unknown=True)
        calls.append(replace(calls[0], gradients=dict.fromkeys(found, never) | missing))
    parameters = tuple(leaves.owned)

    def images() -> Iterator[Call]:
        for row in range(count_rows(base.inputs)):
            start = copy.deepcopy(base)
            start.inputs = _take_row(start.inputs, row)
            execution = execute(copy.deepcopy(start), rng, rewind)
            yield call(start, execution, _read(execution, places, start, paths))

    constants = tuple(leaves.constants)
    return Examined((calls[0], calls[1]), first.outputs, parameters, constants, images)


def _read(
    execution: Execution, places: Mapping[str, Path], base: Subject, paths: Mapping[str, Path]
) -> dict[str, Array]:
    """Return a copy of each gradient, in the shape of its array where it can be added to that."""
    found = {}
    for name, place in places.items():
        gradient, shape = (
            as_gradient(tree.get(execution.left, place)),
            np.shape(tree.get(base, paths[name])),
        )
        if gradient.shape != shape and gradient.size == math.prod(shape):
            with contextlib.suppress(ValueError):
                gradient = np.broadcast_to(gradient, shape).copy()
        found[name] = gradient
    return found


def count_rows(inputs: Mapping[str, Any]) -> int:
    """Return how many rows the first array among inputs has, 1 if there is none."""
    return next((len(array) for array in inputs.values() if np.ndim(array)), 1)


def _take_row(inputs: dict[str, Any], row: int) -> dict[str, Any]:
    """Return inputs of one row of those that have as many as the first."""
    rows = count_rows(inputs)
    return {
        name: value[row : row + 1] if np.ndim(value) and len(value) == rows else value
        for name, value in inputs.items()
    }


def _mark(
    base: Subject, rewind: Rewind, places: Mapping[str, Path], found: Mapping[str, Array]
) -> tuple[list[str], dict[str, Array]]:
    """Return whose gradients backward leaves as they are, and those that it adds to.

    It is called once more, with marks in the arrays where gradients are kept before it.
    """
    rng, marks = np.random.default_rng(4), {}
    for name, place in places.items():
        if place[:1] == OWNER:
            marks[place] = rng.normal(size=found[name].shape)
    try:
        marked = execute(copy.deepcopy(base), np.random.default_rng(2), rewind, marks)
    except BackwardError:  # it does not take such numbers
        return [], {}
    unset, sums = list[str](), dict[str, Array]()
    for name, place in places.items():
        value = as_gradient(tree.get(marked.left, place))
        before = marked.filled.get(place)
        if before is None or value is None or value.shape != found[name].shape:
            continue
        if np.array_equal(value, marks[place]):
            unset.append(name)
        elif _are_close(value - marks[place], found[name] - before):
            sums[name] = before
    return unset, sums


def _are_close(a: Array, b: Array) -> bool:
    return bool(np.allclose(a, b, SAME, SAME * float(np.abs(b).max(initial=0))))


def _draw_again(base: Subject, moved: set[Path], rng: np.random.Generator) -> dict[str, Any]:
    """Return other inputs: what is differentiated somewhat smaller, labels in reverse order."""
    inputs = copy.deepcopy(base.inputs)
    for path in input_paths(inputs).values():
        array = tree.get(inputs, path)
        if INPUTS + path not in moved:
            array[...] = array[::-1].copy() if array.ndim else array
        elif array.any():
            array *= rng.uniform(*AGAIN, array.shape)
        else:
            array += 0.1 * rng.normal(size=array.shape)
    return inputs
