"""the code that was handed in -> its classes and functions, and which of them are empty, out.

Nothing of it is run.
"""

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field

from bpcli.gradcheck.foreign import vocabulary
from bpcli.gradcheck.foreign.code import Code
from bpcli.gradcheck.foreign.load import parse_code

NEAR = 0.6  # likeness of a name that is told where another one is expected
Functions = dict[str, ast.FunctionDef]


@dataclass(frozen=True)
class Outline:
    """What a file defines: classes by their names, each with its methods, and functions.

    Of what is defined twice the last counts. `bases` are what classes are made from that the file
    does not define, and `blank` the numbers of a notebook's cells of code in which there is
    nothing, but for the last, which editors leave there.
    """

    tree: ast.Module
    classes: dict[str, Functions] = field(default_factory=dict)
    functions: Functions = field(default_factory=dict)
    other_names: dict[str, str] = field(default_factory=dict)  # Relu = MyRelu
    bases: dict[str, str] = field(default_factory=dict)
    blank: tuple[int, ...] = ()

    @property
    def names(self) -> list[str]:
        """Return what the file defines, by the names that a layer may be asked for."""
        return [*self.classes, *self.other_names, *self.functions]

    def own_name(self, name: str) -> str:
        """Return what a class or function is called where it is defined."""
        return self.other_names.get(name, name)

    def find_missing(self, name: str) -> bool:
        """Tell whether nothing is called so, nor begins so, as affine_forward for affine."""
        return not any(n == name or n.startswith(f"{name}_") for n in self.names)

    def find_near(self, name: str) -> str:
        """Return the name that may be meant by a layer that is missing, or ""."""
        kind = vocabulary.layer_called(name)
        alike = [n for n in self.names if kind and vocabulary.layer_called(n) == kind]
        words = {vocabulary.plain(n): n for n in self.names}
        near = difflib.get_close_matches(vocabulary.plain(name), words, 1, NEAR)
        return next(iter([*alike, *(words[word] for word in near)]), "")

    def parts_of(self, name: str) -> tuple[Functions, Functions]:
        """Return what may be the forward, and the backward, of a layer: methods, or functions."""
        own = self.own_name(name)
        if own in self.classes:
            methods = self.classes[own]
            return _chosen(methods, vocabulary.FORWARD), _chosen(methods, vocabulary.BACKWARD)
        mine = {n: f for n, f in self.functions.items() if n == own or n.startswith(f"{own}_")}
        mine |= {n: f for n, f in self.functions.items() if n in _derivatives_of(own)}
        back = {n: f for n, f in mine.items() if n in _derivatives_of(own) or "backward" in n}
        return {n: f for n, f in mine.items() if n not in back}, back

    def find_empty(self, name: str) -> str:
        """Return what of a layer is left to be written, as `Relu.backward`, or ""."""
        own = self.own_name(name)
        if own in self.classes and not self.classes[own]:
            return own
        for functions in self.parts_of(name):
            empty = [n for n, function in functions.items() if is_empty(function)]
            if functions and len(empty) == len(functions):
                return f"{own}.{empty[0]}" if own in self.classes else empty[0]
        return ""

    def find_lacking(self, name: str) -> str:
        """Return what a class, or a pair of functions, does not have: `forward` or `backward`.

        A function of the name itself may be a loss, which returns its gradient.
        """
        if self.own_name(name) in self.functions:
            return ""
        lacking = [
            word
            for word, found in zip(("forward", "backward"), self.parts_of(name), strict=True)
            if not found
        ]
        return lacking[-1] if lacking else ""

    def find_base(self, name: str) -> str:
        """Return what a class has its methods from that the file does not define, or ""."""
        return self.bases.get(self.own_name(name), "")

    def find_near_method(self, name: str, wanted: str) -> str:
        """Return the method that may be meant by one that is lacking, or ""."""
        methods = self.classes.get(self.own_name(name), {})
        return next(iter(difflib.get_close_matches(wanted, methods, 1, NEAR)), "")


