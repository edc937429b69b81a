"""a unit of a solution in -> a Trial, inputs that tell, and what it makes of them, out.

A trial goes from process to process, and so has nothing but what JSON has.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.arrays import Array
from bpcli.gradcheck.foreign import tree
from bpcli.gradcheck.foreign.convention import Convention
from bpcli.gradcheck.foreign.discover import Unit
from bpcli.gradcheck.foreign.experiment import INPUTS, Experiment
from bpcli.gradcheck.foreign.layout import draw
from bpcli.gradcheck.foreign.pairing import in_shape, pair
from bpcli.gradcheck.foreign.state import MiscalledError, State
from bpcli.gradcheck.foreign.tree import Path
from bpcli.teaching.against.way import find_way

SEEDS = 0, 1
LARGER = 5.0  # times as large as those of the gradient check, where ReLU6 is not ReLU
FEWER = 2  # images of a smaller mini-batch


@dataclass(frozen=True)
class Draw:
    """Values for what the output depends on, labels, and the outputs that a solution has."""

    values: dict[str, Any]
    labels: list[Any]
    outputs: list[Any]


@dataclass(frozen=True)
class Trial:
    """How a unit of the solution is called, and what comes out: of each draw, the first with dout.

    `x` is the shape of its input, `layout` what the axes are; `kinds` are what its labels are, and
    whether x are whole numbers. `gradients` are by the names of `values`, the input's first.
    """

    x: tuple[int, ...]
    layout: str
    kinds: tuple[str, bool, bool]
    draws: list[Draw]
    douts: list[Any]
    gradients: dict[str, Any]


def kinds_of(convention: Convention) -> tuple[str, bool, bool]:
    """Return what tells apart conventions in which other numbers are taken."""
    return convention.labels, convention.indices, convention.likely


def propose(unit: Unit, given: Mapping[str, Any], tolerance: float) -> Trial | None:
    """Return a trial by a unit of the solution, or None where its forward has no one value."""
    convention, is_right = find_way(unit, given, tolerance)
    if convention is None or not is_right or _is_random(convention):
        return None
    experiment = Experiment(convention, SEEDS[0])
    draws = list(_draws(experiment))
    place_values(experiment, dict(zip(experiment.leaves, draws[0].values.values(), strict=True)))
    called = experiment.call(experiment.douts)
    gradients = {}
    for path, candidates in pair(experiment, called).items():
        if candidates:
            array = in_shape(candidates[0].array, tree.get(experiment.base, path))
            gradients[experiment.leaves[path]] = array.tolist()
    douts = [dout.tolist() for dout in experiment.douts]
    layout = convention.layout
    return Trial(layout.x, layout.name, kinds_of(convention), draws, douts, gradients)


def place_values(experiment: Experiment, values: Mapping[Path, Any]) -> None:
    """Give the arrays of an experiment other values, from now on."""
    move(experiment.base, values)
    experiment.outputs = experiment.evaluate()


def move(state: State, values: Mapping[Path, Any]) -> None:
    """Give the arrays of a state other values, in place where others may have the same array."""
    for path, value in values.items():
        array, new = tree.get(state, path), np.asarray(value, float)
        if path[0] != INPUTS[0] and array.flags.writeable and array.shape == new.shape:
            array[...] = new
        else:
            tree.put(state, path, new)


def _is_random(convention: Convention) -> bool:
    """Tell whether forward draws numbers, which another forward may draw in another order."""
    try:
        one, other = (Experiment(convention, seed) for seed in SEEDS)
        values = {path: tree.get(one.base, path) for path in one.leaves}
        place_values(other, values)
        other.base.inputs |= {n: one.base.inputs[n] for n in one.base.constants}
        other.outputs = other.evaluate()
        pairs = zip(one.outputs, other.outputs, strict=True)
        return any(a.shape != b.shape or not np.allclose(a, b) for a, b in pairs)
    except (MiscalledError, LookupError):
        return True


def _draws(experiment: Experiment) -> Iterator[Draw]:
    """Yield what is drawn, larger numbers for what is no loss, and a smaller mini-batch."""
    rng = np.random.default_rng(SEEDS[1])
    base = {path: np.array(tree.get(experiment.base, path)) for path in experiment.leaves}
    first = next(iter(base))
    yield _draw(experiment, base, experiment.base.inputs)
    if experiment.outputs[0].ndim:
        larger = base | {first: LARGER * draw(base[first].shape, rng)}
        yield _draw(experiment, larger, experiment.base.inputs)
    images = experiment.convention.layout.images
    labels = {n: np.asarray(experiment.base.inputs[n]) for n in experiment.base.constants}
    if images > FEWER and first[0] == INPUTS[0] and images in base[first].shape:
        fewer = base | {first: _fewer(base[first], images)}
        inputs = experiment.base.inputs | {n: _fewer(t, images) for n, t in labels.items()}
        try:
            yield _draw(experiment, fewer, inputs)
        except MiscalledError:  # which the solution does not take either
            return


def _fewer(array: Array, images: int) -> Array:
    axis = array.shape.index(images) if images in array.shape else 0
    return np.take(array, range(min(FEWER, array.shape[axis])), axis) if array.ndim else array


def _draw(experiment: Experiment, values: Mapping[Path, Array], inputs: Mapping[str, Any]) -> Draw:
    labels = {name: inputs[name] for name in experiment.base.constants}

    def place(state: State) -> None:
        move(state, values)
        state.inputs |= labels

    outputs = experiment.evaluate(place)
    return Draw(
        {experiment.leaves[path]: array.tolist() for path, array in values.items()},
        [np.asarray(t).tolist() for t in labels.values()],
        [y.tolist() for y in outputs],
    )
