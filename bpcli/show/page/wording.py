"""what a table for a terminal says in -> as a page writes it: 97.1 %, −0.5 and 3.2×10⁻⁴ out."""

import re

from bpcli.show.number import typeset

PERCENT = re.compile(r"(\d)%")


def write_text(text: str) -> str:
    """Return a text whose shares, signs and powers are written as in print.

    >>> [write_text(text) for text in ("97.12%", "8.7e-04", "-0.5", "-", "10,000", "he")]
    ['97.12 %', '8.7×10⁻⁴', '−0.5', '-', '10,000', 'he']
    """
    return PERCENT.sub(r"\1 %", typeset(text))


def count_images(count: int, kind: str = "") -> str:
    """Return how many images of a split, and one is an image.

    >>> count_images(1, "test"), count_images(10_000)
    ('1 test image', '10,000 images')
    """
    return f"{count:,} {kind} image{'s' * (count != 1)}".replace("  ", " ")
