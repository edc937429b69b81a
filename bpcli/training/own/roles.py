"""what a person has written in -> which of it takes the place of which of our layers, out."""

import difflib
import types
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bpcli.backprop.network import Network
from bpcli.errors import SourceError
from bpcli.gradcheck.foreign.discover import Unit, units_among
from bpcli.gradcheck.foreign.vocabulary import LAYERS, layer_called, plain

MOST = 5  # names of layers in a row; of more the first and the last
NEAR = 0.8  # likeness of a name that is asked about

Roles = dict[str, Unit]  # by the names of our layers' classes: "ReLU" -> the unit of a class Relu


def kinds_of(network: Network) -> list[str]:
    """Return the names of the classes of a network's layers, each once, its loss layer's last."""
    parts = [*network.layers, network.loss_layer]
    return list(dict.fromkeys(type(part).__name__ for part in parts))


def find_units(things: Sequence[Any]) -> list[Unit]:
    """Return what has a forward and a backward among classes and functions. Raises SourceError."""
    named: dict[str, Any] = {}
    for thing in things:
        if not isinstance(thing, type | types.FunctionType):
            raise SourceError(
                f"layers: found a {type(thing).__name__}, expected classes, or functions "
                "X_forward and X_backward"
            )
        named[thing.__name__] = thing
    return list(units_among(named))


def choose(units: Iterable[Unit], kinds: Sequence[str], where: str) -> Roles:
    """Return the unit that takes the place of each kind of layer, by the names of our classes.

    A class comes before a pair of functions, which it may call. Raises SourceError where two may
    be meant, or none: `where` is what they are from.
    """
    units = list(units)
    found: Roles = {}
    for kind in kinds:
        likely = [unit for unit in units if layer_called(unit.name) == kind]
        classes = [unit for unit in likely if unit.kind == "class"]
        chosen = list({unit.name: unit for unit in reversed(classes or likely)}.values())
        if len(chosen) > 1:
            names = " and ".join(sorted(unit.name for unit in chosen))
            raise SourceError(f"{where}: found {names} for {kind}, expected one of them")
        if chosen:
            found[kind] = chosen[0]
    if not found:
        raise SourceError(f"{where}: {_none(units, kinds)}")
    return found


def describe(network: Network, roles: Mapping[str, str], where: str) -> str:
    """Say whose layer stands where: `Affine1, Affine2: Affine of my_layers.py; ReLU1: ours`.

    `roles` has the names of the units.
    """
    kinds = [type(layer).__name__ for layer in network.layers]
    loss = type(network.loss_layer).__name__
    places: dict[str, list[str]] = {}
    for name, kind in zip([*network.names, loss], [*kinds, loss], strict=True):
        places.setdefault(kind, []).append(name)
    return "; ".join(
        f"{_list(names)}: {f'{roles[kind]} of {where}' if kind in roles else 'ours'}"
        for kind, names in places.items()
    )


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= MOST else f"{names[0]} to {names[-1]}"


def find_doubts(
    units: Sequence[Unit], roles: Mapping[str, Unit], kinds: Sequence[str]
) -> list[str]:
    """Ask of units that take no place for which missing layer they may be meant, by their names."""
    words = {word: kind for kind in kinds if kind not in roles for word in LAYERS.get(kind, ())}
    doubts = []
    for unit in units:
        near = difflib.get_close_matches(plain(unit.name), words, 1, NEAR)
        if near and unit not in roles.values():
            doubts.append(f"{unit.name} takes no place: is {words[near[0]]} meant?")
    return doubts


def check_whole(
    classes: Sequence[str], roles: Mapping[str, Unit], kinds: Sequence[str], where: str
) -> None:
    """Raise SourceError for the name of a class that is called as a layer, and is none.

    Without a word ours would stand in its place.
    """
    for name in classes:
        kind = layer_called(name)
        if kind in kinds and kind not in roles:
            raise SourceError(
                f"{where}: found the class {name} without forward and backward, expected both, or "
                f"another name, for our {kind} to stand in its place"
            )


def _none(units: Sequence[Unit], kinds: Sequence[str]) -> str:
    """Say that nothing takes a place, and what may be meant."""
    names = ", ".join(unit.name for unit in units) or "nothing with a forward and a backward"
    found = f"found {names}, expected one of {', '.join(kinds)}, which the network has"
    return "; ".join([found, *find_doubts(units, {}, kinds)[:1]])
