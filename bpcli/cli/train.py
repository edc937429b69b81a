"""a configuration in -> a trained model out, and a line for each evaluation: `bpcli train`."""

from typing import TYPE_CHECKING, Literal

import click

from bpcli.cli.options import FILE, config_argument, json_option, set_option, threads_option
from bpcli.cli.own_layers import check_agreement, kept_if_layers_fail, lent_layers
from bpcli.cli.stopping import Stop, stopping
from bpcli.cli.terminal import (
    can_print,
    complain,
    is_terminal,
    line_width,
    own_command,
    progress,
    say,
)
from bpcli.errors import DivergedError, Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bpcli.training import Failure, Output, Record, Run

Resume = Literal["never", "always", "if possible"]


@click.command("train")
@config_argument
@click.option(
    "-o", "--output", type=FILE, default="model.npz", show_default=True, help="The model file."
)
@set_option
@click.option(
    "--resume",
    flag_value="always",
    default="never",
    help="Go on from MODEL.part, or extend a finished MODEL.",
)
@click.option(
    "--resume-if-possible",
    "resume",
    flag_value="if possible",
    help="Go on from MODEL.part if there is one that fits, and begin anew otherwise.",
)
@click.option("--init", type=FILE, metavar="MODEL", help="Begin with the weights of this model.")
@click.option(
    "--layers",
    type=FILE,
    metavar="FILE.py",
    help="Learn with the layers in this file of your own; those that it has not are ours.",
)
@click.option("--unchecked", is_flag=True, help="Do so also if their gradients are wrong.")
@json_option
@click.option("-q", "--quiet", is_flag=True, help="Print the result only, and no progress bar.")
@threads_option
def train_command(
    config_file: str | None,
    output: str,
    overrides: tuple[str, ...],
    resume: Resume,
    init: str | None,
    layers: str | None,
    unchecked: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train the network that CONFIG, a YAML file, describes; without CONFIG, the book's.

    The state goes to MODEL.part at each evaluation; MODEL appears when training is done.

    \b
    bpcli train configs/fast.yaml -o fast.npz -s training.iterations=2000
    """
    if init is not None and resume == "always":
        raise click.UsageError("expected either --init or --resume, not both")
    if unchecked and layers is None:
        raise click.UsageError("--unchecked goes with --layers FILE.py")
    with stopping("training") as stop:
        from bpcli.training import Output

        place = Output(output)
        with place.reserved():
            run = _start(place, config_file, overrides, resume, init)
            lent = lent_layers(run, layers, unchecked=unchecked, as_json=as_json, quiet=quiet)
            with lent, kept_if_layers_fail(place, run):
                stop.begin()
                _train(place, run, stop, layers, as_json=as_json, quiet=quiet)
                failure = _finish(place, run, layers)
    _say_end(output, run, as_json=as_json, quiet=quiet)
    if failure:
        complain(f"{output}: {failure.words}")


def _start(
    place: "Output",
    config_file: str | None,
    overrides: tuple[str, ...],
    resume: Resume,
    init: str | None,
) -> "Run":
    """Return a run that begins, or goes on, and say what is to be said of it.

    Without a configuration file, what overrides do not say is as in the run or model before it.
    """
    from bpcli import training

    earlier = training.load(init) if init else place.find() if resume == "always" else None
    base = earlier.config if earlier and config_file is None else None
    config = training.load_config(config_file, overrides, base)
    if resume == "if possible":
        start = training.resume_if_possible(config, place, earlier)
    elif resume == "always" and earlier:
        start = training.resume(config, earlier)
    else:
        start = training.begin(config, earlier)
    aside = place.set_aside() if start.is_new else None
    if aside:
        complain(
            f"{place.part}: found an unfinished run, which is kept as {aside.part}; go on with it: "
            f"{_again(aside)}"
        )
    for remark in start.remarks:
        complain(remark)
    return start.run


def _train(
    place: "Output", run: "Run", stop: Stop, layers: str | None, *, as_json: bool, quiet: bool
) -> None:
    """Train to the end, save the run at each evaluation, and stop where a signal asks for it."""
    from bpcli import show

    for record in _records(run, quiet=quiet):
        if record and not run.complete:
            place.save(run)
            if not quiet:
                say(record.to_fields() if as_json else show.draw_record(record, line_width()))
        if stop.is_asked():
            break
    if not run.complete:
        raise _stopped(place, run, stop.number, layers)


def _finish(place: "Output", run: "Run", layers: str | None) -> "Failure | None":
    """Write the model, unless the run has ended worse than it began; return what is to be said."""
    from bpcli.training import find_failure

    failure = find_failure(run)
    if failure and failure.diverged:
        raise DivergedError(failure.words)
    if layers is not None:
        check_agreement(layers, place, run)
    place.finish(run)
    return failure


def _say_end(output: str, run: "Run", *, as_json: bool, quiet: bool) -> None:
    from bpcli import show

    last = run.record
    assert last  # noqa: S101 - every run ends with an evaluation
    if as_json:
        say(show.end_fields(output, run))
        return
    if not quiet:
        say(show.draw_record(last, line_width()))
        ascii_only = not can_print(show.BLOCKS)
        if is_terminal() and (
            curve := show.draw_losses(run.losses, line_width(), ascii_only=ascii_only)
        ):
            say(curve)
    say(show.draw_end(output, run))


def _records(run: "Run", *, quiet: bool) -> "Iterator[Record | None]":
    """Train, and show the last evaluation beside a progress bar."""
    from bpcli import show
    from bpcli.training import train

    total = run.config.training.iterations
    with progress(train(run), done=run.iteration, total=total, quiet=quiet) as bar:
        for record in bar:
            if record:
                bar.set_postfix_str(show.draw_progress(record), refresh=False)
                bar.clear()
            yield record


def _stopped(place: "Output", run: "Run", number: int, layers: str | None) -> Stopped:
    """Save a run that signal `number` has interrupted, and say how to go on."""
    place.save(run)
    return Stopped(
        number,
        f"stopped at iteration {run.iteration:,} and saved in {place.part}; go on with: "
        f"{_again(place, layers)}",
    )


def _again(place: "Output", layers: str | None = None) -> str:
    """Return the command that goes on with an unfinished run."""
    import shlex

    own = [] if layers is None else ["--layers", layers]
    return shlex.join([*own_command(), "train", "-o", str(place.path), "--resume", *own])
