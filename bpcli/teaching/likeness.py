"""the code of files -> which of them are alike but for names and comments, out."""

import ast
import copy
import hashlib
from collections.abc import Mapping
from typing import Any

Names = dict[str, str]


def normal_form(tree: ast.Module) -> str:
    """Return a digest that two files share which differ in names, comments and blanks alone.

    What a file calls its own, classes, functions, arguments, variables and attributes of self, is
    numbered as it comes; what it imports keeps the name that others know it by.

    >>> one = ast.parse("import numpy as np\\ndef f(x): return np.exp(x)  # the exponential")
    >>> two = ast.parse("import numpy\\ndef g(z):\\n    return numpy.exp(z)")
    >>> normal_form(one) == normal_form(two)
    True
    """
    renamer = _Renamer(tree)
    body = [renamer.visit(statement) for statement in copy.deepcopy(tree.body)]
    text = ast.dump(ast.Module([s for s in body if s is not None], []), annotate_fields=False)
    return hashlib.sha256(text.encode()).hexdigest()


def group(forms: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Return the names of files, each under its normal form, that are alike: two or more."""
    groups: dict[str, list[str]] = {}
    for name, form in forms.items():
        if form:
            groups.setdefault(form, []).append(name)
    return [tuple(names) for names in groups.values() if len(names) > 1]


class _Renamer(ast.NodeTransformer):
    """Gives a file's own names numbers; each function has its own, and what is left the file's."""

    def __init__(self, tree: ast.Module) -> None:
        self.imported: Names = {}
        self.own: Names = {}  # of the file
        self.attributes: Names = {}  # of self, methods among them
        self.scopes: list[Names] = []
        for node in ast.walk(tree):  # as a function may be called before it is defined
            match node:
                case ast.Module(body=body) | ast.ClassDef(body=body):
                    names = self.own if isinstance(node, ast.Module) else self.attributes
                    for inner in body:
                        if isinstance(inner, ast.ClassDef | ast.FunctionDef):
                            self._define(names, inner.name)
                case ast.Attribute(value=ast.Name(), ctx=ast.Store()):
                    self._define(self.attributes, node.attr)

    def visit_Import(self, node: ast.Import) -> None:
        self.imported |= {a.asname or a.name.partition(".")[0]: a.name for a in node.names}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.imported |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        node.name = self._define(self._names(), node.name)
        return self._without_words(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        own = self.scopes or node.name in self.own
        node.name = self._define(self._names() if own else self.attributes, node.name)
        node.returns = None
        self.scopes.append({})
        found = self._without_words(node)
        self.scopes.pop()
        return found

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.arg, node.annotation = self._define(self._names(), node.arg), None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is None:
            return None
        return self.visit(ast.Assign([node.target], node.value))

    def visit_Name(self, node: ast.Name) -> ast.Name:
        if isinstance(node.ctx, ast.Store):
            node.id = self._define(self._names(), node.id)
            return node
        known = [*reversed(self.scopes), self.own, self.imported]
        node.id = next((names[node.id] for names in known if node.id in names), node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.Attribute:
        is_own = isinstance(node.value, ast.Name) and node.value.id not in self.imported
        if is_own and node.attr in self.attributes:
            node.attr = self.attributes[node.attr]
        self.generic_visit(node)
        return node

    def _names(self) -> Names:
        return self.scopes[-1] if self.scopes else self.own

    def _without_words(self, node: Any) -> Any:
        is_word = isinstance(node.body[0], ast.Expr) and isinstance(
            node.body[0].value, ast.Constant
        )
        node.body = node.body[is_word:] or [ast.Pass()]
        self.generic_visit(node)
        return node

    def _define(self, names: Names, name: str) -> str:
        if name.startswith("__"):  # which Python knows
            return name
        return names.setdefault(name, f"name {len(names)}")
