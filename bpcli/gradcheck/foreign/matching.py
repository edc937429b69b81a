"""arrays that matter, and what backward left in -> what may be the gradient by each out."""

import inspect
import re
from dataclasses import dataclass

import numpy as np

from bpcli.arrays import Array
from bpcli.gradcheck.foreign import roles, tree
from bpcli.gradcheck.foreign.calling import returned_names
from bpcli.gradcheck.foreign.probe import INPUTS, UNIT, Called, Probe
from bpcli.gradcheck.foreign.reading import Reading
from bpcli.gradcheck.foreign.tree import Path
from bpcli.gradcheck.foreign.units import bound

MARKS = re.compile(r"gradients?|grads?|nabla|delta|derivative|partial|diff|dl|dj|de|dc|d|g")
SHORT = {
    "weights": "w",
    "weight": "w",
    "bias": "b",
    "biases": "b",
    "kernel": "w",
    "kernels": "w",
    "filters": "w",
    "filter": "w",
    "theta": "w",
}
RATES = ("lr", "learning_rate", "alpha", "eta", "rate", "step_size", "learningRate")


@dataclass(frozen=True, eq=False)
class Candidate:
    """An array that may be a gradient; `name` is what the person calls it."""

    name: str
    array: Array
    order: int = -1  # among those that were returned
    updates: bool = False  # whether it is what backward has taken from the array itself


def match(probe: Probe, called: Called) -> dict[Path, list[Candidate]]:
    """Return what may be the gradient by each array that matters, the likeliest first.

    By their names; what was returned, in order, where the names do not tell; arrays of the same
    shape that backward has changed; and what backward has taken from a parameter itself.
    """
    returned = _returned(probe, called)
    attributes = _attributes(probe, called)
    found: dict[Path, list[Candidate]] = {path: [] for path in probe.leaves}
    for path in found:
        found[path] = [c for c in [*returned, *attributes] if _names_gradient(c.name, path)]
    first = next(iter(found))
    has_backward = probe.reading.unit.backward is not None
    fits = returned and _fits_first(probe, returned[0], first)
    if first[0] == INPUTS[0] and fits and not returned[0].name and has_backward:
        found[first].insert(0, returned[0])  # dx, before what backward may keep of its steps
    _match_in_order(probe, returned, found)
    used = {id(c.array) for candidates in found.values() for c in candidates}
    for path, candidates in found.items():
        shape = tree.get(probe.base, path).shape
        if not candidates and path == first and called.returned is None:
            candidates += [  # dinputs, say, of an x that has another name
                c
                for c in attributes
                if c.array.shape == shape and MARKS.match(roles.plain(c.name.rpartition(".")[2]))
            ]
        if not candidates and path[0] == UNIT[0]:
            updates = _updates(path, called)
            candidates += updates or [
                c for c in attributes if c.array.shape == shape and id(c.array) not in used
            ]
    return found


def source_of(reading: Reading) -> str:
    """Return the text of a unit's backward, as far as there is any."""
    unit = reading.unit
    function = None if unit.backward is None else bound(unit.thing, unit.backward)
    try:
        return inspect.getsource(inspect.unwrap(function)) if function else ""
    except (OSError, TypeError):
        return ""


def _fits_first(probe: Probe, candidate: Candidate, first: Path) -> bool:
    """Tell whether what is returned first may be dx: by its shape no other array is likelier."""
    shapes = {path: tree.get(probe.base, path).shape for path in probe.leaves}
    others = [shape for path, shape in shapes.items() if path != first]
    return candidate.array.shape == shapes[first] or candidate.array.shape not in others


def _returned(probe: Probe, called: Called) -> list[Candidate]:
    """Return the arrays that backward returned, under the names that it has for them."""
    parts, found = called.returned, list[Candidate]()
    if isinstance(parts, dict):
        parts = list(parts.items())
    elif isinstance(parts, tuple | list):
        function = probe.reading.unit.backward or probe.reading.unit.forward
        names = returned_names(bound(called.world.unit, function))
        if probe.reading.unit.backward is None:
            names = names[1:]
        names = names if len(names) == len(parts) else [""] * len(parts)
        parts = list(zip(names, parts, strict=True))
    else:
        parts = [("", parts)]
    for name, part in parts:
        if isinstance(part, float | int | np.floating) and not isinstance(part, bool):
            part = np.asarray(float(part))
        if isinstance(part, np.ndarray) and part.dtype.kind in "fiub":
            found.append(Candidate(str(name), np.asarray(part).astype(float), len(found)))
        elif isinstance(part, dict | list | tuple):
            for path, inner in tree.arrays(part).items():
                word = str(path[-1][1]) if isinstance(part, dict) else str(name)
                found.append(Candidate(word, np.asarray(inner).astype(float), len(found)))
    return found


