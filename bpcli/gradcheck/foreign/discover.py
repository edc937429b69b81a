"""the module of a person's file in -> what in it has a forward and a backward, out."""

import difflib
import inspect
import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bpcli.gradcheck.foreign import texts, vocabulary
from bpcli.gradcheck.foreign.load import Source
from bpcli.gradcheck.foreign.randomness import module_of
from bpcli.gradcheck.foreign.vocabulary import AFTER, BACKWARD, BEFORE, FORWARD, HELPER, NETWORK


@dataclass(frozen=True)
class Unit:
    """Something with a forward and a backward, by the person's names for them.

    `kind` is `class`, `functions`, `function` (one that returns a loss and its gradients) or
    `object`, which is built already and comes with its `inputs`, x and t, as far as they are given.
    """

    name: str
    kind: str
    line: int
    forward: Callable[..., Any] | str
    backward: Callable[..., Any] | str | None
    thing: Any = None
    inputs: tuple[Any, ...] = ()
    entry: str = ""  # what a framework has people call, which calls forward and keeps its input
    static: bool = False  # whether the methods are functions, and the class is never built
    globals: Mapping[str, Any] = field(default_factory=dict)  # arrays of the module that it reads

    whole: set[str] = field(default_factory=set, compare=False)  # arguments that are sizes

    @property
    def module(self) -> types.ModuleType | None:
        """The module that the unit's code is in."""
        return module_of(self.thing if self.thing is not None else self.forward)

    @property
    def file(self) -> str:
        """The file that the unit's code is in."""
        return getattr(self.module, "__file__", None) or ""


def bound(thing: Any, function: Callable[..., Any] | str) -> Any:
    """Return a method of a person's object or class by its name, or a function of their file."""
    return getattr(thing, function) if isinstance(function, str) else function


def unit_of(name: str, thing: Any, inputs: tuple[Any, ...], line: int = 0) -> Unit | None:
    """Return the unit that an object is which is built already, or None if it is none.

    An object may be a pair of functions, forward and backward, or a loss that returns gradients.
    """
    pair = thing if isinstance(thing, tuple) else (thing, None)
    if len(pair) == 2 and isinstance(pair[0], types.FunctionType):
        kind = "functions" if callable(pair[1]) else "function"
        line = line or _line(pair[1] or pair[0])
        return Unit(name, kind, line, pair[0], pair[1], inputs=inputs)
    for unit in _find_classes([type(thing)]):
        return replace(
            unit, name=name, kind="object", line=line or unit.line, thing=thing, inputs=inputs
        )
    return None


def find_units(source: Source) -> Iterator[Unit]:
    """Yield what can be checked of a file, in the order of its lines."""
    own = [
        (name, thing)
        for name, thing in vars(source.module).items()
        if getattr(thing, "__module__", None) == source.module.__name__
    ]
    yield from units_among(dict(own))


def units_among(things: Mapping[str, Any]) -> Iterator[Unit]:
    """Yield what has a forward and a backward among classes and functions, by their names."""
    classes = [thing for thing in things.values() if isinstance(thing, type)]
    functions = {n: thing for n, thing in things.items() if isinstance(thing, types.FunctionType)}
    found = [*_find_helped(functions), *_find_classes(classes), *_find_functions(functions)]
    yield from sorted(found, key=lambda unit: unit.line)


def find_typos(source: Source) -> Iterator[str]:
    """Yield methods that are nearly called backward, of classes that have a forward alone."""
    for name, thing in vars(source.module).items():
        if isinstance(thing, type) and thing.__module__ == source.module.__name__:
            methods = _methods(thing)
            if set(methods) & set(FORWARD[:9]) and not set(methods) & set(BACKWARD):
                for near in difflib.get_close_matches("backward", methods, 1, 0.8):
                    yield f"{name}.{near}"


def _find_helped(functions: dict[str, Any]) -> Iterator[Unit]:
    """Yield what functions called gradcheck_NAME return: a layer, or it with x and t."""
    for name, function in functions.items():
        if name.startswith(HELPER):
            yield Unit(name, "helper", _line(function), function, None)


