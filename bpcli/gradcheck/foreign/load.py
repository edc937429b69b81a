"""the cells of a person's file in -> the module that they make, as far as they can be run, out.

Imports, definitions and constants are run, one after the other; loops and calls at the top level,
which train and draw, are not. What fails is left out, and what is missing is stood in for.
"""

import __future__

import ast
import builtins
import copy
import importlib.util
import linecache
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bpcli.errors import SourceError
from bpcli.gradcheck.foreign import python2
from bpcli.gradcheck.foreign.beside import find_partners
from bpcli.gradcheck.foreign.code import NOTEBOOK, Code
from bpcli.gradcheck.foreign.magics import LeftOutError, plain_python
from bpcli.gradcheck.foreign.packages import let_import, package_of
from bpcli.gradcheck.foreign.standins import StandIns, restore_old_names, stand_in

BESIDE = 0  # the line that stands for files beside it
MOST_MISSED = 20  # modules that are stood in for, for one statement
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)  # what ast.parse may raise


@dataclass
class Source:
    """A module, and what could not be run of its file: one sentence for each statement.

    `text` is what was run, of a notebook all cells; `lines` says where names are defined in it.
    """

    path: Path
    module: types.ModuleType
    problems: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    text: str = ""
    lines: dict[str, int] = field(default_factory=dict)


def load_source(code: Code, begin: Callable[[int], bool] = lambda _line: True) -> Source:
    """Run a file and return its module. Raises SourceError if it is no Python.

    `begin` is told the line of each statement before it is run, and says whether it is to be; of
    files beside it, which have the partners of its functions, the line is BESIDE.
    """
    source = _load(code, begin)
    own = [name for name, x in vars(source.module).items() if _is_own(x, source)]
    partners = find_partners(code.path, own)
    for partner in partners if begin(BESIDE) else ():
        function = vars(_load(partner.code).module).get(partner.name)
        if isinstance(function, types.FunctionType):
            function.__module__ = source.module.__name__  # it is checked as if it stood there
            setattr(source.module, partner.name, function)
    return source


def _load(code: Code, begin: Callable[[int], bool] = lambda _line: True) -> Source:
    path, problems = code.path, list[str]()
    tree, text = parse_code(code, problems)
    let_import(path)
    source = Source(path, _make_module(path, tree), problems, text=text)
    lines = source.text.splitlines(keepends=True)
    linecache.cache[str(path)] = (len(source.text), None, lines, str(path))
    runner = _Runner(source)
    for statement in tree.body:
        if begin(statement.lineno):
            runner.run(statement)
    runner.stand_in_for_names(tree)
    return source


def parse_code(code: Code, problems: list[str]) -> tuple[ast.Module, str]:
    """Return the statements of all cells of code, and the text that was read; nothing is run.

    What cannot be read of a notebook is left out, and added to the problems. Raises SourceError
    for a file that Python cannot read.
    """
    texts = list(_read_cells(code, problems))
    tree = ast.Module([s for text, start in texts for s in _parse(text, code.path, start)], [])
    return tree, "\n".join(text for text, _ in texts)


def _is_own(thing: object, source: Source) -> bool:
    return isinstance(thing, types.FunctionType) and thing.__module__ == source.module.__name__


def _read_cells(code: Code, problems: list[str]) -> Iterator[tuple[str, int]]:
    """Yield the Python of each cell, and the lines before it; of a notebook, some can be left out.

    Raises SourceError for a file that Python cannot read.
    """
    name = code.path.name
    for cell, start in zip(code.cells, code.starts, strict=True):
        text = cell.text
        try:
            if code.path.suffix.lower() == NOTEBOOK:
                text = plain_python(text)
            _parse(text, code.path, start)
        except LeftOutError as error:
            problems.append(f"{name}:{start + 1}: {error}")
            text = "\n" * text.count("\n")
        except UNREADABLE as error:
            words = _explain_syntax(name, start, text, error)
            if code.path.suffix.lower() != NOTEBOOK:
                raise SourceError(words) from error
            problems.append(words)
            text = "\n" * text.count("\n")
        yield text, start


def _parse(text: str, path: Path, start: int) -> list[ast.stmt]:
    with warnings.catch_warnings(action="ignore"):  # of escapes in docstrings
        tree = ast.parse(text, str(path))
    return ast.increment_lineno(tree, start).body


