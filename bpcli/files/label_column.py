"""a CSV file in -> the column that has its labels out, where there can be no other one."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from bpcli.arrays import WHITE
from bpcli.errors import DatasetError, quote
from bpcli.files.columns import (
    Columns,
    check_count,
    explain_count,
    is_label,
    is_labelled,
    is_square,
    open_table,
    read_header,
    read_line,
    split,
)
from bpcli.files.labels import MOST, is_number, list_names, sort_names, to_names
from bpcli.files.part import FIRST, FOUND, LAST

BORDER = (["0"], [str(WHITE)])  # classes of a column that is all black, or all white
ENOUGH = 20  # rows, to tell by its values what a column is
UNLIKE, LIKE = 0.5, 0.7  # of a column's values, at most and at least, that another has, too


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
    if not is_square(columns.pixels):
        raise DatasetError(f"{path}: {explain_count(columns)}")
    return columns


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
            f"{path}: found {shown} in its header, expected the labels once: leave the others out"
        )
    if not is_square(columns.pixels - 1):
        raise DatasetError(f"{path}: {explain_count(columns)}")
    odd = _find_odd(columns)
    return _choose(path, columns, first, last) if odd is None else odd


def _find_odd(columns: Columns) -> int | None:
    """Return the one column whose name is not like all others but for a number."""
    kinds = {
        place: re.sub(r"\d+", "0", name)
        for place, name in enumerate(columns.names)
        if place != columns.name
    }
    counts = Counter(kinds.values())
    odd = [place for place, kind in kinds.items() if counts[kind] == 1]
    return odd[0] if len(counts) == 2 and len(odd) == 1 else None  # pixels, and what is none


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
        return bool(self.classes) and not any(map(is_number, self.words))

    def shares(self, other: "_Column") -> float:
        """Return the share of its values that are as large as another's are, be they in any row."""
        return (self.sizes & other.sizes).total() / self.sizes.total()

    def is_unlike(self, pixels: "_Column") -> bool:
        """Tell whether it has several classes, and is surely no pixel as those beside it."""
        if len(self.classes) < 2:  # of which nothing is to be told apart
            return False
        if not pixels.classes or pixels.is_even:
            return True
        return self.sizes.total() >= ENOUGH and self.shares(pixels) <= UNLIKE

    def is_like(self, pixels: "_Column") -> bool:
        """Tell whether it is surely a pixel as those beside it are, or at least no label."""
        is_same = self.words == pixels.words or self.classes in BORDER
        if not self.classes or (self.is_even and pixels.is_even and is_same):
            return True
        return self.sizes.total() >= ENOUGH and self.shares(pixels) >= LIKE

    @property
    def is_even(self) -> bool:
        """Whether all of it is the same, as along a border."""
        return len(self.words) == 1


def _size(word: str) -> int:
    """Return the number of binary digits of a number, -1 for what is none."""
    try:
        return int(abs(float(word))).bit_length()
    except (ValueError, OverflowError):
        return -1


def _choose(path: Path, columns: Columns, first: int, last: int) -> int:
    """Return the one of two columns that labels are in. Raises DatasetError where both may be.

    A column of words is; of numbers, the one that is unlike the pixels beside it, where the other
    is like those beside it.
    """
    step = {first: first + 1, last: last - 1}
    found = _scan(path, columns, [first, first + 1, last - 1, last])
    words = [place for place in step if found[place].is_words]
    unlike, like = (
        [place for place in step if is_so(found[place], found[step[place]])]
        for is_so in (_Column.is_unlike, _Column.is_like)
    )
    if len(words) == 1:
        return words[0]
    if len(unlike) == len(like) == 1 and unlike != like:
        return unlike[0]
    ends = (
        f"the {word} ({list_names(found[place].classes) or 'no classes'})"
        for word, place in ((FIRST, first), (LAST, last))
    )
    raise DatasetError(
        f"{path}: found two columns of which either may be the labels, {' and '.join(ends)}; say "
        "which: name it label in a header, or set dataset.label, or --label of data, eval and "
        "predict, to first, last or its name"
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
