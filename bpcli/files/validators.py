"""a plain value of a document in -> the value that a key takes out, or ValueError."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LARGEST_INTEGER = 10**12
WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass(frozen=True)
class Validator:
    """What a key takes: `read` returns the value to use, or raises ValueError.

    `words` are those that it takes, if these are few.
    """

    expected: str
    read: Callable[[Any], Any]
    words: tuple[str, ...] = ()


def integer(low: int, high: int = LARGEST_INTEGER) -> Validator:
    """Take the whole numbers from `low` to `high`, written 10000 or 1e4."""

    def read(value: Any) -> int:
        if not isinstance(value, int | float) or not low <= value <= high or value != int(value):
            raise ValueError
        return int(value)

    return Validator(f"an integer from {low} to {high:,}", read)


def number(low: float, *, below: float = math.inf, exclusive: bool = False) -> Validator:
    """Take the finite numbers from `low` (or above it) to less than `below`."""

    def read(value: Any) -> float:
        if not isinstance(value, int | float) or not low <= value < below:
            raise ValueError
        if exclusive and value == low:
            raise ValueError
        return float(value) + 0.0  # of -0 that is 0

    limit = "" if below == math.inf else f" and below {below:g}"
    return Validator(f"a number {'above' if exclusive else 'from'} {low:g}{limit}", read)


def choice(*words: str) -> Validator:
    """Take a few words."""

    def read(value: Any) -> str:
        if value not in words:
            raise ValueError
        return str(value)

    return Validator("one of " + ", ".join(words), read, words)


def either(first: Validator, second: Validator) -> Validator:
    """Take what `first` or `second` takes."""

    def read(value: Any) -> Any:
        try:
            return first.read(value)
        except ValueError:
            return second.read(value)

    return Validator(f"{first.expected} or {second.expected}", read, first.words + second.words)


def boolean() -> Validator:
    """Take true and false."""

    def read(value: Any) -> bool:
        if isinstance(value, str) and value in WORDS:
            return WORDS[value]
        raise ValueError

    return Validator("true or false", read)


def list_of(item: Validator, example: str, most: int) -> Validator:
    """Take the lists of at most so many entries, every one of which `item` takes."""

    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > most:
            raise ValueError
        return tuple(item.read(entry) for entry in value)

    return Validator(
        f"a list like {example} of at most {most:,} entries, each {item.expected}", read
    )


def text() -> Validator:
    """Take the words that are not empty."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not value:
            raise ValueError
        return value

    return Validator("a word or a path", read)
