"""a call of a framework in -> what it wraps arrays in, as Variable(x) with its .data, out."""

import ast
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.gradcheck.foreign import vocabulary
from bpcli.gradcheck.foreign.syntax import tree_of


@dataclass(frozen=True)
class Wrapper:
    """What makes an object of an array, which has it under a name; nothing where `kind` is None."""

    kind: type | None = None
    name: str = ""

    def __call__(self, array: Any) -> Any:
        return array if self.kind is None else self.kind(array)

    def unwrapped(self, thing: Any) -> Any:
        """Return the array of an object, or of each in a tuple or a list."""
        if isinstance(thing, tuple | list):
            return type(thing)(map(self.unwrapped, thing))
        wrapped = self.kind is not None and isinstance(thing, self.kind)
        return getattr(thing, self.name) if wrapped else thing


def wrapper_of(call: Callable[..., Any], module: types.ModuleType | None) -> Wrapper:
    """Return what a call takes: objects of a class of its module, where it reads x.data of each."""
    read = {
        node.attr
        for node in ast.walk(tree_of(call))
        if isinstance(node, ast.Attribute) and vocabulary.plain(node.attr) in vocabulary.HELD
    }
    kinds = [thing for thing in vars(module).values() if isinstance(thing, type)] if module else []
    for kind in kinds:
        for name in sorted(read):
            try:
                held = getattr(kind(np.ones(1)), name, None)
            except Exception:  # noqa: BLE001, S112 - the next may be what is meant
                continue
            if isinstance(held, np.ndarray) and not issubclass(kind, np.ndarray):
                return Wrapper(kind, name)
    return Wrapper()
