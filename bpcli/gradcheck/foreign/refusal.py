"""what the calls of a unit have raised in -> what to give, or that it is wrong, out.

A backward that raises is wrong only where it was certainly called as meant.
"""

from pathlib import Path

from bpcli.gradcheck.foreign import texts
from bpcli.gradcheck.foreign.asking import helper_of, is_clear, no_layers
from bpcli.gradcheck.foreign.container import is_empty
from bpcli.gradcheck.foreign.convention import Convention
from bpcli.gradcheck.foreign.discover import Unit, bound
from bpcli.gradcheck.foreign.experiment import RandomError
from bpcli.gradcheck.foreign.failure import own_frames, raising, spell_error
from bpcli.gradcheck.foreign.finding import UnitCheck
from bpcli.gradcheck.foreign.trial import SEEDS
from bpcli.gradcheck.foreign.values import NoValueError

CANNOT = ("", "it cannot be built", "forward cannot be called", "backward cannot be called")


def refuse(unit: Unit, stage: int, error: BaseException) -> UnitCheck:
    """Say why a unit could not be called, which came to a stage, and what would settle it."""
    if isinstance(error, RandomError):
        words = f"{error}: give it a generator, or a seed, and write {helper_of(unit)}"
    elif isinstance(error, NoValueError):
        words = f"what is {error}? Give it by -s {error}=..., or write {helper_of(unit)}"
    else:
        frames = own_frames(error)
        where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        words = f"{CANNOT[max(stage, 0)]}: {type(error).__name__}{where}: {error}; give shapes by "
        words += f"-s x=3x5 and arguments by -s NAME=VALUE, or write {helper_of(unit)}"
    return UnitCheck(unit.name, unit.line, problem=words)


def refuse_raised(unit: Unit, convention: Convention, error: BaseException) -> UnitCheck:
    """Say that a backward raises in a convention: that it is wrong, if nothing else is likely."""
    if is_empty(convention, SEEDS[0]):
        return UnitCheck(unit.name, unit.line, problem=no_layers(unit))
    frames, layout = own_frames(error), convention.layout
    own = bool(frames) and Path(frames[-1].filename).name == Path(unit.file).name
    natural = own and not layout.tier and not layout.stacked and not convention.direct
    alone = texts.calls(bound(unit.thing, unit.backward or unit.forward), "outer")  # of one image
    certain = natural and not alone and is_clear(unit, convention.labels)
    if isinstance(error, NotImplementedError) or not certain:
        words = f"backward cannot be called: {spell_error(error)}; write {helper_of(unit)}"
        return UnitCheck(unit.name, unit.line, problem=words)
    return UnitCheck(unit.name, unit.line, convention.words, (raising(error),))
