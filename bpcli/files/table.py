"""a CSV file with a row for each image in -> its images and labels out."""

import io
import math
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bpcli.arrays import WHITE, Bytes
from bpcli.errors import DatasetError, quote
from bpcli.files.idx import DAMAGE, unpacked
from bpcli.files.labels import Labelled, to_classes
from bpcli.files.pixels import check_levels
from bpcli.memory import available_memory

LABEL = ("label", "class", "target", "y")  # what a header calls the column of labels
LONGEST = 10_000_000  # characters of a row; no network takes as many pixels
TOGETHER = 1_000_000  # characters of rows that are read at a time
EXACT = 2**53  # floating-point numbers from here on are not all of the whole ones

Rows = npt.NDArray[np.float64]


def is_csv(path: Path) -> bool:
    """Tell whether the name of a file is that of a CSV, packed or not."""
    return path.name.lower().endswith((".csv", ".csv.gz"))


def read_csv(path: Path) -> Labelled:
    """Return images and labels; rows are of a label and square images.

    A header may name the column of labels (`label`, say), which is the first one otherwise. It is
    read part by part, of which bytes are left, and so takes less memory than its text. Raises
    DatasetError, and MemoryError where there is too little even so.
    """
    try:
        # Excel begins its files with a mark.
        with unpacked(path) as (file, _), io.TextIOWrapper(file, "utf-8-sig") as text:
            return _read(path, text)
    except (*DAMAGE, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error


def _read(path: Path, text: io.TextIOWrapper) -> Labelled:
    first = _read_line(path, text, 1)
    delimiter = max(",;\t", key=first.count)
    names = [word.strip(' "\n').lower() for word in first.split(delimiter)]
    has_header = not all(map(_is_number, names))
    column = next((names.index(word) for word in LABEL if has_header and word in names), 0)
    images, labels, columns = _Images(path), [], 0
    for number, lines in _parts(path, text, [] if has_header else [first]):
        rows = _parse(path, number, lines, delimiter, columns)
        if rows.size:
            columns = rows.shape[1]
            labels.append(rows[:, column].copy())
            images.add(np.delete(rows, column, axis=1).astype(np.float32))
    if not labels:
        raise DatasetError(f"{path}: found no rows, expected a label and pixels in each")
    all_labels = np.concatenate(labels)
    if (abs(all_labels) >= EXACT).any() and np.isfinite(all_labels).all():
        raise DatasetError(
            f"{path}: labels: found {abs(all_labels).max():g}, expected numbers below 2^53, which "
            "can be told apart"
        )
    return Labelled(images.finish(), *to_classes(all_labels, f"{path}: labels"))


class _Images:
    """Images whose pixels come part by part, in bytes."""

    def __init__(self, path: Path) -> None:
        self.pixels = 0
        self._path = path
        self._room = available_memory() // 2  # they grow by being copied
        self._levels = bytearray()  # where numbers go from 0 to 255
        self._shares = bytearray()  # where they go from 0 to 1, which only the last one tells
        self._brightest = 0.0

    def add(self, rows: npt.NDArray[np.float32]) -> None:
        """Add the pixels (N, pixels) of N images. Raises DatasetError for what are none."""
        if not self.pixels:
            self.pixels = _check_square(self._path, rows.shape[1] + 1)
        low, high = rows.min(), rows.max()
        check_levels(low, high, f"{self._path}: pixels")
        self._brightest = max(self._brightest, float(high))
        self._levels += np.round(rows).astype(np.uint8).tobytes()
        if self._brightest <= 1:
            self._shares += np.round(rows * WHITE).astype(np.uint8).tobytes()
        else:
            self._shares.clear()
        if len(self._levels) + len(self._shares) > self._room:
            n = len(self._levels) // self.pixels
            raise MemoryError(f"{self._path} has more than {n:,} images of {self.pixels} pixels")

    def finish(self) -> Bytes:
        """Return the images (N, height, width)."""
        side = math.isqrt(self.pixels)
        found = self._shares if self._brightest <= 1 else self._levels
        return np.frombuffer(found, np.uint8).reshape(-1, side, side)


def _read_line(path: Path, text: io.TextIOWrapper, number: int) -> str:
    line = text.readline(LONGEST)
    if len(line) == LONGEST:
        raise DatasetError(
            f"{path}:{number}: found more than {LONGEST:,} characters in a line, expected a row "
            "for each image"
        )
    return line


def _parts(path: Path, text: io.TextIOWrapper, lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield lines, those that have been read first, and the number of their first one."""
    number = 2 - len(lines)
    size = sum(map(len, lines))
    while line := _read_line(path, text, number + len(lines)):
        lines.append(line)
        size += len(line)
        if size >= TOGETHER:
            yield number, lines
            number, size, lines = number + len(lines), 0, []
    yield number, lines


def _parse(path: Path, number: int, lines: list[str], delimiter: str, columns: int) -> Rows:
    """Return the numbers (rows, columns) of lines, of which the first has this number.

    Without a number of columns it is that of the first row. Raises DatasetError, which names the
    line.
    """
    try:
        rows = _to_numbers(lines, delimiter)
        fault = "found rows that differ"
    except ValueError as error:
        fault = str(error)
    else:
        if not rows.size or columns in (0, rows.shape[1]):
            return rows
    for at, line in enumerate(lines, number):
        columns = _count_columns(path, at, line, delimiter, columns)
    raise DatasetError(f"{path}:{number}: {fault}, expected numbers, as many in each row")


def _count_columns(path: Path, number: int, line: str, delimiter: str, expected: int) -> int:
    """Return how many numbers are in a line. Raises DatasetError if it is not that many."""
    try:
        row = _to_numbers([line], delimiter)
    except ValueError as error:
        words = [word.strip() for word in line.split(delimiter)]
        wrong = next((word for word in words if not (word and _is_number(word))), line)
        raise DatasetError(f"{path}:{number}: found {quote(wrong)}, expected a number") from error
    found = row.shape[1] if row.size else expected
    if expected not in (0, found):
        raise DatasetError(
            f"{path}:{number}: found {found} columns, expected {expected}, as many in each row"
        )
    return found


def _to_numbers(lines: list[str], delimiter: str) -> Rows:
    with warnings.catch_warnings(action="ignore"):  # of no rows
        return np.loadtxt(lines, np.float64, delimiter=delimiter, ndmin=2, quotechar='"')


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return not word
    return True


def _check_square(path: Path, columns: int) -> int:
    """Return how many pixels are in a row of so many columns. Raises DatasetError."""
    pixels = columns - 1
    if math.isqrt(pixels) ** 2 != pixels or not pixels:
        hint = "; are the labels missing?" if math.isqrt(columns) ** 2 == columns else ""
        raise DatasetError(
            f"{path}: found {columns} columns, expected a label and the pixels of a square "
            f"image, as 785{hint}"
        )
    return pixels
