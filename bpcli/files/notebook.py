"""bytes of a Jupyter notebook in -> the code of its cells, each with its number, out."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bpcli.errors import SourceError

PYTHON = ("python", "python2", "python3", "ipython", "sage", "")  # what notebooks call it


@dataclass(frozen=True)
class Cell:
    """The text of a cell; its number counts all cells from the top, those of text too."""

    number: int
    text: str


def read_notebook(data: bytes, name: str) -> list[Cell]:
    """Return the cells of code of a notebook, called `name` in messages: nbformat 2, 3 or 4.

    Raises SourceError for what is no notebook, and for one in another language than Python.
    """
    try:
        root = json.loads(data)
    except (ValueError, RecursionError) as error:
        line = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        found = "a notebook that is damaged or cut off" if data.strip() else "an empty file"
        raise SourceError(f"{name}{line}: found {found}, expected JSON: {error}") from error
    cells = _cells(root)
    if cells is None:
        raise SourceError(
            f"{name}: found JSON without cells, expected a notebook as Jupyter writes it"
        )
    language = _language(root)
    if language.lower() not in PYTHON:
        raise SourceError(f"{name}: found a notebook in {language[:40]}, expected one in Python")
    return list(_read_cells(cells, name))


def _cells(root: Any) -> list[Any] | None:
    """Return the cells of a notebook, or None: until nbformat 3 they are in worksheets."""
    if not isinstance(root, dict):
        return None
    if isinstance(root.get("worksheets"), list):
        sheets = [s.get("cells") for s in root["worksheets"] if isinstance(s, dict)]
        return [cell for sheet in sheets if isinstance(sheet, list) for cell in sheet]
    cells = root.get("cells")
    return cells if isinstance(cells, list) else None


def _language(root: dict[str, Any]) -> str:
    """Return the language that a notebook says it is in, "" if it does not."""
    metadata = root.get("metadata")
    if isinstance(metadata, dict):
        for part, key in (("language_info", "name"), ("kernelspec", "language")):
            inner = metadata.get(part)
            if isinstance(inner, dict) and isinstance(inner.get(key), str):
                return str(inner[key])
    return ""


def _read_cells(cells: list[Any], name: str) -> Iterator[Cell]:
    for number, cell in enumerate(cells, 1):
        if not isinstance(cell, dict):
            raise SourceError(f"{name}, cell {number}: found no cell, expected one of a notebook")
        language = cell.get("language", "")  # which until nbformat 3 each cell has
        if cell.get("cell_type") != "code" or str(language).lower() not in PYTHON:
            continue
        text = cell.get("source", cell.get("input", ""))
        if isinstance(text, list) and all(isinstance(line, str) for line in text):
            text = "".join(text)
        if not isinstance(text, str):
            raise SourceError(f"{name}, cell {number}: found no text in it, expected code")
        yield Cell(number, text.replace("\r\n", "\n").replace("\r", "\n"))
