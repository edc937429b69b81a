"""`NAME=NUMBER` texts: what is read and what is refused."""

import pytest

from bpcli.errors import ExpressionError
from bpcli.files.assignment import parse_values


def test_values_of_names():
    assert parse_values(["a=1", "b=-2.5e3", " c = 7 "]) == {"a": 1, "b": -2500, "c": 7}
    for text in ("a", "a=", "=1", "a=b", "1=1", "a b=1", "a=nan", "a=inf", "a=1j", "a=010"):
        with pytest.raises(ExpressionError, match="expected NAME=NUMBER"):
            parse_values([text])
    for text in ("a=1e999", "a=" + "9" * 400):
        with pytest.raises(ExpressionError, match="too large for a number"):
            parse_values([text])
    with pytest.raises(ExpressionError, match="a=2: a has a value already"):
        parse_values(["a=1", "a=2"])
