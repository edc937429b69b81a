"""a module of a person's in -> its functions, for a while with other constants in them, out."""

import contextlib
import sys
import sysconfig
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

NARROW = ("float32", "float16", "f4", "<f4", "single", "half")
TYPES = ("float32", "float16", "single", "half")
HOUSE = Path(__file__).parents[2]
INSTALLED = ("site-packages", "dist-packages", sysconfig.get_path("stdlib"), "<frozen")
SMALL = 1e-4  # constants below this are there against division by zero and log(0)
SMALLER = 1e-4  # times as large


def functions_of(module: types.ModuleType | None) -> list[types.FunctionType]:
    """Return the functions of a module, the methods of its classes, and what these may call.

    That is what stands in the files beside it, from which the module has something by its name.
    """
    found: dict[types.FunctionType, None] = {}
    left, seen = [vars(module) if module else {}], set[int]()
    while left:
        names = left.pop()
        for thing in list(names.values()) if id(names) not in seen else []:
            inside = list(vars(thing).values()) if isinstance(thing, type) else [thing]
            for part in inside:
                function = getattr(part, "__func__", getattr(part, "fget", None) or part)
                if isinstance(function, types.FunctionType) and _is_own(function):
                    found[function] = None
                    left.append(function.__globals__)
        seen.add(id(names))
    return list(found)


def _is_own(function: types.FunctionType) -> bool:
    """Tell whether a function is a person's, and no package's."""
    file = function.__code__.co_filename
    return not any(place in file for place in (*INSTALLED, str(HOUSE)))


@contextlib.contextmanager
def in_double(module: types.ModuleType | None) -> Iterator[None]:
    """Make what asks for float32 get float64, in which a difference says something."""
    numpy = sys.modules.get("numpy", np)  # the person's own, which may be a copy of ours
    saved = {name: getattr(numpy, name) for name in TYPES}
    narrow = tuple(saved.values())
    names = [
        (place, name, thing)
        for place in _places(module)
        for name, thing in list(vars(place).items())
        if isinstance(thing, type) and thing in narrow
    ]

    def widen(constant: Any) -> Any:
        if isinstance(constant, str) and constant in NARROW:
            return "float64"
        return np.float64 if isinstance(constant, type) and constant in narrow else constant

    try:
        for name in TYPES:
            setattr(numpy, name, np.float64)
        for place, name, _ in names:
            setattr(place, name, np.float64)
        with constants(module, widen):
            yield
    finally:
        for name, thing in saved.items():
            setattr(numpy, name, thing)
        for place, name, thing in names:
            setattr(place, name, thing)


@contextlib.contextmanager
def smaller_constants(
    module: types.ModuleType | None, *, logarithms: bool
) -> Iterator[list[float]]:
    """Make small constants, as 1e-7 in log(y + 1e-7), smaller still; yield which there are.

    With `logarithms`, only those of functions that take one, and no root besides.
    """
    found: list[float] = []

    def may_change(function: types.FunctionType) -> bool:
        names = set(function.__code__.co_names)
        return not logarithms or ("log" in names and "sqrt" not in names)

    def shrink(constant: Any) -> Any:
        if isinstance(constant, float) and 0 < constant <= SMALL:
            found.append(constant)
            return constant * SMALLER
        return constant

    with constants(module, shrink, may_change):
        yield found


@contextlib.contextmanager
def constants(
    module: types.ModuleType | None,
    change: Callable[[Any], Any],
    may_change: Callable[[types.FunctionType], bool] = lambda _function: True,
) -> Iterator[None]:
    """Replace the constants in the functions of a module, and their defaults."""
    functions = filter(may_change, functions_of(module))
    saved = [(f, f.__code__, f.__defaults__, f.__kwdefaults__) for f in functions]
    try:
        for function, code, defaults, named in saved:
            function.__code__ = _changed(code, change)
            function.__defaults__ = tuple(map(change, defaults)) if defaults else defaults
            function.__kwdefaults__ = {k: change(v) for k, v in named.items()} if named else named
        yield
    finally:
        for function, code, defaults, named in saved:
            function.__code__, function.__defaults__ = code, defaults
            function.__kwdefaults__ = named


def _changed(code: types.CodeType, change: Callable[[Any], Any]) -> types.CodeType:
    """Return code with other constants, also in the functions inside it."""
    new = tuple(
        _changed(c, change) if isinstance(c, types.CodeType) else
        tuple(map(change, c)) if isinstance(c, tuple) else change(c)
        for c in code.co_consts
    )  # fmt: skip
    return code.replace(co_consts=new)


def _places(module: types.ModuleType | None) -> list[Any]:
    """Return where names stand: the module, and its classes."""
    if module is None:
        return []
    return [
        module,
        *(
            t
            for t in vars(module).values()
            if isinstance(t, type) and t.__module__ == module.__name__
        ),
    ]
