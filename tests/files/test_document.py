"""YAML that is none, or was made to do harm, is refused with its line."""

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import problems

from bpcli.errors import BpcliError, ConfigError
from bpcli.training.config import (
    KEYS,
    Config,
    load_config,
    parse_config,
)


@pytest.mark.parametrize(
    "text",
    ['seed: "\\U00110000"', 'seed: "\\UFFFFFFFF"', f"%YAML 1.{'1' * 5000}\n---\nseed: 1\n"],
)
def test_characters_that_are_none_are_refused(text):
    (problem,) = problems(text)
    assert problem.startswith("c.yaml:1: not YAML: ")


@settings(max_examples=5000)
@given(st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(sorted(KEYS)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["training", "network", "hidden", "batch_size", "seed", "x"]), inner,
        max_size=3,
    ),
    max_leaves=10,
))  # fmt: skip
def test_any_yaml_is_a_configuration_or_an_error(tree):
    import yaml

    try:
        config = parse_config(yaml.dump(tree), "c.yaml")
    except BpcliError as error:
        assert all(line.startswith("c.yaml:") for line in str(error).splitlines())
    else:
        assert isinstance(config, Config)


BILLION_LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(24)
)


@pytest.mark.parametrize(
    "content",
    [
        BILLION_LAUGHS.encode(),
        b"network: &a\n  hidden: [*a]\n",
        b"seed: !!python/object/apply:os.system ['touch evil']\n",
        b"x: " * 300_000,
        b"- " * 400_000,
        b"{" * 100_000,
        b"seed: 0\n" * 100_000,
        b"seed: \0\n",
        "seed: 0\n".encode("utf-16")[:-1],
        b"\tseed: 0\n",
        b"seed: 0\n" + b"#" * 10_000_000,
    ],
    ids=range(11),
)
def test_hostile_configurations_are_refused(content, tmp_path):
    path = tmp_path / "c.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith(f"{path}:")
    assert os.listdir(tmp_path) == ["c.yaml"]


def test_a_config_for_json_is_yaml_too(tmp_path):
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"training": {"batch_size": 7}}))
    assert load_config(path).training.batch_size == 7
