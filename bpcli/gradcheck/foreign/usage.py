"""the text of a function in -> what each of its arguments is used as: a size, an array, ... out."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bpcli.gradcheck.foreign import vocabulary
from bpcli.gradcheck.foreign.syntax import is_own, once, tree_of, walk

SIZE, ARRAY, DICTIONARY, FILLED, CALLED, WORD, OBJECT = (
    "size", "array", "dictionary", "filled", "called", "word", "object"
)  # fmt: skip
INDEX, FACTOR = "index", "factor"  # of an array; of a product, element by element
OPTIONAL = "optional"  # looked at for whether it is there: if n is None, n or 3
DECLARED = "declared"  # to be a dictionary: gradients: dict
LAYERS = "layers"  # sizes, one after the other
AXES = "axes"  # a shape, whose sizes are taken one by one: randn(*shape), shape[0], shape[1]
INNER_AXES = "inner axes"  # those of a shape behind other axes: randn(filters, *shape)
STRIDE, PAD = "stride", "pad"  # by what is divided to count windows, by which pictures are padded

TEXT = "= "  # before one that it is compared with


@once
def uses_of_arguments(function: Callable[..., Any]) -> dict[str, set[str]]:
    """Return what each argument of a function is used as, as far as its text tells."""
    tree = tree_of(function)
    found: dict[str, set[str]] = {}
    for node, parents in walk(tree):
        if isinstance(node, ast.Name):
            found.setdefault(node.id, set()).update(_uses(node, parents))
        elif isinstance(node, ast.arg) and node.annotation and _is_dictionary(node.annotation):
            found.setdefault(node.arg, set()).add(DECLARED)
    return found


@once
def uses_of_constructor(kind: Any) -> dict[str, set[str]]:
    """Return what each argument of a constructor is used as, also where the object keeps it."""
    found = {name: set(uses) for name, uses in uses_of_arguments(kind.__init__).items()}
    kept: dict[str, str] = {}  # attribute -> argument
    for node in ast.walk(tree_of(kind.__init__)):
        if isinstance(node, ast.Assign):  # self.top = self.bottom = pad, too
            kept |= {name: part for t in node.targets for name, part in _kept(t, node.value)}
    for base in kind.__mro__[:-1]:
        for node, parents in walk(tree_of(base)):
            if is_own(node) and node.attr in kept:  # type: ignore[attr-defined]
                found.setdefault(kept[node.attr], set()).update(_uses(node, parents))  # type: ignore[attr-defined]
    return found


def _kept(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, str]]:
    """Yield the attributes that arguments are kept in, as in self.W, self.b = W, b."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, other in zip(target.elts, value.elts, strict=False):
            yield from _kept(one, other)
    elif is_own(target) and isinstance(value, ast.Name):
        yield target.attr, value.id  # type: ignore[attr-defined]


def _uses(node: ast.AST, parents: tuple[ast.AST, ...]) -> Iterator[str]:
    """Yield what a name stands for by the expressions that it is in."""
    above = parents[-1] if parents else node
    if isinstance(above, ast.Subscript) and above.value is node:
        if _is_key(above.slice, parents):
            yield FILLED if isinstance(above.ctx, ast.Store) else DICTIONARY
        elif not isinstance(above.ctx, ast.Store):
            yield ARRAY
    elif isinstance(above, ast.Call) and above.func is node:
        yield CALLED
    elif isinstance(above, ast.Attribute):
        kind = ARRAY if above.attr in vocabulary.OF_AN_ARRAY else OBJECT
        yield DICTIONARY if above.attr in vocabulary.OF_A_DICTIONARY else kind
    elif isinstance(above, ast.BinOp) and isinstance(above.op, ast.MatMult):
        yield ARRAY
    elif isinstance(above, ast.BinOp) and isinstance(above.op, ast.Mult | ast.Div):
        yield FACTOR
    elif isinstance(above, ast.Compare):
        sides = [above.left, *above.comparators]
        yield from [OPTIONAL] * any(isinstance(s, ast.Constant) and s.value is None for s in sides)
        texts = [s.value for s in sides if isinstance(s, ast.Constant) and isinstance(s.value, str)]
        yield from [WORD] * bool(texts)
        yield from (TEXT + text for text in texts)
    elif isinstance(above, ast.BoolOp | ast.If | ast.IfExp):
        yield OPTIONAL
    yield from _use_around(node, parents)


def _use_around(node: ast.AST, parents: tuple[ast.AST, ...]) -> Iterator[str]:
    """Yield what a name is used as by the call, the slice or the division around it."""
    inner: ast.AST = node
    for above in reversed(parents):
        if isinstance(above, ast.Subscript):
            yield from [INDEX] * (inner is above.slice)
            return
        if isinstance(above, ast.Slice):
            yield SIZE
            return
        if isinstance(above, ast.BinOp) and isinstance(above.op, ast.FloorDiv | ast.Mod):
            yield SIZE
            yield from [STRIDE] * (inner is node is above.right)
            return
        if isinstance(above, ast.Call):
            name = ast.unparse(above.func).rpartition(".")[2]
            if inner is not above.func and name in vocabulary.SHAPED:
                yield SIZE
                yield from _axes(node, inner, above)
                yield from [PAD] * (name == "pad" and inner is not above.args[0])
            elif inner is not above.func and inner is node and name in vocabulary.OF_ARRAYS:
                yield ARRAY
            elif name == "zip" and any(_is_rest(a, node) for a in above.args):
                yield LAYERS
            return
        if not isinstance(above, ast.Tuple | ast.List | ast.BinOp | ast.keyword | ast.Starred):
            return
        inner = above


def _axes(node: ast.AST, inner: ast.AST, call: ast.Call) -> Iterator[str]:
    """Yield what a name stands for that is taken apart into sizes: *shape."""
    if isinstance(inner, ast.Starred) and inner.value is node:
        yield AXES if inner is call.args[0] else INNER_AXES


def _is_rest(part: ast.AST, node: ast.AST) -> bool:
    """Tell whether a part is a slice of a name: sizes[1:]."""
    sliced = isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Slice)
    return sliced and ast.unparse(part.value) == ast.unparse(node)  # type: ignore[attr-defined]


def _is_dictionary(annotation: ast.expr) -> bool:
    return re.match(r"(typing\.)?(dict|Dict)\b", ast.unparse(annotation)) is not None


def _is_key(key: ast.expr, parents: Iterable[ast.AST]) -> bool:
    """Tell whether what is in brackets is a text: a constant, or one made of texts."""
    if isinstance(key, ast.JoinedStr):
        return True
    if isinstance(key, ast.Name):  # parameters[k] for k in ("W", "b")
        around = [p for p in parents if isinstance(p, ast.GeneratorExp | ast.ListComp | ast.For)]
        loops = [g for p in around for g in getattr(p, "generators", [p])]
        return any(
            isinstance(loop.target, ast.Name)
            and loop.target.id == key.id
            and any(
                isinstance(n, ast.Constant) and isinstance(n.value, str)
                for n in ast.walk(loop.iter)
            )
            for loop in loops
        )
    return any(
        isinstance(part, ast.Constant) and isinstance(part.value, str) for part in ast.walk(key)
    )
