"""What the tests of commands share."""

import pytest


@pytest.fixture
def model(bpcli, tiny_options, folder):
    """A model that the command has trained, in the working directory."""
    bpcli("train", *tiny_options)
    return folder / "model.npz"
