"""`NAME=NUMBER` texts in -> the number of each name out."""

import math
from collections.abc import Sequence

from bpcli.errors import ExpressionError
from bpcli.files.document import plain_scalar


def parse_values(assignments: Sequence[str]) -> dict[str, float]:
    """Read `NAME=NUMBER` texts. Raises ExpressionError."""
    values: dict[str, float] = {}
    for assignment in assignments:
        name, _, text = assignment.partition("=")
        number = plain_scalar(text.strip())
        if not name.strip().isidentifier() or not isinstance(number, int | float):
            quote = "; quote the expression, or the shell takes * for names of files"
            hint = "" if "=" in assignment else quote
            raise ExpressionError(f"{assignment}: expected NAME=NUMBER{hint}")
        if name.strip() in values:
            raise ExpressionError(f"{assignment}: {name.strip()} has a value already")
        try:
            values[name.strip()] = float(number)
        except OverflowError:
            values[name.strip()] = math.inf
        if math.isinf(values[name.strip()]):
            raise ExpressionError(f"{assignment}: too large for a number")
    return values
