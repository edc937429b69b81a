"""a path in -> the Python that stands there, in cells, and where each of its lines is, out."""

import importlib.util
import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path

from bpcli.errors import SourceError
from bpcli.files.notebook import Cell, read_notebook
from bpcli.files.path import look, read_start

LARGEST = 100_000_000  # bytes; notebooks have pictures inside
NOTEBOOK = ".ipynb"


@dataclass(frozen=True)
class Code:
    """A person's file: one cell, or those of a notebook. Lines are counted through all of them."""

    path: Path
    cells: tuple[Cell, ...]

    @cached_property
    def starts(self) -> list[int]:
        """Return how many lines stand before each cell."""
        sizes = [cell.text.count("\n") + 1 for cell in self.cells]
        return [0, *accumulate(sizes)][:-1]

    def locate(self, line: int) -> tuple[int, int]:
        """Return the number of the cell that a line is in, 0 in a file, and its line there."""
        i = bisect_right(self.starts, line - 1) - 1
        return (self.cells[i].number, line - self.starts[i]) if i >= 0 else (0, line)

    def place(self, line: int) -> str:
        """Say where a line is: `layers.py:5`, or `notebook.ipynb, cell 7, line 3`; 0 is beside."""
        name = self.path.name
        if not line:
            return f"{name}: a file beside it"
        cell, line = self.locate(line)
        return f"{name}, cell {cell}, line {line}" if cell else f"{name}:{line}"

    def place_all(self, words: str) -> str:
        """Return words in which each line that is named, as `notebook.ipynb:57`, is placed."""
        named = rf"{re.escape(self.path.name)}:(\d{{1,9}})"
        return re.sub(named, lambda found: self.place(int(found[1])), words)


def read_code(path: Path) -> Code:
    """Read a file of Python or a notebook. Raises SourceError if it is neither."""
    data = _read(path)
    if path.suffix.lower() == NOTEBOOK:
        return Code(path, tuple(read_notebook(data, path.name)))
    return Code(path, (Cell(0, _decode(data, path.name)),))


def _read(path: Path) -> bytes:
    found = {"nothing": "nothing there", "folder": "a folder"}.get(look(path, SourceError))
    if found:
        raise SourceError(f"{path}: found {found}, expected a file of Python or a notebook")
    data = read_start(path, LARGEST + 1, SourceError)
    if len(data) > LARGEST:
        raise SourceError(f"{path}: found over {LARGEST:,} bytes, expected code")
    return data


def _decode(data: bytes, name: str) -> str:
    """Return the text of a file of Python, in the encoding that it names, or UTF-8."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError(f"{name}: found UTF-16, expected UTF-8: save it in that encoding")
    try:
        return importlib.util.decode_source(data)
    except (SyntaxError, ValueError, LookupError) as error:
        try:
            data.decode()
        except UnicodeDecodeError as undecodable:
            line = data.count(b"\n", 0, undecodable.start) + 1
            raise SourceError(
                f"{name}:{line}: found a byte that is no UTF-8, expected UTF-8, or a first line "
                "that names the encoding, as # -*- coding: cp932 -*-"
            ) from error
        raise SourceError(f"{name}: Python cannot read it: {error}") from error
