"""the text of a function in -> it with one usual mistake undone, wherever there may be one, out.

A transpose is put to a factor of a product or taken from it; a sign is turned; what is set in a
loop is added up; what a loop brings back and nobody reads is added to what it begins with.
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

PRODUCTS = ("dot", "matmul")
LONGEST = 60  # characters of a text that is shown


@dataclass(frozen=True)
class Edit:
    """A function's text with one part of it changed: `old`, which stands in `line`, is `new`."""

    tree: ast.Module
    line: int
    old: str
    new: str


def edits(tree: ast.Module) -> Iterator[Edit]:
    """Yield a tree of a function with one part of it changed, the likeliest first."""
    for change in (_turned, _carried, _signed, _summed):
        yield from change(tree)


def _replaced(tree: ast.Module, old: ast.AST, new: ast.AST, shown: tuple[str, str]) -> Edit:
    """Return a copy of a tree with one node in place of another."""
    memo = {id(old): ast.copy_location(new, old)}
    changed = copy.deepcopy(tree, memo)
    line = getattr(old, "lineno", 1)
    return Edit(ast.fix_missing_locations(changed), line, *shown)


def _turned(tree: ast.Module) -> Iterator[Edit]:
    """Yield a transpose more, or one less, at each factor of a product of matrices."""
    for node in ast.walk(tree):
        for factor in _factors(node):
            if isinstance(factor, ast.Attribute) and factor.attr == "T":
                new: ast.expr = factor.value
            else:
                new = ast.Attribute(factor, "T", ast.Load())
            yield _within(tree, node, factor, new)
            swapped = _swapped(factor)
            if swapped is not None:
                yield _within(tree, node, factor, swapped)


def _factors(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return [node.left, node.right]
    if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in PRODUCTS:
        own = isinstance(node.func, ast.Attribute) and len(node.args) == 1  # a.dot(b)
        return [node.func.value, node.args[0]] if own else node.args[:2]  # type: ignore[attr-defined]
    return []


def _swapped(factor: ast.expr) -> ast.expr | None:
    """Return a factor with its last two axes swapped, or as it was before they were."""
    text = ast.unparse(factor)
    call = factor.func if isinstance(factor, ast.Call) else None
    if isinstance(call, ast.Attribute) and call.attr in ("transpose", "swapaxes"):
        if isinstance(call.value, ast.Name) and call.value.id in ("np", "numpy"):
            return factor.args[0] if isinstance(factor, ast.Call) else None
        return call.value
    if isinstance(factor, ast.Name | ast.Attribute | ast.Subscript) and not text.endswith(".T"):
        last: list[ast.expr] = [ast.UnaryOp(ast.USub(), ast.Constant(n)) for n in (1, 2)]
        return ast.Call(ast.Attribute(factor, "swapaxes", ast.Load()), last, [])
    return None


def _within(tree: ast.Module, node: ast.AST, part: ast.expr, new: ast.expr) -> Edit:
    """Return a tree with a part of a node replaced, and both nodes as texts."""
    product = copy.deepcopy(node, {id(part): new})
    shown = ast.unparse(node), ast.unparse(product)
    return _replaced(tree, part, new, shown)


def _signed(tree: ast.Module) -> Iterator[Edit]:
    """Yield the other sign of each sum and difference."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
            op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
            new = copy.copy(node)
            new.op = op
            yield _replaced(tree, node, new, (ast.unparse(node), ast.unparse(new)))


def _summed(tree: ast.Module) -> Iterator[Edit]:
    """Yield += in place of = in loops, for what is there before them."""
    for loop in ast.walk(tree):
        for node in ast.walk(loop) if isinstance(loop, ast.For | ast.While) else ():
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                target = node.targets[0]
                if isinstance(target, ast.Name | ast.Attribute | ast.Subscript):
                    new = ast.AugAssign(target, ast.Add(), node.value)
                    yield _replaced(tree, node, new, (ast.unparse(node), ast.unparse(new)))


def _carried(tree: ast.Module) -> Iterator[Edit]:
    """Yield a loop's own result, which nobody reads, added to each part of an array in it."""
    function = tree.body[0]
    read = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and _is_load(n)}
    for loop in ast.walk(tree):
        if not isinstance(loop, ast.For):
            continue
        names = [n for n in ast.walk(loop) if isinstance(n, ast.Name) and not _is_load(n)]
        for name in dict.fromkeys(n.id for n in names if n.id not in read):
            for part in ast.walk(loop):
                if isinstance(part, ast.Subscript | ast.Name) and _is_upstream(part, function):
                    total = ast.BinOp(part, ast.Add(), ast.Name(name, ast.Load()))
                    shown = ast.unparse(part), ast.unparse(total)
                    edit = _replaced(tree, part, total, shown)
                    yield _begun(edit, name)


def _is_load(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)


def _is_upstream(node: ast.expr, function: ast.stmt) -> bool:
    """Tell whether a part is one of an argument of the function: dout[:, t]."""
    arguments = getattr(function, "args", None)
    named = {a.arg for a in arguments.args} if arguments else set()
    base = node.value if isinstance(node, ast.Subscript) else None
    return isinstance(base, ast.Name) and base.id in named and isinstance(node.ctx, ast.Load)  # type: ignore[attr-defined]


def _begun(edit: Edit, name: str) -> Edit:
    """Return an edit in which a name is 0 before the function does anything."""
    start = ast.Assign([ast.Name(name, ast.Store())], ast.Constant(0))
    edit.tree.body[0].body.insert(0, start)  # type: ignore[attr-defined]
    ast.fix_missing_locations(edit.tree)
    return edit


def shorten(text: str) -> str:
    """Return a text that fits into a line."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
