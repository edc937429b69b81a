"""labels as people give them in -> numbers of classes, and what the classes are called, out."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Bytes
from bpcli.errors import DatasetError, readable

MOST = 256  # classes: their numbers are bytes
SHOWN = 8  # names that a message lists
DIGITS = 18  # of a number that fits into 64 bits, whatever they are
SHOWN_DIGITS = 30  # of a number that a message quotes
NUMBER = re.compile(
    r"[-+]?((\d+\.?\d*|\.\d+)(e[-+]?\d{1,9})?|inf(inity)?|nan)", re.ASCII | re.IGNORECASE
)


def to_classes(array: npt.NDArray[Any], place: str) -> tuple[Bytes, tuple[str, ...]]:
    """Return the class of each image (N,), as its number, and the classes' names, in order.

    The labels, which messages call `place`, may be (N,), (N, 1), or (N, classes) of one-hot rows;
    whole numbers of any type and size, or words. Only classes that there are get a number. Raises
    DatasetError.
    """
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "backslashreplace")
    labels = _flatten(array, place)
    if labels.dtype == np.uint8:  # as almost always: counting is eight times faster than sorting
        there = np.flatnonzero(np.bincount(labels))
        numbers = np.zeros(MOST, np.uint8)
        numbers[there] = np.arange(len(there))
        return numbers[labels], tuple(map(str, there))
    if labels.dtype.kind == "U":
        words = labels.tolist()
        if "" in words:
            raise DatasetError(f"{place}: found nothing, expected a label for each image")
        return number_words(words, place)
    if labels.dtype.kind == "f":
        odd = labels[~np.isfinite(labels) | (labels != np.round(labels))]
        if odd.size:
            raise DatasetError(f"{place}: found {odd[0]:g}, expected whole numbers")
    values, classes = np.unique(labels, return_inverse=True)
    _check_few(len(values), place)
    return classes.astype(np.uint8), tuple(str(int(value)) for value in values)


def to_names(words: Iterable[str], place: str) -> dict[str, str]:
    """Return the class that each of different words, as a text has them, stands for.

    Where all are numbers, they are whole ones, exactly, however they are written: 7 and 7.0 are
    one class, and 16777216 and 16777217 two. Raises DatasetError.
    """
    words = list(words)
    if not all(map(is_number, words)):
        empty = next((word for word in words if not word), None)
        if empty is not None:
            raise DatasetError(f"{place}: found nothing, expected a label in each row")
        return {word: word for word in words}
    names = {}
    for word in words:
        value = Decimal(word)
        if not value.is_finite() or value != value.to_integral_value():
            raise DatasetError(f"{place}: found {word[:SHOWN_DIGITS]}, expected whole numbers")
        if value.adjusted() >= DIGITS:
            raise DatasetError(
                f"{place}: found {word[:SHOWN_DIGITS]}, expected at most {DIGITS} digits"
            )
        names[word] = str(int(value))
    return names


def is_number(word: str) -> bool:
    """Tell whether a word of a table is a number, be it infinite or none at all."""
    return NUMBER.fullmatch(word) is not None


def number_words(words: Sequence[str], place: str) -> tuple[Bytes, tuple[str, ...]]:
    """Return the class of each word, as its number, and the words in order. Raises DatasetError."""
    names = sort_names(words)
    _check_few(len(names), place)
    places = {name: number for number, name in enumerate(names)}
    return np.array([places[word] for word in words], np.uint8), tuple(names)


def find_places(names: Sequence[str], known: Sequence[str]) -> list[int | None]:
    """Return the place of each name among those that a model knows, None where there is none.

    Models of bpcli 0.1 know names as people are told them: long ones cut, and so perhaps alike.
    Such a one is found if it can mean one of the names alone.
    """
    places = {name: place for place, name in enumerate(known)}
    told = Counter(readable(name) for name in names if name not in places)
    cut = {name for name, count in told.items() if count == 1 and name not in names}
    return [
        places.get(name, places.get(readable(name)) if readable(name) in cut else None)
        for name in names
    ]


def to_labels(labels: Bytes, names: Sequence[str]) -> npt.NDArray[Any]:
    """Return what `to_classes` was given: numbers, in bytes where they can be, or words."""
    values: npt.NDArray[Any] = np.array(names)
    if is_numbers(names):
        values = values.astype(np.int64)
        if values.min() >= 0 and values.max() < MOST:
            values = values.astype(np.uint8)
    return values.take(labels)


def sort_names(names: Iterable[str]) -> list[str]:
    """Return the different ones of names in order, whole numbers in that of their size."""
    different = sorted(set(names))
    return sorted(different, key=int) if is_numbers(different) else different


def is_numbers(names: Iterable[str]) -> bool:
    """Tell whether all names are whole numbers of at most 18 digits, as Python writes them."""
    return all(
        len(name) <= DIGITS and name.removeprefix("-").isdecimal() and str(int(name)) == name
        for name in names
    )


def list_names(names: Sequence[str]) -> str:
    """Return names of classes as a message has them: `0 to 9`, or `cat, dog`."""
    if len(names) > 2 and is_numbers(names):  # two are as short
        first, last = int(names[0]), int(names[-1])
        if last - first == len(names) - 1:
            return f"{first} to {last}"
    return ", ".join(map(readable, names[:SHOWN])) + ", ..." * (len(names) > SHOWN)


def _flatten(array: npt.NDArray[Any], place: str) -> npt.NDArray[Any]:
    """Return labels (N,), those of one-hot rows as the numbers of their columns."""
    if array.dtype.kind not in "buifU" or not array.size:
        raise DatasetError(f"{place}: found {array.dtype} {array.shape}, expected numbers or words")
    if array.ndim == 2 and array.shape[1] > 1:  # rows and columns
        ones = array.astype(bool) if array.dtype.kind != "U" else np.zeros(array.shape, bool)
        if not np.array_equal(ones, array) or (ones.sum(1) != 1).any():
            raise DatasetError(
                f"{place}: found {array.dtype} {array.shape}, expected a label for each image, or "
                "rows of zeros with a single one"
            )
        labels: npt.NDArray[Any] = ones.argmax(axis=1)
        return labels
    if array.ndim not in (1, 2) or array.size != len(array):
        raise DatasetError(f"{place}: found the shape {array.shape}, expected (N,)")
    return array.reshape(-1)


def _check_few(classes: int, place: str) -> None:
    if classes > MOST:
        raise DatasetError(
            f"{place}: found {classes:,} different labels, expected at most {MOST} classes"
        )
