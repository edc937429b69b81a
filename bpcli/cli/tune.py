"""a space of configurations in -> the best of them out, after many runs: `bpcli tune`."""

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bpcli import __version__
from bpcli.cli.options import FILE, complete_key, config_argument, json_option
from bpcli.cli.stopping import Stop, stopping
from bpcli.cli.terminal import complain, counter, exit_as, line_width, own_command, say
from bpcli.errors import BpcliError, NotAsAsked, Stopped

if TYPE_CHECKING:
    from bpcli.tuning import Found, Orders, Tuning


@click.command("tune")
@config_argument
@click.option(
    "-o",
    "--output",
    "folder",
    type=FILE,
    help="The folder of the study; with --show a page, .html.",
)
@click.option(
    "-s",
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=complete_key,
    help="A value, or uniform(a, b), log(a, b), int(a, b) or choice(...).",
)
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="In all, over all workers and restarts.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Runs of each trial; their mean counts.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes on this machine, each with one BLAS thread.",
)
@click.option(
    "--method", type=click.Choice(["tpe", "random", "grid"]), default="tpe", show_default=True
)
@click.option(
    "--metric",
    type=click.Choice(["accuracy", "balanced_accuracy", "loss"]),
    default="accuracy",
    show_default=True,
    help="What trials are ranked by, on held-out images.",
)
@click.option(
    "--prune",
    type=click.Choice(["never", "constant", "all"]),
    default="never",
    show_default=True,
    is_flag=False,
    flag_value="constant",
    help="End poor trials early: those with a constant schedule, or all.",
)
@click.option("--storage", metavar="URL", help="A PostgreSQL that several machines share.")
@click.option("--show", "shown", metavar="DIR|URL", help="Show the trials of a study, and end.")
@json_option
def tune_command(
    config_file: str | None,
    folder: str | None,
    overrides: tuple[str, ...],
    trials: int,
    seeds: int,
    jobs: int,
    method: str,
    metric: str,
    prune: str,
    storage: str | None,
    shown: str | None,
    as_json: bool,
) -> None:
    """Search for the best values of keys of CONFIG, by how each does on held-out images.

    What has been begun goes on with the same command. DIR/best.yaml is the best configuration.

    \b
    bpcli tune configs/fast.yaml -o study -s dataset.validation=10000
      -s 'optimizer.learning_rate=log(0.01, 1)' --trials 30 --jobs 2
    """
    with stopping("the study") as stop:
        from bpcli.tuning import METRICS, Tuning, read_space

        if shown is not None:
            _show(shown, folder, stop, as_json=as_json)
            return
        if not folder:
            raise click.UsageError("Missing option '-o': the folder of the study")
        space = read_space(config_file, overrides)
        tuning = Tuning(space, trials, seeds, Path(folder), method, prune, METRICS[metric])
        _warn(tuning, storage)
        found = _search(tuning, storage, jobs, stop)
    _say_best(tuning, found, as_json=as_json)


def _warn(tuning: "Tuning", storage: str | None) -> None:
    from bpcli.tuning import has_password

    if storage is not None and has_password(storage):
        complain("--storage: others see the password in the list of processes; better is ~/.pgpass")
    if tuning.method == "grid" and tuning.space.grid_size > tuning.slots:
        points = tuning.space.grid_size
        complain(f"{tuning.slots} of the {points} points of the grid are tried: see --trials")


def _search(tuning: "Tuning", storage: str | None, jobs: int, stop: Stop) -> "Found":
    """Run the trials and write the best. Raises Stopped and NotAsAsked if some are left."""
    import shlex

    from bpcli.tuning import Interrupted, Waiting, check, search, write_best

    found, again = None, shlex.join([*own_command(), *sys.argv[1:]])
    complain(*check(tuning))
    stop.begin()
    waiting = Waiting(stop.is_asked, complain)
    with counter(tuning.slots) as count, contextlib.suppress(Interrupted):
        found = search(tuning, storage, jobs, run=run_worker, count=count, waiting=waiting)
    if found:
        write_best(tuning.folder, tuning.space, found.trials)
    if stop.is_asked():
        raise Stopped(stop.number, f"stopped and saved in {tuning.folder}; go on with: {again}")
    assert found  # noqa: S101 - it is interrupted by signals alone
    if sum(trial.has_ended for trial in found.trials) < tuning.slots:
        raise NotAsAsked(f"not all trials have ended; go on with: {again}")
    return found


def run_worker(tuning: "Tuning", storage: str | None, orders: "Orders") -> None:
    """Run trials in a process of its own, which ends with an exit code as the command does."""
    from bpcli.tuning import Interrupted, Waiting, run_trials

    try:
        with stopping("a trial") as stop, contextlib.suppress(Interrupted):
            stop.begin()
            waiting = Waiting(lambda: stop.is_asked() or orders.is_stopped(), orders.say)
            run_trials(tuning, storage, waiting)
    except BpcliError as error:
        exit_as(error)


def _say_best(tuning: "Tuning", found: "Found", *, as_json: bool) -> None:
    from bpcli.show.tuning import draw_best, trials_fields
    from bpcli.tuning import find_best

    best = find_best(found.trials)
    if as_json:
        say(trials_fields(found.trials, found.importances))
    elif best:
        say(draw_best(best, str(tuning.folder / "best.yaml")))
    if best is None:
        raise NotAsAsked(f"{tuning.folder}: no trial has come to its end; see bpcli tune --show")


def _show(where: str, page: str | None, stop: Stop, *, as_json: bool) -> None:
    """Show the trials of a study in a folder or a database, as a text or a page."""
    from bpcli.files.path import resolve
    from bpcli.files.result import check_result, write_result
    from bpcli.show.tuning import draw_trials, rank, trials_fields
    from bpcli.tuning import Waiting, find_best, look

    if page is not None:
        check_result(page, (".html",))
    found = look(where, Waiting(stop.is_asked, complain))
    if page is not None:
        from bpcli.show.page.study import draw_study

        title = where.rpartition("/")[2] if "://" in where else resolve(where).name
        drawn = draw_study(title, found.trials, found.importances, __version__)
        write_result(page, drawn.encode())
    if as_json:
        say(trials_fields(found.trials, found.importances))
    elif page is None:
        best = find_best(found.trials)
        marked = [1 + i for i, trial in enumerate(rank(found.trials)) if trial is best]
        say(draw_trials(found.trials, found.importances, line_width()), best=marked)
