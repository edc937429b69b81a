"""The table of accuracies: each row's net is the one that was published, and the figures stand."""

import re

import pytest
import table
from tiny import ROOT

from bpcli.training import load_config

PUBLISHED = [row for row in table.ROWS if row.error is not None]


@pytest.mark.parametrize("row", table.ROWS, ids=lambda row: row.config)
def test_each_row_is_a_net_of_the_stated_kind(row):
    config = load_config(row.path)
    (units,) = config.network.hidden
    stated = re.match(r"\d+", row.what)
    assert not stated or int(stated[0]) == units
    assert config.dataset.source == "mnist"
    assert config.dataset.validation == 0
    if row in PUBLISHED:
        distorted = not config.distortion.identity
        assert distorted == ("distort" in row.what)
        assert bool(config.distortion.alpha) <= ("elastic" in row.what or units == 40)
        assert config.dataset.deskew <= ("deskew" in row.what or units == 40)
        assert bool(config.training.adversarial) == ("adversarial" in row.what)
        squared = "square error" in row.what or "MSE" in row.what
        assert (config.network.loss == "squared") == squared


def test_every_configuration_of_the_table_has_a_row():
    files = {f"table/{path.name}" for path in (ROOT / "configs/table").iterdir()}
    assert files == {row.config for row in PUBLISHED}


def test_the_table_shows_what_was_measured():
    shown = re.search(r"^\| net \|.*?(?=\n\n)", (ROOT / "CONTRIBUTING.md").read_text(), re.M | re.S)
    assert shown[0].splitlines() == table.markdown()


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row.config)
def test_the_published_error_is_beaten(row):
    errors = [figures["error"] for figures in table.results(row).values()]
    assert not errors or sum(errors) / len(errors) < row.error
