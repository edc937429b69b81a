"""the parts of an exercise sheet in -> a file of Python, or a notebook, out."""

import json
import textwrap
from collections.abc import Sequence
from typing import Any

from bpcli.teaching.sheet import Part

CELL, WORDS = "# %%", "# %% [markdown]"  # as editors know the cells of a file
WIDTH = 90  # characters of a line of words


def sheet_python(parts: Sequence[Part]) -> str:
    """Return a sheet as Python, with its words in comments."""
    cells = []
    for part in parts:
        lines = part.text.split("\n")
        filled = [row for line in lines for row in textwrap.wrap(line, WIDTH) or [""]]
        words = [WORDS, *(f"# {line}".rstrip() for line in filled)]
        cells.append("\n".join([CELL, *lines] if part.is_code else words))
    return "\n\n".join(cells) + "\n"


def sheet_notebook(parts: Sequence[Part]) -> str:
    """Return a sheet as a notebook, which has not run yet."""
    root = {
        "cells": [_cell(part) for part in parts],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}
        },
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    return json.dumps(root, indent=1, ensure_ascii=False) + "\n"


def _cell(part: Part) -> dict[str, Any]:
    lines = part.text.splitlines(keepends=True)
    if not part.is_code:
        return {"cell_type": "markdown", "metadata": {}, "source": lines}
    made: dict[str, Any] = {"cell_type": "code", "execution_count": None, "metadata": {}}
    return made | {"outputs": [], "source": lines}
