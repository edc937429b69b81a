"""Configurations: their defaults, and that they are printed so that they load back."""

import dataclasses
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tiny import ROOT

from bpcli.training.config import (
    KEYS,
    Config,
    load_config,
    parse_config,
    to_yaml,
)


@pytest.mark.parametrize("text", ["", "\n", "# a comment", "training:\n", "training: {}", "~"])
def test_what_is_not_said_has_its_default(text):
    assert parse_config(text, "c.yaml") == Config()


def test_the_default_is_configs_mnist_yaml():
    path = ROOT / "configs/mnist.yaml"
    assert load_config(path) == Config()
    sections = yaml.safe_load(path.read_text())
    named = [f"{name}.{key}" for name in sections if name != "seed" for key in sections[name]]
    assert {"seed", *named} == set(KEYS)


def test_a_config_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().training.batch_size = 3


NUMBERS = st.floats(0, 0.99, allow_subnormal=False)


VALUES = {
    "seed": st.integers(0, 10**12),
    "dataset.source": st.text(st.characters(exclude_categories=("Cs",)), min_size=1),
    "network.hidden": st.lists(st.integers(1, 10**6)).map(tuple),
    "network.weight_init": NUMBERS | st.sampled_from(["he", "xavier"]),
    "network.dropout": NUMBERS,
    "network.loss": st.sampled_from(["softmax", "squared"]),
    "dataset.deskew": st.booleans(),
    "distortion.alpha": NUMBERS,
    "optimizer.learning_rate": st.floats(1e-300, 1e300),
    "training.batch_size": st.integers(1, 10**6),
}


@given(st.fixed_dictionaries(VALUES))
def test_the_printed_configuration_loads_back_to_the_same(values):
    config = Config()
    for dotted, value in values.items():
        section, _, name = dotted.rpartition(".")
        if section:
            changed = dataclasses.replace(getattr(config, section), **{name: value})
            config = dataclasses.replace(config, **{section: changed})
        else:
            config = dataclasses.replace(config, **{name: value})
    assert parse_config(to_yaml(config), "printed") == config


def test_the_printed_configuration_has_every_key_with_a_comment():
    lines = [line for line in to_yaml(Config()).splitlines() if not line.endswith(":")]
    assert [line.split(":")[0].strip() for line in lines] == [
        key.rpartition(".")[2] for key in KEYS
    ]
    assert all(" # " in line for line in lines)


@pytest.mark.parametrize(
    ("config", "override", "place"),
    [
        (
            "fast",
            "training.iterations=100",
            "-s training.iterations=100: optimizer.warmup: found 200, ",
        ),
        (
            "98",
            "optimizer.warmup=1e6",
            "-s optimizer.warmup=1e6: optimizer.warmup: found 1000000, ",
        ),
    ],
)
def test_a_run_that_is_too_short_to_warm_up_is_told_what_to_write(config, override, place, bpcli):
    said = bpcli("config", config, "-s", override, code=2).stderr
    assert said.startswith(place)
    words = re.search(r"a shorter run needs a shorter warmup, as ((?:-s \S+ ?)+)", said)[1].split()
    assert bpcli("config", config, *words).exit_code == 0
