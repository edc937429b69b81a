"""YAML text in -> its entries out: key, plain value, line; what keys mean is not known here."""

import math
import re
from dataclasses import dataclass
from typing import Any

import yaml

# Numbers as people write them. YAML 1.1 takes 1e-3 for a word, 010 for eight and 1:30 for ninety.
NUMBER = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
LONGEST = 60  # characters of a file's that a message quotes
SIMPLE_WORD = re.compile(r"[A-Za-z./][A-Za-z0-9_./-]*")


@dataclass(frozen=True)
class Entry:
    """One `key: value` of a document; `place` is `FILE:LINE`, for messages."""

    key: str
    value: Any
    place: str


class Unusable:
    """A value that no key takes, such as a tagged one; its `repr` says what it is."""

    def __init__(self, words: str) -> None:
        self.words = words

    def __repr__(self) -> str:
        return self.words


class MalformedError(ValueError):
    """Text that is no YAML, on `line` and for this `reason`."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(line, reason)
        self.line = line
        self.reason = reason


class Document:
    """The entries of a YAML text of two levels, and the mistakes that have been found in it.

    Only numbers, words, nulls and lists of these are made, whatever the tags ask for; anything
    deeper is an `Unusable` value. A key that stands twice is a mistake. Messages begin with
    `name:LINE`.
    """

    def __init__(self, text: str | bytes, name: str) -> None:
        self.name = name
        self.entries: list[Entry] = []
        self.problems: list[str] = []
        self._places: dict[str, str] = {}
        try:
            root = _compose(text)
        except MalformedError as error:
            self.problems.append(f"{name}:{error.line}: {error.reason}")
            return
        if isinstance(root, yaml.MappingNode):
            self._read_mapping(root, "")
        elif root is not None and plain_value(root) is not None:
            found = show(plain_value(root))
            self.problems.append(f"{self._place(root)}: found {found}, expected keys with values")

    def _place(self, node: yaml.Node) -> str:
        return f"{self.name}:{node.start_mark.line + 1}"

    def _read_mapping(self, mapping: yaml.MappingNode, prefix: str) -> None:
        for key_node, node in mapping.value:
            word = plain_value(key_node)
            key = prefix + (readable(word) if isinstance(word, str) else show(word))
            place = self._place(key_node)
            if key in self._places:
                self.problems.append(f"{place}: {key}: stands twice, first at {self._places[key]}")
            elif isinstance(node, yaml.MappingNode) and not prefix and has_plain_tag(node):
                self._read_mapping(node, f"{key}.")
            else:
                self.entries.append(Entry(key, plain_value(node), place))
            self._places[key] = place


def read_value(text: str) -> Any:
    """Return what `plain_value` makes of the YAML text. Raises MalformedError."""
    node = _compose(text)
    return None if node is None else plain_value(node)


def _compose(text: str | bytes) -> yaml.Node | None:
    """Return the tree of the text: no Python object is made, whatever its tags ask for."""
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise MalformedError(line, f"not YAML: {error.problem or error.context}") from error
    except yaml.reader.ReaderError as error:
        decoded = text if isinstance(text, str) else text.decode(errors="replace")
        line = 1 + decoded[: error.position].count("\n")
        raise MalformedError(line, f"not YAML: {str(error).splitlines()[0]}") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # of characters that are none
        raise MalformedError(1, f"not YAML: {str(error).splitlines()[0]}") from error
    except RecursionError as error:
        raise MalformedError(1, "nested too deep for a configuration") from error


def has_plain_tag(node: yaml.Node) -> bool:
    """Tell whether the node asks for nothing but standard YAML (`!!python/object` is refused)."""
    return node.tag in yaml.SafeLoader.yaml_constructors


def plain_value(node: yaml.Node) -> Any:
    """Return the number, word, None or list of these that a node of the YAML tree stands for."""
    if not has_plain_tag(node):
        return Unusable(f"the tag {node.tag}")
    if isinstance(node, yaml.SequenceNode):
        nested = Unusable("a list in a list")
        return [plain_value(n) if isinstance(n, yaml.ScalarNode) else nested for n in node.value]
    if not isinstance(node, yaml.ScalarNode):
        return Unusable("keys with values")
    quoted = node.style is not None
    return str(node.value) if quoted else plain_scalar(node.value)


def plain_scalar(word: str) -> float | int | str | None:
    """Read a word that is not quoted.

    >>> [plain_scalar(word) for word in ("50", "1e-3", "010", "yes", "")]
    [50, 0.001, '010', 'yes', None]
    """
    if word in ("", "~", "null"):
        return None
    if not NUMBER.fullmatch(word):
        return word
    try:
        return int(word)
    except ValueError:
        return float(word)


def show(value: Any) -> str:
    """Return a value as messages quote it, cut where it is long."""
    shown = "nothing" if value is None else repr(value)
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 3] + "..."


def readable(name: str) -> str:
    """Return a name as messages say it: as it is, or as `show` does where that would be unclear."""
    return name if name.isprintable() and len(name) < LONGEST else show(name)


def to_scalar(value: Any) -> str:
    """Return the YAML of a number, a word or a list of numbers, quoted where it has to be.

    >>> to_scalar(1e-3), to_scalar("mnist"), to_scalar("1e-3"), to_scalar((50, 20))
    ('0.001', 'mnist', '"1e-3"', '[50, 20]')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    if not isinstance(value, str) or (
        SIMPLE_WORD.fullmatch(value) and plain_scalar(value) == value
    ):
        return str(value)
    return yaml.safe_dump(value, default_style='"', allow_unicode=True, width=math.inf).strip()
