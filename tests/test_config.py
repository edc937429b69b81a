"""Configurations: what is accepted, what is refused, and in which words."""

import dataclasses

import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.config import KEYS, Config, flatten, load_config, parse_config, to_yaml
from bpcli.errors import BpcliError, ConfigError


def problems(text):
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "c.yaml")
    return str(caught.value).splitlines()


@pytest.mark.parametrize("text", ["", "\n", "# a comment", "training:\n", "training: {}", "~"])
def test_what_is_not_said_has_its_default(text):
    assert parse_config(text, "c.yaml") == Config()


def test_the_default_is_configs_mnist_yaml():
    assert load_config(ROOT / "configs/mnist.yaml") == Config()


def test_a_config_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().training.batch_size = 3


@pytest.mark.parametrize(
    ("key", "written", "value"),
    [
        ("optimizer.learning_rate", "1e-3", 0.001),
        ("optimizer.learning_rate", "1E+0", 1.0),
        ("optimizer.learning_rate", ".5", 0.5),
        ("optimizer.learning_rate", "2", 2.0),
        ("training.iterations", "1e4", 10_000),
        ("training.iterations", "+20", 20),
        ("network.hidden", "[100, 50]", (100, 50)),
        ("network.hidden", "[]", ()),
        ("network.weight_init", "he", "he"),
        ("dataset.deskew", "true", True),
        ("dataset.deskew", "false", False),
        ("network.weight_init", "0.05", 0.05),
        ("dataset.source", "'010'", "010"),
        ("dataset.source", "data/a b", "data/a b"),
    ],
)
def test_values_are_read_as_people_write_them(key, written, value):
    section, _, name = key.partition(".")
    for config in (
        parse_config(f"{section}:\n  {name}: {written}", "c.yaml"),
        load_config(overrides=[f"{key}={written}"]),
    ):
        assert flatten(config) == flatten(Config()) | {key: value}
        assert type(flatten(config)[key]) is type(value)


@pytest.mark.parametrize(
    ("key", "written", "expected"),
    [
        ("training.batch_size", "010", "found '010', expected an integer from 1 to 1,000,000"),
        ("training.batch_size", "yes", "found 'yes', expected an integer from 1"),
        ("training.batch_size", "1:30", "found '1:30', expected an integer from 1"),
        ("training.batch_size", "'5'", "found '5', expected an integer from 1"),
        ("training.batch_size", "0", "found 0, expected an integer from 1"),
        ("training.batch_size", "2.5", "found 2.5, expected an integer from 1"),
        ("training.batch_size", "", "found nothing, expected an integer from 1"),
        ("training.iterations", "1e400", "found inf, expected an integer from 1"),
        ("optimizer.learning_rate", "0", "found 0, expected a number above 0"),
        ("optimizer.learning_rate", "-1", "found -1, expected a number above 0"),
        ("optimizer.learning_rate", ".nan", "found '.nan', expected a number above 0"),
        ("optimizer.learning_rate", ".inf", "found '.inf', expected a number above 0"),
        ("optimizer.learning_rate", "1" + "0" * 400, "expected a number above 0"),
        ("optimizer.momentum", "1", "found 1, expected a number from 0 and below 1"),
        ("optimizer.method", "sdg", "found 'sdg', expected one of sgd, momentum, nesterov"),
        ("optimizer.method", "{a: 1}", "found keys with values, expected one of sgd"),
        ("network.hidden", "50", "found 50, expected a list like [50], each entry an integer"),
        ("network.hidden", "[50, x]", "found [50, 'x'], expected a list like [50]"),
        ("network.hidden", "[[50]]", "found [a list in a list], expected a list like [50]"),
        (
            "network.weight_init",
            "big",
            "expected a number from 0 and below 1e+30 or one of xavier, he",
        ),
        ("dataset.source", "''", "found '', expected a word or a path"),
        ("dataset.deskew", "yes", "found 'yes', expected true or false"),
        ("dataset.deskew", "1", "found 1, expected true or false"),
        ("distortion.sigma", "0.5", "found 0.5, expected a number from 1 and below 1e+06"),
        ("distortion.scale", "1", "found 1, expected a number from 0 and below 1"),
        ("dataset.source", "!!python/name:os.system x", "found the tag tag:yaml.org,2002:python"),
    ],
)
def test_wrong_values_are_refused(key, written, expected):
    section, _, name = key.partition(".")
    (problem,) = problems(f"\n{section}:\n  {name}: {written}")
    assert problem.startswith(f"c.yaml:3: {key}: ")
    assert expected in problem
    with pytest.raises(ConfigError) as caught:
        load_config(overrides=[f"{key}={written}"])
    assert str(caught.value).startswith(f"-s {key}={written}: {key}: ")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("training: {batchsize: 1}", "unknown key; did you mean training.batch_size?"),
        ("trainig: {batch_size: 1}", "unknown key; did you mean training.batch_size?"),
        ("learning_rate: 1", "learning_rate: unknown key; did you mean optimizer.learning_rate?"),
        ("sed: 1", "sed: unknown key; did you mean seed?"),
        ("zzz: 1", "zzz: unknown key; the keys are seed, dataset.source, "),
        ("1: 1", "1: unknown key; the keys are seed, "),
        ("[a]: 1", "['a']: unknown key; the keys are seed, "),
        ("training: 3", "training: found 3, expected its keys, as in training.batch_size: 100"),
        ("training: [1]", "training: found [1], expected its keys, as in training.batch_size: 100"),
        ("training: !x {a: 1}", "training: found the tag !x, expected its keys, as in training.batch_size: 100"),
        ("- 1", "found [1], expected keys with values"),
        ("hello", "found 'hello', expected keys with values"),
        ("seed: 1\n---\nseed: 2", "not YAML: "),
        ("a: [", "not YAML: "),
        ("\ta: 1", "not YAML: "),
        ("a: \0", "not YAML: "),
        ("[" * 5000, "nested too deep"),
        ("optimizer: {warmup: 10001}", "found 10001, expected at most training.iterations, 10000"),
        ("training: {iterations: 5}\noptimizer: {warmup: 6}", "optimizer.warmup: found 6"),
    ],
)  # fmt: skip
def test_wrong_documents_are_refused(text, expected):
    (problem,) = problems(text)
    assert problem.startswith("c.yaml:")
    assert int(problem.split(":")[1]) <= text.count("\n") + 1
    assert expected in problem


