"""Damaged files are read or refused in a sentence: a short run of tests/fuzz/fuzz.py."""

import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests/fuzz"))
import fuzz


@pytest.mark.parametrize("name", fuzz.PARSERS)
def test_what_is_damaged_is_read_or_refused(name, request):
    fuzz.fuzz(name, 20_000 if request.config.getoption("--long") else 300)
