"""texts of anybody's in -> lines of a terminal, side by side or as a table, or CSV, out.

A line is one line, whatever stands in a name: see `bpcli.errors.visible`.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from bpcli.errors import visible

GAP = "  "  # between the columns of a table
APART = 3  # columns between pictures
FORMULAS = ("=", "+", "-", "@")  # what one of a spreadsheet begins with
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.ASCII | re.IGNORECASE)
WITHOUT_WIDTH = ("Mn", "Me", "Cf")  # kinds of characters: accents and joiners


def text_width(text: str) -> int:
    """Return how many columns of a terminal a text takes: Chinese characters two, accents none."""
    return sum(
        (1 + (unicodedata.east_asian_width(character) in "WF"))
        for character in text
        if unicodedata.category(character) not in WITHOUT_WIDTH
    )


def align_left(text: str, width: int) -> str:
    """Return a text and the spaces after it that fill so many columns."""
    return text + " " * (width - text_width(text))


def align_right(text: str, width: int) -> str:
    """Return a text and the spaces before it that fill so many columns."""
    return " " * (width - text_width(text)) + text


def join_lines(lines: Iterable[str]) -> str:
    """Return lines as one text. An end of a line within one is somebody else's, and written out."""
    return "\n".join(map(visible, lines))


def draw_row(pictures: Iterable[Sequence[str]], width: int) -> str:
    """Return pictures, lines of as many each, as many side by side as `width` columns hold."""
    blocks = []
    for lines in pictures:
        shown = [visible(line) for line in lines]
        block = max(map(text_width, shown)) + APART
        blocks.append([align_left(line, block) for line in shown])
    across = max(1, width // max((text_width(block[0]) for block in blocks), default=width))
    rows = [blocks[i : i + across] for i in range(0, len(blocks), across)]
    return "\n\n".join(
        "\n".join("".join(line).rstrip() for line in zip(*row, strict=True)) for row in rows
    )


def draw_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return columns of text, the first to the left and others to the right."""
    lines = [[visible(cell) for cell in row] for row in [heads, *rows]]
    widths = [max(map(text_width, column)) for column in zip(*lines, strict=True)]
    texts = []
    for line in lines:
        first, *others = zip(line, widths, strict=True)
        cells = [align_left(*first), *(align_right(*cell) for cell in others)]
        texts.append(GAP.join(cells).rstrip())
    return "\n".join(texts)


def draw_csv(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows as CSV, in which a text stays a text, whatever program opens it.

    What a spreadsheet would take for a formula, and is no number, gets an apostrophe before it, as
    is usual.
    """
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
    return file.getvalue().rstrip("\n")


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    text = visible(str(value))
    is_formula = unicodedata.normalize("NFKC", text).lstrip().startswith(FORMULAS)
    return f"'{text}" if is_formula and not NUMBER.fullmatch(text) else text
