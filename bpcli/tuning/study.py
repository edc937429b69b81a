"""a folder, or the address of a database, in -> an Optuna study that many workers share out."""

import contextlib
import functools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bpcli.errors import TuningError, readable
from bpcli.files.document import to_scalar
from bpcli.training.config import Config, flatten
from bpcli.tuning.metric import ACCURACY, Metric
from bpcli.tuning.results import METRIC, QUESTION, read_trials
from bpcli.tuning.space import Space
from bpcli.tuning.storage import (
    Lock,
    UnsoundError,
    forgiving,
    import_optuna,
    name_place,
    opened,
    opened_to_look,
    reading,
)
from bpcli.tuning.waiting import Waiting

if TYPE_CHECKING:
    import optuna
    from optuna.storages import RDBStorage

Made = TypeVar("Made")

NAME = "bpcli"  # of the study
HELD_OUT = "held-out images"  # in its question, beside the keys


@dataclass(frozen=True)
class SharedStudy:
    """A study that several workers share: `alone` is a lock that one of them has at a time.

    `forgiving` is around what may be tried again, where a database does not answer.
    """

    study: "optuna.Study"
    alone: Lock
    forgiving: Callable[[], contextlib.AbstractContextManager[None]]
    waiting: Waiting


@contextlib.contextmanager
def open_study(
    folder: Path,
    url: str | None,
    *,
    seed: int = 0,
    prune: bool = False,
    patient: bool = False,
    waiting: Waiting | None = None,
) -> Iterator[SharedStudy]:
    """Open the study of a folder, or of a database, made if there is none yet.

    A worker is `patient` with a database that does not answer. Raises ExtraError without optuna,
    TuningError where the study cannot be had, SaveError where a disk is full, and ArgumentError for
    an address that workers on several machines cannot share.
    """
    waiting = waiting or Waiting()
    with opened(folder, url, waiting, patient=patient) as (storage, alone):
        with reading():
            study = _create(storage, seed, prune=prune)
        if url is None:  # SQLite would give one trial to two workers
            study.ask = _locked(alone, study.ask)
        retried = functools.partial(forgiving, waiting, is_remote=url is not None)
        yield SharedStudy(study, alone, retried, waiting)


@contextlib.contextmanager
def look_at_study(
    folder: Path, url: str | None, waiting: Waiting | None = None
) -> "Iterator[optuna.Study]":
    """Open a study that there is, to look at. Raises as `open_study` does."""
    optuna = import_optuna()
    with opened_to_look(folder, url, waiting or Waiting()) as storage:
        try:
            storage.get_study_id_from_name(NAME)
        except KeyError:
            raise TuningError(
                f"{name_place(folder, url)}: found no study of bpcli tune there"
            ) from None
        with reading():
            study = optuna.load_study(study_name=NAME, storage=storage)
        yield study


def _create(storage: "RDBStorage", seed: int, *, prune: bool) -> Any:
    from bpcli.tuning.sampler import SeededTPE

    optuna = import_optuna()
    pruners = optuna.pruners
    return optuna.create_study(
        storage=storage,
        study_name=NAME,
        direction="maximize",
        load_if_exists=True,
        sampler=SeededTPE(seed),
        pruner=pruners.MedianPruner(n_startup_trials=5) if prune else pruners.NopPruner(),
    )


def _locked(alone: Lock, ask: Callable[..., Made]) -> Callable[..., Made]:
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
    before = _read_question(study)
    if before is None:
        study.set_user_attr(QUESTION, json.dumps(asked))
        return
    before = _as_before() | before
    differ = [key for key in asked if before[key] != asked[key]]
    if differ:
        key = differ[0]
        began = readable(before[key])
        raise TuningError(
            f"{key}: found {readable(asked[key])}, but the study has begun with {began}; choose "
            "another folder, or another database, for another study"
        )


def _as_before() -> dict[str, str]:
    """Return what older studies, which do not say it, have been asked."""
    defaults = {key: to_scalar(value) for key, value in flatten(Config()).items()}
    return defaults | {METRIC: ACCURACY.name, HELD_OUT: "the last ones"}


def _read_question(study: "optuna.Study") -> dict[str, str] | None:
    """Return what a study has been asked, None of a new one. Raises UnsoundError."""
    with reading():
        kept = study.user_attrs.get(QUESTION)
        question = None if kept is None else json.loads(kept)
    if question is None and not read_trials(study):
        return None
    if not isinstance(question, dict) or not all(isinstance(v, str) for v in question.values()):
        raise UnsoundError("found another question than one that it can have been asked")
    return question
