"""a person's function, and what its arguments may stand for, in -> the function, called, out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.arrays import Array
from bpcli.gradcheck.foreign import tree, usage, vocabulary
from bpcli.gradcheck.foreign.arguments import is_required, parameters
from bpcli.gradcheck.foreign.naming import is_marked, kinship, names_gradient
from bpcli.gradcheck.foreign.tree import Path
from bpcli.gradcheck.foreign.vocabulary import plain

TRAIN, TEST = "train", "test"  # the word for it under `mode`


class UnfitError(Exception):
    """A way of calling that a person's layer does not take; the words say why."""


@dataclass(frozen=True)
class Way:
    """How a layer may be meant to be called; the first that does as ours does is believed.

    Images may be `columns` of x, W may be `turned` (M, D), and what backward takes may be the
    gradient from the right (`upstream`), or x or y, of which it returns the derivative. A rate of
    dropout may be what is kept; labels may be one-hot.
    """

    columns: bool = False
    turned: bool = False
    style: str = "upstream"
    keeps: bool = False
    hot: bool = False


def arguments(function: Any) -> dict[str, bool]:
    """Return the names of a function's arguments, and whether each has to be given."""
    named = parameters(function)
    return {p.name: is_required(p) for p in named if p.name not in ("self", "cls")}


def modes(function: Any, *, training: bool) -> dict[str, Any]:
    """Return what tells a function, or a dictionary of options, whether it is training."""
    flags = {n: training for n in arguments(function) if vocabulary.TRAINING.fullmatch(plain(n))}
    words = {n: TRAIN if training else TEST for n in arguments(function) if plain(n) == "mode"}
    return flags | words


def plan_backward(function: Any, known: set[str], style: str) -> dict[str, str]:
    """Return what each argument of a backward is: dout, cache, x, y, or one of forward's own.

    `known` are the names of forward's arguments. Raises UnfitError for one that nobody knows.
    """
    uses = usage.uses_of_arguments(function)
    plan: dict[str, str] = {}
    for name, required in arguments(function).items():
        what = name if name in known else _meaning(name, uses.get(name, set()))
        if not what and required:
            if vocabulary.is_output(name) and not vocabulary.is_upstream(name):
                what = "y"
            elif "dout" not in plan.values():
                what = "dout"
            else:
                raise UnfitError(f"what is {name} of its backward?")
        if what:
            plan[name] = what
    first = next(iter(plan), "")
    if first and style != "upstream":
        plan[first] = {"input": "x", "output": "y"}[style]
    elif first and not {"dout", "cache"} & {plan[first], *plan.values()}:
        plan[first] = "dout"  # backward(x) of forward(x), which is called so by mistake
    return plan


def _meaning(name: str, uses: set[str]) -> str:
    """Return what an argument of a backward is by its name and use, beside dout; "" otherwise."""
    if vocabulary.CACHE.fullmatch(plain(name)):
        return "cache"
    if usage.FILLED in uses:
        return "filled"
    return "training" if vocabulary.TRAINING.fullmatch(plain(name)) else ""


def take_result(results: Any, root: Any) -> tuple[Any, Any]:
    """Return what forward has computed, and the cache that it returns beside it, if any."""
    if results is None:
        kept = (getattr(root, name, None) for name in vocabulary.RESULTS)
        results = next((part for part in kept if isinstance(part, np.ndarray)), None)
    if isinstance(results, tuple) and results:
        return results[0], results[-1] if len(results) > 1 else None
    return results, None


def take_dx(returned: Any, root: Any) -> Any:
    """Return dx of what backward has returned, or has left in the layer."""
    if isinstance(returned, tuple | list) and returned:
        return returned[0]
    if isinstance(returned, dict):
        names = [name for name in returned if plain(str(name)) in vocabulary.INPUT_GRADIENTS]
        return returned[names[0]] if names else None
    if returned is None:
        kept = [n for n in tree.vars_of(root) if plain(n) in vocabulary.INPUT_GRADIENTS]
        return getattr(root, kept[0]) if kept else None
    return returned


def find_gradient(
    left: dict[str, Any], path: Path, size: int, names: list[str], taken: list[Path]
) -> Path:
    """Return where in what a call of backward has left the gradient by the array at a path is.

    `left` has what was `returned` and `filled`, and the `layer` itself; `names` are those of what
    was returned, and `taken` are paths of other gradients. Raises UnfitError if it is nowhere.
    """
    own = ((".", "unit"), *path)
    found: list[tuple[int, Path]] = []
    likely: list[Path] = []  # by size, of what is returned without a name
    for place, part in tree.walk(left):
        if not isinstance(part, np.ndarray | float | np.floating) or place in taken:
            continue
        if place == (("[", "layer"), *path):
            continue
        name, in_layer = tree.spell(place[1:]), place[0][1] == "layer"
        order = place[1][1] if place[0][1] == "returned" and len(place) > 1 else None
        if isinstance(order, int) and order < len(names):
            name = names[order]
        if names_gradient(name, own) and (is_marked(name) or not in_layer):
            found.append((kinship(name, own), place))
        elif isinstance(order, int) and order and np.size(part) == size:
            likely.append(place)
    if found:
        return max(found, key=lambda pair: pair[0])[1]
    if not likely:
        raise UnfitError(f"backward leaves no gradient by {tree.spell(path)}")
    return likely[0]


def as_array(found: Any, shape: tuple[int, ...], what: str) -> Array:
    """Return an array that has to be of a shape. Raises UnfitError."""
    if not isinstance(found, np.ndarray) or found.shape != shape:
        got = found.shape if isinstance(found, np.ndarray) else type(found).__name__
        raise UnfitError(f"{what} is {got}, expected {shape}")
    return found


def known_values(plan: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a plan asks for, by the names of arguments."""
    return {name: values[what] for name, what in plan.items()}
