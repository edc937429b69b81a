"""a configuration or a model in -> whether its gradients are right out: `bpcli gradcheck`."""

import click

from bpcli.cli.options import (
    FILE,
    Fraction,
    config_argument,
    json_option,
    set_option,
    threads_option,
)
from bpcli.cli.terminal import say
from bpcli.errors import NotAsAsked


@click.command("gradcheck")
@config_argument
@set_option
@click.option("--model", type=FILE, help="Check at the parameters of this model file.")
@click.option(
    "--samples", type=click.IntRange(1, 10_000), default=3, show_default=True, help="Real images."
)
@click.option(
    "--method",
    type=click.Choice(("central", "complex")),
    default="central",
    show_default=True,
    help="Central difference, or complex step.",
)
@click.option(
    "--tolerance",
    type=Fraction(1e-15, 1),
    default=1e-6,
    show_default=True,
    help="Largest relative error that passes.",
)
@json_option
@threads_option
def gradcheck_command(
    config_file: str | None,
    overrides: tuple[str, ...],
    model: str | None,
    samples: int,
    method: str,
    tolerance: float,
    as_json: bool,
) -> None:
    """Compare every gradient that backpropagation finds with a numerical one, in float64.

    Each layer is checked alone, then the whole network. What fails is named, with what kind of
    mistake it looks like.

    \b
    bpcli gradcheck configs/sigmoid.yaml --samples 5
    """
    import numpy as np

    from bpcli import show
    from bpcli.gradcheck import check_gradients
    from bpcli.training import load, load_config, set_up_check

    if model is not None and (config_file or overrides):
        raise click.UsageError("--model brings its own configuration: give no CONFIG and no -s")
    saved = None if model is None else load(model)
    config = saved.config if saved else load_config(config_file, overrides)
    network, x, t = set_up_check(config, samples, saved.network() if saved else None)
    rng = np.random.default_rng(0)
    found = check_gradients(network, x, t, rng, method=method, tolerance=tolerance)
    say(show.check_fields(found) if as_json else show.draw_check(found))
    if not found.passed:
        raise NotAsAsked
