"""a folder, or the address of a database, in -> an Optuna study that many workers share out."""

import contextlib
import json
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from bpcli.errors import ArgumentError, ExtraError, TuningError
from bpcli.files import atomic
from bpcli.tuning.space import Space

if TYPE_CHECKING:
    import optuna
    from optuna.storages import RDBStorage

Made = TypeVar("Made")

STUDY = "study.db"  # in the folder, where no database is named
HEARTBEAT, GRACE = 2, 10  # seconds: how often a worker says that it lives, and until it is dead
PATIENCE = 600.0  # seconds for which workers wait for a database that does not answer
TRIES = 20  # of opening a database that others are opening, too
SPACE = "space"  # under which a study keeps what it searches


@contextlib.contextmanager
def open_study(
    folder: Path, url: str | None, method: str, *, prune: bool
) -> "Iterator[optuna.Study]":
    """Open the study of a folder, or of a database, made if there is none yet.

    Raises ExtraError without optuna, TuningError where the database cannot be had, and
    ArgumentError for an address that workers on several machines cannot share.
    """
    optuna = import_optuna()
    storage = _open_storage(folder, url)
    pruner = (
        optuna.pruners.MedianPruner(n_startup_trials=5) if prune else optuna.pruners.NopPruner()
    )
    sampler = optuna.samplers.TPESampler() if method == "tpe" else optuna.samplers.RandomSampler()
    try:
        study: Any = _try_often(
            lambda: optuna.create_study(
                storage=storage,
                study_name="bpcli",
                direction="maximize",
                load_if_exists=True,
                sampler=sampler,
                pruner=pruner,
            )
        )
        if url is None:
            study.ask = _one_at_a_time(study.ask, folder / "ask")
        yield study
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _one_at_a_time(ask: Callable[..., Made], path: Path) -> Callable[..., Made]:
    """Let one worker at a time ask for a trial: SQLite would give one trial to two of them."""

    def ask_alone(*args: Any, **options: Any) -> Made:
        while True:
            with contextlib.suppress(BlockingIOError), atomic.reserved(path):
                return ask(*args, **options)
            time.sleep(0.02)

    return ask_alone


def import_optuna() -> Any:
    """Return optuna, which says nothing by itself. Raises ExtraError."""
    try:
        with warnings.catch_warnings(action="ignore"):
            import optuna
    except ImportError:
        raise ExtraError("a study", "optuna", "tune") from None
    optuna.logging.disable_default_handler()
    logging.getLogger("optuna").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna


def _open_storage(folder: Path, url: str | None) -> "RDBStorage":
    from optuna.storages import RDBStorage, RetryFailedTrialCallback

    options: dict[str, Any] = {"pool_pre_ping": True}
    if url is None:
        address = f"sqlite:///{folder / STUDY}"
        options |= {"connect_args": {"timeout": 60}}
    else:
        address = _check_address(url)
        options |= {"creator": lambda: _connect(url)}
    with warnings.catch_warnings(action="ignore"):
        return _try_often(
            lambda: RDBStorage(
                address,
                engine_kwargs=options,
                heartbeat_interval=HEARTBEAT,
                grace_period=GRACE,
                failed_trial_callback=RetryFailedTrialCallback(),
            )
        )


def _check_address(url: str) -> str:
    """Return the address with its driver. Raises ArgumentError for another kind of database."""
    scheme, _, rest = url.partition("://")
    if scheme.startswith("sqlite"):
        raise ArgumentError(
            f"--storage {url}: SQLite is for one machine, where no --storage is needed; several "
            "share a PostgreSQL: postgresql://HOST/DATABASE"
        )
    if scheme not in ("postgresql", "postgres", "postgresql+psycopg") or not rest:
        raise ArgumentError(f"--storage {url}: expected postgresql://USER@HOST/DATABASE")
    return f"postgresql+psycopg://{rest}"


def has_password(url: str) -> bool:
    """Tell whether an address has a password in it, which others can see on this machine."""
    user, at, _ = url.partition("://")[2].partition("@")
    return bool(at) and ":" in user


def _connect(url: str) -> Any:
    """Connect to a database; while it does not answer, wait for it."""
    try:
        import psycopg
    except ImportError:
        raise ExtraError("--storage", "psycopg", "tune") from None
    address = url.replace("postgresql+psycopg://", "postgresql://")
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return psycopg.connect(address, connect_timeout=10)
        except psycopg.OperationalError as error:
            lasting = "does not exist" in str(error) or "authentication failed" in str(error)
            if lasting or time.monotonic() > until:
                where = address.partition("@")[2] or address
                reason = str(error).strip().splitlines()[-1]
                raise TuningError(f"{where}: the database cannot be had: {reason}") from error
        time.sleep(0.5)


def _try_often(make: Callable[[], Made]) -> Made:
    """Make what several workers make at once: all but one fail, and find it when they try again."""
    from sqlalchemy.exc import SQLAlchemyError

    optuna = import_optuna()
    for attempt in range(TRIES):
        try:
            return make()
        except (SQLAlchemyError, optuna.exceptions.OptunaError, RuntimeError):
            if attempt == TRIES - 1:
                raise
            time.sleep(np.random.default_rng().uniform(0.05, 0.5))  # and do not meet again
    raise AssertionError


@contextlib.contextmanager
def patient() -> Iterator[None]:
    """Take for nothing what a database has not answered, and a result that came too late.

    What is left of the trial is run again, by whoever finds it.
    """
    optuna = import_optuna()
    from sqlalchemy.exc import SQLAlchemyError

    broken = (optuna.exceptions.StorageInternalError, SQLAlchemyError)
    too_late = (optuna.exceptions.UpdateFinishedTrialError, ValueError)  # given up for dead
    try:
        yield
    except (*broken, *too_late):
        time.sleep(1.0)


def keep_space(study: "optuna.Study", space: Space, seeds: int) -> None:
    """Note what a study searches. Raises TuningError if it has begun with something else."""
    said = json.dumps({key: str(made) for key, made in space.dimensions.items()}, sort_keys=True)
    said = f"{said} with {seeds} seeds"
    before = study.user_attrs.get(SPACE)
    if before is None:
        study.set_user_attr(SPACE, said)
    elif before != said:
        raise TuningError(
            f"the study searches {before}, and not {said}; choose another folder, or another "
            "database, for another study"
        )
