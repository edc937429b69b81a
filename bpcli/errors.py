"""nothing in -> the ways in which a command ends without success, each with its exit code.

What a message quotes of somebody's goes through `quote` or `readable`, and so has a length; what
leaves the house goes through `visible`, and so forges no line and moves no cursor.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

Choice = TypeVar("Choice")

LONGEST = 60  # characters of somebody's value that a message quotes
# What a terminal obeys or does not show: control characters, ends of lines and paragraphs, marks
# that turn the direction of reading, spaces without width, halves of characters. Joiners are not
# among them, as emoji and some scripts are written with these.
HIDDEN = re.compile(
    "[\0-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff]"
)


class BpcliError(Exception):
    """One or more sentences for the user; `exit_code` is what the command line ends with.

    Each argument is a line of the message: an end of a line within one is somebody else's.
    """

    exit_code = 2

    def __str__(self) -> str:
        return "\n".join(self.lines)

    @property
    def lines(self) -> list[str]:
        """The lines of the message, none if there is nothing to say."""
        return [visible(str(line)) for line in self.args if line]


class ConfigError(BpcliError):
    """A configuration that cannot be used; one line `FILE:LINE: key: ...` per mistake in it."""


class FileError(BpcliError):
    """A path that leads to nothing that can be used."""


class BusyError(BpcliError):
    """A place that another process holds."""


class DatasetError(BpcliError):
    """Image or label files that are missing, damaged or do not belong together."""


class PictureError(BpcliError):
    """A picture that is missing, damaged, or no picture."""


class MachineError(BpcliError):
    """A machine, or a limit that it sets, that leaves too little to work with."""


class TuningError(BpcliError):
    """A study that cannot be had, or is of something else."""


class ExtraError(BpcliError):
    """Work that needs a package which only an optional extra of bpcli installs.

    `error` is what its import has raised: it may be there, and broken.
    """

    def __init__(self, work: str, package: str, extra: str, error: ImportError) -> None:
        is_missing = isinstance(error, ModuleNotFoundError)
        why = f"is not installed: pip install 'bpcli-mnist[{extra}]'"
        super().__init__(
            f"{work} needs {package}, which {why if is_missing else f'cannot be imported: {error}'}"
        )


class SourceError(BpcliError):
    """A person's own file of Python that cannot be run, or in which nothing can be checked."""


class ExportError(BpcliError):
    """A model with a layer that other programs have no words for."""


class ArrayError(BpcliError):
    """An array that no layer takes, or a network that no array goes through."""


class ArgumentError(BpcliError):
    """A value that a function does not take."""


class CheckpointError(BpcliError):
    """A model file that cannot be read, or a place where none can be written."""


class SaveError(CheckpointError):
    """A file that could not be written after all; what stood there is intact."""

    exit_code = 1


class PlaceError(SaveError):
    """A place where no file can be put, or where another one stands that is somebody's own."""

    exit_code = BpcliError.exit_code


class ExpressionError(BpcliError):
    """An expression that is none, or has no value or derivative; shows where with a caret."""


class DivergedError(BpcliError):
    """Training whose loss is no longer a finite number."""

    exit_code = 1


class OutputError(BpcliError):
    """Results that could not be written to standard output."""

    exit_code = 1


class NotAsAsked(BpcliError):
    """It ran, and what was asked for does not hold; without words where the result has said it."""

    exit_code = 1


class Stopped(BpcliError):
    """A signal has stopped it; the exit code is 128 and the signal's `number`."""

    def __init__(self, number: int, message: str = "") -> None:
        super().__init__(message)
        self.exit_code = 128 + number


def choose(what: str, word: str, choices: Mapping[str, Choice]) -> Choice:
    """Return the choice that a word stands for. Raises ArgumentError for any other word."""
    if word not in choices:
        raise ArgumentError(f"{what}: found {quote(word)}, expected one of {', '.join(choices)}")
    return choices[word]


def quote(value: Any, longest: int = LONGEST) -> str:
    """Return a value as messages quote it, cut where it is longer than so many characters.

    >>> quote("a word"), quote(None), quote([1, 2])
    ("'a word'", 'nothing', '[1, 2]')
    """
    quoted = "nothing" if value is None else repr(value)
    return quoted if len(quoted) <= longest else quoted[: longest - 3] + "..."


def readable(name: str, longest: int = LONGEST) -> str:
    """Return a name as people are told it: as it is, or quoted where that would be unclear.

    It is for people alone: two names may be told alike, and so it is never a key.
    """
    return name if visible(name) == name and len(name) < longest else quote(name, longest)


def visible(text: str, keep: str = "") -> str:
    """Return text in which each hidden character that is not to be kept is written out.

    >>> visible("a\\x1b[31m"), visible("two\\nlines"), visible("\\u65e5")
    ('a\\\\x1b[31m', 'two\\\\nlines', '\u65e5')
    """

    def write_out(found: re.Match[str]) -> str:
        return found[0] if found[0] in keep else found[0].encode("unicode_escape").decode()

    return HIDDEN.sub(write_out, text)
