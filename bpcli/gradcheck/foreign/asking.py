"""a unit in -> whether it is clear how it is called, and the function that says it, out."""

from typing import Any

from bpcli.gradcheck.foreign import texts, usage, vocabulary
from bpcli.gradcheck.foreign.arguments import is_required, parameters
from bpcli.gradcheck.foreign.conventions import names_of
from bpcli.gradcheck.foreign.discover import Unit, bound
from bpcli.gradcheck.foreign.naming import is_marked
from bpcli.gradcheck.foreign.values import NoValueError

NO_LOSS = (
    "its backward takes no gradient from the right, and which loss it derives is nowhere: give the "
    "class a method loss(x, t) that returns it"
)


def is_clear(unit: Unit, labels: str) -> bool:
    """Tell whether every argument of backward is one by its name, or there is only one.

    A backward that takes nothing derives a loss: which is clear only if forward takes labels.
    """
    if unit.backward is None:
        return True  # what it returns is known by its name, or by its place
    function = bound(unit.thing, unit.backward)
    try:
        named = [p for p in parameters(function) if is_required(p) and p.name != "self"]
    except NoValueError:
        return False
    told = any(vocabulary.is_upstream(p.name) for p in named)
    own = not told and any(vocabulary.is_labels(p.name) for p in named[1:])
    if not labels and (own or not named):
        return False  # which loss it derives is not known
    uses = usage.uses_of_arguments(function)
    forward = names_of(unit, unit.forward)
    returned = texts.returned_names(bound(unit.thing, unit.forward))
    known = (vocabulary.is_upstream, vocabulary.is_labels, vocabulary.is_rate,
             vocabulary.is_output, vocabulary.is_predicted)  # fmt: skip
    unknown = [
        p.name
        for p in named
        if not any(is_it(p.name) for is_it in known)
        and not vocabulary.CACHE.fullmatch(vocabulary.plain(p.name))
        and p.name not in (*forward, *returned)
        and not uses.get(p.name, set()) & {usage.FILLED, usage.DECLARED}
    ]
    told = any(vocabulary.is_upstream(p.name) or vocabulary.is_labels(p.name) for p in named)
    return len(unknown) <= (not told)


def helper_of(unit: Unit) -> str:
    """Return a function to paste that settles how a unit is to be called."""
    thing = f"{unit.name}({', '.join(n for n in constructor_of(unit) if n != 'self')})"
    if unit.kind != "class":
        thing = unit.name if unit.backward is None else f"({unit.name}, {_name(unit.backward)})"
    asked = ", ".join(_asked(unit)) or "x"
    return f"def gradcheck_{unit.name}(): return {thing}, {asked}"


def _asked(unit: Unit) -> list[str]:
    """Return what the arguments of forward are called that have no default."""
    try:
        named = parameters(bound(unit.thing, unit.forward))
    except NoValueError:
        return []
    return [p.name for p in named if is_required(p) and p.name != "self"]


def doubt(unit: Unit, tried: str, wrong: list[str]) -> str:
    """Say that nothing is right in what was tried, and what would settle how it is meant."""
    words = f"what was tried ({tried or 'numbers'}) is right for nothing in it ({', '.join(wrong)})"
    return f"{words}, and may not be how it is meant: write {helper_of(unit)}"


def no_layers(unit: Unit) -> str:
    """Say of a container that there is nothing in it yet, and what to do."""
    return f"it has no layers yet: write {helper_of(unit)}, with some in it"


def returns_gradients(unit: Unit) -> bool:
    """Tell whether a function returns something that is called a gradient."""
    return any(map(is_marked, texts.returned_names(bound(unit.thing, unit.forward))))


def constructor_of(unit: Unit) -> list[str]:
    """Return what the arguments of a class are called, as far as it is to be built."""
    kind = unit.kind == "class" and not unit.static
    return names_of(unit, "__init__") if kind else []


def _name(function: Any) -> str:
    return getattr(function, "__name__", str(function))
