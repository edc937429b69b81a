"""entries of documents and a table of keys in -> checked values out, or every mistake at once.

A key is written `section.name`, or `name` where it belongs to no section.
"""

import contextlib
import difflib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bpcli.errors import ConfigError, FileError, quote, readable
from bpcli.files.archive import ZIP
from bpcli.files.document import Document, Entry, read_value, to_scalar
from bpcli.files.path import find_alike, list_folder, look, read_start
from bpcli.files.validators import Validator
from bpcli.files.yaml_tree import MalformedError

LARGEST_FILE = 100_000  # bytes; a configuration is a page, and the YAML parser is slow
YAML = (".yaml", ".yml", ".json")
CODE = {".py": "Python", ".ipynb": "a notebook"}
MOST_PROBLEMS = 100  # that are said at once
PACKAGE = Path(__file__).parents[1]
# The configurations that come with bpcli: in the package, as it is installed, or beside it.
PLACES = (PACKAGE / "configs", PACKAGE.parent / "configs")
OWN = next((place for place in PLACES if look(place) == "folder"), PACKAGE)

Explain = Callable[[str, Any, Mapping[str, Any]], str]


def read_file(path: Path) -> Document:
    """Read the YAML file at `path`, - for standard input. Raises ConfigError if that cannot be.

    Where no file is called so, `fast` is the configuration of that name that comes with bpcli.
    """
    if str(path) == "-":
        return read_text(_read_standard_input(), "standard input")
    words = explain_code(str(path))
    if words:
        raise ConfigError(words)
    hint = ""
    standing = look(path, ConfigError)
    if standing in ("nothing", "folder") and str(path) in list_own():
        path = OWN / f"{path}.yaml"
    elif standing == "nothing":
        hint = _find_alike(path)
    try:
        text = read_start(path, LARGEST_FILE + 1, ConfigError)
    except ConfigError as error:
        raise ConfigError(f"{error}{hint}") from error
    if text.startswith(ZIP):
        raise ConfigError(
            f"{path}: found a model, or another archive, expected a configuration in YAML; "
            f"bpcli config {path} prints that of a model, and gradcheck takes --model {path}"
        )
    return read_text(text, str(path))


def _read_standard_input() -> bytes:
    try:
        return sys.stdin.buffer.read(LARGEST_FILE + 1)
    except AttributeError as error:
        raise ConfigError("standard input: found it closed, expected a configuration") from error
    except OSError as error:
        raise ConfigError(f"standard input: cannot be read: {error.strerror}") from error


def list_own() -> list[str]:
    """Return the names of the configurations that come with bpcli: `fast`, `table/40`."""
    folders = [OWN, *(path for path in list_folder(OWN) if look(path) == "folder")]
    files = [path for folder in folders for path in list_folder(folder) if path.suffix == YAML[0]]
    return [path.relative_to(OWN).with_suffix("").as_posix() for path in files]


def list_beside(start: str) -> list[str]:
    """Return the configurations, and the folders, whose paths begin so."""
    names: list[str] = []
    with contextlib.suppress(FileError):
        for path in list_folder(Path(f"{start}.").parent):
            if look(path) == "folder":
                names.append(f"{path}/")
            elif path.suffix in YAML:
                names.append(str(path))
    return [name for name in names if name.startswith(start)]


def explain_code(path: str) -> str:
    """Say where a file of code belongs, "" of any other: it is no configuration."""
    kind = CODE.get(Path(path).suffix.lower())
    return (
        f"{path}: {kind} is no configuration; bpcli gradcheck {path} checks its layers"
        if kind
        else ""
    )


def _find_alike(path: Path) -> str:
    """Return a hint at configurations, and models, whose names are nearly that of `path`."""
    alike = find_alike(path, (*YAML, ".npz"))
    alike += difflib.get_close_matches(str(path), list_own(), cutoff=0.75)
    return f"; did you mean {' or '.join(alike)}?" if alike else ""


def read_text(text: str | bytes, name: str) -> Document:
    """Read YAML (or JSON) text, called `name` in messages. Raises ConfigError if it is too long."""
    if len(text) > LARGEST_FILE:
        raise ConfigError(f"{name}: over {LARGEST_FILE:,} bytes, too long for a configuration")
    return Document(text, name)


def read_override(override: str) -> Entry:
    """Read a `SECTION.KEY=VALUE` of the command line. Raises ConfigError."""
    key, equals, value = override.partition("=")
    place = f"-s {readable(override)}"
    if not equals:
        raise ConfigError(f"{place}: expected SECTION.KEY=VALUE, in one word")
    try:
        return Entry(key, read_value(value), place)
    except MalformedError as error:
        raise ConfigError(f"{place}: {readable(key)}: {error.reason}") from error


