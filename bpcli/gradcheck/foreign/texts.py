"""the text of a function or a class in -> what it returns, reads, goes through or raises, out."""

import ast
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from bpcli.gradcheck.foreign import vocabulary
from bpcli.gradcheck.foreign.syntax import is_own, once, tree_of, walk


@once
def unread_arguments(function: Callable[..., Any]) -> set[str]:
    """Return the arguments of a function that its text never reads, nor hands on."""
    tree = tree_of(function)
    named = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    return named - {node.id for node in names if isinstance(node.ctx, ast.Load)}


@once
def returned_names(function: Callable[..., Any], count: int = 0) -> list[str]:
    """Return the names in the last `return` of a function, as far as they are names.

    With a `count`, in the last one of so many parts.
    """
    nodes = (node for node in ast.walk(tree_of(function)) if isinstance(node, ast.Return))
    every = [_parts(node.value) for node in sorted(nodes, key=lambda node: node.lineno)]
    if count:
        every = [parts for parts in every if len(parts) == count]
    return every[-1] if every else []


def _parts(value: ast.expr | None) -> list[str]:
    """Return the names of what is returned together, "" for what has none."""
    if not isinstance(value, ast.Tuple | ast.Name):
        return []
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    return [
        ast.unparse(part).rpartition(".")[2] if isinstance(part, ast.Name | ast.Attribute) else ""
        for part in parts
    ]


@once
def sizes_written(function: Callable[..., Any]) -> list[int]:
    """Return the sizes that stand in the text of a function, in its defaults, or are constants."""
    found: list[int] = []
    names = getattr(inspect.unwrap(function), "__globals__", {})
    for node in ast.walk(tree_of(function)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            if name in vocabulary.SHAPED:
                found += _numbers(node.args)
                found += [names[n] for n in _names(node.args) if type(names.get(n)) is int]
        elif isinstance(node, ast.arguments):
            found += _numbers(node.defaults)
    return [size for size in found if size > 1]


def _numbers(nodes: Iterable[ast.AST]) -> list[int]:
    inside = (part for node in nodes for part in ast.walk(node))
    return [p.value for p in inside if isinstance(p, ast.Constant) and type(p.value) is int]


def _names(nodes: Iterable[ast.AST]) -> list[str]:
    return [part.id for node in nodes for part in ast.walk(node) if isinstance(part, ast.Name)]


@once
def returns_several(function: Callable[..., Any]) -> bool:
    """Tell whether the last `return` of a function has a tuple or a list."""
    returns = [node for node in ast.walk(tree_of(function)) if isinstance(node, ast.Return)]
    last = max(returns, key=lambda node: node.lineno, default=None)
    found = last.value if last else None
    if isinstance(found, ast.BinOp):  # [dout] * 2
        found = found.left
    return isinstance(found, ast.Tuple | ast.List | ast.ListComp)


@once
def gone_through(kind: type) -> set[str]:
    """Return the attributes that methods of a class go through, to call each part's own."""
    loops = (node for node in ast.walk(tree_of(kind)) if isinstance(node, ast.For))
    return {
        node.attr
        for loop in loops
        if any(isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
               and ast.unparse(n.func.value) in ast.unparse(loop.target) for n in ast.walk(loop))
        for node in ast.walk(loop.iter)
        if isinstance(node, ast.Attribute) and is_own(node)
    }  # fmt: skip


@once
def relies_on(kind: type, name: str) -> bool:
    """Tell whether a method of a person's class calls a part of its own and never looks for it."""
    for base in kind.__mro__[:-1]:
        for method in ast.walk(tree_of(base)):
            if not isinstance(method, ast.FunctionDef):
                continue
            inside = list(ast.walk(method))
            tests = [n.test for n in inside if isinstance(n, ast.If | ast.IfExp)]
            looked = any(_names_part(n, name) for test in tests for n in ast.walk(test))
            called = any(
                isinstance(n, ast.Attribute) and _names_part(n.value, name) for n in inside
            )
            if called and not looked:
                return True
    return False


def _names_part(node: ast.AST, name: str) -> bool:
    return is_own(node) and node.attr == name  # type: ignore[attr-defined]


@once
def is_blank(function: Callable[..., Any]) -> bool:
    """Tell whether a function does nothing, or nothing but raise: it is not there to be called."""
    definition = next(iter(ast.iter_child_nodes(tree_of(function))), None)
    body = getattr(definition, "body", None) or [ast.Pass()]
    said = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    return len(body) == 1 + said and isinstance(body[-1], ast.Raise | ast.Pass)


@once
def passes_over_zeros(function: Callable[..., Any]) -> bool:
    """Tell whether a function leaves out what is 0: if gradient == 0: continue."""
    return any(
        isinstance(node, ast.If) and isinstance(node.test, ast.Compare)
        and isinstance(node.test.ops[0], ast.Eq) and isinstance(node.body[0], ast.Continue)
        for node in ast.walk(tree_of(function))
    )  # fmt: skip


@once
def reads_first_alone(function: Callable[..., Any], name: str) -> bool:
    """Tell whether a function reads the first part of an argument, name[0], and no other."""
    above = [p[-1] for n, p in walk(tree_of(function)) if isinstance(n, ast.Name) and n.id == name]
    return bool(above) and all(
        isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
        and node.slice.value == 0
        for node in above
    )  # fmt: skip


@once
def counts_axes(function: Callable[..., Any]) -> bool:
    """Tell whether a function asks an array for the number of its axes, as it takes several."""
    nodes = ast.walk(tree_of(function))
    return any(isinstance(node, ast.Attribute) and node.attr == "ndim" for node in nodes)


@once
def calls(function: Callable[..., Any], name: str) -> bool:
    """Tell whether a function calls another of a name, as np.outer."""
    made = (node for node in ast.walk(tree_of(function)) if isinstance(node, ast.Call))
    return any(ast.unparse(call.func).rpartition(".")[2] == name for call in made)


@once
def joins(function: Callable[..., Any], name: str) -> bool:
    """Tell whether a function joins the parts of an argument, which is a list of arrays."""
    calls = (node for node in ast.walk(tree_of(function)) if isinstance(node, ast.Call))
    return any(
        call.args and isinstance(call.args[0], ast.Name) and call.args[0].id == name
        and ast.unparse(call.func).rpartition(".")[2] in vocabulary.JOINING
        for call in calls
    )  # fmt: skip


@once
def assigned_names(function: Callable[..., Any]) -> set[str]:
    """Return the names that a function assigns to: its variables, and attributes of objects."""
    found = set()
    for node in ast.walk(tree_of(function)):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.id if isinstance(node, ast.Name) else node.attr)
    return found


