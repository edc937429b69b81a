"""a function or class of a person's in -> its syntax tree, looked into once, out."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def once(find: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[Any, P], T]:
    """Look into the text of each function once, whichever object it is a method of."""
    kept: dict[Any, T] = {}

    def look(function: Any, /, *args: P.args, **options: P.kwargs) -> T:
        plain = getattr(function, "__func__", function)  # objects may not be hashable
        key = plain, args
        if key not in kept:
            kept[key] = find(plain, *args, **options)
        return kept[key]

    look.__doc__ = find.__doc__
    return look


@once
def tree_of(function: Any) -> ast.AST:
    """Return the syntax tree of a function or class, an empty one where there is no text."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError, SyntaxError, ValueError):
        return ast.Module([], [])


def walk(
    node: ast.AST, parents: tuple[ast.AST, ...] = ()
) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...]]]:
    """Yield each node of a tree, with those around it."""
    yield node, parents
    for child in ast.iter_child_nodes(node):
        yield from walk(child, (*parents, node))


def is_own(node: ast.AST) -> bool:
    """Tell whether a node is an attribute of the object itself: self.W."""
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )
