"""a person's file in -> the module that it makes, as far as it can be run, out.

Imports, definitions and constants are run, one after the other; loops and calls at the top level,
which train and draw, are not. What fails is left out, and what is missing is stood in for.
"""

import ast
import builtins
import sys
import types
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from bpcli.errors import SourceError
from bpcli.gradcheck.foreign.standins import Anything, StandIns, restore_old_names

ABOVE = 2  # folders above the file's own from which it may import too
MOST_MISSED = 20  # modules that are stood in for, for one statement


@dataclass
class Source:
    """A module, and what could not be run of its file: one sentence for each statement."""

    path: Path
    module: types.ModuleType
    problems: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def load_source(path: Path) -> Source:
    """Run a file and return its module. Raises SourceError if it is no Python, or not there."""
    path = path.resolve()
    try:
        text = path.read_bytes()
        with warnings.catch_warnings(action="ignore"):  # of escapes in docstrings
            tree = ast.parse(text, str(path))
    except OSError as error:
        raise SourceError(f"{path.name}: cannot be read: {error.strerror}") from error
    except (SyntaxError, ValueError) as error:
        raise SourceError(_explain_syntax(path, error)) from error
    restore_old_names()
    sys.path[:0] = [str(folder) for folder in path.parents[: 1 + ABOVE]]
    source = Source(path, _make_module(path, tree))
    stand_ins = StandIns()
    for statement in tree.body:
        if _is_definition(statement) and _is_cheap(statement, vars(source.module)):
            _run(statement, source, stand_ins)
    _stand_in_for_names(tree, source)
    return source


def _stand_in_for_names(tree: ast.Module, source: Source) -> None:
    """Stand in for names that the file would import, had it not taken their absence for granted."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                if name != "*" and name not in vars(source.module):
                    setattr(source.module, name, Anything())
                    source.missing.append(alias.name)


def _make_module(path: Path, tree: ast.Module) -> types.ModuleType:
    """Return an empty module, in a package where the file imports from one."""
    taken = path.stem in sys.modules or path.stem in sys.stdlib_module_names
    name = path.stem + "_of_yours" * taken
    levels = [node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    module = types.ModuleType(name)
    above = max(levels, default=0)
    if above:
        while (path.parents[above] / "__init__.py").exists():  # its modules may go up farther
            above += 1
        package = ".".join(folder.name for folder in reversed(path.parents[:above]))
        module.__package__ = package
        sys.path.insert(0, str(path.parents[above]))
    module.__file__ = str(path)
    sys.modules[name] = module
    return module


def _is_definition(statement: ast.stmt) -> bool:
    """Tell whether a statement makes names, and does nothing else."""
    match statement:
        case ast.If() | ast.Try():
            body = [*statement.body, *statement.orelse, *getattr(statement, "finalbody", [])]
            body += [s for h in getattr(statement, "handlers", []) for s in h.body]
            return all(_is_definition(inner) for inner in body)
        case ast.Expr(ast.Constant()) | ast.Pass():
            return True
        case ast.Expr(ast.Call(func)):
            return ast.unparse(func).startswith("sys.path.")
        case ast.For() | ast.While() | ast.With() | ast.Expr() | ast.Assert() | ast.Raise():
            return False
    return True


def _is_cheap(statement: ast.stmt, names: dict[str, object]) -> bool:
    """Tell whether an assignment calls nothing, numpy or a class: it loads no data."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return True
    for node in ast.walk(statement):
        if isinstance(node, ast.Call):
            root = ast.unparse(node.func).partition(".")[0].partition("(")[0]
            thing = names.get(root, getattr(builtins, root, None))
            own = isinstance(thing, type) or root in ("np", "numpy", "partial", "OrderedDict")
            if not own or root == "open":
                return False
    return True


def _run(statement: ast.stmt, source: Source, stand_ins: StandIns) -> None:
    """Run one statement, with stand-ins for modules that are not there."""
    code = compile(ast.Module([statement], []), str(source.path), "exec")
    for _ in range(MOST_MISSED):
        try:
            exec(code, vars(source.module))  # noqa: S102 - it is what the person asks for, by name
        except ModuleNotFoundError as error:
            if not error.name or error.name in stand_ins.names:
                source.problems.append(_explain(statement, source, error))
                return
            stand_ins.names.add(error.name)
            source.missing.append(error.name)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it may raise whatever it likes
            source.problems.append(_explain(statement, source, error))
            return
        else:
            return


def _explain(statement: ast.stmt, source: Source, error: BaseException) -> str:
    return f"{source.path.name}:{statement.lineno}: {type(error).__name__}: {error}"


def _explain_syntax(path: Path, error: SyntaxError | ValueError) -> str:
    if not isinstance(error, SyntaxError):
        return f"{path.name}: found no text, expected Python: {error}"
    line = f":{error.lineno}" if error.lineno else ""
    words = f"{path.name}{line}: Python cannot read it: {error.msg}"
    old = "Missing parentheses in call to 'print'" in (error.msg or "")
    return words + "; it seems to be Python 2: convert it by 2to3" * old
