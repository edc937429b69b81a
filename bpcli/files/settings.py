"""entries of documents and a table of keys in -> checked values out, or every mistake at once.

A key is written `section.name`, or `name` where it belongs to no section.
"""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bpcli.errors import ConfigError
from bpcli.files.document import Document, Entry, read_value, show, to_scalar
from bpcli.files.kinds import Kind
from bpcli.files.tree import MalformedError

LARGEST_FILE = 100_000  # bytes; a configuration is a page, and the YAML parser is slow
MOST_PROBLEMS = 100  # that are said at once


def read_file(path: Path) -> Document:
    """Read the YAML file at `path`. Raises ConfigError if that cannot be."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    return read_text(text, str(path))


def read_text(text: str | bytes, name: str) -> Document:
    """Read YAML (or JSON) text, called `name` in messages. Raises ConfigError if it is too long."""
    if len(text) > LARGEST_FILE:
        raise ConfigError(f"{name}: over {LARGEST_FILE:,} bytes, too long for a configuration")
    return Document(text, name)


def read_override(override: str) -> Entry:
    """Read a `SECTION.KEY=VALUE` of the command line. Raises ConfigError."""
    key, equals, value = override.partition("=")
    if not equals:
        raise ConfigError(f"-s {override}: expected SECTION.KEY=VALUE")
    try:
        return Entry(key, read_value(value), f"-s {override}")
    except MalformedError as error:
        raise ConfigError(f"-s {override}: {key}: {error.reason}") from error


class Settings:
    """The values of some `kinds` of keys, by key: `defaults`, and what entries lay over them.

    `problems` gathers what is wrong with entries, a line for each, and `places` remembers where
    each key was last set.
    """

    def __init__(self, kinds: Mapping[str, Kind], defaults: Mapping[str, Any]) -> None:
        self.kinds = kinds
        self.values = dict(defaults)
        self.places: dict[str, str] = {}
        self.problems: list[str] = []
        self._sections = {key.partition(".")[0] for key in kinds if "." in key}

    def lay(self, entry: Entry) -> None:
        """Take the value of an entry, or note what is wrong with it."""
        self.places[entry.key] = entry.place
        try:
            if entry.key in self.kinds:
                self.values[entry.key] = self.kinds[entry.key].read(entry.value)
            elif entry.key not in self._sections:
                hint = self._suggestion(entry.key)
                self.problems.append(f"{entry.place}: {entry.key}: unknown key; {hint}")
            elif entry.value is not None:
                self.refuse(entry, f"its keys, as in {self._example(entry.key)}")
        except (ValueError, OverflowError):
            self.refuse(entry, self.kinds[entry.key].expected)

    def refuse(self, entry: Entry, expected: str) -> None:
        """Note that the value of an entry is not what is expected."""
        found = show(entry.value)
        self.problems.append(f"{entry.place}: {entry.key}: found {found}, expected {expected}")

    def check(self) -> None:
        """Raise ConfigError with all problems, if there are any."""
        if self.problems:
            lines, more = self.problems[:MOST_PROBLEMS], len(self.problems) - MOST_PROBLEMS
            if more > 0:
                last = self.problems[-1].partition(": ")[0]
                lines.append(f"{last}: the last of {more} more")
            raise ConfigError("\n".join(lines))

    def _example(self, section: str) -> str:
        key = next(key for key in self.kinds if key.startswith(f"{section}."))
        return f"{key}: {to_scalar(self.values[key])}"

    def _suggestion(self, wrong: str) -> str:
        """Return the nearest known key, by the whole of it or by its last part."""
        last_parts = {key.rpartition(".")[2]: key for key in self.kinds}
        near = difflib.get_close_matches(wrong, self.kinds, n=1, cutoff=0.8) or [
            last_parts[word]
            for word in difflib.get_close_matches(wrong.rpartition(".")[2], last_parts, n=1)
        ]
        return f"did you mean {near[0]}?" if near else f"the keys are {', '.join(self.kinds)}"


def lay_over(
    kinds: Mapping[str, Kind],
    defaults: Mapping[str, Any],
    documents: Sequence[Document],
    overrides: Sequence[str] = (),
) -> Settings:
    """Return the settings of `defaults` with documents and then overrides laid over them."""
    settings = Settings(kinds, defaults)
    for document in documents:
        settings.problems += document.problems
        for entry in document.entries:
            settings.lay(entry)
    for override in overrides:
        try:
            settings.lay(read_override(override))
        except ConfigError as error:
            settings.problems.append(str(error))
    return settings
