"""an object that has been built in -> its parameters such that each of them matters out."""

from typing import TYPE_CHECKING, Any

import numpy as np

from bpcli.gradcheck.foreign import tree, vocabulary
from bpcli.gradcheck.foreign.naming import is_marked, names_gradient
from bpcli.gradcheck.foreign.tree import Path

if TYPE_CHECKING:
    from bpcli.arrays import Array

FEW = 0.05  # deviation of weights below which they are made larger: all gradients would be small
WIDE, NARROW, HALF = np.dtype("f8"), np.dtype("f4"), np.dtype("f2")


def widen(unit: Any) -> None:
    """Make arrays of float32 float64, in which differences say something."""
    wide: dict[int, Array] = {}
    for path, array in tree.arrays(unit).items():
        if array.dtype in (NARROW, HALF):
            wide.setdefault(id(array), array.astype(WIDE))
            tree.put(unit, path, wide[id(array)])


def enliven(unit: Any, rng: np.random.Generator, *, built: bool) -> None:
    """Make parameters that are all the same, or hardly differ from 0, different.

    Before it is sought what matters: with weights of zero nothing else does. What forward has
    made, and is no parameter by its name, may be what it needs it to be.
    """
    seen: set[int] = set()
    arrays = {
        path: array
        for path, array in tree.arrays(unit).items()
        if not any(vocabulary.KEPT.search(str(key)) for _, key in path)
        and (built or vocabulary.is_array(str(path[-1][1])))
    }
    gradients = {p for p in arrays for q in arrays if p != q and _is_gradient(p, q)}
    for path in sorted(arrays.keys() - gradients, key=lambda p: (len(p), str(p))):
        array = tree.get(unit, path)
        if id(array) in seen or not array.flags.writeable or array.std() >= FEW:
            continue
        seen.add(id(array))
        width = 0.3 if array.ndim < 2 else min(0.3, max(array.shape) ** -0.5)
        noise = width * rng.normal(size=array.shape)
        signed = vocabulary.is_array(str(path[-1][1])) or array.any()
        positive = vocabulary.plain(str(path[-1][1])) in vocabulary.PER_FEATURE
        array += noise if signed and not positive and abs(array.mean()) < FEW else np.abs(noise)


def _is_gradient(path: Path, other: Path) -> bool:
    """Tell whether an array is kept for the gradient by another one."""
    return (
        path[-1][1] != other[-1][1] and names_gradient(tree.spell(path), ((".", "unit"), *other))
    ) or (len(path) > 1 and is_marked(str(path[-2][1])) and path[-1] == other[-1])
