"""YAML text in -> its entries out: key, plain value, line; what keys mean is not known here."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from bpcli.errors import quote, readable
from bpcli.files.yaml_tree import MalformedError, compose

# Numbers as people write them. YAML 1.1 takes 1e-3 for a word, 010 for eight and 1:30 for ninety.
NUMBER = re.compile(r"[-+]?((0|[1-9][0-9]*(_[0-9]+)*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
NOTHING = ("", "~", "null", "Null", "NULL")
MERGE = "tag:yaml.org,2002:merge"  # what YAML calls the key <<
MOST_MERGED = 10_000  # keys in all; aliases of aliases would make them millions

Pair = tuple[yaml.Node, yaml.Node]
SIMPLE_WORD = re.compile(r"[A-Za-z./][A-Za-z0-9_./-]*")


@dataclass(frozen=True)
class Entry:
    """One `key: value` of a document; `place` is `FILE:LINE`, for messages.

    A `template` stands elsewhere too, by an alias, and so may have a name that is nobody's. As text
    it is what a message on it begins with.
    """

    key: str
    value: Any
    place: str
    template: bool = False

    def __str__(self) -> str:
        return f"{self.place}: {readable(self.key)}"


class Unusable:
    """A value that no key takes, such as a tagged one; its `repr` says what it is."""

    def __init__(self, words: str) -> None:
        self.words = words

    def __repr__(self) -> str:
        return self.words


class Document:
    """The entries of a YAML text of two levels, and the mistakes that have been found in it.

    Only numbers, words, nulls and lists of these are made, whatever the tags ask for; anything
    deeper is an `Unusable` value. A key that stands twice is a mistake. `<<: *base` stands for the
    keys of base that do not stand there themselves. Messages begin with `name:LINE`.
    """

    def __init__(self, text: str | bytes, name: str) -> None:
        self.name = name
        self.entries: list[Entry] = []
        self.problems: list[str] = []
        self._places: dict[str, str] = {}
        self._uses: Counter[int] = Counter()  # how often each value stands in the text
        self._merged: dict[int, list[Pair]] = {}  # the keys of each mapping, with those of its <<
        self._merges = 0
        try:
            root = compose(text)
        except MalformedError as error:
            self.problems.append(f"{name}:{error.line}: {error.reason}")
            return
        if isinstance(root, yaml.MappingNode):
            self._count(root)
            self._read_mapping(root, "")
        elif root is not None and plain_value(root) is not None:
            found = quote(plain_value(root))
            self.problems.append(f"{self._place(root)}: found {found}, expected keys with values")

    def _place(self, node: yaml.Node) -> str:
        return f"{self.name}:{node.start_mark.line + 1}"

    def _count(self, root: yaml.MappingNode) -> None:
        """Count the uses of values on the two levels that there are: an alias is one more."""
        for _, node in root.value:
            self._uses[id(node)] += 1
            inside = node.value if isinstance(node, yaml.MappingNode) else []
            for _, inner in inside:
                parts = inner.value if isinstance(inner, yaml.SequenceNode) else []
                self._uses.update(map(id, [inner, *parts]))

    def _read_mapping(
        self, mapping: yaml.MappingNode, prefix: str, *, template: bool = False
    ) -> None:
        for key_node, node in self._pairs(mapping):
            word = plain_value(key_node)
            key = prefix + (word if isinstance(word, str) else repr(word))
            place = self._place(key_node)
            is_template = template or (not prefix and self._uses[id(node)] > 1)
            if key in self._places:
                self.problems.append(
                    f"{place}: {readable(key)}: stands twice, first at {self._places[key]}"
                )
            elif isinstance(node, yaml.MappingNode) and not prefix and has_plain_tag(node):
                self._read_mapping(node, f"{key}.", template=is_template)
            else:
                self.entries.append(Entry(key, plain_value(node), place, is_template))
            self._places[key] = place

    def _pairs(self, mapping: yaml.MappingNode) -> list[Pair]:
        """Return the keys of a mapping with their values; what `<<` merges comes first."""
        if id(mapping) not in self._merged:
            self._merged[id(mapping)] = []  # which is what a mapping that merges itself gets
            own = [pair for pair in mapping.value if pair[0].tag != MERGE]
            taken = {_word(key) for key, _ in own}
            merged: list[Pair] = []
            for key, node in mapping.value:
                if key.tag == MERGE:
                    merged += self._merge(key, node, taken)
            self._merged[id(mapping)] = merged + own
        return self._merged[id(mapping)]

    def _merge(self, key: yaml.Node, node: yaml.Node, taken: set[str | int]) -> Iterator[Pair]:
        """Yield what is not `taken` yet of the mapping, or the mappings, that `<<` names."""
        for part in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(part, yaml.MappingNode):
                found = quote(plain_value(part))
                self.problems.append(
                    f"{self._place(key)}: <<: found {found}, expected keys with values, as in *base"
                )
                return
            for pair in self._pairs(part):
                self._merges += 1
                if self._merges == MOST_MERGED:
                    self.problems.append(
                        f"{self._place(key)}: <<: merges more keys than any page has"
                    )
                if self._merges >= MOST_MERGED:
                    return
                if _word(pair[0]) not in taken:
                    taken.add(_word(pair[0]))
                    yield pair


def _word(key: yaml.Node) -> str | int:
    """Return what tells a key from others; one that is a list or the like equals no other."""
    return str(key.value) if isinstance(key, yaml.ScalarNode) else id(key)


def read_value(text: str) -> Any:
    """Return what `plain_value` makes of the YAML text. Raises MalformedError."""
    node = compose(text)
    return None if node is None else plain_value(node)


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
    if node.style is None:
        return plain_scalar(node.value)
    # JSON writes a character beyond the first 65,536 as two escapes, which YAML takes for two.
    return str(node.value).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def plain_scalar(word: str) -> float | int | str | None:
    """Read a word that is not quoted.

    >>> [plain_scalar(word) for word in ("50", "10_000", "1e-3", "010", "yes", "")]
    [50, 10000, 0.001, '010', 'yes', None]
    """
    if word in NOTHING:
        return None
    if not NUMBER.fullmatch(word):
        return word
    try:
        return int(word)
    except ValueError:
        return float(word)


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
