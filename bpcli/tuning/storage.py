"""a folder, or the address of a database, in -> a storage of Optuna; what fails, in words, out."""

import contextlib
import functools
import logging
import sqlite3
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bpcli.errors import BpcliError, ExtraError, SaveError, TuningError
from bpcli.tuning import sqlite
from bpcli.tuning.postgres import Connector, alone_at, check_address
from bpcli.tuning.waiting import Waiting

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

HEARTBEAT, GRACE = 2, 10  # seconds: how often a worker says that it lives, and until it is dead
LAST_TABLE = "alembic_version"  # that Optuna makes in a fresh database
TRIES = 20  # of making them, while others do
DISK_FULL = "53100"  # as PostgreSQL calls it
# What Optuna raises over rows that it has not written.
DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)

Lock = Callable[[], contextlib.AbstractContextManager[None]]


class UnsoundError(Exception):
    """What a study holds is not what one of `bpcli tune` does: it is damaged, or of another."""


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Let Optuna read what it has written, or somebody else. Raises UnsoundError for the latter."""
    try:
        yield
    except DAMAGE as error:
        raise UnsoundError(f"it cannot be read ({type(error).__name__})") from error


@contextlib.contextmanager
def opened(
    folder: Path, url: str | None, waiting: Waiting, *, patient: bool = False
) -> "Iterator[tuple[RDBStorage, Lock]]":
    """Open the storage of a folder or of a database, with the lock that its workers share.

    A worker is `patient` with a database that does not answer. Raises TuningError for what keeps it
    from its work, now or later, SaveError where a disk is full, and ArgumentError for an address
    that workers on several machines cannot share.
    """
    name = name_place(folder, url)
    lock: Lock
    with _told(name):
        if url is None:
            path = folder / sqlite.STUDY
            sqlite.check_file(path)
            connect = functools.partial(sqlite.connect, path, waiting, is_read=False)
            lock = functools.partial(sqlite.alone_in, folder, waiting)
            with _storage("sqlite:///study", connect) as storage:
                yield storage, lock
        else:
            from sqlalchemy import NullPool, create_engine, inspect

            address = check_address(url)
            connector = Connector(address, name, waiting, patient=patient)
            engine = create_engine(address, creator=connector, poolclass=NullPool)
            lock = functools.partial(alone_at, engine, name, waiting)
            if not inspect(engine).has_table(LAST_TABLE):
                _make_tables(address, connector, name, waiting)
            with _storage(address, connector) as storage:
                yield storage, lock


def _make_tables(address: str, connector: Connector, name: str, waiting: Waiting) -> None:
    """Make the tables of a fresh database: of several at once all but one fail, and find them."""
    from optuna.exceptions import OptunaError
    from sqlalchemy.exc import SQLAlchemyError

    since, rng = time.monotonic(), np.random.default_rng()
    for left in reversed(range(TRIES)):
        try:
            with _storage(address, connector):
                return
        except (SQLAlchemyError, OptunaError):
            if not left:
                raise
        waiting.pause(f"others that make tables at {name}", since, rng.uniform(0.05, 0.5))


@contextlib.contextmanager
def opened_to_look(folder: Path, url: str | None, waiting: Waiting) -> "Iterator[RDBStorage]":
    """Open the storage of a folder or of a database to be looked at. Raises as `opened`."""
    name = name_place(folder, url)
    with _told(name):
        if url is None:
            sqlite.check_file(folder / sqlite.STUDY)
            with sqlite.readable(folder / sqlite.STUDY, waiting) as path:
                connect = functools.partial(sqlite.connect, path, waiting, is_read=True)
                with _storage("sqlite:///study", connect, is_new=False) as storage:
                    yield storage
        else:
            address = check_address(url)
            connector = Connector(address, name, waiting, patient=False)
            with _storage(address, connector, is_new=False) as storage:
                yield storage


@contextlib.contextmanager
def _storage(
    address: str, connect: Callable[[], Any], *, is_new: bool = True
) -> "Iterator[RDBStorage]":
    """Open Optuna's storage, which is told what connects: an address gives ? and % a meaning.

    It `is_new`, if so, and its tables are made. No connection is kept, as a database has few of
    them for many workers. Raises UnsoundError.
    """
    optuna = import_optuna()
    from alembic.util import CommandError
    from sqlalchemy import NullPool

    from bpcli.tuning.heartbeat import Storage

    options = {"poolclass": NullPool, "creator": connect}
    try:
        with warnings.catch_warnings(action="ignore"), reading():
            _check_tables(address, options, is_new=is_new)
            storage = Storage(
                address,
                engine_kwargs=options,
                heartbeat_interval=HEARTBEAT,
                grace_period=GRACE,
            )
    except (CommandError, RuntimeError) as error:
        version = optuna.__version__
        raise UnsoundError(f"it is of another version of Optuna than {version}") from error
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _check_tables(address: str, options: dict[str, Any], *, is_new: bool) -> None:
    """Raise UnsoundError if tables of a study are missing, or all of one that is not new."""
    from optuna.storages._rdb.models import BaseModel
    from sqlalchemy import create_engine, inspect

    tables = set(inspect(create_engine(address, **options)).get_table_names())
    expected = set(BaseModel.metadata.tables)
    missing = sorted(expected - tables)
    if missing and (expected & tables or not is_new):
        raise UnsoundError(f"found no table {missing[0]}")


def name_place(folder: Path, url: str | None) -> str:
    """Return where a study is, without a password."""
    if url is None:
        return str(folder / sqlite.STUDY)
    return url.rpartition("@")[2].partition("?")[0]


def import_optuna() -> Any:
    """Return optuna, which says nothing by itself. Raises ExtraError."""
    try:
        with warnings.catch_warnings(action="ignore"):
            import optuna
    except ImportError as error:
        raise ExtraError("a study", "optuna", "tune", error) from error
    optuna.logging.disable_default_handler()
    logging.getLogger("optuna").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna


@contextlib.contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn what a database and Optuna raise into a sentence about the study called `name`."""
    optuna = import_optuna()
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.OptunaError, sqlite3.Error) as error:
        raise _explain(name, error) from error
    except UnsoundError as error:
        raise TuningError(
            f"{name}: found a study that is damaged, or not of bpcli tune: {error}; move it away, "
            "or choose another"
        ) from error


def _explain(name: str, error: BaseException) -> BpcliError:
    """Return what to say of an error, by what the database itself says."""
    while error.__cause__:
        error = error.__cause__
    words = str(error).strip().partition("\n")[0] or type(error).__name__
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or getattr(error, "sqlstate", "") == DISK_FULL:
        return SaveError(
            f"{name}: could not be written: {words}; what was saved is there, and the same command "
            "goes on once there is room"
        )
    return TuningError(f"{name}: the study cannot be used: {words}")


@contextlib.contextmanager
def forgiving(waiting: Waiting, *, is_remote: bool) -> Iterator[None]:
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
