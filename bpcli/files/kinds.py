"""a plain value of a document in -> the value of one kind out, or ValueError: what a key takes."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LARGEST_INTEGER = 10**12
WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass(frozen=True)
class Kind:
    """What a key takes: `read` returns the value to use, or raises ValueError.

    `words` are those that it takes, if these are few.
    """

    expected: str
    read: Callable[[Any], Any]
    words: tuple[str, ...] = ()


def integer(low: int, high: int = LARGEST_INTEGER) -> Kind:
    """Return the kind of the whole numbers from `low` to `high`, written 10000 or 1e4."""

    def read(value: Any) -> int:
        if not isinstance(value, int | float) or not low <= value <= high or value != int(value):
            raise ValueError
        return int(value)

    return Kind(f"an integer from {low} to {high:,}", read)


def number(low: float, *, below: float = math.inf, exclusive: bool = False) -> Kind:
    """Return the kind of the finite numbers from `low` (or above it) to less than `below`."""

    def read(value: Any) -> float:
        if not isinstance(value, int | float) or not low <= value < below:
            raise ValueError
        if exclusive and value == low:
            raise ValueError
        return float(value)

    limit = "" if below == math.inf else f" and below {below:g}"
    return Kind(f"a number {'above' if exclusive else 'from'} {low:g}{limit}", read)


def choice(*words: str) -> Kind:
    """Return the kind of a few words."""

    def read(value: Any) -> str:
        if value not in words:
            raise ValueError
        return str(value)

    return Kind("one of " + ", ".join(words), read, words)


def either(first: Kind, second: Kind) -> Kind:
    """Return the kind of what `first` or `second` takes."""

    def read(value: Any) -> Any:
        try:
            return first.read(value)
        except ValueError:
            return second.read(value)

    return Kind(f"{first.expected} or {second.expected}", read, first.words + second.words)


def boolean() -> Kind:
    """Return the kind of true and false."""

    def read(value: Any) -> bool:
        if isinstance(value, str) and value in WORDS:
            return WORDS[value]
        raise ValueError

    return Kind("true or false", read)


def list_of(item: Kind, example: str) -> Kind:
    """Return the kind of the lists whose every entry `item` takes."""

    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError  # noqa: TRY004 - one exception for "not of this kind"
        return tuple(item.read(entry) for entry in value)

    return Kind(f"a list like {example}, each entry {item.expected}", read)


def text() -> Kind:
    """Return the kind of the words that are not empty."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not value:
            raise ValueError
        return value

    return Kind("a word or a path", read)
