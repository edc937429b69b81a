"""`bpcli config`: all of a configuration, and all that is wrong with one."""

from click.testing import CliRunner

from bpcli.cli.main import main


def test_config_prints_what_loads_back(bpcli, folder):
    result = bpcli("config", "-s", "training.batch_size=7", "-s", "network.hidden=[3, 4]")
    (folder / "c.yaml").write_text(result.stdout)
    assert "batch_size: 7" in result.stdout
    assert bpcli("config", "c.yaml").stdout == result.stdout


def test_all_mistakes_in_a_file_are_said_at_once(bpcli, folder):
    (folder / "c.yaml").write_text("seed: x\ntraining:\n  batch_size: 0\n  iteration: 5\n")
    lines = bpcli("train", "c.yaml", code=2).stderr.splitlines()
    assert [line.split(" ")[0] for line in lines] == ["c.yaml:1:", "c.yaml:3:", "c.yaml:4:"]


def test_config_prints_that_of_a_model_and_of_standard_input(bpcli, tiny_options, folder):
    expected = bpcli("config", *tiny_options).stdout
    bpcli("train", *tiny_options, "-q")
    assert bpcli("config", "model.npz").stdout == expected
    result = CliRunner().invoke(main, ["config", "-"], input="seed: 4")
    assert result.stdout.startswith("seed: 4 ")
    result = CliRunner().invoke(main, ["config", "-"], input="sed: 4")
    assert result.stderr.startswith("standard input:1: sed: unknown key; did you mean seed?")
