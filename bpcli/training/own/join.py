"""a run, and layers that a person has at hand, in -> a run that learns with them, here, out."""

from collections.abc import Sequence
from typing import Any

from bpcli.gradcheck.foreign.finding import UnitCheck
from bpcli.gradcheck.foreign.search import check_unit
from bpcli.training.learnt_with import LearntWith
from bpcli.training.own.borrow import borrow
from bpcli.training.own.network import InProcess, LentNetwork
from bpcli.training.own.roles import Roles, choose, describe, find_units, kinds_of
from bpcli.training.run import Run

TOLERANCE = 1e-6  # relative error of a gradient that is right


def check_layers(run: Run, layers: Sequence[Any], where: str = "layers") -> list[UnitCheck]:
    """Check the gradients of those layers that take places in the run's network.

    They are classes, and functions X_forward and X_backward; `where` is what they are from. Raises
    SourceError if none takes a place.
    """
    roles = _choose(run, layers, where)
    found = [check_unit(unit, {}, TOLERANCE) for unit in roles.values()]
    return [check for check in found if check]


def join(run: Run, layers: Sequence[Any], where: str = "layers") -> None:
    """Let a run go on with a person's layers, checked or not, in the place of ours.

    What there is to do with a run can be done with it as before, to train, to evaluate and to save
    it; `compare` tells whether its model will predict as these layers do. Raises SourceError if
    none takes a place, or one cannot be called.
    """
    roles = _choose(run, layers, where)
    theirs = borrow(run.network, roles, where)
    names = {kind: unit.name for kind, unit in roles.items()}
    run.learnt_with = LearntWith(describe(run.network, names, where))
    run.network = LentNetwork(run.network, InProcess(run.network, theirs))


def _choose(run: Run, layers: Sequence[Any], where: str) -> Roles:
    return choose(find_units(layers), kinds_of(run.network), where)
