"""the name of a layer in -> its text without types, and its formula in the chapter, out."""

import ast
import inspect
import re
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType

from bpcli.backprop import layers
from bpcli.gradcheck.foreign.vocabulary import layer_called
from bpcli.teaching.sheet import book, functions

STYLES: dict[str, ModuleType] = {"book": book, "functions": functions}
FORWARD, BACKWARD = "_forward", "_backward"


@dataclass(frozen=True)
class Source:
    """A layer as a sheet has it: a class, or functions, by the name that is required of it."""

    name: str
    style: str

    @property
    def formula(self) -> str:
        """The chapter's formula of forward, as the docstring of our own layer has it."""
        return re.split(r";?\s+d[a-zA-Z]+ =", self._doc)[0].strip().replace("\n", " ")

    @property
    def left_sides(self) -> list[str]:
        """What backward has to find: `dW`, `db` and `dx`."""
        return re.findall(r"\b(d[a-zA-Z]+) =", self._doc)

    @property
    def section(self) -> str:
        """The section of the book, or "" for what it has not."""
        found = re.search(r"Section\s+([\d.]*\d)", self._doc)
        return found[1] if found else ""

    @cached_property
    def _doc(self) -> str:
        return inspect.getdoc(getattr(layers, layer_called(self.name))) or ""

    def text(self, *, solved: bool) -> str:
        """Return the layer in plain Python; unless it is solved, its backward has no formula."""
        body = _Untyped().visit(_module(self.style)).body
        own = [part for part in body if getattr(part, "name", "") in self._names]
        return "\n\n\n".join(self._write(part, solved=solved) for part in own)

    @property
    def _names(self) -> tuple[str, ...]:
        is_class = self.style == "book"
        return (self.name,) if is_class else (self.name + FORWARD, self.name + BACKWARD)

    def _write(self, statement: ast.stmt, *, solved: bool) -> str:
        for function in ast.walk(statement):
            is_backward = isinstance(function, ast.FunctionDef) and "backward" in function.name
            if isinstance(function, ast.FunctionDef) and is_backward and not solved:
                function.body = [*_given(function), *_unwritten(self.name)]
        lines = []
        for line in ast.unparse(statement).replace(":\n\n", ":\n", 1).split("\n"):
            if line.strip().startswith("raise NotImplementedError"):
                indent = " " * (len(line) - len(line.lstrip()))
                lines += [f"{indent}# {side} =" for side in self.left_sides]
            lines.append(line)
        return "\n".join(lines)


class _Untyped(ast.NodeTransformer):
    """Takes types off, which the chapter has not."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        assert node.value  # noqa: S101 - all of them have one
        return ast.copy_location(ast.Assign([node.target], node.value), node)


def names_of(style: str) -> list[str]:
    """Return the names of the layers that a style has, in the order of the chapter."""
    names = [getattr(statement, "name", "") for statement in _module(style).body]
    if style == "book":
        return [name for name in names if name]
    return [name.removesuffix(FORWARD) for name in names if name.endswith(FORWARD)]


def _module(style: str) -> ast.Module:
    return ast.parse(inspect.getsource(STYLES[style]))


def _given(function: ast.FunctionDef) -> list[ast.stmt]:
    """Return what a backward of a function begins with: what is in its cache."""
    return [
        statement
        for statement in function.body[:1]
        if isinstance(statement, ast.Assign) and ast.unparse(statement.value) == "cache"
    ]


def _unwritten(name: str) -> list[ast.stmt]:
    return ast.parse(f'raise NotImplementedError("backward of {name} is to be written")').body
