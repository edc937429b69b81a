"""text in -> the steps of an expression, as Python's parser has them, and where each stands, out.

The text is parsed and never run. It is one line to whoever is told of a mistake in it.
"""

import ast
import re
import warnings
from dataclasses import dataclass
from typing import NoReturn

from bpcli.errors import ExpressionError, visible

SIGNS = {"×": "*", "·": "*", "÷": "/", "\N{MINUS SIGN}": "-", "²": "** 2", "³": "** 3"}
LONGEST = 2000  # characters
SEPARATOR = "; "
UNREADABLE = ValueError, MemoryError, RecursionError  # of null characters, and of what is too deep
NOTHING = "found nothing, expected an expression"
ASSIGNMENT = re.compile(r"\s*[^\W\d][^\s()\[\],;=+*/@.-]*\s*=(?!=)")
STEPS = "; several steps are written 't = x + y; t ** 2'"


@dataclass(frozen=True)
class Step:
    """What is computed, and what it is called from there on: "" where it has no name."""

    name: str
    tree: ast.expr
    column: int


class Source:
    """A text on one line, and its `steps`, of which all but the last have names.

    Steps stand behind one another, with a semicolon or a line's end between them. Raises
    ExpressionError where the text is none of that.
    """

    def __init__(self, text: str) -> None:
        self.text = " ".join(text.split())
        if len(self.text) > LONGEST:
            raise ExpressionError(
                f"an expression of {len(self.text):,} characters, expected at most {LONGEST:,}"
            )
        if not self.text:
            raise ExpressionError(NOTHING)
        self.text = SEPARATOR.join(_split(text)) or self.text
        self.steps = self._parse()

    def column(self, tree: ast.expr) -> int:
        """Return where an operator, or what has none, stands, in characters and not in bytes."""
        start = tree.left.end_col_offset if isinstance(tree, ast.BinOp) else tree.col_offset
        column = self._characters(start or 0)
        if isinstance(tree, ast.BinOp):
            rest = self.text[column:]
            column += len(rest) - len(rest.lstrip(") "))
        return column

    def refuse(self, place: ast.expr | int, reason: str) -> NoReturn:
        """Raise an error that shows the expression with a caret under a tree or a column."""
        column = place if isinstance(place, int) else self.column(place)
        start = max(0, column - 60)
        before, after = visible(self.text[start:column]), visible(self.text[column : start + 76])
        raise ExpressionError(reason, f"  {before}{after}", f"  {' ' * len(before)}^")

    def _characters(self, offset: int) -> int:
        return len(self.text.encode()[:offset].decode())

    def _parse(self) -> list[Step]:
        try:
            with warnings.catch_warnings(action="ignore"):
                if not (SEPARATOR[0] in self.text or ASSIGNMENT.match(self.text)):
                    return [Step("", ast.parse(self.text, mode="eval").body, 0)]
                statements = ast.parse(self.text).body
        except SyntaxError as error:
            column = (error.offset or 1) - 1
            sign = self.text[column : column + 1]
            hint = f"; {sign} is written {SIGNS[sign]}" if sign in SIGNS else ""
            hint += "; a product is written 2 * x" * ("decimal literal" in error.msg)
            self.refuse(column, f"not an expression: {error.msg}{hint}")
        except UNREADABLE:
            raise ExpressionError("not an expression: too deep, or with null characters") from None
        if not statements:
            raise ExpressionError(NOTHING)
        return [self._read(one, is_last=one is statements[-1]) for one in statements]

    def _read(self, statement: ast.stmt, *, is_last: bool) -> Step:
        column = self._characters(statement.col_offset)
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=tree):
                return Step(name, tree, column)
            case ast.Expr(value=tree) if is_last:
                return Step("", tree, column)
            case ast.Expr():
                self.refuse(column, f"is computed, and has no name to be used by{STEPS}")
        return self.refuse(column, f"cannot be used here{STEPS}")


def _split(text: str) -> list[str]:
    """Return the steps of a text, each on one line; none where it cannot be read so."""
    lines = "\n".join(line.strip() for line in text.splitlines())
    try:
        with warnings.catch_warnings(action="ignore"):
            statements = ast.parse(lines).body
    except (SyntaxError, *UNREADABLE):
        return []
    if not all(isinstance(one, ast.Assign | ast.Expr) for one in statements):
        return []
    return [" ".join((ast.get_source_segment(lines, one) or "").split()) for one in statements]
