"""Entries laid over one another: unknown keys, and every mistake at once with its line."""

import errno
import os
import types

import pytest
from refusals import problems

from bpcli.errors import ConfigError
from bpcli.training.config import load_config


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("training: {batchsize: 1}", "unknown key; did you mean training.batch_size?"),
        ("trainig: {batch_size: 1}", "unknown key; did you mean training.batch_size?"),
        ("learning_rate: 1", "learning_rate: unknown key; did you mean optimizer.learning_rate?"),
        ("sed: 1", "sed: unknown key; did you mean seed?"),
        ("zzz: 1", "zzz: unknown key; the keys are seed, dataset, distortion, network, optimizer, training"),
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
        ("[" * 1500, "nested too deep"),
        ("optimizer: {warmup: 10001}", "found 10001, expected at most training.iterations, 10000"),
        ("training: {iterations: 5}\noptimizer: {warmup: 6}", "optimizer.warmup: found 6"),
        ("network: {batch_norm: 1}", "network.batch_norm: found 1, expected true or false"),
        (
            "network: {batch_norm: true}\ntraining: {batch_size: 1}",
            "training.batch_size: found 1, expected 2 or more, as network.batch_norm divides by",
        ),
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
    with pytest.raises(ConfigError, match="found a folder, expected a file"):
        load_config(tmp_path)
    (tmp_path / "long.yaml").write_text("# " + "x" * 200_000)
    with pytest.raises(ConfigError, match="over 100,000 bytes"):
        load_config(tmp_path / "long.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"seed: \xe9")
    with pytest.raises(ConfigError, match=r"latin\.yaml:1: not YAML"):
        load_config(tmp_path / "latin.yaml")


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("optimizer.name", "it is called optimizer.method here"),
        ("optimizer.type", "it is called optimizer.method here"),
        ("training.shuffle", "it is called training.sampling here"),
        ("network.l2", "it is called network.weight_decay here"),
        ("lr", "it is called optimizer.learning_rate here"),
        ("training.lr", "it is called optimizer.learning_rate here"),
        ("batch", "it is called training.batch_size here"),
        ("network.layers", "it is called network.hidden here"),
        ("network.units", "it is called network.hidden here"),
        ("optimizer.weight-decay", "did you mean network.weight_decay?"),
        ("weight_decay", "did you mean network.weight_decay?"),
        ("training.momentum", "did you mean optimizer.momentum?"),
        ("training.Batch-Size", "did you mean training.batch_size?"),
        ("trainng.batch_sise", "did you mean training.batch_size?"),
        ("optimizer.metod", "did you mean optimizer.method?"),
        ("network.typ", "the keys of network are hidden, activation, weight_init, loss, input_dropout, dropout, weight_decay, batch_norm"),
        ("dataset.augment", "the keys of dataset are source, validation, train, label, size, transpose, deskew"),
        ("network.optimiser", "the keys of network are hidden, "),
    ],
)  # fmt: skip
def test_a_hint_names_a_key_of_the_same_meaning_or_lists_those_of_the_section(key, hint):
    with pytest.raises(ConfigError) as caught:
        load_config(overrides=[f"{key}=1"])
    message = str(caught.value)
    assert message.startswith(f"-s {key}=1: {key}: unknown key; {hint}")
    assert len(message) < 200


@pytest.mark.parametrize(
    ("overrides", "hint"),
    [
        (["epochs=20"], "write training.iterations: 12000, which is 20 times 60,000 images in "),
        (["training.epoch=1.5", "training.batch_size=64"], "iterations: 1407, which is 1.5 times"),
        (["epochs=2", "dataset.validation=10000"], "1000, which is 2 times 50,000 images"),
        (["epochs=2", "dataset.source=mine"], "epochs times images divided by training.batch_size"),
        (["epochs=many"], "epochs times images divided by training.batch_size"),
    ],
)
def test_epochs_are_told_in_iterations(overrides, hint):
    with pytest.raises(ConfigError) as caught:
        load_config(overrides=overrides)
    assert hint in str(caught.value)


def test_the_keys_of_a_section_are_listed_once():
    found = problems("network:\n" + "".join(f"  zz{i}: 1\n" for i in range(20)) + "yy: 1\nxx: 1")
    assert [line.partition("unknown key")[2] != "" for line in found] == [
        True, *[False] * 19, True, False,
    ]  # fmt: skip


def test_standard_input_that_cannot_be_read(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(ConfigError, match="^standard input: found it closed, expected a configur"):
        load_config("-")

    class Failing:
        def read(self, _count):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))

    monkeypatch.setattr("sys.stdin", types.SimpleNamespace(buffer=Failing()))
    with pytest.raises(ConfigError, match="^standard input: cannot be read: Is a directory$"):
        load_config("-")
