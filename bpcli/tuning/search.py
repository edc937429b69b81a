"""what to try, in a folder or a database, in -> all trials of the study, and what matters, out."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bpcli.data.dataset import load_dataset
from bpcli.errors import BusyError, TuningError
from bpcli.files import atomic
from bpcli.files.path import exists
from bpcli.training import Output, describe_data
from bpcli.tuning.best import check_folder
from bpcli.tuning.processes import Count, Run, watch_over
from bpcli.tuning.results import SLOT, TrialResult, importances, list_trials, read_trials
from bpcli.tuning.slots import Tuning, fill_slots, give_up_running
from bpcli.tuning.sqlite import STUDY
from bpcli.tuning.storage import import_optuna
from bpcli.tuning.study import keep_question, look_at_study, open_study
from bpcli.tuning.trial import name_model, name_stem
from bpcli.tuning.waiting import Waiting

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True)
class Found:
    """What is known of a study: its trials, and how much each key has to do with the best."""

    trials: list[TrialResult]
    importances: dict[str, float]


def check(tuning: Tuning) -> list[str]:
    """See to it, before anything is made, that trials can run: what is wrong is said once, and now.

    Returns what there is to know of the data, as training says it, a sentence each. Raises
    ExtraError without optuna, and DatasetError.
    """
    import_optuna()
    return describe_data(load_dataset(**vars(tuning.space.base.dataset)))


def search(
    tuning: Tuning, storage: str | None, jobs: int, *, run: Run, count: Count, waiting: Waiting
) -> Found:
    """Run the trials that are left of a study, in `jobs` processes that each `run`.

    A study is begun where there is none. Raises Interrupted if it is stopped while it waits for a
    database, and TuningError.
    """
    with ExitStack() as stack:
        _reserve(stack, tuning.folder, is_shared=storage is not None)
        shared = stack.enter_context(open_study(tuning.folder, storage, waiting=waiting))
        with shared.alone():
            keep_question(shared.study, tuning.space, tuning.seeds, tuning.method, tuning.metric)
        if storage is None:
            give_up_running(shared.study)
        fill_slots(shared, tuning)
        tidy(shared.study, tuning)  # after commands that were killed
        watch_over(shared, tuning, storage, jobs, run, count)
        tidy(shared.study, tuning)
        return Found(list_trials(shared.study, tuning.space), importances(shared.study))


def tidy(study: "optuna.Study", tuning: Tuning) -> None:
    """Remove what has no use any more, as a slot has ended: unfinished runs, and tries that failed.

    The try that ended has a copy of what others before it have done.
    """
    ended = {one.slot for one in list_trials(study) if one.has_ended}
    failed = import_optuna().trial.TrialState.FAIL
    for trial in read_trials(study):
        slot = trial.user_attrs.get(SLOT)
        if slot in ended:
            stem = name_stem(tuning.folder, slot, trial.number)
            for seed in range(tuning.seeds):
                place = Output(name_model(stem, seed))
                if trial.state == failed or exists(place.part):
                    place.discard(is_whole=trial.state == failed)


def look(where: str, waiting: Waiting | None = None) -> Found:
    """Return what is known of the study in a folder, or at an address.

    Raises TuningError, and Interrupted if it is stopped while it waits for a database.
    """
    is_address, folder = "://" in where, Path(where)
    if not is_address and not exists(folder / STUDY, TuningError):
        raise TuningError(f"{where}: found no study there, expected a folder of bpcli tune")
    with look_at_study(folder, where if is_address else None, waiting) as study:
        return Found(list_trials(study), importances(study))


def _reserve(stack: ExitStack, folder: Path, *, is_shared: bool) -> None:
    """Make the folder of a study, and hold it against other commands, for as long as the stack."""
    try:
        atomic.make_folder(folder)
        if not is_shared:
            stack.enter_context(atomic.reserved(folder / "study"))
    except BusyError as error:
        raise TuningError(
            f"{folder}: another bpcli tune works there; more workers on this machine are --jobs, "
            "and on others --storage"
        ) from error
    check_folder(folder, has_study=is_shared or exists(folder / STUDY, TuningError))