@once
def parts_of(function: Callable[..., Any], name: str) -> int:
    """Return into how many parts a function takes an argument of its apart: a, b = inputs.

    2 where it goes through them; 0 where it does not, or uses it for something else, too.
    """
    taken, indices = 0, set[int]()
    for node, parents in walk(tree_of(function)):
        if not (isinstance(node, ast.Name) and node.id == name):
            continue
        above = parents[-1]
        if isinstance(above, ast.Assign) and isinstance(above.targets[0], ast.Tuple):
            taken = max(taken, len(above.targets[0].elts))
        elif isinstance(above, ast.Subscript) and isinstance(above.slice, ast.Constant):
            indices.add(above.slice.value) if isinstance(above.slice.value, int) else None
        elif isinstance(above, ast.For | ast.comprehension) or (
            isinstance(above, ast.Call) and ast.unparse(above.func) in ("len", "enumerate", "sum")
        ):
            taken = max(taken, 2)
        elif not (isinstance(above, ast.Assign) and is_own(above.targets[0])):
            return 0
    return taken or (len(indices) if indices == set(range(len(indices))) else 0)


@once
def read_names(function: Callable[..., Any]) -> set[str]:
    """Return the names of attributes that a function reads of its own object."""
    nodes = (node for node in ast.walk(tree_of(function)) if is_own(node))
    return {node.attr for node in nodes}  # type: ignore[attr-defined]
