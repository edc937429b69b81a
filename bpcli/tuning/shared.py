"""a folder, or the address of a database, in -> an Optuna study that many workers share out."""

import contextlib
import functools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bpcli.errors import BusyError, TuningError
from bpcli.files import atomic
from bpcli.files.document import to_scalar
from bpcli.training.config import Config, flatten
from bpcli.tuning.metric import ACCURACY, METRICS, Metric
from bpcli.tuning.space import Space
from bpcli.tuning.storage import IMPATIENT, import_optuna, name_place, opened, patient, try_often

if TYPE_CHECKING:
    import optuna
    from optuna.storages import RDBStorage

Made = TypeVar("Made")
Around = Callable[[], contextlib.AbstractContextManager[None]]

NAME = "bpcli"  # of the study
LOCK = 5_731  # a number that no other program locks in the same database
QUESTION = "question"  # under which a study keeps what it has been asked
METRIC, HELD_OUT = "--metric", "held-out images"  # in it, beside the keys


@dataclass(frozen=True)
class SharedStudy:
    """A study that several workers share: `alone` is a lock that one of them has at a time.

    `patient` is around what may be tried again, where a database does not answer.
    """

    study: "optuna.Study"
    alone: Around
    patient: Around


@contextlib.contextmanager
def open_study(
    folder: Path,
    url: str | None,
    *,
    seed: int = 0,
    prune: bool = False,
    patience: float = IMPATIENT,
) -> Iterator[SharedStudy]:
    """Open the study of a folder, or of a database, made if there is none yet.

    `patience` is for how many seconds it waits for a database that does not answer. Raises
    ExtraError without optuna, TuningError where the study cannot be had, and ArgumentError for an
    address that workers on several machines cannot share.
    """
    with opened(folder, url, patience) as storage:
        study = _create(storage, seed, prune=prune)
        alone = _alone_in(folder) if url is None else _alone_at(storage)
        if url is None:  # SQLite would give one trial to two workers
            study.ask = _locked(alone, study.ask)
        yield SharedStudy(study, alone, functools.partial(patient, is_remote=url is not None))


@contextlib.contextmanager
def look_at_study(folder: Path, url: str | None) -> "Iterator[optuna.Study]":
    """Open a study that there is, to look at. Raises as `open_study` does."""
    optuna = import_optuna()
    with opened(folder, url, IMPATIENT, is_read=True) as storage:
        try:
            study = optuna.load_study(study_name=NAME, storage=storage)
        except KeyError:
            raise TuningError(
                f"{name_place(folder, url)}: found no study of bpcli tune there"
            ) from None
        yield study


def _create(storage: "RDBStorage", seed: int, *, prune: bool) -> Any:
    from bpcli.tuning.sampler import SeededTPE

    optuna = import_optuna()
    pruners = optuna.pruners
    return try_often(
        lambda: optuna.create_study(
            storage=storage,
            study_name=NAME,
            direction="maximize",
            load_if_exists=True,
            sampler=SeededTPE(seed),
            pruner=pruners.MedianPruner(n_startup_trials=5) if prune else pruners.NopPruner(),
        )
    )


def _alone_in(folder: Path) -> Around:
    @contextlib.contextmanager
    def alone() -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(atomic.reserved(folder / "alone"))
                    break
                except BusyError:
                    time.sleep(0.02)
            yield

    return alone


def _alone_at(storage: "RDBStorage") -> Around:
    from sqlalchemy import text

    @contextlib.contextmanager
    def alone() -> Iterator[None]:
        with storage.engine.begin() as connection:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
            yield

    return alone


def _locked(alone: Around, ask: Callable[..., Made]) -> Callable[..., Made]:
    def ask_alone(*args: Any, **options: Any) -> Made:
        with alone():
            return ask(*args, **options)

    return ask_alone


def keep_question(
    study: "optuna.Study", space: Space, seeds: int, method: str, metric: Metric = ACCURACY
) -> None:
    """Note what a study asks. Raises TuningError if it has begun with another question.

    Results of other configurations could not be ranked beside those that it has.
    """
    asked = {key: to_scalar(value) for key, value in flatten(space.base).items()}
    asked |= {key: str(made) for key, made in space.dimensions.items()}
    asked |= {"--seeds": str(seeds), "--method": "grid" if method == "grid" else "tpe or random"}
    asked |= {METRIC: metric.name, HELD_OUT: "of each class, by the images themselves"}
    del asked["dataset.source"]  # whose path may be another one on each machine
    before = study.user_attrs.get(QUESTION)
    if before is None:
        study.set_user_attr(QUESTION, json.dumps(asked))
        return
    began = _as_before() | json.loads(before)
    differ = [key for key in asked if began[key] != asked[key]]
    if differ:
        key = differ[0]
        raise TuningError(
            f"{key}: found {asked[key]}, but the study has begun with {began[key]}; choose "
            "another folder, or another database, for another study"
        )


def _as_before() -> dict[str, str]:
    """Return what older studies, which do not say it, have been asked."""
    defaults = {key: to_scalar(value) for key, value in flatten(Config()).items()}
    return defaults | {METRIC: ACCURACY.name, HELD_OUT: "the last ones"}


def find_metric(study: "optuna.Study") -> Metric:
    """Return by what the trials of a study are ranked."""
    asked = json.loads(study.user_attrs.get(QUESTION, "{}"))
    return METRICS.get(asked.get(METRIC), ACCURACY)
