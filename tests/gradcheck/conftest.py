"""What the tests of other people's code share."""

import warnings

import pytest

from bpcli.gradcheck.foreign.check import check_units
from bpcli.gradcheck.foreign.code import read_code
from bpcli.gradcheck.foreign.load import load_source


@pytest.fixture
def check_here(tmp_path):
    """Check the units of a text as `check_file` does, but in this process, which it may not harm."""

    def call(text, names=()):
        path = tmp_path / "layers.py"
        path.write_text("import numpy as np\n" + text)
        with warnings.catch_warnings(action="ignore"):
            return list(check_units(load_source(read_code(path)), names, {}, 1e-6))

    return call


@pytest.fixture
def judge(check_here):
    """Check a text, and return what came of its units by their names."""
    return lambda text: {unit.name: unit for unit in check_here(text)}


@pytest.fixture
def mistaken():
    """Return a text with one part of it changed, wherever it stands; one that ends in $ at its end."""

    def change(text, old, new):
        if old.endswith("$"):
            assert text.endswith(old[:-1])
            return text.removesuffix(old[:-1]) + new
        assert old in text
        return text.replace(old, new)

    return change
