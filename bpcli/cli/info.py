"""nothing, or a model, in -> what runs here, and what the model is, out: `bpcli info`."""

import click

from bpcli import __version__
from bpcli.cli.options import FILE, json_option, threads_option
from bpcli.cli.terminal import can_print, line_width, say


@click.command("info")
@click.argument("model", required=False, type=FILE)
@json_option
@threads_option
def info_command(model: str | None, as_json: bool) -> None:
    """Say which versions run here, and of MODEL what it is, what it reached and what wrote it.

    \b
    bpcli info model.npz
    """
    from bpcli import machine, show
    from bpcli.training import load

    saved = None if model is None else load(model)
    here = machine.describe_all()
    if as_json:
        say(show.info_fields(__version__, here, saved))
    else:
        say(
            show.draw_info(
                __version__, here, saved, line_width(), ascii_only=not can_print(show.BLOCKS)
            )
        )
