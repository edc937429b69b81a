"""a CSV file with a row for each image in -> its images, and their labels, out."""

import io
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import WHITE
from bpcli.errors import DatasetError, quote
from bpcli.files.columns import (
    Columns,
    check_count,
    is_labelled,
    open_table,
    read_header,
    read_line,
    split,
)
from bpcli.files.label_column import find_columns
from bpcli.files.labels import MOST, is_number, list_names, number_words, to_names
from bpcli.files.naming import PartName
from bpcli.files.part import FOUND, Images, Labelled, Reading
from bpcli.files.pixels import to_images
from bpcli.memory import available_memory

TOGETHER = 20_000  # characters of rows that are read at a time: their arrays stay in the cache

DIGITS = 3  # of a byte

Rows = npt.NDArray[Any]


def is_csv(path: Path) -> bool:
    """Tell whether the name of a file is that of a CSV, packed or not."""
    return path.name.lower().endswith((".csv", ".csv.gz"))


@dataclass(frozen=True)
class TableMember:
    """A table, of which `dataset.label` may say where its labels are.

    It is read part by part, of which bytes are left, and so takes less memory than its text, if
    its pixels are whole numbers.
    """

    path: Path
    part: PartName
    label: str = FOUND

    @property
    def place(self) -> str:
        """What messages call it."""
        return str(self.path)

    @cached_property
    def is_labelled(self) -> bool:
        """Whether it has a column of labels."""
        return is_labelled(read_header(self.path), self.label)

    def read(self, reading: Reading) -> Labelled:
        """Return images and labels. Raises DatasetError, and MemoryError."""
        columns, rows, images = self._read(reading)
        place = f"{self.path}: labels"
        names = to_names(rows.words, place)
        numbers, classes = number_words([names[word] for word in rows.words], place)
        labels = numbers[np.frombuffer(rows.labels, np.uint16)]
        if self.label == FOUND and not columns.is_label_named:
            words = f"its {columns.where} column is taken for the labels, {list_names(classes)}"
            images = replace(images, remarks=(*images.remarks, f"{self.path}: {words}"))
        return Labelled(**vars(images), labels=labels, names=classes, label=columns.where)

    def read_images(self, reading: Reading) -> Images:
        """Return the images alone, as `read` does."""
        return self._read(reading)[2]

    def _read(self, reading: Reading) -> "tuple[Columns, _Rows, Images]":
        columns = find_columns(self.path, self.label)
        rows = _Rows(self.path, columns)
        with open_table(self.path) as text:
            for number, lines in _parts(self.path, text, has_header=bool(columns.names)):
                rows.add(number, lines)
        return columns, rows, rows.finish(reading)


class _Rows:
    """Rows that come part by part: pixels in bytes, or in floats where they need it, and labels.

    `labels` are places in `words`, two bytes each.
    """

    def __init__(self, path: Path, columns: Columns) -> None:
        self.labels = bytearray()
        self.words: dict[str, int] = {}
        self._path, self._columns = path, columns
        self._room = available_memory() // 2  # they grow by being copied
        self._pixels = bytearray()
        self._dtype: type[np.uint8 | np.float32] = np.uint8
        self._called: list[str] = []

    def add(self, number: int, lines: list[str]) -> None:
        """Add lines, of which the first has this number. Raises DatasetError."""
        cut = [self._columns.cut(line) for line in lines if line.strip()]
        if not cut:
            return
        rows = _parse(self._path, number, lines, [rest for *_, rest in cut], self._columns)
        places = [self.words.setdefault(label, len(self.words)) for label, *_ in cut]
        if len(self.words) > 2 * MOST:  # of which some may be the same number
            raise DatasetError(
                f"{self._path}: labels: found {len(self.words):,} different labels, or more, "
                f"expected at most {MOST} classes"
            )
        self.labels += np.array(places, np.uint16).tobytes()
        if self._columns.name is not None:
            self._called += [name for _, name, _ in cut]
        self._keep(rows)

    def _keep(self, rows: Rows) -> None:
        is_bytes = bool(((rows >= 0) & (rows <= WHITE) & (rows == np.round(rows))).all())
        if self._dtype == np.uint8 and not is_bytes:
            whole = np.frombuffer(self._pixels, np.uint8)
            self._pixels = bytearray(whole.astype(np.float32).tobytes())
            self._dtype = np.float32
        self._pixels += rows.astype(self._dtype).tobytes()
        if len(self._pixels) > self._room:
            pixels = self._columns.pixels
            n = len(self._pixels) // (pixels * np.dtype(self._dtype).itemsize)
            raise MemoryError(f"{self._path} has more than {n:,} images of {pixels} pixels")

    def finish(self, reading: Reading) -> Images:
        """Return the images. Raises DatasetError where there are none."""
        if not self._pixels:
            raise DatasetError(f"{self._path}: found no rows, expected a label and pixels in each")
        side = math.isqrt(self._columns.pixels)
        array = np.frombuffer(self._pixels, self._dtype).reshape(-1, side, side)
        found = to_images(array, f"{self._path}: pixels", reading, is_real=True)
        return replace(found, called=tuple(self._called))


