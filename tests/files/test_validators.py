"""What a key takes: values as people write them, and which are refused."""

import pytest
from refusals import problems

from bpcli.errors import ConfigError, readable
from bpcli.training.config import Config, flatten, load_config, parse_config


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
        (
            "network.hidden",
            "50",
            "found 50, expected a list like [50] of at most 1,000 entries, each an integer",
        ),
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
    assert str(caught.value).startswith(f"-s {readable(f'{key}={written}')}: {key}: ")
    assert expected in str(caught.value)