class Settings:
    """The values of keys: `defaults`, and what entries that their `validators` take lay over them.

    `problems` gathers what is wrong with entries, a line for each, and `places` remembers where
    each key was last set. `explain(name, value, values)` returns a hint on a name that is no key.
    """

    def __init__(
        self,
        validators: Mapping[str, Validator],
        defaults: Mapping[str, Any],
        explain: Explain,
    ) -> None:
        self.validators = validators
        self.values = dict(defaults)
        self.places: dict[str, str] = {}
        self.problems: list[str | Entry] = []  # an entry whose key is unknown waits for a hint
        self._explain = explain
        self._sections = list(
            dict.fromkeys(key.partition(".")[0] for key in validators if "." in key)
        )
        self._listed: set[str] = set()  # sections whose keys a problem has listed already

    def lay(self, entry: Entry) -> None:
        """Take the value of an entry, or note what is wrong with it."""
        self.places[entry.key] = entry.place
        try:
            if entry.key in self.validators:
                self.values[entry.key] = self.validators[entry.key].read(entry.value)
            elif entry.key in self._sections:
                if entry.value is not None:
                    self.refuse(entry, f"its keys, as in {self._example(entry.key)}")
            elif not entry.template or entry.key.partition(".")[0] in self._sections:
                self.problems.append(entry)
        except (ValueError, OverflowError):
            self.refuse(entry, self.validators[entry.key].expected)

    def refuse(self, entry: Entry, expected: str) -> None:
        """Note that the value of an entry is not what is expected."""
        found = quote(entry.value)
        self.problems.append(f"{entry}: found {found}, expected {expected}")

    def check(self) -> None:
        """Raise ConfigError with all problems, if there are any."""
        if self.problems:
            lines = [self._say(problem) for problem in self.problems[:MOST_PROBLEMS]]
            more = len(self.problems) - MOST_PROBLEMS
            if more > 0:
                last = self._say(self.problems[-1]).partition(": ")[0]
                lines.append(f"{last}: the last of {more} more")
            raise ConfigError(*lines)

    def _say(self, problem: str | Entry) -> str:
        if isinstance(problem, str):
            return problem
        return f"{problem}: unknown key{self._hint(problem)}"

    def _example(self, section: str) -> str:
        key = next(key for key in self.validators if key.startswith(f"{section}."))
        return f"{key}: {to_scalar(self.values[key])}"

    def _hint(self, wrong: Entry) -> str:
        """Say what the key is called here; where nothing is near, list the keys there are, once."""
        key = wrong.key.lower().replace("-", "_")
        section, _, name = key.rpartition(".")
        explained = self._explain(key, wrong.value, self.values)
        if explained:
            return f"; {explained}"
        near = self._same_name(name) or self._nearest(section, name)
        if near:
            return f"; did you mean {near}?"
        group = section if section in self._sections else ""
        if group in self._listed:
            return ""
        self._listed.add(group)
        keys = [key for key in self.validators if key.rpartition(".")[0] == group]
        words = [key.rpartition(".")[2] for key in keys] + ([] if group else self._sections)
        where = f"of {group} " if group else ""
        return f"; the keys {where}are {', '.join(words)}"

    def _same_name(self, name: str) -> str:
        """Return the one key that has this name in some other section."""
        same = [key for key in self.validators if key.rpartition(".")[2] == name]
        return same[0] if len(same) == 1 else ""

    def _nearest(self, section: str, name: str) -> str:
        """Return the key that is spelt nearly so, of a section that is spelt nearly so."""
        sections = difflib.get_close_matches(section, self._sections, n=1, cutoff=0.75)
        group = sections[0] if section and sections else ""
        inside = {
            key.rpartition(".")[2]: key for key in self.validators if key.startswith(f"{group}.")
        }
        if not section:  # somebody may have left the section out, or misspelt one
            inside = {key.rpartition(".")[2]: key for key in self.validators}
            inside |= {key: f"{key}:" for key in self._sections}
        words = difflib.get_close_matches(name, inside, n=1, cutoff=0.75)
        return inside[words[0]] if words else ""


def lay_over(
    validators: Mapping[str, Validator],
    defaults: Mapping[str, Any],
    documents: Sequence[Document],
    overrides: Sequence[str],
    explain: Explain,
) -> Settings:
    """Return the settings of `defaults` with documents and then overrides laid over them."""
    settings = Settings(validators, defaults, explain)
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