def _parts(
    path: Path, text: io.TextIOWrapper, *, has_header: bool
) -> Iterator[tuple[int, list[str]]]:
    """Yield lines, and the number of their first one."""
    number, size = 1, 0
    lines: list[str] = []
    if has_header:
        read_line(path, text, number)
        number += 1
    while line := read_line(path, text, number + len(lines)):
        lines.append(line)
        size += len(line)
        if size >= TOGETHER:
            yield number, lines
            number, size, lines = number + len(lines), 0, []
    yield number, lines


def _parse(path: Path, number: int, lines: list[str], pixels: list[str], columns: Columns) -> Rows:
    """Return the pixels (rows, pixels) of lines. Raises DatasetError, which names the line."""
    try:
        rows = _to_numbers(pixels, columns.delimiter)
        fault = "found rows that differ"
    except ValueError as error:
        fault = str(error)
    else:
        if rows.shape == (len(pixels), columns.pixels):
            return rows
    for at, line in enumerate(lines, number):
        if line.strip():
            _check_line(f"{path}:{at}", line, columns)
    raise DatasetError(f"{path}: cannot be read: {fault}")


def _check_line(place: str, line: str, columns: Columns) -> None:
    words = split(line, columns.delimiter)
    check_count(place, words, columns)
    others = (columns.label, columns.name)
    for at, word in enumerate(words):
        if at not in others and not is_number(word.strip()):
            raise DatasetError(f"{place}: found {quote(word.strip())}, expected a number")


def _to_numbers(lines: list[str], delimiter: str) -> Rows:
    found = _to_bytes(lines, delimiter)
    if found is not None:
        return found
    with warnings.catch_warnings(action="ignore"):  # of no rows
        return np.loadtxt(lines, np.float64, delimiter=delimiter, ndmin=2, comments=None)


def _to_bytes(lines: list[str], delimiter: str) -> Rows | None:
    """Return the numbers of lines if each is of one to three digits, as those of bytes are.

    All are read at once by their places, which is six times as fast as one after the other.
    """
    text = "".join(f"{line}{delimiter}" for line in lines)
    if not text.isascii():
        return None
    data = np.frombuffer(text.encode(), np.uint8)
    ends = np.flatnonzero(data == ord(delimiter))
    lengths = np.diff(ends, prepend=-1) - 1
    digits = data - ord("0")  # what is less than 0 becomes large
    are_digits = np.count_nonzero(digits <= 9) == lengths.sum()
    if lengths.min() < 1 or lengths.max() > DIGITS or not are_digits:
        return None
    columns = len(ends) // len(lines)
    ends_of_lines = np.cumsum([len(line) + 1 for line in lines]) - 1
    if not np.array_equal(ends[columns - 1 :: columns], ends_of_lines):
        return None
    values = digits[ends - 1].astype(np.int16)
    for place in range(1, DIGITS):
        values += 10**place * (digits[ends - 1 - place] * (lengths > place)).astype(np.int16)
    return values.reshape(len(lines), -1)
