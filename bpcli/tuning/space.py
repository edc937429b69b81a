"""YAML and overrides, values to search among them, in -> a Space out: what is tried, and the rest.

A key is searched where its value is `uniform(a, b)`, `log(a, b)`, `int(a, b)` or `choice(...)`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.errors import ConfigError, quote
from bpcli.files.document import Entry, read_value, to_scalar
from bpcli.files.settings import read_file, read_override
from bpcli.files.yaml_tree import MalformedError
from bpcli.training.config import KINDS, Config, build_config, change

FORM = re.compile(r"(uniform|log|loguniform|int|choice)\b\s*\(", re.IGNORECASE)
SEARCHED = re.compile(r"(uniform|log|int|choice)\((.*)\)", re.DOTALL)
ENDS = 2
SEED = "seed"
OF_IMAGES = "trials on other images could not be ranked with one another"
FIXED = {  # keys that each trial has in common
    SEED: "--seeds says how many each trial has",
    "dataset.source": OF_IMAGES,
    "dataset.validation": OF_IMAGES,
}


@dataclass(frozen=True)
class Dimension:
    """One key that is searched: `kind` and, of a choice, its values, else its two ends."""

    kind: str
    values: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.kind}({', '.join(map(to_scalar, self.values))})"

    def holds(self, value: Any) -> bool:
        """Tell whether a value is one of its values, or between its ends."""
        if self.kind == "choice":
            return value in self.values
        first, last = self.values
        return bool(first <= value <= last)

    def draw(self, rng: np.random.Generator) -> Any:
        """Return one of its values at random."""
        if self.kind == "choice":
            return self.values[rng.integers(len(self.values))]
        first, last = self.values
        if self.kind == "int":
            return int(rng.integers(first, last, endpoint=True))
        if self.kind == "log":
            return min(max(math.exp(rng.uniform(math.log(first), math.log(last))), first), last)
        return rng.uniform(first, last)


@dataclass(frozen=True)
class Space:
    """The configuration of what is not searched, and the dimensions by their keys."""

    base: Config
    dimensions: dict[str, Dimension]

    def configure(self, values: Mapping[str, Any], seed: int | None = None) -> Config:
        """Return the configuration with values for the dimensions, and with a seed.

        Raises ConfigError if they do not go together.
        """
        return change(self.base, dict(values) | ({} if seed is None else {SEED: seed}))

    def read(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the plain values that a study has kept, as `configure` takes them.

        Raises ValueError if they are not all that is searched.
        """
        found = {key: KINDS[key].read(values[key]) for key in self.dimensions if key in values}
        if found.keys() != values.keys() or found.keys() != self.dimensions.keys():
            raise ValueError("found other keys than those that are searched")
        if not all(made.holds(found[key]) for key, made in self.dimensions.items()):
            raise ValueError("found values beyond those that are searched")
        return found

    @property
    def axes(self) -> dict[str, Sequence[Any]]:
        """The values of each key. Raises ConfigError where a dimension has no end of them."""
        axes: dict[str, Sequence[Any]] = {}
        for key, dimension in self.dimensions.items():
            if dimension.kind == "int":
                axes[key] = range(dimension.values[0], dimension.values[1] + 1)
            elif dimension.kind == "choice":
                axes[key] = dimension.values
            else:
                raise ConfigError(
                    f"{key}: found {dimension}, expected int(a, b) or choice(...) for --method grid"
                )
        return axes

    @property
    def grid_size(self) -> int:
        """How many combinations there are. Raises ConfigError as `axes` does."""
        return math.prod(len(values) for values in self.axes.values())

    def grid_point(self, number: int) -> dict[str, Any]:
        """Return a combination by its number; the last key changes first."""
        point = {}
        for key, values in reversed(self.axes.items()):
            number, i = divmod(number, len(values))
            point[key] = values[i]
        return point

    def draw(self, number: int) -> dict[str, Any]:
        """Return values at random, the same for a number each time."""
        rng = np.random.default_rng([self.base.seed, number])
        return {key: dimension.draw(rng) for key, dimension in self.dimensions.items()}


