"""a folder, or the address of a database, in -> a storage of Optuna, which has patience, out."""

import contextlib
import functools
import logging
import sqlite3
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bpcli.errors import ArgumentError, ExtraError, TuningError
from bpcli.tuning.locks import Lock, lock_at, lock_in
from bpcli.tuning.waiting import Waiting

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

STUDY = "study.db"  # in the folder, where no database is named
HEARTBEAT, GRACE = 2, 10  # seconds: how often a worker says that it lives, and until it is dead
SQLITE = b"SQLite format 3\0"  # what its files begin with
# Seconds for a database that does not answer, when it is asked first, and once it has answered.
IMPATIENT, PATIENT = 10.0, 600.0
LAST_TABLE = "alembic_version"  # that Optuna makes in a fresh database


@contextlib.contextmanager
def opened(
    folder: Path,
    url: str | None,
    patience: float | None,
    waiting: Waiting,
    *,
    is_read: bool = False,
) -> "Iterator[tuple[RDBStorage, Lock]]":
    """Open the storage of a folder or of a database, for a while; a file, if so, to be read alone.

    With it comes the lock that its workers share. Raises TuningError for what keeps it from its
    work, in the first `patience` seconds (IMPATIENT without) or later.
    """
    optuna = import_optuna()
    from sqlalchemy.exc import SQLAlchemyError

    try:
        storage, lock = _open_storage(folder, url, patience, waiting, is_read=is_read)
        try:
            yield storage, lock
        finally:
            storage.remove_session()
            storage.engine.dispose()
    except (SQLAlchemyError, optuna.exceptions.OptunaError) as error:
        reason = str(error).strip().splitlines()[0]
        raise TuningError(
            f"{name_place(folder, url)}: the study cannot be used: {reason}"
        ) from error


def name_place(folder: Path, url: str | None) -> str:
    """Return where a study is, without a password."""
    return str(folder / STUDY) if url is None else url.rpartition("@")[2].partition("?")[0]


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


def _open_storage(
    folder: Path, url: str | None, patience: float | None, waiting: Waiting, *, is_read: bool
) -> "tuple[RDBStorage, Lock]":
    from optuna.storages import RDBStorage
    from sqlalchemy import NullPool, create_engine, inspect

    connect: Callable[[], Any]
    if url is None:
        _check_file(folder / STUDY)
        # What connects is told the file, as an address gives ? and % a meaning.
        address, connect = "sqlite:///study", functools.partial(_open_file, folder / STUDY, is_read)
    else:
        first = IMPATIENT if patience is None else patience
        address, connect = _check_address(url), Connector(url, first, waiting)
    make = functools.partial(
        RDBStorage,
        address,
        engine_kwargs={"pool_pre_ping": True, "creator": connect},
        heartbeat_interval=HEARTBEAT,
        grace_period=GRACE,
    )
    with warnings.catch_warnings(action="ignore"):
        if url is None:
            return make(), lock_in(folder, waiting)
        engine = create_engine(address, creator=connect, poolclass=NullPool)
        lock = lock_at(engine, name_place(folder, url), waiting)
        if not inspect(engine).has_table(LAST_TABLE):
            with lock():  # of several that make tables at once, all but one would fail
                make().engine.dispose()
        return make(), lock


def _open_file(path: Path, is_read: bool) -> sqlite3.Connection:
    address = path.resolve().as_uri() + ("?mode=ro" if is_read else "")
    return sqlite3.connect(address, uri=True, timeout=60, check_same_thread=False)


def _check_file(path: Path) -> None:
    """Raise TuningError if a file is there that no study can be in."""
    try:
        with path.open("rb") as file:
            start = file.read(len(SQLITE))
    except FileNotFoundError:
        return
    except OSError as error:
        raise TuningError(f"{path}: cannot be read: {error.strerror}") from error
    if start not in (b"", SQLITE):
        raise TuningError(f"{path}: found a file that is no study of bpcli tune; move it away")


def _check_address(url: str) -> str:
    """Return the address with its driver. Raises ArgumentError for another kind of database."""
    scheme, _, rest = url.partition("://")
    if scheme.startswith("sqlite"):
        raise ArgumentError(
            "--storage: found SQLite, which is for one machine, where no --storage is needed; "
            "several share a PostgreSQL: postgresql://USER@HOST/DATABASE"
        )
    if scheme not in ("postgresql", "postgres", "postgresql+psycopg") or not rest:
        raise ArgumentError(
            f"--storage: found {scheme}://, expected postgresql://USER@HOST/DATABASE"
        )
    return f"postgresql+psycopg://{rest}"


def has_password(url: str) -> bool:
    """Tell whether an address has a password in it, which others can see on this machine."""
    user, at, _ = url.partition("://")[2].partition("@")
    return (bool(at) and ":" in user) or "password=" in url


class Connector:
    """Connects to a database, and waits for one that does not answer: long, once it has done so."""

    def __init__(self, url: str, patience: float, waiting: Waiting) -> None:
        self.url, self.patience, self.waiting = url, patience, waiting

    def __call__(self) -> Any:
        try:
            import psycopg
        except ImportError:
            raise ExtraError("--storage", "psycopg", "tune") from None
        address = self.url.replace("postgresql+psycopg://", "postgresql://")
        where, since = name_place(Path(), self.url), time.monotonic()
        while True:
            try:
                connection = psycopg.connect(address, connect_timeout=10)
            except psycopg.Error as error:
                broken = not isinstance(error, psycopg.OperationalError)  # the address itself
                if broken or time.monotonic() - since > self.patience:
                    reason = str(error).strip().splitlines()[-1]
                    raise TuningError(f"{where}: the database cannot be had: {reason}") from error
                self.waiting.pause(f"the database at {where}", since, 0.5)
            else:
                self.patience = max(self.patience, PATIENT)
                return connection


@contextlib.contextmanager
def patient(waiting: Waiting, *, is_remote: bool) -> Iterator[None]:
    """Take for nothing what a database has not answered, and a result that came too late.

    The trial has failed then, or is found by its missing heartbeat, and its slot is filled again.
    """
    optuna = import_optuna()
    from sqlalchemy.exc import SQLAlchemyError

    broken = (optuna.exceptions.StorageInternalError, SQLAlchemyError) if is_remote else ()
    try:
        yield
    except (*broken, optuna.exceptions.UpdateFinishedTrialError):
        waiting.pause("the database", time.monotonic(), 1.0)
    except ValueError as error:  # the same, of a trial that has been given up for dead
        if "Cannot tell a " not in str(error):
            raise
