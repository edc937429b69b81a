"""a convention of a class in -> whether its objects hold layers, and have none yet, out."""

import contextlib

import numpy as np

from bpcli.gradcheck.foreign import calling, texts, tree
from bpcli.gradcheck.foreign.convention import Convention
from bpcli.gradcheck.foreign.discover import bound
from bpcli.gradcheck.foreign.state import MiscalledError


def is_empty(convention: Convention, seed: int) -> bool:
    """Tell whether a forward goes through a list that is empty, and returns its input as it is.

    A network's loss may go through it by another method, if it holds no arrays either.
    """
    unit = convention.unit
    if unit.kind != "class" or not isinstance(unit.forward, str):
        return False
    with contextlib.suppress(MiscalledError):
        built = calling.build(convention, seed)
        read = texts.read_names(bound(built.unit, unit.forward))
        held = getattr(built.unit, "__dict__", {})
        empty = {n for n, p in held.items() if isinstance(p, list | dict | tuple) and not p}
        if empty & texts.gone_through(unit.thing) and not tree.arrays(built.unit):
            return True
        try:
            calling.forward(convention, built)
        except Exception:  # noqa: BLE001 - it may raise whatever it likes, if it was never set up
            return False
        same = any(np.array_equal(built.outputs[0], x) for x in built.inputs.values())
        return same and bool(empty & read)
    return False
