"""Numbers as a person writes them."""

import pytest

from bpcli.show.number import draw_number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.2000000000000002, "2.2"), (220.00000000000003, "220"), (-0.0, "0"), (1e6, "1000000"),
        (1 / 3, "0.333333"), (123456.789, "123457"), (1e-7, "1e-07"), (1e20, "1e+20"), (-1.5, "-1.5"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_a_person_would(value, text):
    assert draw_number(value) == text
