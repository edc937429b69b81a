"""texts of anybody's in -> lines of a terminal, side by side or as a table, or CSV, out.

A line is one line, whatever stands in a name: see `bpcli.errors.visible`.
"""

import csv
import io
import re
import textwrap
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


def fold_table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], width: int, repeated: int = 1
) -> str:
    """Return a table of at most `width` columns, in several blocks where there is no room.

    The blocks are one below the other; the first columns are `repeated` in each. Of a text that
    is wider than half of all there is the end, as that of a path tells more.
    """
    room = (width - len(GAP)) // 2
    lines = [[_keep_end(visible(cell), room) for cell in row] for row in [heads, *rows]]
    widths = [max(map(text_width, column)) for column in zip(*lines, strict=True)]
    blocks = [[*range(repeated)]]
    for i in range(repeated, len(widths)):
        if sum(widths[j] + len(GAP) for j in [*blocks[-1], i]) - len(GAP) > width:
            blocks.append([*range(repeated)])
        blocks[-1].append(i)
    blocks = [block for block in blocks if len(block) > repeated]  # the first may have no room
    tables = ([[line[i] for i in block] for line in lines] for block in blocks)
    return "\n\n".join(draw_table(head, body) for head, *body in tables)


def _keep_end(text: str, width: int) -> str:
    """Return a text, or as much of its end as has room in so many columns."""
    if text_width(text) <= width:
        return text
    while text and text_width(text) >= width:
        text = text[1:]
    return f"…{text}"


def wrap(text: str, width: int, indent: str = "") -> list[str]:
    """Return a text as lines of at most `width` columns, `indent` before all but the first."""
    room = max(width, len(indent) + 1)
    lines = textwrap.wrap(text, room, subsequent_indent=indent, break_on_hyphens=False)
    return lines or [""]


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
