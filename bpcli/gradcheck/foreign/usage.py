"""the text of a function in -> what each of its arguments is used as: a size, an array, ... out."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Concatenate, ParamSpec, TypeVar

from bpcli.gradcheck.foreign import vocabulary

SIZE, ARRAY, DICTIONARY, FILLED, CALLED, WORD, OBJECT = (
    "size", "array", "dictionary", "filled", "called", "word", "object"
)  # fmt: skip
INDEX, FACTOR = "index", "factor"  # of an array; of a product, element by element
OPTIONAL = "optional"  # looked at for whether it is there: if n is None, n or 3
DECLARED = "declared"  # to be a dictionary: gradients: dict
LAYERS = "layers"  # sizes, one after the other
AXES = "axes"  # a shape, whose sizes are taken one by one: randn(*shape), shape[0], shape[1]
STRIDE, PAD = "stride", "pad"  # by what is divided to count windows, by which pictures are padded

P = ParamSpec("P")
T = TypeVar("T")
TEXT = "= "  # before one that it is compared with


def _once(find: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[Any, P], T]:
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


@_once
def tree_of(function: Any) -> ast.AST:
    """Return the syntax tree of a function or class, an empty one where there is no text."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError, SyntaxError, ValueError):
        return ast.Module([], [])


@_once
def uses_of_arguments(function: Callable[..., Any]) -> dict[str, set[str]]:
    """Return what each argument of a function is used as, as far as its text tells."""
    tree = tree_of(function)
    found: dict[str, set[str]] = {}
    for node, parents in _walk(tree):
        if isinstance(node, ast.Name):
            found.setdefault(node.id, set()).update(_uses(node, parents))
        elif isinstance(node, ast.arg) and node.annotation and _is_dictionary(node.annotation):
            found.setdefault(node.arg, set()).add(DECLARED)
    return found


@_once
def unread_arguments(function: Callable[..., Any]) -> set[str]:
    """Return the arguments of a function that its text never reads, nor hands on."""
    tree = tree_of(function)
    named = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    return named - {node.id for node in names if isinstance(node.ctx, ast.Load)}


@_once
def uses_of_constructor(kind: Any) -> dict[str, set[str]]:
    """Return what each argument of a constructor is used as, also where the object keeps it."""
    found = {name: set(uses) for name, uses in uses_of_arguments(kind.__init__).items()}
    kept: dict[str, str] = {}  # attribute -> argument
    for node in ast.walk(tree_of(kind.__init__)):
        if isinstance(node, ast.Assign):  # self.top = self.bottom = pad, too
            kept |= {name: part for t in node.targets for name, part in _kept(t, node.value)}
    for base in kind.__mro__[:-1]:
        for node, parents in _walk(tree_of(base)):
            if _is_own(node) and node.attr in kept:  # type: ignore[attr-defined]
                found.setdefault(kept[node.attr], set()).update(_uses(node, parents))  # type: ignore[attr-defined]
    return found


@_once
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


@_once
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


@_once
def returns_several(function: Callable[..., Any]) -> bool:
    """Tell whether the last `return` of a function has a tuple or a list."""
    returns = [node for node in ast.walk(tree_of(function)) if isinstance(node, ast.Return)]
    last = max(returns, key=lambda node: node.lineno, default=None)
    found = last.value if last else None
    if isinstance(found, ast.BinOp):  # [dout] * 2
        found = found.left
    return isinstance(found, ast.Tuple | ast.List | ast.ListComp)


@_once
def gone_through(kind: type) -> set[str]:
    """Return the attributes that methods of a class go through, to call each part's own."""
    loops = (node for node in ast.walk(tree_of(kind)) if isinstance(node, ast.For))
    return {
        node.attr
        for loop in loops
        if any(isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
               and ast.unparse(n.func.value) in ast.unparse(loop.target) for n in ast.walk(loop))
        for node in ast.walk(loop.iter)
        if isinstance(node, ast.Attribute) and _is_own(node)
    }  # fmt: skip


