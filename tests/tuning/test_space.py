"""What is searched: written as values, checked by each key's own rule before anything starts."""

import pytest

from bpcli.errors import ConfigError
from bpcli.tuning import read_space

HELD_OUT = "dataset.validation=10000"


def test_the_same_form_in_yaml_and_on_the_command_line(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("""\
dataset: {validation: 10000}
optimizer:
  learning_rate: log(0.01, 1)
network:
  hidden: choice([50], [100], [100, 50])
  activation: choice(relu, tanh)
training:
  batch_size: int(50, 250)
distortion:
  rotation: uniform(0, 15.5)
""")
    overrides = [HELD_OUT, "optimizer.learning_rate=log(0.01, 1)", "network.hidden=choice([50], [100], [100, 50])",
                 "network.activation=choice(relu, tanh)", "training.batch_size=int(50, 250)",
                 "distortion.rotation=uniform(0, 15.5)"]  # fmt: skip
    assert read_space(path, []).dimensions == read_space(None, overrides).dimensions
    space = read_space(path, ["training.batch_size=100", "seed=7"])
    assert set(space.dimensions) == {"optimizer.learning_rate", "network.hidden",
                                     "network.activation", "distortion.rotation"}  # fmt: skip
    config = space.configure({"network.hidden": (100, 50), "optimizer.learning_rate": 0.25}, seed=8)
    assert config.network.hidden == (100, 50)
    assert (config.optimizer.learning_rate, config.seed, config.training.batch_size) == (
        0.25,
        8,
        100,
    )


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("optimizer.learning_rate=log(0, 1)", "found '0' in log, expected"),
        (
            "optimizer.learning_rate=log(1, 0.1)",
            "expected log(a, b) of two numbers, the smaller first",
        ),
        ("optimizer.learning_rate=uniform(0.1)", "expected uniform(a, b) of two numbers"),
        ("network.dropout=uniform(0, 1)", "found '1' in uniform, expected"),
        (
            "training.batch_size=uniform(50, 100)",
            "expected int(50, 100), as the key takes whole numbers",
        ),
        ("training.batch_size=int(0, 100)", "found '0' in int, expected"),
        ("network.activation=choice(relu, swish)", "found 'swish' in choice, expected"),
        ("network.activation=choice(relu, relu)", "expected one value or more, each once"),
        ("network.hidden=choice()", "expected one value or more, each once"),
        ("network.activation=uniform(relu, tanh)", "expected uniform(a, b) of two numbers"),
        (
            "optimizer.lerning_rate=log(0.1, 1)",
            "unknown key; did you mean optimizer.learning_rate?",
        ),
        ("seed=int(0, 10)", "--seeds says how many each trial has"),
    ],
)
def test_both_ends_are_checked_by_the_rule_of_the_key(override, words, tmp_path):
    with pytest.raises(ConfigError) as caught:
        read_space(None, [HELD_OUT, override])
    assert str(caught.value).startswith(f"-s {override}: ")
    assert words in str(caught.value)
    section, _, rest = (
        override.partition(".") if "." in override.partition("=")[0] else ("", "", override)
    )
    key, _, value = rest.partition("=")
    text = f"{section}:\n  {key}: {value}\n" if section else f"\n{key}: {value}\n"
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_space(tmp_path / "c.yaml", [HELD_OUT])
    assert str(caught.value).startswith(f"{tmp_path / 'c.yaml'}:2: ")
    assert words in str(caught.value)


def test_it_is_never_ranked_by_the_test_images():
    with pytest.raises(
        ConfigError, match="dataset.validation: found 0, .* -s dataset.validation=10000"
    ):
        read_space(None, ["optimizer.learning_rate=log(0.01, 1)"])


def test_nothing_to_search_is_told():
    with pytest.raises(ConfigError, match="found nothing to search"):
        read_space(None, [HELD_OUT])


def test_a_grid_has_every_combination():
    space = read_space(
        None, [HELD_OUT, "network.hidden=choice([4], [8])", "training.batch_size=int(50, 52)"]
    )
    points = [space.grid_point(i) for i in range(space.grid_size)]
    assert len(points) == 6
    assert {"network.hidden": (8,), "training.batch_size": 51} in points
    with pytest.raises(ConfigError, match="for --method grid"):
        read_space(None, [HELD_OUT, "optimizer.learning_rate=log(0.01, 1)"]).grid_size  # noqa: B018
    large = read_space(None, [HELD_OUT, "training.iterations=int(1, 1000000000)"])
    assert large.grid_size == 10**9
    assert large.grid_point(10**9 - 1) == {"training.iterations": 10**9}