def _attributes(probe: Probe, called: Called) -> list[Candidate]:
    """Return the arrays inside the object that backward has made or changed, by their paths."""
    found = []
    for path, array in called.after.items():
        before = called.before.get(path)
        is_parameter = UNIT + path in probe.leaves
        marked = any(MARKS.match(roles.plain(str(key))) for _, key in path)
        changed = before is None or before.shape != array.shape or not np.array_equal(before, array)
        if not is_parameter and (changed or marked):
            found.append(Candidate(tree.spell(path), np.asarray(array).astype(float)))
    for path, part in tree.walk(called.world.unit):  # a sum without an axis is a number
        if isinstance(part, np.floating) and MARKS.match(roles.plain(str(path[-1][1]))):
            found.append(Candidate(tree.spell(path), np.asarray(float(part))))
    return found


def _names_gradient(name: str, path: Path) -> bool:
    """Tell whether a name is that of the gradient by what is at a path."""
    words = [roles.plain(w) for w in re.findall(r"\w+", name)]
    own = [roles.plain(str(key)) for _, key in path[1:]]
    if not words or not own:
        return False
    last, mine = words[-1], own[-1]
    # params['W'] and grads['W'], params[0] and grads[0], W.data and W.grad
    if len(words) > 1 and MARKS.fullmatch(words[-2]) and last == mine:
        return True
    held = len(own) > 1 and mine in ("data", "value", "val", "w", "param", "array")
    if held and MARKS.fullmatch(last) and words[-2:-1] == own[-2:-1]:
        return True
    for word in {mine, SHORT.get(mine, mine)}:
        if re.fullmatch(
            rf"({MARKS.pattern})+{re.escape(word)}|{re.escape(word)}({MARKS.pattern})", last
        ) or (last == word and len(words) == 1):
            return True
    return False


def _match_in_order(
    probe: Probe, returned: list[Candidate], found: dict[Path, list[Candidate]]
) -> None:
    """Give what was returned without a telling name to arrays of its shape, in order."""
    left = [c for c in returned if not any(c in candidates for candidates in found.values())]
    shapes = [tree.get(probe.base, path).shape for path in found]
    if len(set(shapes)) == len(shapes) and sorted(shapes) == sorted(c.array.shape for c in left):
        by_shape = {c.array.shape: c for c in left}  # in whatever order they are
        for candidates, shape in zip(found.values(), shapes, strict=True):
            candidates.append(by_shape[shape])
        return
    network = probe.outputs[0].ndim == 0 and any(path[0] == UNIT[0] for path in found)
    for path, candidates in found.items():
        shape = tree.get(probe.base, path).shape
        if candidates or (network and path[0] == INPUTS[0]):  # which nobody asks a network for
            continue
        same = [c for c in left if c.array.shape == shape]
        first = path == next(iter(found)) and probe.reading.unit.backward is not None
        if not same and first and left and left[0].order == 0:
            others = [tree.get(probe.base, p).shape for p in found if p != path]
            if left[0].array.shape not in others:
                same = left[:1]  # dx comes first, whatever its shape is
        if same:
            candidates.append(same[0])
            left.remove(same[0])
    empty = [c for path, c in found.items() if not c and not (network and path[0] == INPUTS[0])]
    if len(empty) == len(left) == 1 and len(found) > 1:
        empty[0].append(left[0])  # of another shape than it should be


def _updates(path: Path, called: Called) -> list[Candidate]:
    """Return what backward has taken from a parameter, divided by the learning rate."""
    before, after = called.before.get(path[1:]), called.after.get(path[1:])
    if before is None or after is None or before.shape != after.shape:
        return []
    taken = before - after
    if not taken.any():
        return []
    owner = called.world.unit
    rates = [getattr(owner, name) for name in RATES if isinstance(getattr(owner, name, 0), float)]
    rate = next((r for r in rates if r), 0.1)
    return [Candidate("what backward takes from it", taken / rate, updates=True)]
