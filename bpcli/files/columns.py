"""the first line of a CSV file in -> its columns out: how many there are, and their names."""

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bpcli.errors import DatasetError
from bpcli.files.idx import DAMAGE, unpacked
from bpcli.files.labels import is_number
from bpcli.files.part import FIRST, FOUND, LAST

# What a header calls the column of labels, and one of names or numbers of images.
LABEL = ("label", "labels", "class", "classes", "target", "y", "digit", "category")
NAME = ("id", "index", "unnamed: 0", "imageid", "image_id", "filename", "file_name")
LONGEST = 10_000_000  # characters of a row; no network takes as many pixels
COUNTED = 16  # numbers in a row, from 0 or 1 on, that are names of columns and no pixels
SHOWN = 8  # names of columns that a message lists
COLOURS = 3


@dataclass(frozen=True)
class Columns:
    """What stands in each row of a table; `names` (count) are those of its header, if it has one.

    `label` and `name` are the places of the columns that are no pixels, None where there is none.
    """

    delimiter: str
    names: tuple[str, ...]
    count: int
    label: int | None
    name: int | None

    @property
    def pixels(self) -> int:
        """Number of pixels in a row."""
        return self.count - (self.label is not None) - (self.name is not None)

    @property
    def is_label_named(self) -> bool:
        """Whether the header calls the labels so."""
        return self.label is not None and bool(self.names) and is_label(self.names[self.label])

    @property
    def where(self) -> str:
        """Where the labels are, as a `Reading` has it."""
        first = 1 if self.name == 0 else 0
        last = self.count - 2 if self.name == self.count - 1 else self.count - 1
        words = {first: FIRST, last: LAST}
        return FOUND if self.label is None else words.get(self.label, self._called(self.label))

    def _called(self, place: int) -> str:
        return self.names[place] if self.names else FOUND

    def cut(self, line: str) -> tuple[str, str, str]:
        """Return the label, the name and the pixels of a line, each "" where there is none."""
        others = [place for place in (self.label, self.name) if place is not None]
        lead = sum(place in others for place in (0, 1)) if 0 in others else 0
        trail = int(self.count - 1 in others)
        if '"' in line or lead + trail < len(others):
            words = split(line, self.delimiter)
            rest = self.delimiter.join(w for at, w in enumerate(words) if at not in others)
        else:  # which is quicker
            *heads, rest = line.rstrip("\r\n").split(self.delimiter, lead)
            rest, *tails = rest.rsplit(self.delimiter, trail)
            words = [*heads, *[""] * (self.pixels - 1), "", *tails]
        label, name = (
            words[at].strip() if at is not None and at < len(words) else ""
            for at in (self.label, self.name)
        )
        return label, name, rest


def is_label(name: str) -> bool:
    """Tell whether a column of labels is called so."""
    return name.lower() in LABEL


def split(line: str, delimiter: str) -> list[str]:
    """Return the words of a line, of which some may stand in quotes."""
    if '"' not in line:
        return line.rstrip("\r\n").split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except csv.Error:  # longer than it takes: no number is
        return line.rstrip("\r\n").split(delimiter)


@contextmanager
def open_table(path: Path) -> Iterator[io.TextIOWrapper]:
    """Open a CSV, packed or not, as text. Raises DatasetError, also where reading fails later."""
    try:
        # Excel begins its files with a mark.
        with unpacked(path) as (file, _), io.TextIOWrapper(file, "utf-8-sig") as text:
            yield text
    except (*DAMAGE, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error


def read_line(path: Path, text: io.TextIOWrapper, number: int) -> str:
    """Return the next line of a table, "" at its end. Raises DatasetError for one without end."""
    line = text.readline(LONGEST)
    if len(line) == LONGEST:
        raise DatasetError(
            f"{path}:{number}: found more than {LONGEST:,} characters in a line, expected a row "
            "for each image"
        )
    return line


def read_header(path: Path) -> Columns:
    """Return what the first line of a table tells of its columns. Raises DatasetError."""
    with open_table(path) as text:
        line = read_line(path, text, 1)
    delimiter = max(",;\t", key=line.count)
    words = [word.strip() for word in split(line, delimiter)] if line.strip() else []
    names = tuple(words) if _is_header(words) else ()
    return Columns(delimiter, names, len(words), None, _find_name(names))


def is_pixels(columns: Columns) -> bool:
    """Tell whether rows have images in them, and not just a label for each."""
    return columns.count - (columns.name is not None) > COLOURS


def is_labelled(columns: Columns, label: str) -> bool:
    """Tell whether a table has a column of labels, by the number of columns and their names."""
    is_named = any(is_label(name) or name == label for name in columns.names)
    return is_named or not is_square(columns.pixels)


def is_square(pixels: int) -> bool:
    """Tell whether so many pixels may be an image; one alone is none."""
    return pixels > 1 and math.isqrt(pixels) ** 2 == pixels


def _is_header(words: Sequence[str]) -> bool:
    """Tell whether words are names of columns: most are words, or known ones, or count them."""
    others = [word for word in words if word and not is_number(word)]
    if len(others) > len(words) / 2 or any(word.lower() in (*LABEL, *NAME) for word in others):
        return True
    counted = [word for word in words if word and word not in others]
    # Where pandas takes a row for names, these are 0, 0.1, 0.2 and so on.
    repeated = [word for word in counted if re.fullmatch(r"0\.[1-9]\d*", word)]
    return any(
        len(found) >= COUNTED and found == [f"{before}{start + i}" for i in range(len(found))]
        for found, before, start in ((counted, "", 0), (counted, "", 1), (repeated, "0.", 1))
    )


def _find_name(names: Sequence[str]) -> int | None:
    """Return the column of names: one that is called so, or as pandas writes it has no name."""
    found = [place for place, name in enumerate(names) if name.lower() in NAME]
    if names and not names[0] and all(names[1:]):
        found.append(0)
    return found[0] if len(found) == 1 else None


def explain_count(columns: Columns) -> str:
    """Say what is wrong with the number of columns."""
    count = columns.count - (columns.name is not None)
    pixels = count - 1
    hint = "; are the labels missing?" if is_square(count) else ""
    if pixels % COLOURS == 0 and is_square(pixels // COLOURS):
        side = math.isqrt(pixels // COLOURS)
        hint = (
            f"; {COLOURS} x {side} x {side} colours are read from an .npz, reshaped, as nothing "
            "tells their order here"
        )
    found = f"{count} column{'s' * (count != 1)}"
    return f"found {found}, expected a label and the pixels of a square image, as 785{hint}"


def check_count(place: str, words: Sequence[str], columns: Columns) -> None:
    """Raise DatasetError if a row does not have as many words as the first one."""
    if len(words) != columns.count:
        raise DatasetError(
            f"{place}: found {len(words)} columns, expected {columns.count}, as many in each row"
        )