def read_space(path: str | Path | None, overrides: Sequence[str]) -> Space:
    """Read a configuration some of whose values are searched. Raises ConfigError.

    Both ends, or every choice, are checked by the rule of the key.
    """
    document = None if path is None else read_file(Path(path))
    found: dict[str, Dimension | str] = {}
    plain = []
    if document:
        searched = [entry for entry in document.entries if _is_searched(entry)]
        found = {entry.key: _read(entry) for entry in searched}
        document.entries = [entry for entry in document.entries if entry not in searched]
    for override in overrides:
        entry = read_override(override)
        if _is_searched(entry):
            found[entry.key] = _read(entry)
        else:
            found.pop(entry.key, None)
            plain.append(override)
    problems = [problem for problem in found.values() if isinstance(problem, str)]
    if problems:
        raise ConfigError(*problems)
    space = Space(
        build_config([document] if document else [], plain, Config()),
        {key: made for key, made in found.items() if isinstance(made, Dimension)},
    )
    _check(space)
    return space


def _is_searched(entry: Entry) -> bool:
    """Tell whether it has a form of what is searched; an unknown key is told by who knows them."""
    known = isinstance(entry.value, str) and entry.key in KINDS
    return known and FORM.match(entry.value.strip()) is not None


def _read(entry: Entry) -> Dimension | str:
    """Return a dimension, or what is wrong with it."""
    place, own = str(entry), KINDS[entry.key]
    if entry.key in FIXED:
        return f"{place}: it is not searched: {FIXED[entry.key]}"
    searched = SEARCHED.fullmatch(entry.value.strip())
    if not searched:
        return (
            f"{place}: found {quote(entry.value)}, expected uniform(a, b), log(a, b), int(a, b) or "
            "choice(...), within braces or brackets of YAML in quotes"
        )
    kind, text = searched.groups()
    values = []
    for part in _split(text):
        try:
            values.append(own.read(read_value(part)))
        except (ValueError, OverflowError, MalformedError):
            return f"{place}: found {quote(part)} in {kind}, expected {own.expected}{_hint(kind)}"
    wrong = _problem(kind, values)
    if wrong:
        return f"{place}: found {quote(entry.value)}, expected {wrong}"
    return Dimension(kind, tuple(values))


def _hint(kind: str) -> str:
    return "" if kind == "choice" else ", or choice(...) of its values"


def _problem(kind: str, values: list[Any]) -> str:
    """Say what is expected of the values of a dimension if they are not so."""
    if kind == "choice":
        return "" if values and len(set(values)) == len(values) else "one value or more, each once"
    numbers = all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values
    )
    if len(values) != ENDS or not numbers or values[0] >= values[1]:
        return f"{kind}(a, b) of two numbers, the smaller first"
    if kind == "int" and not all(isinstance(value, int) for value in values):
        return "two whole numbers"
    if kind != "int" and all(isinstance(value, int) for value in values):
        return f"int({values[0]}, {values[1]}), as the key takes whole numbers"
    if kind == "log" and values[0] <= 0:
        return "two numbers above 0"
    return ""


def _split(text: str) -> list[str]:
    """Split at commas, but those within brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "[(") - (character in "])")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def _check(space: Space) -> None:
    """Raise ConfigError where nothing is searched, or it would be ranked by the test images."""
    if not space.dimensions:
        raise ConfigError(
            "found nothing to search, expected a key with uniform(a, b), log(a, b), int(a, b) or "
            "choice(...), as -s 'optimizer.learning_rate=log(0.01, 1)'"
        )
    if not space.base.dataset.validation:
        raise ConfigError(
            "dataset.validation: found 0, expected images to rank trials on, as the test images "
            "say nothing any more once they have been chosen by: -s dataset.validation=10000"
        )
