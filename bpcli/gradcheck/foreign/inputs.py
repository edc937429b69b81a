"""a convention in -> the inputs of forward: x, labels of a kind, and others, by name, out."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.gradcheck.foreign import texts, vocabulary
from bpcli.gradcheck.foreign.arguments import Supply, is_required, parameters
from bpcli.gradcheck.foreign.convention import Convention
from bpcli.gradcheck.foreign.given import take
from bpcli.gradcheck.foreign.labels import find_input_and_labels, make_labels
from bpcli.gradcheck.foreign.layout import UNITS, draw
from bpcli.gradcheck.foreign.state import Context


def make_inputs(
    convention: Convention, forward: Callable[..., Any], supply: Supply
) -> tuple[dict[str, Any], set[str]]:
    """Return x and t by the names that forward has for them, and the name of t."""
    named = parameters(forward)
    names, inputs = [parameter.name for parameter in named], convention.unit.inputs
    if inputs:
        known = dict(zip(names, inputs, strict=False))
        second = names[1:2] if convention.unit.kind == "object" else []
        return known, {n for n in known if vocabulary.is_labels(n)} | {*second} & {*known}
    first = names[:1] if len(names) > 1 else []
    known = {n: Context() for n in first if vocabulary.CONTEXT.fullmatch(n.lower())}
    names = [name for name in names if name not in known]
    if not names:
        return known, set(known)
    x_name, t_name = find_input_and_labels(names, with_labels=bool(convention.labels))
    constants = {t_name, *known}
    known[x_name] = _make_x(convention, x_name, supply)
    parts = texts.parts_of(forward, x_name) if _answers_in_parts(convention, forward) else 0
    parts = max(parts, 2 * texts.joins(forward, x_name))
    if parts > 1 and x_name not in convention.given and not convention.labels:
        known[x_name] = [_make_x(convention, x_name, supply) for _ in range(parts)]
    too = {*vocabulary.LABELS, *vocabulary.INPUT, *vocabulary.PREDICTED}
    if {name.lower() for name in names} >= vocabulary.ATTENTION:
        too |= vocabulary.ATTENTION
    for parameter in named:  # another input, as y in x + y
        word = vocabulary.plain(parameter.name)
        state = supply.open and vocabulary.STATE.fullmatch(word)
        pair = names[1:] == [parameter.name] and _are_neighbours(*names)  # and no bias
        if (
            parameter.name not in (x_name, t_name, *supply.shapes)
            and (word in too or pair or _is_input(convention, parameter.name))
            and not state
            and is_required(parameter)
            and (pair or not vocabulary.is_array(parameter.name))
        ):
            known.setdefault(parameter.name, _another(convention, supply))
    if t_name:
        known[t_name] = _make_labels(convention, t_name, known[x_name], supply)
    return known, (constants | ({x_name} if convention.indices else set())) - {""}


def _are_neighbours(name: str, other: str) -> bool:
    """Tell whether two arguments are called by letters that follow, as a and b, or p and q."""
    letters = len(name) == len(other) == 1 and not vocabulary.is_array(name)
    return letters and ord(other) - ord(name) == 1


def _another(convention: Convention, supply: Supply) -> Any:
    x = draw(convention.layout.x, supply.rng)
    return _as_probabilities(x, convention) if convention.likely else x


def _as_probabilities(x: Any, convention: Convention) -> Any:
    axis = 0 if convention.layout.columns else -1
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


def _is_input(convention: Convention, name: str) -> bool:
    """Tell whether an argument is another input by the words that its name is made of."""
    return not convention.open and bool(vocabulary.INPUT_WORDS & {*vocabulary.parts(name)})


def _answers_in_parts(convention: Convention, forward: Callable[..., Any]) -> bool:
    """Tell whether backward returns several gradients, as where x is a list of arrays."""
    backward, owner = convention.unit.backward, getattr(forward, "__self__", None)
    if isinstance(backward, str):
        backward = getattr(owner if owner is not None else convention.unit.thing, backward)
    return backward is not None and texts.returns_several(backward)


def _make_x(convention: Convention, name: str, supply: Supply) -> Any:
    if name in convention.given:
        return take(convention.given[name], supply.rng)
    x: npt.NDArray[Any] = draw(convention.layout.x, supply.rng, 3.3 if convention.labels else 7.3)
    x *= convention.scale
    if convention.likely:
        x = _as_probabilities(x, convention)
    return supply.rng.integers(0, UNITS, convention.layout.x) if convention.indices else x


def _make_labels(convention: Convention, name: str, x: Any, supply: Supply) -> Any:
    """Return labels of a kind; those that fit have the shape of what they stand beside."""
    if convention.labels != "they fit":
        return make_labels(convention.labels, np.asarray(x), convention.layout, supply.rng)
    if name not in supply.shapes:
        return supply.sizes.placeholder(name)
    axis = 0 if convention.layout.columns else -1
    order = supply.rng.random(supply.shapes[name])
    if order.ndim < 2 or order.shape[axis] == 1:
        return (order > np.median(order)).astype(float)
    return (order == order.max(axis=axis, keepdims=True)).astype(float)
