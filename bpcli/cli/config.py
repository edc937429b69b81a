"""a configuration in -> all of it out, as commented YAML: `bpcli config`."""

import click

from bpcli.cli.options import config_argument, set_option
from bpcli.cli.terminal import say


@click.command("config")
@config_argument
@set_option
def config_command(config_file: str | None, overrides: tuple[str, ...]) -> None:
    """Print the complete configuration that CONFIG and -s amount to, as commented YAML.

    CONFIG may be a model, whose configuration that is then, or - for standard input.

    \b
    bpcli config configs/fast.yaml -s seed=1 > mine.yaml
    """
    from bpcli.files.model import is_model_file
    from bpcli.training.config import load_config, to_yaml

    base = None
    if config_file is not None and is_model_file(config_file):
        from bpcli.training import load

        base, config_file = load(config_file).config, None
    say(to_yaml(load_config(config_file, overrides, base)).rstrip())
