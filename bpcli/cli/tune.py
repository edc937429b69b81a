"""a space of configurations in -> the best of them out, after many runs: `bpcli tune`."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bpcli import __version__
from bpcli.cli.options import FILE, json_option
from bpcli.cli.terminal import complain, counter, own_command, say, signals
from bpcli.errors import BusyError, NotAsAsked, Stopped, TuningError

if TYPE_CHECKING:
    from contextlib import ExitStack

    from bpcli.tuning import SharedStudy, TrialResult, Tuning

    Found = tuple[list[TrialResult], dict[str, float]]  # and what keys have to do with it

POLL = 0.3  # seconds between looks at the study
OFTEN = 5  # that a worker is killed, and no trial has ended


@click.command("tune")
@click.argument("config_file", metavar="[CONFIG]", required=False, type=FILE)
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
    if shown is not None:
        _show(shown, folder, as_json=as_json)
        return
    if not folder:
        raise click.UsageError("Missing option '-o': the folder of the study")
    from bpcli.tuning import METRICS, Tuning, has_password, read_space

    space = read_space(config_file, overrides)
    if storage is not None and has_password(storage):
        complain("--storage: others see the password in the list of processes; better is ~/.pgpass")
    tuning = Tuning(space, trials, seeds, Path(folder), method, prune, METRICS[metric])
    found, stopped = _tune(tuning, storage, jobs)
    _say_end(tuning, found, stopped, as_json=as_json)


def _tune(tuning: "Tuning", storage: str | None, jobs: int) -> "tuple[Found, int]":
    """Run the trials, and return what is known of them, and a signal that has stopped it, or 0."""
    from contextlib import ExitStack

    from bpcli.data import load_dataset
    from bpcli.tuning import (
        fill_slots,
        give_up_running,
        import_optuna,
        importances,
        keep_question,
        list_trials,
        open_study,
    )

    if tuning.method == "grid" and tuning.space.grid_size > tuning.slots:
        points = tuning.space.grid_size
        complain(f"{tuning.slots} of the {points} points of the grid are tried: see --trials")
    import_optuna()
    load_dataset(**vars(tuning.space.base.dataset))  # what is wrong with it is said once, and now
    with ExitStack() as stack:
        _reserve(stack, tuning.folder, is_shared=storage is not None)
        shared = stack.enter_context(open_study(tuning.folder, storage))
        study = shared.study
        keep_question(study, tuning.space, tuning.seeds, tuning.method, tuning.metric)
        if storage is None:
            give_up_running(study)
        fill_slots(shared, tuning)
        with signals() as caught:
            _supervise(tuning, storage, jobs, caught, shared)
        return (list_trials(study), importances(study)), caught[0] if caught else 0


def _reserve(stack: "ExitStack", folder: Path, *, is_shared: bool) -> None:
    """Make the folder of a study, and hold it against other commands, for as long as the stack."""
    from bpcli.files import atomic
    from bpcli.tuning import STUDY, check_folder

    try:
        atomic.make_folder(folder)
        if not is_shared:
            stack.enter_context(atomic.reserved(folder / "study"))
        check_folder(folder, has_study=is_shared or (folder / STUDY).exists())
    except BusyError as error:
        raise TuningError(
            f"{folder}: another bpcli tune works there; more workers on this machine are --jobs, "
            "and on others --storage"
        ) from error


def _supervise(
    tuning: "Tuning", storage: str | None, jobs: int, caught: list[int], shared: "SharedStudy"
) -> None:
    """Keep processes at work until no trial is left; one that is killed has a successor."""
    from bpcli.cli.worker import Worker
    from bpcli.tuning import find_best, list_trials

    workers = [Worker(tuning, storage) for _ in range(jobs)]
    total, done, killed = tuning.slots, 0, 0
    with counter(total) as count:
        while not caught and any(worker.is_alive() for worker in workers):
            time.sleep(POLL)
            ended, words = done, ""
            with shared.patient():
                trials = list_trials(shared.study)
                ended, best = sum(trial.has_ended for trial in trials), find_best(trials)
                words = f"best {best.metric.say(best.mean)}" if best else ""
            if ended > done:
                count(ended - done, words)
                done, killed = ended, 0
            for i, worker in enumerate(workers):
                if (worker.exitcode or 0) < 0 and done < total and killed < OFTEN * jobs:
                    killed += 1
                    workers[i] = Worker(tuning, storage)
        for worker in workers:
            worker.stop()
            worker.join()
    if not caught and sum(trial.has_ended for trial in list_trials(shared.study)) < total:
        _raise_for([worker.exitcode or 0 for worker in workers])


def _raise_for(exit_codes: list[int]) -> None:
    """Raise, as workers have given up, which they have said themselves, or were killed."""
    if all(code < 0 for code in exit_codes):
        raise TuningError(
            f"workers are killed by signal {-exit_codes[0]} again and again, as the system does "
            "where memory is short: search smaller nets or mini-batches, or take fewer --jobs"
        )
    raise NotAsAsked(f"not all trials have ended; go on with: {_own_words()}")


def _own_words() -> str:
    import shlex

    return shlex.join([*own_command(), *sys.argv[1:]])


def _say_end(tuning: "Tuning", found: "Found", stopped: int, *, as_json: bool) -> None:
    from bpcli.show.tuning import draw_best, trials_fields
    from bpcli.tuning import write_best

    best = write_best(tuning.folder, tuning.space, found[0])
    path = str(tuning.folder / "best.yaml")
    if stopped:
        words = f"stopped and saved in {tuning.folder}; go on with: {_own_words()}"
        raise Stopped(stopped, words)
    if as_json:
        say(trials_fields(*found))
    elif best:
        say(draw_best(best, path))
    if best is None:
        raise NotAsAsked(f"{tuning.folder}: no trial has come to its end; see bpcli tune --show")


def _show(where: str, page: str | None, *, as_json: bool) -> None:
    """Show the trials of a study in a folder or a database, as a text or a page."""
    from bpcli.files.result import check_result, write_result
    from bpcli.show.tuning import draw_trials, trials_fields
    from bpcli.tuning import STUDY, importances, list_trials, look_at_study

    is_address = "://" in where
    folder = Path(where)
    if page is not None:
        check_result(page, (".html",))
    if not is_address and not (folder / STUDY).is_file():
        raise TuningError(f"{where}: found no study there, expected a folder of bpcli tune")
    with look_at_study(folder, where if is_address else None) as study:
        found, shares = list_trials(study), importances(study)
    if page is not None:
        from bpcli.show.page.study import draw_study

        title = where.rpartition("/")[2] if is_address else folder.resolve().name
        write_result(page, draw_study(title, found, shares, __version__).encode())
    if page is None or as_json:
        form: Any = trials_fields if as_json else draw_trials
        say(form(found, shares))
