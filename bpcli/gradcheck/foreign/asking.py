"""a unit in -> whether it is clear how it is called, and the function that says it, out."""

from typing import Any

from bpcli.gradcheck.foreign import usage, vocabulary
from bpcli.gradcheck.foreign.arguments import is_required, parameters
from bpcli.gradcheck.foreign.conventions import names_of
from bpcli.gradcheck.foreign.discover import Unit, bound
from bpcli.gradcheck.foreign.values import NoValueError


def is_clear(unit: Unit) -> bool:
    """Tell whether every argument of backward is one by its name, or there is only one."""
    if unit.backward is None:
        return True  # what it returns is known by its name, or by its place
    function = bound(unit.thing, unit.backward)
    try:
        named = [p for p in parameters(function) if is_required(p) and p.name != "self"]
    except NoValueError:
        return False
    uses = usage.uses_of_arguments(function)
    forward = names_of(unit, unit.forward)
    returned = usage.returned_names(bound(unit.thing, unit.forward))
    known = (vocabulary.is_upstream, vocabulary.is_labels, vocabulary.is_rate,
             vocabulary.is_output, vocabulary.is_predicted)  # fmt: skip
    unknown = [
        p.name
        for p in named
        if not any(is_it(p.name) for is_it in known)
        and not vocabulary.CACHE.fullmatch(vocabulary.plain(p.name))
        and p.name not in (*forward, *returned)
        and usage.FILLED not in uses.get(p.name, ())
    ]
    return len(unknown) <= (len(named) == 1)


def helper_of(unit: Unit) -> str:
    """Return a function to paste that settles how a unit is to be called."""
    built = f"{unit.name}({', '.join(n for n in constructor_of(unit) if n != 'self')})"
    if unit.kind != "class":
        return f"def gradcheck_{unit.name}(): return ({unit.name}, {_name(unit.backward)}), x"
    return f"def gradcheck_{unit.name}(): return {built}, x"


def constructor_of(unit: Unit) -> list[str]:
    """Return what the arguments of a class are called, as far as it is to be built."""
    kind = unit.kind == "class" and not unit.static
    return names_of(unit, "__init__") if kind else []


def _name(function: Any) -> str:
    return getattr(function, "__name__", str(function))