def _find_classes(classes: list[type]) -> Iterator[Unit]:
    for kind in classes:
        methods = _methods(kind)
        forwards = [name for name in FORWARD if name in methods]
        backwards = [name for name in BACKWARD if name in methods]
        if "loss" in forwards and set(backwards) & set(NETWORK):
            forwards = ["loss", *forwards]  # a network's gradient is that of its loss
            backwards = [name for name in NETWORK if name in backwards] + backwards
        if forwards and backwards and not inspect.isabstract(kind):
            line = _line(methods[backwards[0]])
            yield Unit(
                kind.__name__, "class", line, forwards[0], backwards[0], kind,
                entry=_entry_of(methods, forwards[0]), static=_is_static(kind, forwards[0]),
            )  # fmt: skip
        elif "loss" in methods and hasattr(kind, "loss"):
            yield Unit(kind.__name__, "class", _line(methods["loss"]), "loss", None, kind)


def _find_functions(functions: dict[str, Any]) -> Iterator[Unit]:
    used = set()
    for name, backward in functions.items():
        forward = _forward_of(name, functions)
        if forward and inspect.signature(backward).parameters:
            used |= {name, forward}
            yield Unit(forward, "functions", _line(backward), functions[forward], backward)
    for name, function in functions.items():
        if name not in used and vocabulary.LOSS_FUNCTION.search(name):
            read = _globals_of(function)
            yield Unit(name, "function", _line(function), function, None, globals=read)


def _entry_of(methods: dict[str, Any], forward: str) -> str:
    """Return `__call__` where it calls forward, and does more than that."""
    call = methods.get("__call__")
    if call is None or forward == "__call__":
        return ""
    names = set(call.__code__.co_names)
    return "__call__" if forward in names and names != {forward} else ""


def _is_static(kind: type, forward: str) -> bool:
    """Tell whether forward is a function of its own, to which no object belongs."""
    own = next((vars(base)[forward] for base in kind.__mro__ if forward in vars(base)), None)
    return isinstance(own, staticmethod)


def _globals_of(function: Any) -> dict[str, Any]:
    """Return the arrays of its module that a function reads, as those of a network of globals."""
    names = vars(module_of(function)) if module_of(function) else {}
    return {
        name: names[name]
        for name in function.__code__.co_names
        if isinstance(names.get(name), np.ndarray) and names[name].dtype.kind == "f"
    }


def _forward_of(backward: str, functions: dict[str, Any]) -> str:
    """Return the name of the function that another one is the backward of, by its name."""
    names = []
    if "backward" in backward:  # affine_backward, conv_backward_naive, backward_affine
        names += [backward.replace("backward", "forward"), backward.replace("backward", "fwd")]
        base = re.sub(r"_?backward_?", "_", backward).strip("_")
        names += [f"{base}_forward", base]
        names += [re.sub(r"backward\w*", "forward", backward)]
        names += [name for name in functions if name.startswith(f"{base}_forward")]
    if backward.endswith("_back"):
        names.append(backward.removesuffix("_back") + "_forward")
    for mark in AFTER:
        if backward.endswith(mark):
            base = backward.removesuffix(mark)
            names += [base, f"{base}_forward", f"{base}_loss", f"{base}_activation"]
    for mark in BEFORE:
        if backward.startswith(mark):
            names.append(backward.removeprefix(mark).strip("_"))
    return next((n for n in names if n in functions and n != backward), "")


def _methods(kind: type) -> dict[str, Any]:
    """Return the functions that a class has, or has from others of the person's own."""
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__[:-1]):
        found |= {
            name: getattr(thing, "__func__", thing)
            for name, thing in vars(base).items()
            if isinstance(thing, types.FunctionType | staticmethod | classmethod)
            and not _is_empty(getattr(thing, "__func__", thing))
        }
    return found


def _is_empty(function: Any) -> bool:
    """Tell whether a method only says that it is to be written by others."""
    code = function.__code__
    names = set(code.co_names)
    if "NotImplementedError" in names or "NotImplemented" in names:
        return len(code.co_code) < 60  # bytes: nothing else is in it
    return texts.is_blank(function) or (
        code.co_code in (_nothing.__code__.co_code,)
        and not code.co_names
        and (set(code.co_consts) <= {None, function.__doc__})
    )


def _nothing() -> None:
    pass


def _line(function: Any) -> int:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code.co_firstlineno if code else 0
