"""a gradient that is wrong in -> the one change of backward's text with which it is right, out.

What is told so is certain: the change was made, and the gradient then agreed with differences.
"""

import ast
import contextlib
import inspect
import types
from collections.abc import Callable, Iterator
from pathlib import Path

from bpcli.gradcheck.foreign.discover import Unit, bound
from bpcli.gradcheck.foreign.edits import Edit, edits, shorten
from bpcli.gradcheck.foreign.syntax import tree_of

MOST = 80  # changes that are tried


def find_repair(unit: Unit, is_right: Callable[[], bool]) -> str:
    """Say which one change of a unit's backward, or of what it calls, makes something right."""
    tried = 0
    for function in _functions_of(unit):
        tree, code = tree_of(function), function.__code__
        for edit in edits(tree) if isinstance(tree, ast.Module) and tree.body else ():
            tried += 1
            if tried > MOST:
                return ""
            with _edited(function, edit) as done:
                if done and is_right():
                    change = f"{shorten(edit.new)} in place of {shorten(edit.old)}"
                    line = code.co_firstlineno + edit.line - 1
                    return f"right with {change} at {Path(code.co_filename).name}:{line}"
    return ""


def _functions_of(unit: Unit) -> Iterator[types.FunctionType]:
    """Yield a unit's backward, and functions of its file that are called in it."""
    first = bound(unit.thing, unit.backward or unit.forward)
    function = inspect.unwrap(getattr(first, "__func__", first))
    if not isinstance(function, types.FunctionType):
        return
    yield function
    owner = unit.thing if isinstance(unit.thing, type) else type(unit.thing)
    for name in function.__code__.co_names:
        part = getattr(owner, name, None) if unit.kind == "class" else None
        called = part or function.__globals__.get(name)
        if not isinstance(called, types.FunctionType) or called is function:
            continue
        if called.__module__ == function.__module__:
            yield called


@contextlib.contextmanager
def _edited(function: types.FunctionType, edit: Edit) -> Iterator[bool]:
    """Give a function another text for a while; yield whether that could be done."""
    code = _compile(function, edit)
    kept = function.__code__
    if code is None or code.co_freevars != kept.co_freevars:
        yield False
        return
    try:
        function.__code__ = code
        yield True
    finally:
        function.__code__ = kept


def _compile(function: types.FunctionType, edit: Edit) -> types.CodeType | None:
    definition = edit.tree.body[0]
    if not isinstance(definition, ast.FunctionDef):
        return None
    definition.decorator_list = []
    try:
        whole = compile(edit.tree, function.__code__.co_filename, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, TypeError):
        return None
    return next((c for c in whole.co_consts if isinstance(c, types.CodeType)), None)
