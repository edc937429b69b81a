"""a CSV file in -> which of its columns are labels, names of images and pixels, out."""

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from bpcli.errors import DatasetError, quote
from bpcli.files.idx import DAMAGE, unpacked
from bpcli.files.labels import MOST, is_number, list_names, sort_names, to_names
from bpcli.files.part import FIRST, FOUND, LAST

# What a header calls the column of labels, and one of names or numbers of images.
LABEL = ("label", "labels", "class", "classes", "target", "y", "digit", "category")
NAME = ("id", "index", "unnamed: 0", "imageid", "image_id", "filename", "file_name")
LONGEST = 10_000_000  # characters of a row; no network takes as many pixels
COUNTED = 16  # numbers in a row, from 0 or 1 on, that are names of columns and no pixels
SHOWN = 8  # names of columns that a message lists
COLOURS = 3
ENOUGH = 20  # rows, to tell by its values what a column is


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
    return is_named or not _is_square(columns.pixels)


def find_columns(path: Path, label: str = FOUND) -> Columns:
    """Return which columns of a table are what.

    `label` says where the labels are, as `dataset.label` does. Without it the header names them, or
    they are the one column, first or last, that labels can be in: of words or of whole numbers, of
    some classes and of no more than there may be. Raises DatasetError where two can be.
    """
    header = read_header(path)
    if not header.count:
        raise DatasetError(f"{path}: found no rows, expected a label and pixels in each")
    if not is_labelled(header, label):
        return header
    place = _find_label(path, header, label)
    columns = replace(header, label=place)
    if not _is_square(columns.pixels):
        raise DatasetError(f"{path}: {_explain_count(columns)}")
    return columns


def _is_square(pixels: int) -> bool:
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


def _find_label(path: Path, columns: Columns, label: str) -> int:
    ends = [place for place in range(columns.count) if place != columns.name]
    first, last = ends[0], ends[-1]
    named = [place for place, name in enumerate(columns.names) if is_label(name)]
    if label not in (FOUND, FIRST, LAST):
        if columns.names.count(label) != 1:
            shown = list_names(columns.names) if columns.names else "no header"
            raise DatasetError(f"{path}: found {shown}, expected a column {quote(label)}, once")
        return columns.names.index(label)
    if label != FOUND:
        place = first if label == FIRST else last
        if len(named) == 1 and named[0] != place:
            raise DatasetError(
                f"{path}: found the labels in the {label} column by dataset.label, and in number "
                f"{named[0] + 1} by its header, expected one column"
            )
        return place
    if len(named) == 1:
        return named[0]
    if named:
        shown = " and ".join(columns.names[place] for place in named)
        raise DatasetError(
            f"{path}: found {shown} in its header, expected the labels once; dataset.label names "
            "the column, as -s dataset.label=last"
        )
    if not _is_square(columns.pixels - 1):
        raise DatasetError(f"{path}: {_explain_count(columns)}")
    odd = _find_odd(columns.names, first, last)
    return _choose(path, columns, first, last) if odd is None else odd


def _find_odd(names: Sequence[str], first: int, last: int) -> int | None:
    """Return the one of two columns whose name is not like all others but for a number."""
    if not names:
        return None
    kinds = [re.sub(r"\d+", "0", name) for name in names]
    others = set(kinds[first + 1 : last])
    odd = [place for place in (first, last) if kinds[place] not in others]
    return odd[0] if len(others) == 1 and len(odd) == 1 else None


def _explain_count(columns: Columns) -> str:
    count = columns.count - (columns.name is not None)
    pixels = count - 1
    hint = "; are the labels missing?" if _is_square(count) else ""
    if pixels % COLOURS == 0 and _is_square(pixels // COLOURS):
        side = math.isqrt(pixels // COLOURS)
        hint = (
            f"; {COLOURS} x {side} x {side} colours are read from an .npz, reshaped, as nothing "
            "tells their order here"
        )
    return f"found {count} columns, expected a label and the pixels of a square image, as 785{hint}"


@dataclass
class _Column:
    """What stands in a column: `words`, as many as there may be classes, and how large they are."""

    words: Counter[str] = field(default_factory=Counter)
    sizes: Counter[int] = field(default_factory=Counter)
    is_too_many: bool = False

    def add(self, word: str) -> None:
        self.sizes[_size(word)] += 1
        if not self.is_too_many:
            self.words[word] += 1
            self.is_too_many = len(self.words) > MOST

    @cached_property
    def classes(self) -> list[str]:
        """The classes that it has as labels, none if it has none."""
        if self.is_too_many:
            return []
        try:
            return sort_names(to_names(self.words, "").values())
        except DatasetError:
            return []

    @property
    def is_words(self) -> bool:
        """Whether no pixel is called so."""
        return bool(self.classes) and not all(map(is_number, self.words))

    @property
    def is_possible(self) -> bool:
        """Whether there may be labels in it: of one class alone, if this is not called 0.

        A border of black pixels is as likely as such labels are not.
        """
        return len(self.classes) > 1 or self.classes not in ([], ["0"])

    def is_unlike(self, other: "_Column") -> bool:
        """Tell whether more than half of its values are larger, or smaller, than another's are."""
        rows = self.sizes.total()
        return rows >= ENOUGH and (self.sizes - other.sizes).total() > rows / 2


def _size(word: str) -> int:
    """Return the number of binary digits of a number, -1 for what is none."""
    try:
        return int(abs(float(word))).bit_length()
    except (ValueError, OverflowError):
        return -1


def _choose(path: Path, columns: Columns, first: int, last: int) -> int:
    """Return the one of two columns that labels are in. Raises DatasetError where both may be.

    A column of words is; of numbers, the one that can be labels where the other cannot, or that
    differs from the pixels beside it where the other does not.
    """
    step = {first: first + 1, last: last - 1}
    found = _scan(path, columns, [first, first + 1, last - 1, last])
    possible = [place for place in step if found[place].is_words] or [
        place for place in step if found[place].is_possible
    ]
    if len(possible) > 1:
        unlike = [place for place in possible if found[place].is_unlike(found[step[place]])]
        possible = unlike if len(unlike) == 1 else possible
    if len(possible) == 1 and (found[possible[0]].is_words or len(found[possible[0]].classes) > 1):
        return possible[0]
    ends = (
        f"the {word} ({list_names(found[place].classes) or 'no classes'})"
        for word, place in ((FIRST, first), (LAST, last))
    )
    raise DatasetError(
        f"{path}: found two columns of which either may be the labels, {' and '.join(ends)}; say "
        "which: name it label in a header, or set dataset.label to first or last"
    )


def _scan(path: Path, columns: Columns, places: Sequence[int]) -> dict[int, _Column]:
    """Read some columns of a table. Raises DatasetError for a row that is of another length."""
    found = {place: _Column() for place in places}
    with open_table(path) as text:
        number = 0
        while line := read_line(path, text, number + 1):
            number += 1
            if not line.strip() or (number == 1 and columns.names):
                continue
            words = split(line, columns.delimiter)
            check_count(f"{path}:{number}", words, columns)
            for place, column in found.items():
                column.add(words[place].strip())
    return found


def check_count(place: str, words: Sequence[str], columns: Columns) -> None:
    """Raise DatasetError if a row does not have as many words as the first one."""
    if len(words) != columns.count:
        raise DatasetError(
            f"{place}: found {len(words)} columns, expected {columns.count}, as many in each row"
        )
