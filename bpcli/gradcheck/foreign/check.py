"""a Source in -> a UnitCheck for each unit that is in it, one after the other, out."""

import contextlib
import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bpcli.errors import SourceError
from bpcli.gradcheck.foreign import tree
from bpcli.gradcheck.foreign.arguments import parameters
from bpcli.gradcheck.foreign.discover import Unit, find_typos, find_units, unit_of
from bpcli.gradcheck.foreign.finding import UnitCheck
from bpcli.gradcheck.foreign.load import Source
from bpcli.gradcheck.foreign.search import check_unit
from bpcli.gradcheck.foreign.values import NoValueError
from bpcli.gradcheck.foreign.vocabulary import HELPER

quietly = np.errstate(all="ignore")  # what is not finite is reported, not warned of
NEAR = 0.6  # likeness of a name that is asked about


def check_units(
    source: Source,
    names: Sequence[str],
    given: Mapping[str, Any],
    tolerance: float,
    begin: Callable[[str], bool] = lambda _name: True,
) -> Iterator[UnitCheck]:
    """Check the units of a file, or those with the names, layers and losses before networks.

    `begin` is told the name of each before it is checked, and says whether it is to be. Raises
    SourceError where there is none of that name, or none at all, or no argument of a name that is
    given.
    """
    units = _choose(source, list(find_units(source)), names)
    _check_given(source, units, given)
    checks: list[UnitCheck] = []
    for unit in sorted(units, key=lambda unit: unit.backward is None or unit.kind == "helper"):
        if not begin(unit.name):
            continue
        check = _check_one(source, unit, given, tolerance)
        if check and not (check.problem and _is_base(unit, units)):
            check = _blame_layers(check, checks)
            checks.append(check)
            yield check
    yield from (UnitCheck(typo, 0, problem="is backward meant?") for typo in find_typos(source))


def _choose(source: Source, units: list[Unit], names: Sequence[str]) -> list[Unit]:
    """Return the units that were asked for by name, or all. Raises SourceError."""
    there = [unit.name for unit in units]
    for name in names:
        if name not in there and not any(u.name.startswith(f"{name}_") for u in units):
            near = difflib.get_close_matches(name, there, 1, NEAR)
            hint = f"; did you mean {near[0]}?" if near else ""
            found = ", ".join(there) or "nothing with a forward and a backward"
            raise SourceError(f"{source.path.name}: found {found}, expected {name}{hint}")
    if not units and not list(find_typos(source)):
        problem = "".join(f"; {words}" for words in source.problems[:1])
        raise SourceError(
            f"{source.path.name}: found no class with forward and backward, no pair of functions "
            f"X_forward and X_backward, and no loss that returns a gradient, expected one{problem}"
        )
    helped = {u.name.removeprefix(HELPER) for u in units if u.kind == "helper"}
    units = [u for u in units if u.name not in helped]  # which are settled by their helpers
    return [
        u
        for u in units
        if not names or u.name in names or any(u.name.startswith(f"{name}_") for name in names)
    ]


def _check_given(source: Source, units: list[Unit], given: Mapping[str, Any]) -> None:
    """Raise SourceError if a name is given that no argument of any unit has."""
    names: set[str] = set()
    for unit in units:
        named = [unit.forward, unit.backward, "__init__"]
        for function in (getattr(unit.thing, f, None) if isinstance(f, str) else f for f in named):
            if callable(function):
                with contextlib.suppress(NoValueError):
                    names |= {parameter.name for parameter in parameters(function)}
    for name in given:
        if name not in names:
            found = ", ".join(sorted(names - {"self"}))
            raise SourceError(
                f"{source.path.name}: -s {name}: found the arguments {found}, expected one of them"
            )


@quietly
def _check_one(
    source: Source, unit: Unit, given: Mapping[str, Any], tolerance: float
) -> UnitCheck | None:
    if unit.kind == "helper":
        return _check_helped(unit, given, tolerance)
    check = check_unit(unit, given, tolerance)
    if check and check.problem and unit.kind == "class":
        for _, part in tree.walk(vars(source.module)):  # perhaps the file builds one itself
            if type(part) is unit.thing:
                built = unit_of(unit.name, part, (), unit.line)
                again = check_unit(built, given, tolerance) if built else None
                return again if again and not again.problem else check
    return check


def _check_helped(unit: Unit, given: Mapping[str, Any], tolerance: float) -> UnitCheck | None:
    """Check what a person's own gradcheck_NAME returns: a layer, (layer, x) or (layer, x, t)."""
    try:
        found = unit.forward() if callable(unit.forward) else None
    except Exception as error:  # noqa: BLE001 - it may raise whatever it likes
        return UnitCheck(unit.name, unit.line, problem=f"it raises {type(error).__name__}: {error}")
    parts = found if isinstance(found, tuple) else (found,)
    built = unit_of(unit.name.removeprefix("gradcheck_"), parts[0], parts[1:], unit.line)
    if built is None:
        words = (
            f"it returns {type(parts[0]).__name__}, expected a layer, (layer, x), (layer, x, t) or "
            "((forward, backward), x)"
        )
        return UnitCheck(unit.name, unit.line, problem=words)
    return check_unit(built, given, tolerance)


def _is_base(unit: Unit, units: list[Unit]) -> bool:
    """Tell whether a class is only there for others of the file to be made from."""
    return unit.kind == "class" and any(
        isinstance(u.thing, type) and u.thing is not unit.thing and issubclass(u.thing, unit.thing)
        for u in units
    )


def _blame_layers(check: UnitCheck, before: list[UnitCheck]) -> UnitCheck:
    """Say of a network that is wrong which of its layers are, too."""
    culprits = [b.name for b in before if b.wrong and b.name in check.inside]
    if not (check.wrong and culprits):
        return check
    words = f"a consequence, it seems, of {' and '.join(culprits)}"
    return replace(
        check,
        findings=tuple(
            replace(f, words=words) if f.verdict == "WRONG" else f for f in check.findings
        ),
    )
