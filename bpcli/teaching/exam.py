"""random numbers in -> computational graphs of the chapter's kind, to be worked out by hand, out.

They have two to five nodes, and numbers that are friendly: what flows forward and back is short.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bpcli.backprop.expression import Expression
from bpcli.backprop.node import Constant
from bpcli.errors import ArgumentError, ExpressionError

FEWEST, MOST = 2, 5  # nodes
NAMES = "abcxyz"
OPERATORS = ("+", "*", "*", "-", "/")  # a product is worth more than a sum
INTEGERS, FRACTIONS = (2, 3, 4, 5, 6, 8, 10, 20, 50, 100), (0.5, 1.1, 1.5, 2.5)
RATIO = 0.2  # of the values that are fractions
AGAIN = 0.2  # of the inputs that are a name which stands already
DIGITS, LARGEST = 4, 10_000  # of a number that is friendly
TRIES = 10_000


@dataclass(frozen=True)
class Question:
    """An expression, with a value for each of its names; its key is what `Expression` finds."""

    text: str
    values: tuple[tuple[str, float], ...]

    def solve(self) -> Expression:
        """Return the graph, which has run forward and backward."""
        return Expression(self.text, dict(self.values))


def draw_questions(count: int, rng: np.random.Generator) -> Iterator[Question]:
    """Yield so many questions, no two of them the same."""
    seen: set[str] = set()
    for _ in range(TRIES * count):
        question = _draw(rng)
        key = f"{question.text} {question.values}"
        if key not in seen and _is_friendly(question):
            seen.add(key)
            yield question
        if len(seen) == count:
            return
    raise ArgumentError(f"found {len(seen)} questions that differ, expected {count}: ask for fewer")


def _draw(rng: np.random.Generator) -> Question:
    """Return an expression of a random shape: a tree, in which a name may stand twice."""
    parts: list[tuple[str, bool]] = []  # and whether it needs brackets
    names: list[str] = []
    nodes = int(rng.integers(FEWEST, MOST + 1))
    for _ in range(nodes + 1):
        if names and rng.random() < AGAIN:
            parts.append((str(rng.choice(names)), False))
        elif len(names) < len(NAMES):
            names.append(NAMES[len(names)])
            parts.append((names[-1], False))
    while len(parts) > 1:
        place = int(rng.integers(len(parts) - 1))
        (left, wide_left), (right, wide_right) = parts[place : place + 2]
        operator = str(rng.choice(OPERATORS))
        if operator in "*/":
            left, right = (
                f"({p})" if w else p for p, w in ((left, wide_left), (right, wide_right))
            )
        if operator == "-" and wide_right:
            right = f"({right})"
        if operator == "/" and "*" in right and not right.startswith("("):
            right = f"({right})"
        parts[place : place + 2] = [(f"{left} {operator} {right}", operator in "+-")]
    values = {
        name: float(rng.choice(FRACTIONS if rng.random() < RATIO else INTEGERS)) for name in names
    }
    return Question(parts[0][0], tuple(values.items()))


def _is_friendly(question: Question) -> bool:
    """Tell whether all that is to be found are short numbers, and each input does something."""
    try:
        found = question.solve()
    except ExpressionError:
        return False
    nodes = [node for node in found.graph.nodes if not isinstance(node, Constant)]
    operations = len(nodes) - len(found.variables)
    numbers = [n for node in nodes for n in (node.value, node.gradient)]
    passed = [dx for node in nodes for dx in node.passed]
    every = [float(number) for number in [*numbers, *passed]]
    return FEWEST <= operations <= MOST and all(
        number and abs(number) < LARGEST and _is_short(number) for number in every
    )


def _is_short(number: float) -> bool:
    return abs(number - float(f"{number:.{DIGITS}g}")) < 1e-9 * abs(number)
