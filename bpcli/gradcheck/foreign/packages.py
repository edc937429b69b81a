"""where a person's file is in -> the packages around it, so that its imports find what they mean.

A file may stand in a package, or only in folders, by whose names `from ..engine import` goes up.
"""

import sys
import types
from pathlib import Path

from bpcli.errors import FileError
from bpcli.files.path import look

ABOVE = 3  # folders above the file's own from which it may import too
FARTHEST = 4  # folders that what it imports may go up by


def let_import(path: Path) -> None:
    """Let a file import what lies beside it and above it, and the package that it is in."""
    folders = [*path.parents[: 1 + ABOVE], path.parents[len(_packages(path))]]
    sys.path[:0] = [str(folder) for folder in dict.fromkeys(folders)]


def package_of(path: Path, levels: int) -> str:
    """Return the name of the package that a file is in, which it goes up in by `levels`.

    Folders with an `__init__.py` are packages, and are imported when they are asked for; any other
    folder is made one, of what it holds.
    """
    packages = _packages(path)
    if levels <= len(packages):
        return ".".join(folder.name for folder in reversed(packages))
    names: list[str] = []
    for folder in reversed(
        [folder for folder in path.parents[: max(FARTHEST, levels)] if folder.name]
    ):
        names.append(folder.name if folder in packages else "_" + folder.name.replace(".", "_"))
        if folder not in packages:
            module = types.ModuleType(".".join(names))
            module.__path__ = [str(folder)]
            sys.modules[module.__name__] = module
    return ".".join(names)


def _packages(path: Path) -> list[Path]:
    """Return the packages that a file is in, the innermost first."""
    found: list[Path] = []
    for folder in path.parents:
        if not _is_package(folder):
            break
        found.append(folder)
    return found


def _is_package(folder: Path) -> bool:
    try:
        return look(folder / "__init__.py") == "file"
    except FileError:  # a folder that may not be looked into is none
        return False
