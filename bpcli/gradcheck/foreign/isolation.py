"""the modules that the checker runs on -> others of the same contents for a person's code, out.

Their file runs in one process with what judges it. It may patch numpy, builtins or bpcli, by
mistake or not, and that must not change the verdict: so what it imports are copies of the modules,
or, of bpcli, new ones.
"""

import sys
import types

# The import system and warnings find themselves by name, and sys is one with the interpreter.
SHARED = ("sys", "warnings", "importlib", "_frozen_importlib", "_frozen_importlib_external")
HOUSE = __name__.partition(".")[0]


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
