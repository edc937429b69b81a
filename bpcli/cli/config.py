"""a configuration in -> all of it out, as commented YAML: `bpcli config`."""

import click

from bpcli.cli.options import config_argument, set_option
from bpcli.cli.terminal import say


@click.command("config")
@config_argument
@set_option
def config_command(config_file: str | None, overrides: tuple[str, ...]) -> None:
    """Print the complete configuration that CONFIG and -s amount to, as commented YAML.

    \b
    bpcli config configs/fast.yaml -s seed=1 > mine.yaml
    """
    from bpcli.training.config import load_config, to_yaml

    say(to_yaml(load_config(config_file, overrides)).rstrip())
