"""the modules that the checker runs on -> others of the same contents for a person's code, out.

Their file runs in one process with what judges it. It may patch numpy, builtins or bpcli, by
mistake or not, and that must not change the verdict: so what it imports are copies of the modules,
or, of bpcli, new ones. Where it goes and finds the others all the same, that is told.
"""

import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

# The import system and warnings find themselves by name, and sys is one with the interpreter.
SHARED = ("sys", "warnings", "importlib", "_frozen_importlib", "_frozen_importlib_external")
HOUSE = __name__.partition(".")[0]
TOOLS = ("builtins", "copy", "json", "math", "numpy", "numpy.linalg", "numpy.random", "os")


def isolate() -> None:
    """Put copies in the place of all modules that are imported; whoever holds one, keeps it."""
    copies: dict[int, types.ModuleType] = {}
    for name, module in list(sys.modules.items()):
        root = name.partition(".")[0]
        if root == HOUSE:
            del sys.modules[name]
        elif root in SHARED or type(module) is not types.ModuleType:
            continue
        elif id(module) not in copies:
            copies[id(module)] = types.ModuleType(module.__name__)
    for module in list(sys.modules.values()):
        if id(module) in copies:
            inside = vars(module).items()
            vars(copies[id(module)]).update({n: copies.get(id(x), x) for n, x in inside})
    for name, module in list(sys.modules.items()):
        sys.modules[name] = copies.get(id(module), module)
    sys.modules["__main__"] = types.ModuleType("__main__")


def seal() -> Callable[[], str]:
    """Return what tells the name of a part of the checker that is no longer as it is now, or ""."""
    parts = [
        (f"{where}.{name}", names, name, part, getattr(part, "__code__", None))
        for where, names in _namespaces()
        for name, part in names.items()
    ]

    def changed() -> str:
        for words, names, name, part, code in parts:
            if names.get(name) is not part or getattr(part, "__code__", None) is not code:
                return words
        return ""

    return changed


def _namespaces() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the modules and the classes that a verdict depends on, each with its names."""
    for name, module in list(sys.modules.items()):
        own = name.partition(".")[0] == HOUSE
        if own or name in TOOLS:
            yield name, vars(module)
        for kind in vars(module).values() if own else ():
            if isinstance(kind, type) and kind.__module__ == name:
                yield f"{name}.{kind.__qualname__}", vars(kind)