def test_all_that_is_wrong_is_said_at_once_with_its_line():
    text = """
seed: -1
network:
  activation: rleu
training:
  batch_size: 5
  batch_size: 6
  iterations: many
"""
    places = sorted(problem.split(": ")[:2] for problem in problems(text))
    assert places == [
        ["c.yaml:2", "seed"],
        ["c.yaml:4", "network.activation"],
        ["c.yaml:7", "training.batch_size"],
        ["c.yaml:8", "training.iterations"],
    ]
    assert "c.yaml:7: training.batch_size: stands twice, first at c.yaml:6" in problems(text)


def test_no_more_mistakes_are_said_than_one_can_read():
    found = problems("\n".join(f"k{i}: 0" for i in range(5000)))
    assert len(found) == 101
    assert found[-1] == "c.yaml:5000: the last of 4900 more"


@pytest.mark.parametrize(
    "text",
    ['seed: "\\U00110000"', 'seed: "\\UFFFFFFFF"', f"%YAML 1.{'1' * 5000}\n---\nseed: 1\n"],
)
def test_characters_that_are_none_are_refused(text):
    (problem,) = problems(text)
    assert problem.startswith("c.yaml:1: not YAML: ")


def test_a_section_that_stands_twice_is_refused():
    (problem,) = problems("training: {batch_size: 5}\ntraining: {iterations: 5}")
    assert problem == "c.yaml:2: training: stands twice, first at c.yaml:1"


def test_the_command_line_overrides_the_file_and_itself(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("seed: 1\ntraining: {batch_size: 5}")
    config = load_config(path, ["seed=2", "seed=3", "training.sampling=replacement"])
    assert config.seed == 3
    assert config.training.batch_size == 5
    assert config.training.sampling == "replacement"


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("seed", "-s seed: expected SECTION.KEY=VALUE"),
        ("seed=[", "-s seed=[: seed: not YAML: "),
        ("sead=1", "-s sead=1: sead: unknown key; did you mean seed?"),
        (
            "training=3",
            "-s training=3: training: found 3, expected its keys, as in training.batch_size: 100",
        ),
        ("optimizer.warmup=99999", "-s optimizer.warmup=99999: optimizer.warmup: found 99999"),
    ],
)
def test_wrong_overrides_are_refused(override, expected):
    with pytest.raises(ConfigError, match="^-s ") as caught:
        load_config(overrides=[override])
    assert str(caught.value).startswith(expected)


def test_files_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"no\.yaml: cannot be read: No such file"):
        load_config(tmp_path / "no.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_config(tmp_path)
    (tmp_path / "long.yaml").write_text("# " + "x" * 200_000)
    with pytest.raises(ConfigError, match="over 100,000 bytes"):
        load_config(tmp_path / "long.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"seed: \xe9")
    with pytest.raises(ConfigError, match=r"latin\.yaml:1: not YAML"):
        load_config(tmp_path / "latin.yaml")


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