def _make_module(path: Path, tree: ast.Module) -> types.ModuleType:
    """Return an empty module, in a package where the file imports from one."""
    taken = path.stem in sys.modules or path.stem in sys.stdlib_module_names
    module = types.ModuleType(path.stem + "_of_yours" * taken)
    levels = [node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    if any(levels):
        module.__package__ = package_of(path, max(levels))
    module.__file__ = str(path)
    vars(module)["__builtins__"] = vars(sys.modules["builtins"])
    sys.modules[module.__name__] = module
    return module


class _Runner:
    """Runs the statements of a file, one after the other, with stand-ins for what is not there."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.names = vars(source.module)
        self.stand_ins = StandIns()
        self.flags = 0  # of the `from __future__ import` that were met
        python2.restore_names()
        restore_old_names(sys.modules["numpy"])

    def run(self, statement: ast.stmt) -> None:
        """Run what a statement defines, and keep what goes wrong as a problem."""
        kept = self._definitions(statement)
        if kept is None:
            return
        for _ in range(MOST_MISSED):
            try:
                self._execute(kept)
            except ModuleNotFoundError as error:
                if not error.name or error.name in self.stand_ins.names:
                    self._note(statement, error)
                    return
                self.stand_ins.names.add(error.name)
            except BaseException as error:  # noqa: BLE001 - it may raise whatever it likes
                self._note(statement, error)
                return
            else:
                return

    def stand_in_for_names(self, tree: ast.Module) -> None:
        """Stand in for what the file imports where that was not run, and cannot be had later."""
        made = self.stand_ins.made
        self.source.missing += [m for m in made if not any(n.startswith(f"{m}.") for n in made)]
        inside = {
            id(node)
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for node in ast.walk(function)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            if id(node) in inside:
                lost = [name for name in _modules(node) if not _can_be_found(name)]
                self.stand_ins.names.update(name.partition(".")[0] for name in lost)
                self.source.missing += lost
                continue
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                if name != "*" and name not in self.names:
                    full = f"{getattr(node, 'module', None) or ''}.{alias.name}".strip(".")
                    self.names[name] = stand_in(full)
                    self.source.missing.append(full)

    def _execute(self, statement: ast.stmt) -> None:
        tree = ast.Module([statement], [])
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "__future__" and not node.level:
                for alias in node.names:
                    future = getattr(__future__, alias.name, None)
                    self.flags |= getattr(future, "compiler_flag", 0)
        with warnings.catch_warnings(action="ignore"):
            code = compile(tree, str(self.source.path), "exec", self.flags, dont_inherit=True)
        exec(code, self.names)  # noqa: S102 - it is what the person asks for, by name
        if isinstance(statement, ast.ClassDef | ast.FunctionDef):
            self.source.lines[statement.name] = statement.lineno

    def _note(self, statement: ast.stmt, error: BaseException) -> None:
        where = f"{self.source.path.name}:{statement.lineno}"
        words = f"{type(error).__name__}: {error}"
        words += python2.explain_error(words, self.source.text)
        self.source.problems.append(f"{where}: {words}")

    def _definitions(self, statement: ast.stmt) -> ast.stmt | None:
        """Return what of a statement makes names, and does nothing else; None if nothing does."""
        match statement:
            case ast.If() | ast.Try():
                kept = copy.copy(statement)
                kept.body = self._all_definitions(statement.body) or [_nothing(statement)]
                kept.orelse = self._all_definitions(statement.orelse)
                if isinstance(kept, ast.Try):
                    kept.finalbody = self._all_definitions(kept.finalbody)
                    kept.handlers = [self._handler(handler) for handler in kept.handlers]
                return kept
            case ast.Expr(ast.Call(func)):
                return statement if ast.unparse(func).startswith("sys.path.") else None
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                return statement if self._is_cheap(statement) else None
            case (
                ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Import()
                | ast.ImportFrom() | ast.Pass() | ast.Expr(ast.Constant()) | ast.Delete()
            ):  # fmt: skip
                return statement
        return statement if type(statement).__name__ == "TypeAlias" else None

    def _all_definitions(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        return [kept for statement in statements if (kept := self._definitions(statement))]

    def _handler(self, handler: ast.ExceptHandler) -> ast.ExceptHandler:
        kept = copy.copy(handler)
        kept.body = self._all_definitions(handler.body) or [_nothing(handler)]
        return kept

    def _is_cheap(self, statement: ast.stmt) -> bool:
        """Tell whether an assignment calls nothing, numpy or a class: it loads no data."""
        inside = {
            id(node)
            for function in ast.walk(statement)
            if isinstance(function, ast.Lambda)
            for node in ast.walk(function.body)
        }
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and id(node) not in inside:
                root = ast.unparse(node.func).partition(".")[0].partition("(")[0]
                thing = self.names.get(root, getattr(builtins, root, None))
                own = isinstance(thing, type) or root in ("np", "numpy", "partial", "OrderedDict")
                if not own or root == "open":
                    return False
        return True


def _nothing(near: ast.stmt | ast.ExceptHandler) -> ast.stmt:
    return ast.copy_location(ast.Pass(), near)


def _modules(statement: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the full names of the modules that a statement imports."""
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    return [statement.module] if statement.module and not statement.level else []


def _can_be_found(name: str) -> bool:
    root = name.partition(".")[0]
    try:
        return root in sys.modules or importlib.util.find_spec(root) is not None
    except (ImportError, ValueError):
        return False


def _explain_syntax(name: str, start: int, text: str, error: BaseException) -> str:
    if not isinstance(error, SyntaxError):
        return f"{name}: Python cannot read it: {error or type(error).__name__}"
    number = error.lineno or 0
    place = f"{name}:{start + number}" if number else name
    line = text.split("\n")[number - 1] if 0 < number <= text.count("\n") + 1 else ""
    return f"{place}: Python cannot read it: {error.msg}{python2.explain_syntax(line)}"
