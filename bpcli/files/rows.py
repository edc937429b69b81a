"""a CSV whose first line names its columns in -> its rows, each a text for each column, out."""

import csv
import io
import re
from pathlib import Path

from bpcli.errors import BpcliError
from bpcli.files.path import read_start

LARGEST = 100_000_000  # bytes
GUARDED = re.compile(r"'(?=\s*[-=+@\uff0b\uff0d\uff1d\uff20])")  # an apostrophe before a formula


def read_rows(path: Path, columns: list[str], kind: type[BpcliError]) -> list[dict[str, str]]:
    """Return the rows of a CSV, by the names of its columns; these have to be among them.

    What keeps a spreadsheet from taking a text for a formula is taken off. A spreadsheet may have
    written it with semicolons or tabs. Raises `kind` for another file.
    """
    data = read_start(path, LARGEST, kind)
    if not data.strip():
        return []
    try:
        text = data.decode("utf-8-sig")
        first = text.split("\n", 1)[0]
        reader = csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count), strict=True)
        heads, *rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise kind(f"{path}: cannot be read as CSV: {error}; it is left as it is") from error
    lacking = [column for column in columns if column not in heads]
    if lacking:
        raise kind(
            f"{path}: found no column {lacking[0]}, expected those of marks; it is left as it is: "
            "choose another name"
        )
    cells = ([GUARDED.sub("", cell, count=1) for cell in row] for row in rows)
    return [dict(zip(heads, row, strict=False)) for row in cells if len(row) == len(heads)]
