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


@settings(max_examples=8 * settings.default.max_examples)
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
        b"{" * 20_000,
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


MERGES = """
plain: &plain
  batch_size: 7
  iterations: 10_000
other: &other {batch_size: 8, sampling: replacement}
rate: &rate 0.5
training:
  iterations: 60
  <<: [*plain, *other]
optimizer: {learning_rate: *rate}
"""


def test_merge_keys_and_aliases_are_read():
    config = parse_config(MERGES, "c.yaml")
    assert (config.training.batch_size, config.training.iterations) == (7, 60)
    assert config.training.sampling == "replacement"
    assert config.optimizer.learning_rate == 0.5


def test_whole_sections_can_be_merged_and_merged_again():
    text = "a: &a {network: {hidden: [3]}, seed: 1}\nb: &b\n  <<: *a\n  seed: 2\n<<: *b\n"
    config = parse_config(text, "c.yaml")
    assert (config.network.hidden, config.seed) == ((3,), 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("training:\n  <<: 5", ["c.yaml:2: <<: found 5, expected keys with values, as in *base"]),
        ("training:\n  <<: [a]", ["c.yaml:2: <<: found 'a', expected keys with values, as in *base"]),
        ("b: &b {batch_siz: 1}\ntraining: {<<: *b}", ["c.yaml:1: training.batch_siz: unknown key; did you mean training.batch_size?"]),
        ("b: {batch_size: 1}", ["c.yaml:1: b.batch_size: unknown key; did you mean training.batch_size?"]),
        ("training: &t {batchsiz: 1}\nother: *t", ["c.yaml:1: training.batchsiz: unknown key; did you mean training.batch_size?"]),
        ("training:\n  <<: *b", ["c.yaml:2: not YAML: found undefined alias 'b'"]),
        ("training:\n  <<: {[a]: 1}", ["c.yaml:2: training.['a']: unknown key; the keys of training are batch_size, iterations, sampling, adversarial, evaluate_every, keep, patience"]),
    ],
)  # fmt: skip
def test_merges_that_cannot_be_are_told(text, expected):
    assert problems(text) == expected


def test_a_mapping_that_merges_itself_ends():
    assert (
        parse_config("training: &t\n  <<: *t\n  batch_size: 4", "c.yaml").training.batch_size == 4
    )


@pytest.mark.parametrize(
    "text",
    ["training: {<<: {? &a [*a] : 1}}", "&a ? [*a] : 1", "training: &a {<<: [*a, *a], ? *a : 1}"],
)
def test_keys_that_contain_themselves_are_refused(text):
    assert problems(text)


def test_merges_have_a_limit():
    wide = "a: &a {" + ", ".join(f"k{i}: 1" for i in range(200)) + "}\n"
    text = wide + "".join(f"b{i}: &b{i} {{<<: [{', '.join(['*a'] * 50)}]}}\n" for i in range(200))
    assert any("merges more keys than any page has" in line for line in problems(text))


@pytest.mark.parametrize(
    "text",
    [
        "seed: 4\t# a comment",
        "seed:\t4",
        "seed: 4\t",
        '{\n\t"seed": 4,\n\t"network": {\n\t\t"hidden":\t[50,\t20]\n\t}\n}',
        "dataset: {deskew:\tTrue}\nseed: 4",
        "\ufeffseed: 4",
    ],
)
def test_tabs_are_read_where_they_are_no_indentation(text):
    assert parse_config(text, "c.yaml").seed == 4


@pytest.mark.parametrize(
    ("written", "value"), [("True", True), ("TRUE", True), ("False", False), ("FALSE", False)]
)
def test_booleans_as_python_writes_them(written, value):
    assert parse_config(f"dataset: {{deskew: {written}}}", "c.yaml").dataset.deskew is value


def test_a_file_in_another_encoding_is_told_to_be_saved_in_utf_8(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_bytes("seed: 1\ndataset: {source: Bücher}\n".encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value) == (
        f"{path}:2: not YAML: found the byte fc, expected text in UTF-8; save it as UTF-8"
    )
    path.write_text("seed: 7", encoding="utf-16")
    assert load_config(path).seed == 7
