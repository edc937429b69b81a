"""a function of a person's file without its partner in -> the file beside it that has that, out.

Some keep `linear_forward` in one file, and `linear_backward`, which derives it, in another.
"""

import ast
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bpcli.errors import SourceError
from bpcli.files.path import list_folder
from bpcli.gradcheck.foreign.code import Code, read_code

MOST = 200  # files beside it that are looked at
BACKWARD = re.compile(r"backwards?|backprop|bwd|bprop", re.IGNORECASE)
FORWARD = ("forward", "fwd", "fprop", "")  # what stands in its place


@dataclass(frozen=True)
class Partner:
    """A function called `name`, and the code of the file that it is in."""

    name: str
    code: Code


def find_partners(path: Path, names: Iterable[str]) -> list[Partner]:
    """Return what functions with these names derive, where it stands in files beside theirs."""
    names = list(names)
    wanted = {
        backward: [forward for forward in _forward_names(backward) if forward != backward]
        for backward in names
        if BACKWARD.search(backward)
    }
    lonely = [forwards for forwards in wanted.values() if not set(forwards) & set(names)]
    if not lonely:
        return []
    there: dict[str, Code] = {}
    for beside in _files_beside(path):
        for name, code in _functions(beside):
            there.setdefault(name, code)
    found = [next((name for name in names if name in there), "") for names in lonely]
    return [Partner(name, there[name]) for name in found if name]


def _forward_names(backward: str) -> list[str]:
    """Return what a function may be called that `linear_backward` derives, the likeliest first."""
    names = [BACKWARD.sub(word, backward, count=1) for word in FORWARD]
    return [re.sub("__+", "_", name).strip("_") for name in names]


def _files_beside(path: Path) -> list[Path]:
    try:
        files = [file for file in list_folder(path.parent, SourceError) if file.suffix == ".py"]
    except SourceError:  # it may be read, and its folder not
        return []
    return [file for file in files if file.name != path.name][:MOST]


def _functions(path: Path) -> list[tuple[str, Code]]:
    """Return the functions of a file, which is not run for that."""
    try:
        code = read_code(path)
        with warnings.catch_warnings(action="ignore"):
            body = ast.parse(code.cells[0].text).body
    except (SourceError, SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [(node.name, code) for node in body if isinstance(node, ast.FunctionDef)]
