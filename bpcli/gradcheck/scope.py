"""functions in -> the same functions, with copies of all that they see around them, out.

min-char-rnn's lossFun reads its weights from the module that it stands in; a lambda of a notebook
calls the layer that was made in a cell above. Copied with what they see, both can be called, and
what they see can be moved, without anybody's notebook being changed.
"""

import builtins
import copy
import types
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

ATOMS = (types.ModuleType, type, str, bytes, int, complex, float, type(None), np.dtype, np.generic)


class Scope:
    """The arrays and objects that functions see outside them, as attributes."""


class ScopedFunction:
    """A function that sees what is in a `scope` in place of what is around it.

    A deep copy of it, and of others in one go, shares nothing with it but what cannot be copied.
    """

    def __init__(self, function: types.FunctionType, scope: Scope) -> None:
        self.__wrapped__, self.__name__, self.scope = function, function.__name__, scope

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        space = self.__wrapped__.__globals__ | vars(self.scope)
        for name, value in _functions_seen(self.__wrapped__):
            space[name] = _rebind(value, space, self.scope)
        before = dict(space)
        try:
            return _rebind(self.__wrapped__, space, self.scope)(*args, **kwargs)
        finally:  # what it has made global is seen by the next that is called
            for name, value in space.items():
                if isinstance(value, np.ndarray) and value is not before.get(name):
                    setattr(self.scope, name, value)


def scoped(functions: Sequence[types.FunctionType]) -> tuple[list[ScopedFunction], Scope]:
    """Return functions as ones that see copies, all the same ones."""
    scope, seen = Scope(), dict[str, Any]()
    for function in functions:
        for inner in [function, *(f for _, f in _functions_seen(function))]:
            seen |= {name: value for name, value in _names_seen(inner) if _is_object(value)}
    try:
        seen = copy.deepcopy(seen)
    except Exception:  # noqa: BLE001 - a file, or a lock, cannot be copied
        seen = {name: value for name, value in seen.items() if isinstance(value, np.ndarray)}
        seen = copy.deepcopy(seen)
    vars(scope).update(seen)
    return [ScopedFunction(function, scope) for function in functions], scope


def _is_object(value: Any) -> bool:
    """Tell whether something may hold arrays, and is no function, class or module."""
    return isinstance(value, np.ndarray) or not (isinstance(value, ATOMS) or callable(value))


def _names_seen(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield what a function, and those inside it, sees by name outside it."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    for name, cell in cells:
        try:
            yield name, cell.cell_contents
        except ValueError:  # it is not filled yet
            continue
    codes = [function.__code__]
    while codes:
        code = codes.pop()
        codes += [part for part in code.co_consts if isinstance(part, types.CodeType)]
        for name in code.co_names:
            if name in function.__globals__ and not hasattr(builtins, name):
                yield name, function.__globals__[name]


def _functions_seen(function: types.FunctionType) -> Iterator[tuple[str, types.FunctionType]]:
    """Yield the functions of the same module that a function calls, or that those call."""
    seen, left = {function}, [function]
    while left:
        for name, value in _names_seen(left.pop()):
            if not isinstance(value, types.FunctionType) or value in seen:
                continue
            if value.__globals__ is function.__globals__:
                seen.add(value)
                left.append(value)
                yield name, value


def _rebind(
    function: types.FunctionType, space: dict[str, Any], scope: Scope
) -> types.FunctionType:
    """Return a function that sees the names of `space`, and those of its closure in `scope`."""
    names = function.__code__.co_freevars
    cells = tuple(
        types.CellType(getattr(scope, name)) if hasattr(scope, name) else cell
        for name, cell in zip(names, function.__closure__ or (), strict=True)
    )
    bound = types.FunctionType(
        function.__code__, space, function.__name__, function.__defaults__, cells
    )
    bound.__kwdefaults__ = function.__kwdefaults__
    return bound