@_once
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
    return _is_own(node) and node.attr == name  # type: ignore[attr-defined]


@_once
def only_raises(function: Callable[..., Any]) -> bool:
    """Tell whether a function does nothing but raise, as one that is not there to be called."""
    definition = next(iter(ast.iter_child_nodes(tree_of(function))), None)
    body = getattr(definition, "body", None) or [ast.Pass()]
    said = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    return isinstance(body[-1], ast.Raise) and len(body) == 1 + said


@_once
def passes_over_zeros(function: Callable[..., Any]) -> bool:
    """Tell whether a function leaves out what is 0: if gradient == 0: continue."""
    return any(
        isinstance(node, ast.If) and isinstance(node.test, ast.Compare)
        and isinstance(node.test.ops[0], ast.Eq) and isinstance(node.body[0], ast.Continue)
        for node in ast.walk(tree_of(function))
    )  # fmt: skip


@_once
def reads_first_alone(function: Callable[..., Any], name: str) -> bool:
    """Tell whether a function reads the first part of an argument, name[0], and no other."""
    above = [p[-1] for n, p in _walk(tree_of(function)) if isinstance(n, ast.Name) and n.id == name]
    return bool(above) and all(
        isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
        and node.slice.value == 0
        for node in above
    )  # fmt: skip


@_once
def joins(function: Callable[..., Any], name: str) -> bool:
    """Tell whether a function joins the parts of an argument, which is a list of arrays."""
    calls = (node for node in ast.walk(tree_of(function)) if isinstance(node, ast.Call))
    return any(
        call.args and isinstance(call.args[0], ast.Name) and call.args[0].id == name
        and ast.unparse(call.func).rpartition(".")[2] in vocabulary.JOINING
        for call in calls
    )  # fmt: skip


@_once
def assigned_names(function: Callable[..., Any]) -> set[str]:
    """Return the names that a function assigns to: its variables, and attributes of objects."""
    found = set()
    for node in ast.walk(tree_of(function)):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.id if isinstance(node, ast.Name) else node.attr)
    return found


@_once
def parts_of(function: Callable[..., Any], name: str) -> int:
    """Return into how many parts a function takes an argument of its apart: a, b = inputs.

    2 where it goes through them; 0 where it does not, or uses it for something else, too.
    """
    taken, indices = 0, set[int]()
    for node, parents in _walk(tree_of(function)):
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
        elif not (isinstance(above, ast.Assign) and _is_own(above.targets[0])):
            return 0
    return taken or (len(indices) if indices == set(range(len(indices))) else 0)


@_once
def read_names(function: Callable[..., Any]) -> set[str]:
    """Return the names of attributes that a function reads of its own object."""
    nodes = (node for node in ast.walk(tree_of(function)) if _is_own(node))
    return {node.attr for node in nodes}  # type: ignore[attr-defined]


def _kept(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, str]]:
    """Yield the attributes that arguments are kept in, as in self.W, self.b = W, b."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, other in zip(target.elts, value.elts, strict=False):
            yield from _kept(one, other)
    elif _is_own(target) and isinstance(value, ast.Name):
        yield target.attr, value.id  # type: ignore[attr-defined]


def _is_own(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )


def _walk(
    node: ast.AST, parents: tuple[ast.AST, ...] = ()
) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...]]]:
    yield node, parents
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, (*parents, node))


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
                yield from [AXES] * (isinstance(inner, ast.Starred) and inner.value is node)
                yield from [PAD] * (name == "pad" and inner is not above.args[0])
            elif inner is not above.func and inner is node and name in vocabulary.OF_ARRAYS:
                yield ARRAY
            elif name == "zip" and any(_is_rest(a, node) for a in above.args):
                yield LAYERS
            return
        if not isinstance(above, ast.Tuple | ast.List | ast.BinOp | ast.keyword | ast.Starred):
            return
        inner = above


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
