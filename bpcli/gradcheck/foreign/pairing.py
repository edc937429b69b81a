"""arrays that matter, and what backward left in -> what may be the gradient by each, out.

By name first; then by order, for what was returned without one; then by shape, where what agrees
is believed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.arrays import Array, Shape
from bpcli.gradcheck.foreign import texts, tree, vocabulary
from bpcli.gradcheck.foreign.discover import bound
from bpcli.gradcheck.foreign.experiment import INPUTS, UNIT, Called, Experiment
from bpcli.gradcheck.foreign.naming import MARKS, is_marked, kinship, names_gradient
from bpcli.gradcheck.foreign.tree import Path
from bpcli.gradcheck.foreign.values import RATE
from bpcli.gradcheck.foreign.vocabulary import plain

NUMBERS = (float, int, np.floating)


@dataclass(frozen=True, eq=False)
class Candidate:
    """An array that may be a gradient; `name` is what the person calls it.

    `sure` is whether its name or place says so, and not its shape alone; `updates` is what
    backward has taken from the array itself, of which `array` is divided by the learning rate.
    """

    name: str
    array: Array
    order: int = -1  # among those that were returned
    sure: bool = True
    updates: tuple[Array, ...] = ()


def pair(experiment: Experiment, called: Called) -> dict[Path, list[Candidate]]:
    """Return what may be the gradient by each array that matters, the likeliest first."""
    returned, attributes = _returned(experiment, called), _attributes(experiment, called)
    filled = [Candidate(str(k), _floats(a)) for k, a in called.state.filled.items() if _is_array(a)]
    found: dict[Path, list[Candidate]] = {path: [] for path in experiment.leaves}
    for path in found:
        same = [c for c in filled if c.name == str(path[-1][1])]  # "Dense1/W", as params has it
        named = [c for c in [*returned, *filled, *attributes] if names_gradient(c.name, path)]
        found[path] = same or sorted(named, key=lambda c: -kinship(c.name, path))
        found[path] += _sum_of_shared(experiment, path, [*returned, *attributes])
    first = next(iter(found))
    has_backward = experiment.convention.unit.backward is not None
    fits = returned and _fits_first(experiment, returned[0], first)
    if first[0] == INPUTS[0] and fits and not returned[0].name and has_backward:
        found[first].insert(0, returned[0])  # dx, before what backward may keep of its steps
    _pair_in_order(experiment, returned, found)
    _pair_by_shape(experiment, called, [*returned, *filled, *attributes], found)
    return found


def _sum_of_shared(experiment: Experiment, path: Path, every: list[Candidate]) -> list[Candidate]:
    """Return the sum of the gradients by an array that stands in several places, as in CBOW.

    Each layer that shares it has a gradient of its own, and whoever updates it adds them up.
    """
    parts: list[Candidate] = []
    for other in (path, *experiment.shared.get(path, ())):
        named = [c for c in every if names_gradient(c.name, other)]
        first = max(named, key=lambda c: kinship(c.name, other), default=None)
        if first and not any(np.array_equal(first.array, part.array) for part in parts):
            parts.append(first)
    if len(parts) < 2 or len({part.array.shape for part in parts}) > 1:
        return []
    total = np.sum([part.array for part in parts], axis=0)
    return [Candidate(" + ".join(part.name for part in parts), total)]


def _pair_by_shape(
    experiment: Experiment,
    called: Called,
    every: list[Candidate],
    found: dict[Path, list[Candidate]],
) -> None:
    """Give to what has none: what was taken from it, else all of its shape that nobody has."""
    used = {id(c.array) for candidates in found.values() for c in candidates}
    first = next(iter(found))
    for path, candidates in found.items():
        if candidates:
            continue
        updates = _updates(path, called) if path[0] == UNIT[0] else []
        if updates:
            candidates += updates
            continue
        shape = tree.get(experiment.base, path).shape
        free = [c for c in every if id(c.array) not in used and c.array.shape == shape]
        if path[0] == INPUTS[0]:
            own = path == first and called.returned is None
            free = [c for c in free if own and is_marked(c.name)]
        candidates += [Candidate(c.name, c.array, c.order, sure=path[0] == INPUTS[0]) for c in free]


def _fits_first(experiment: Experiment, candidate: Candidate, first: Path) -> bool:
    """Tell whether what is returned first may be dx: by its shape no other array is likelier."""
    shapes = {path: tree.get(experiment.base, path).shape for path in experiment.leaves}
    others = [shape for path, shape in shapes.items() if path != first]
    return candidate.array.shape == shapes[first] or candidate.array.shape not in others


def _floats(thing: Any) -> Array:
    return np.asarray(thing, float)


def _is_array(thing: Any) -> bool:
    if isinstance(thing, NUMBERS) and not isinstance(thing, bool):
        return True
    return isinstance(thing, np.ndarray) and thing.dtype.kind in "fiub"


def _returned(experiment: Experiment, called: Called) -> list[Candidate]:
    """Return the arrays that backward returned, under the names that it has for them."""
    parts, found = called.returned, list[Candidate]()
    unit = experiment.convention.unit
    if isinstance(parts, dict):
        pairs = list(parts.items())
    elif isinstance(parts, tuple | list):
        names = texts.returned_names(bound(called.state.unit, unit.backward or unit.forward))
        if unit.backward is None and len(names) == len(parts) + 1:
            names = names[1:]
        names = names if len(names) == len(parts) else [""] * len(parts)
        pairs = list(zip(names, parts, strict=True))
        if unit.backward is None and any(map(is_marked, names)):
            pairs = [(n, p) for n, p in pairs if n]  # the others are states, or outputs
        marked = unit.backward is None or any(map(is_marked, names))
        pairs = [(n, p) for n, p in pairs if not (marked and n) or _may_be_gradient(n, experiment)]
    else:
        names = texts.returned_names(bound(called.state.unit, unit.backward or unit.forward))
        told = [n for n in names if any(names_gradient(n, p) for p in experiment.leaves)]
        pairs = [(told[0] if len(names) == len(told) == 1 else "", parts)]
    named = isinstance(parts, dict)  # which is in no order
    for name, part in pairs:
        if _is_array(part):
            found.append(Candidate(str(name), _floats(part), -1 if named else len(found)))
        elif isinstance(part, dict | list | tuple):
            for path, inner in tree.arrays(part).items():
                word = str(path[-1][1]) if isinstance(part, dict) else f"{name}{tree.spell(path)}"
                found.append(Candidate(word, inner.astype(float), len(found)))
    return found


def _may_be_gradient(name: str, experiment: Experiment) -> bool:
    """Tell whether what is returned beside gradients is one itself, and no state or output."""
    own = experiment.convention.unit.backward is None or name not in experiment.base.named
    return (is_marked(name) and own) or any(
        names_gradient(name, path) and plain(name) != plain(str(path[-1][1]))
        for path in experiment.leaves
    )


def _attributes(experiment: Experiment, called: Called) -> list[Candidate]:
    """Return the arrays inside the object that backward has made or changed, by their paths."""
    found = []
    for path, array in called.after.items():
        before = called.before.get(path)
        is_parameter = UNIT + path in experiment.leaves
        marked = any(MARKS.match(plain(str(key))) for _, key in path)
        changed = before is None or before.shape != array.shape or not np.array_equal(before, array)
        if not is_parameter and (changed or marked):
            found.append(Candidate(tree.spell(path), array.astype(float)))
    for path, part in tree.walk(called.state.unit):  # a sum without an axis is a number
        if isinstance(part, np.floating | float) and MARKS.match(plain(str(path[-1][1]))):
            found.append(Candidate(tree.spell(path), np.asarray(float(part))))
    return found


def _pair_in_order(
    experiment: Experiment, returned: list[Candidate], found: dict[Path, list[Candidate]]
) -> None:
    """Give what was returned without a telling name to arrays of its shape, in order."""
    left = [c for c in returned if not any(c in candidates for candidates in found.values())]
    shapes = [tree.get(experiment.base, path).shape for path in found]
    if _all_differ(shapes) and sorted(shapes) == sorted(c.array.shape for c in left):
        by_shape = {c.array.shape: c for c in left}  # in whatever order they are
        for candidates, shape in zip(found.values(), shapes, strict=True):
            candidates.append(by_shape[shape])
        return
    left = [c for c in left if c.order >= 0]
    scalar = experiment.outputs[0].ndim == 0
    network = scalar and any(path[0] == UNIT[0] for path in found)
    wanted = [path for path in found if not (network and path[0] == INPUTS[0])]
    for path in wanted:
        candidates, shape = found[path], tree.get(experiment.base, path).shape
        if candidates:
            continue
        same = [c for c in left if c.array.shape == shape]
        first = path == next(iter(found)) and experiment.convention.unit.backward is not None
        if not same and first and left and left[0].order == 0:
            others = [tree.get(experiment.base, p).shape for p in found if p != path]
            if left[0].array.shape not in others:
                same = left[:1]  # dx comes first, whatever its shape is
        if same:
            candidates.append(same[0])
            left.remove(same[0])
    empty = [found[path] for path in wanted if not found[path]]
    if len(empty) == len(left) == 1 and len(found) > 1:
        empty[0].append(left[0])  # of another shape than it should be


def _all_differ(shapes: list[Shape]) -> bool:
    return len(set(shapes)) == len(shapes)


def _updates(path: Path, called: Called) -> list[Candidate]:
    """Return what backward has taken from a parameter, divided by the learning rate.

    That is an argument, an attribute of the object, or a number in the text of backward.
    """
    before, after = called.before.get(path[1:]), called.after.get(path[1:])
    if before is None or after is None or before.ndim != after.ndim:
        return []
    try:
        taken = before - after  # of another shape, where images were not added up
    except ValueError:
        return []
    if not taken.any():
        return []
    owner = called.state.unit
    rates = [getattr(owner, n) for n in vocabulary.RATES if isinstance(getattr(owner, n, 0), float)]
    rate = next((r for r in rates if r), RATE)
    return [Candidate("what backward takes from it", taken / rate, updates=(taken,))]


def in_shape(gradient: Array, value: Array) -> Array:
    """Return a gradient in the shape of its array, if it can be taken from that as it is."""
    if gradient.shape == value.shape or gradient.size != value.size:
        return gradient
    try:
        fits = np.broadcast_shapes(value.shape, gradient.shape) == value.shape
    except ValueError:
        return gradient
    return gradient.reshape(value.shape) if fits else gradient
