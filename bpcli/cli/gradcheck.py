"""a network, or anybody's file, in -> whether its gradients are right out: `bpcli gradcheck`."""

import re
import signal
from typing import TYPE_CHECKING, Any

import click

from bpcli.cli.marking import is_marking, mark, marking_options
from bpcli.cli.options import FILE, json_option, set_option, threads_option
from bpcli.cli.terminal import counter, interruptible, say
from bpcli.errors import ConfigError, NotAsAsked, SourceError, Stopped, readable

if TYPE_CHECKING:
    from bpcli.backprop import Network

CODE = re.compile(r"(.+\.(?:py|ipynb))(?::(.*))?", re.IGNORECASE)  # FILE.py or FILE.py:NAME
FINEST, COARSEST = 1e-15, 0.1  # relative errors


class Elements(click.ParamType):  # type: ignore[type-arg]  # click 8.2.2 has no argument
    """A number of elements, or `all`."""

    name = "N"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        return value if value == "all" else click.IntRange(min=2).convert(value, param, ctx)


class Tolerance(click.FloatRange):
    """A relative error, below what any wrong gradient has."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        number = click.FLOAT.convert(value, param, ctx)
        if not FINEST <= number <= COARSEST:  # nor is NaN
            self.fail(
                f"found {value}, expected a relative error from {FINEST:g} to {COARSEST:g}: with "
                "more, gradients pass that are wrong",
                param,
                ctx,
            )
        return number


@click.command("gradcheck")
@click.argument("targets", metavar="[CONFIG | FILE.py[:NAME] | FILE.ipynb]...", nargs=-1, type=FILE)
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
    type=Tolerance(FINEST, COARSEST),
    default=1e-6,
    show_default=True,
    help="Largest relative error that passes.",
)
@click.option(
    "--elements",
    type=Elements(),
    help="Of each array, or all; without it all of up to 50,000 in the network, 1,000 of more.",
)
@marking_options
@json_option
@threads_option
def gradcheck_command(
    targets: tuple[str, ...],
    overrides: tuple[str, ...],
    model: str | None,
    samples: int,
    method: str,
    tolerance: float,
    elements: "int | str | None",
    as_json: bool,
    **marking: Any,
) -> None:
    """Compare every gradient that backpropagation finds with a numerical one, in float64.

    Each layer is checked alone, then the whole network. What fails is named, with what kind of
    mistake it looks like. FILE.py, or a notebook, is anybody's own: the layers, losses and networks
    in it are found, run and checked; -s NAME=VALUE gives arguments to them, and -s x=3x5 shapes.
    With :NAME it is those alone, all of which have to be there and to be checked.

    With --require it marks a class: a row for each FILE, whatever it is, and exit code 1 unless
    all have passed.

    \b
    bpcli gradcheck configs/sigmoid.yaml --samples 5
    bpcli gradcheck my_layers.py
    bpcli gradcheck submitted/* --require Affine,Relu --csv marks.csv
    """
    if is_marking(marking):
        if model or method != "central" or elements:
            raise click.UsageError("--require goes with files, -s and --tolerance only")
        mark(targets, _read_given(overrides), tolerance, marking, as_json=as_json)
        return
    files = [CODE.fullmatch(target) for target in targets]
    if any(files):
        if not all(files) or model or method != "central" or elements:
            raise click.UsageError("FILE.py goes with other such files, -s and --tolerance only")
        _check_files([(f[1], f[2]) for f in files if f], overrides, tolerance, as_json=as_json)
        return
    if len(targets) > 1:
        raise click.UsageError(f"found {len(targets)} configurations, expected one")
    network, x, t = _set_up(targets[0] if targets else None, overrides, model, samples)
    _check_network(network, x, t, method, tolerance, elements, as_json=as_json)


def _set_up(
    config_file: str | None, overrides: tuple[str, ...], model: str | None, samples: int
) -> "tuple[Network, Any, Any]":
    """Return the network that a configuration or a model stands for, and images for it."""
    from dataclasses import replace

    from bpcli.training import load, load_config, set_up_check

    if model is not None and (config_file or overrides):
        raise click.UsageError("--model brings its own configuration: give no CONFIG and no -s")
    saved = None if model is None else load(model)
    try:
        config = (
            replace(saved.config, dataset=saved.find_dataset())
            if saved
            else load_config(config_file, overrides)
        )
    except ConfigError as error:
        if config_file is None or config_file.endswith((".yaml", ".yml", ".json")):
            raise
        words = "a configuration is called .yaml, code to be checked .py or .ipynb"
        raise ConfigError(f"{error}; {words}") from error
    return set_up_check(config, samples, saved.network() if saved else None)


def _check_network(
    network: "Network",
    x: Any,
    t: Any,
    method: str,
    tolerance: float,
    elements: "int | str | None",
    *,
    as_json: bool,
) -> None:
    from bpcli import show
    from bpcli.gradcheck import check, count_elements

    with interruptible(), counter(count_elements(network, elements)) as watch:
        found = check(
            network, x, t, method=method, tolerance=tolerance, elements=elements, watch=watch
        )
    say(show.check_fields(found) if as_json else show.draw_check(found))
    if found.stopped:
        raise Stopped(signal.SIGINT)
    if not found.passed:
        raise NotAsAsked


def _check_files(
    files: list[tuple[str, str | None]],
    overrides: tuple[str, ...],
    tolerance: float,
    *,
    as_json: bool,
) -> None:
    """Check the layers in files of Python: those with the names, or all."""
    from bpcli import show
    from bpcli.gradcheck import check_file

    given = _read_given(overrides)
    requests: dict[tuple[str, bool], list[str]] = {}  # of one file: all units, and those by name
    for path, unit in files:
        if unit is not None and not re.fullmatch(r"[\w.]+", unit):
            raise click.UsageError(f"{path}:{unit}: expected {path}:NAME, the name of a class")
        requests.setdefault((path, unit is None), []).extend([unit] if unit else [])
    passed, checked = True, False
    for (path, _), chosen in requests.items():
        with interruptible(), counter() as watch:
            found = check_file(path, chosen, given, tolerance=tolerance, watch=watch)
        say(show.file_check_fields(found) if as_json else show.draw_file_check(found))
        if found.interrupted:
            raise Stopped(signal.SIGINT)
        left = any(unit.wrong or (chosen and not unit.complete) for unit in found.units)
        passed &= not (found.stopped or left)
        checked |= found.checked
    if not passed:
        raise NotAsAsked
    if not checked:
        raise SourceError("nothing could be checked")


def _read_given(overrides: tuple[str, ...]) -> dict[str, str]:
    """Return the values that -s gives to arguments of anybody's own, by their names."""
    given = {}
    for override in overrides:
        name, sign, value = override.partition("=")
        if not (sign and name.isidentifier()):
            raise click.UsageError(
                f"-s {readable(override)}: expected NAME=VALUE, as -s n_in=5 or -s x=3x5"
            )
        given[name] = value
    return given
