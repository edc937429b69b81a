"""an object of anybody's in -> the arrays inside it, each by its path, out."""

import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

DEPTH = 7  # of objects in objects
MOST = 3000  # objects that are looked at
ATOMS = (
    str,
    bytes,
    int,
    float,
    complex,
    bool,
    type(None),
    type,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    np.random.Generator,
    np.random.RandomState,
    np.dtype,
)

Step = tuple[str, Any]  # how a part is reached: "." and a name, or "[" and a key
Path = tuple[Step, ...]


def children(parent: object) -> Iterator[tuple[Step, Any]]:
    """Yield the parts of an object, and how each is reached."""
    if isinstance(parent, dict):
        yield from ((("[", key), part) for key, part in list(parent.items()))
    elif isinstance(parent, list | tuple):
        yield from ((("[", i), part) for i, part in enumerate(parent))
    elif not isinstance(parent, ATOMS) and not callable(getattr(parent, "__next__", None)):
        yield from (((".", name), part) for name, part in list(vars_of(parent).items()))


def vars_of(owner: object) -> dict[str, Any]:
    """Return an object's attributes by name, those of slots too."""
    found = dict(getattr(owner, "__dict__", {}))
    for kind in type(owner).__mro__:
        for name in getattr(kind, "__slots__", ()):
            if isinstance(name, str) and hasattr(owner, name):
                found.setdefault(name, getattr(owner, name))
    return found


def walk(root: object) -> Iterator[tuple[Path, Any]]:
    """Yield everything inside an object once, what is nearest first."""
    seen, left = {id(root)}, MOST
    level: list[tuple[Path, Any]] = [((), root)]
    for _ in range(DEPTH):
        below: list[tuple[Path, Any]] = []
        for path, parent in level:
            for step, part in children(parent):
                if left and (isinstance(part, np.ndarray) or id(part) not in seen):
                    left -= 1
                    seen.add(id(part))
                    yield (*path, step), part
                    if not isinstance(part, (*ATOMS, np.ndarray)):
                        below.append(((*path, step), part))
        level = below


def arrays(root: object) -> dict[Path, npt.NDArray[Any]]:
    """Return the arrays of floating-point numbers inside an object."""
    return {
        path: part
        for path, part in walk(root)
        if isinstance(part, np.ndarray) and part.dtype.kind == "f" and part.size
    }


def modules_in(root: object) -> list[types.ModuleType]:
    """Return the modules inside an object, as self.xp = np, which cannot be copied."""
    return [part for _, part in walk(root) if isinstance(part, types.ModuleType)]


def get(root: Any, path: Path) -> Any:
    """Return what is at a path. Raises LookupError or AttributeError."""
    for kind, key in path:
        root = getattr(root, key) if kind == "." else root[key]
    return root


def put(root: Any, path: Path, part: object) -> bool:
    """Put something at a path, and return whether it could be put there."""
    try:
        parent = get(root, path[:-1])
        kind, key = path[-1]
        if kind == ".":
            setattr(parent, key, part)
        else:
            parent[key] = part
    except (AttributeError, TypeError, LookupError):
        return False
    return True


def spell(path: Path) -> str:
    """Return a path as the person would write it: `params['W1']`."""
    words = [f".{key}" if kind == "." else f"[{key!r}]" for kind, key in path]
    return "".join(words).removeprefix(".")
