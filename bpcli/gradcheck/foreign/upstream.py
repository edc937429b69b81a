"""what forward returns, and what backward takes, in -> what is to be differentiated, out."""

from typing import Any

import numpy as np

from bpcli.arrays import Array
from bpcli.gradcheck.foreign import texts, usage, vocabulary
from bpcli.gradcheck.foreign.arguments import is_required, parameters
from bpcli.gradcheck.foreign.convention import Convention
from bpcli.gradcheck.foreign.discover import bound
from bpcli.gradcheck.foreign.placeholder import Placeholder
from bpcli.gradcheck.foreign.state import State


def outputs_of(convention: Convention, state: State, parts: list[Any]) -> list[Array]:
    """Return what is to be differentiated, of all that forward has returned."""
    numbers = [np.asarray(p) for p in parts if is_number(p)]
    upstream = upstream_names(convention, state)
    if len(numbers) > 1 and (not upstream or convention.labels):
        scalars = [(name, p) for name, p in _named(convention, state, parts) if np.ndim(p) == 0]
        scalars.sort(key=lambda part: _is_measure(part[0]))
        if scalars:
            return [np.asarray(scalars[0][1])]  # (probabilities, loss), or (accuracy, loss)
    return numbers[: max(1, len(upstream))]


def _named(convention: Convention, state: State, parts: list[Any]) -> list[tuple[str, Any]]:
    """Return the numbers that forward has returned, with its own names for them."""
    names = texts.returned_names(bound(state.unit, convention.unit.forward), len(parts))
    names = names or [""] * len(parts)
    return [(name, p) for name, p in zip(names, parts, strict=True) if is_number(p)]


def _is_measure(name: str) -> int:
    """Order what may be a loss by its name: one that is called so, any other, an accuracy."""
    return 0 if vocabulary.LOSS.search(name) else 1 + bool(vocabulary.MEASURE.search(name))


def upstream_names(convention: Convention, state: State) -> list[str]:
    """Return the arguments of backward that are the gradient from the right."""
    if convention.unit.backward is None:
        return []
    function = bound(state.unit, convention.unit.backward)
    named, uses = parameters(function), usage.uses_of_arguments(function)
    free = [
        p for p in named if p.name not in state.inputs and not is_filled(uses.get(p.name, set()))
    ]
    names = [parameter.name for parameter in named]
    found = _read_first(function, [p.name for p in free if vocabulary.is_upstream(p.name)])
    rest = [
        p.name
        for p in free
        if not vocabulary.is_labels(p.name)
        and not vocabulary.CACHE.fullmatch(vocabulary.plain(p.name))
        and p.name not in state.named
        and is_required(p)
        and not vocabulary.is_rate(p.name)
    ]
    if not found and rest:
        found = rest[:1]
    if not found and names and not state.constants and convention.style == "upstream":
        plain = [n for n in names if not is_filled(uses.get(n, set()))]
        found = plain[:1]  # backward(x) of forward(x), which may be called so by mistake
    return found


def is_filled(uses: set[str]) -> bool:
    """Tell whether an argument of backward is a dictionary that it writes gradients to."""
    return bool(uses & {usage.FILLED, usage.DECLARED})


def _read_first(function: Any, names: list[str]) -> list[str]:
    """Return names with those behind that the function never reads, as it may be handed them."""
    unread = texts.unread_arguments(function)
    return sorted(names, key=lambda name: name in unread)


def is_number(thing: Any) -> bool:
    """Tell whether what forward returns is numbers that can be differentiated."""
    if isinstance(thing, Placeholder):
        return True
    if isinstance(thing, float | np.floating):
        return True
    return isinstance(thing, np.ndarray) and thing.dtype.kind == "f" and thing.size > 0
