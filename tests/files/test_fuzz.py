"""Damaged files are read or refused in a sentence: a short run of tests/fuzz/fuzz.py."""

import fuzz
import pytest


@pytest.mark.parametrize("name", fuzz.PARSERS)
def test_what_is_damaged_is_read_or_refused(name, request):
    if name == "picture":
        pytest.importorskip("PIL", reason="Pillow is not installed")
    fuzz.fuzz(name, 20_000 if request.config.getoption("--long") else 300)
