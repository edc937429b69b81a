"""models in -> a table of what differs between them and what they reached out: `bpcli compare`."""

import click

from bpcli.cli.options import FILE, json_option
from bpcli.cli.terminal import line_width, say


@click.command("compare")
@click.argument("models", metavar="MODEL...", nargs=-1, required=True, type=FILE)
@click.option("--history", is_flag=True, help="Print the curve of each run, too.")
@click.option("--layers", is_flag=True, help="Print what happened in each layer, too.")
@click.option(
    "--csv", "as_csv", is_flag=True, help="Print CSV: of the models, the curves or the layers."
)
@click.option("--sort", "is_sorted", is_flag=True, help="The best first, of the same images.")
@json_option
def compare_command(
    models: tuple[str, ...],
    history: bool,
    layers: bool,
    as_csv: bool,
    is_sorted: bool,
    as_json: bool,
) -> None:
    """Show side by side in which keys the runs of MODELs differ, and what they reached.

    Of runs that only the seed tells apart the mean and the standard deviation are shown.

    \b
    bpcli compare seed-*.npz
    """
    from bpcli import show
    from bpcli.training import compare, load
    from bpcli.training.side_by_side import put_in_order, rank

    if as_csv and as_json:
        raise click.UsageError("expected one of --csv and --json, not two")
    if as_csv and history and layers:
        raise click.UsageError("expected one of --history and --layers with --csv, not two")
    loaded = [load(model) for model in models]
    found = compare(rank(loaded) if is_sorted else put_in_order(loaded))
    if as_json:
        say(show.comparison_fields(found, history=history, layers=layers))
    elif as_csv:
        say(show.comparison_csv(found, history=history, layers=layers))
    else:
        text = show.draw_comparison(found, line_width(), history=history, layers=layers)
        say(text, best=[1 + i for i in found.best])