def outline(code: Code) -> Outline:
    """Read what a file defines. Raises SourceError for one that Python cannot read."""
    tree, _ = parse_code(code, [])
    blank = [cell.number for cell in code.cells[:-1] if cell.number and _is_blank(cell.text)]
    found = Outline(tree, blank=tuple(blank))
    for statement in _statements(tree.body):
        match statement:
            case ast.ClassDef(name=name):
                _add_class(found, name, statement)
            case ast.FunctionDef(name=name):
                found.functions[name] = statement
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name(id=other)):
                if other in found.classes or other in found.functions:
                    found.other_names[name] = found.own_name(other)
            case ast.Assign(
                targets=[ast.Attribute(value=ast.Name(id=owner), attr=name)], value=value
            ) if owner in found.classes:
                found.classes[owner][name] = _function_of(found, value)
    return found


def _add_class(found: Outline, name: str, statement: ast.ClassDef) -> None:
    """Add a class, with the methods of those that it is made from."""
    bases = [ast.unparse(base) for base in statement.bases]
    inherited = [found.classes.get(base, {}) for base in reversed(bases)]
    methods = {n: f for one in inherited for n, f in one.items()}
    for part in statement.body:
        match part:
            case ast.FunctionDef(name=own):
                methods[own] = part
            case ast.Assign(targets=targets, value=ast.Name() | ast.Lambda() as value):
                function = methods.get(ast.unparse(value)) or _function_of(found, value)
                methods |= {ast.unparse(target): function for target in targets}
    found.classes[name] = methods
    found.bases.pop(name, None)
    known = {*found.classes, "object", "ABC", "abc.ABC"}
    others = [found.bases.get(base, "") if base in found.classes else base for base in bases]
    unknown = next((base for base in others if base and base not in known), "")
    if unknown:
        found.bases[name] = unknown


def _function_of(found: Outline, value: ast.expr) -> ast.FunctionDef:
    """Return the function that a method is set to; of one that is not in the file, its call."""
    known = found.functions.get(ast.unparse(value))
    if known:
        return known
    (call,) = ast.parse(f"def function(): return ({ast.unparse(value)})()").body
    assert isinstance(call, ast.FunctionDef)  # noqa: S101 - that is what was written
    call.lineno = value.lineno
    return call


def is_empty(function: ast.FunctionDef) -> bool:
    """Tell whether a body is still to be written.

    It has nothing but `pass`, `...`, a docstring and names for None, or raises NotImplementedError
    whatever it is given.

    >>> is_empty(ast.parse("def backward(self, dout): dx = None; return dx").body[0])
    True
    """
    if any(map(_is_refusal, function.body)):
        return True
    nothing: set[str] = set()
    for statement in function.body:
        match statement:
            case ast.Pass() | ast.Expr(ast.Constant()) | ast.Return(None):
                continue
            case ast.Assign(targets=targets, value=value) if _is_nothing(value, nothing):
                nothing |= {ast.unparse(part) for target in targets for part in _parts(target)}
            case ast.Return(ast.expr() as value) if _is_nothing(value, nothing):
                continue
            case _:
                return False
    return True


def _is_refusal(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Raise) and "NotImplemented" in ast.unparse(statement)


def _is_nothing(value: ast.expr, nothing: set[str]) -> bool:
    names = {"None", "NotImplemented", "..."} | nothing
    return all(ast.unparse(part) in names for part in _parts(value))


def _parts(value: ast.expr) -> list[ast.expr]:
    return value.elts if isinstance(value, ast.Tuple | ast.List) and value.elts else [value]


def _is_blank(text: str) -> bool:
    return all(line.strip().startswith("#") or not line.strip() for line in text.splitlines())


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements at the top level, those under `if` and `try` with them."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try):
            yield from _statements([*statement.body, *statement.orelse])


def _chosen(methods: Functions, words: tuple[str, ...]) -> Functions:
    """Return the one method of a class that is called by the likeliest of these words."""
    return next(({word: methods[word]} for word in words if word in methods), {})


def _derivatives_of(name: str) -> set[str]:
    """Return what people call the backward of a function."""
    stems = {name, name.removesuffix("_forward")}
    return {f"{stem}{mark}" for stem in stems for mark in vocabulary.AFTER} | {
        f"{mark}{stem}" for stem in stems for mark in vocabulary.BEFORE
    }
