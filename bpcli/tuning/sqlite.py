"""a folder in -> connections to the study in it, which wait for their turn, and its lock, out."""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from bpcli.errors import BusyError, TuningError
from bpcli.files import atomic
from bpcli.files.path import exists, read_start, resolve
from bpcli.tuning.waiting import IMPATIENT, PATIENT, Waiting

Result = TypeVar("Result")

STUDY = "study.db"  # in the folder
BEGINNING = b"SQLite format 3\0"  # of its files
BESIDE = ("", "-journal", "-wal")  # what the names of the files of one database end with
ANYTHING = "SELECT 1 FROM sqlite_master"  # to ask for, as opening reads nothing
# Seconds in which SQLite itself waits for a lock, and cannot be interrupted.
UNHEARD = 0.5
UNREADABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)  # what has to be taken back


class Connection(sqlite3.Connection):
    """A connection that waits for others to unlock the file, and says so."""

    waiting: Waiting
    name: str
    patience: float

    def cursor(self, factory: Any = None) -> Any:
        """Return a cursor that waits, too."""
        return super().cursor(factory or Cursor)

    def commit(self) -> None:
        self.wait_for(super().commit)

    def wait_for(self, act: Callable[[], Result]) -> Result:
        """Return what `act` returns, once the file is not locked. Raises sqlite3.Error."""
        since = time.monotonic()
        while True:
            try:
                return act()
            except sqlite3.OperationalError as error:
                is_locked = _code(error) == sqlite3.SQLITE_BUSY
                if not is_locked or time.monotonic() - since > self.patience:
                    raise
            except UnicodeDecodeError as error:  # in what SQLite says of its own tables
                raise sqlite3.DatabaseError("the tables are damaged") from error
            self.waiting.pause(f"another program that has locked {self.name}", since)


class Cursor(sqlite3.Cursor):
    """The cursor of such a connection."""

    connection: Connection

    def execute(self, *arguments: Any) -> "Cursor":
        return self.connection.wait_for(lambda: super(Cursor, self).execute(*arguments))

    def executemany(self, *arguments: Any) -> "Cursor":
        return self.connection.wait_for(lambda: super(Cursor, self).executemany(*arguments))


def connect(path: Path, waiting: Waiting, *, is_read: bool) -> Connection:
    """Open a database, if so, to be read alone. Raises sqlite3.Error."""
    address = resolve(path, TuningError).as_uri() + ("?mode=ro" if is_read else "")
    connection = sqlite3.connect(
        address, uri=True, timeout=UNHEARD, check_same_thread=False, factory=Connection
    )
    connection.waiting, connection.name = waiting, str(path)
    connection.patience = IMPATIENT if is_read else PATIENT
    return connection


def check_file(path: Path) -> None:
    """Raise TuningError if a file is there that no study can be in."""
    if not exists(path, TuningError):
        return
    if read_start(path, len(BEGINNING), TuningError) not in (b"", BEGINNING):
        raise TuningError(f"{path}: found a file that is no study of bpcli tune; move it away")


@contextlib.contextmanager
def readable(path: Path, waiting: Waiting) -> Iterator[Path]:
    """Give where a database can be read: where it is, which stays as it is, or in a copy.

    What was left in the middle of a commit is taken back by SQLite, in the copy. Raises TuningError
    where there is none, and sqlite3.Error.
    """
    try:
        with contextlib.closing(connect(path, waiting, is_read=True)) as connection:
            connection.cursor().execute(ANYTHING)
    except sqlite3.OperationalError as error:
        if _code(error) not in UNREADABLE:
            raise
    else:
        yield path
        return
    with atomic.temporary_folder() as folder:
        copy = folder / path.name
        for end in BESIDE:
            source = path.with_name(path.name + end)
            if exists(source):
                atomic.copy_into_place(source, folder / source.name)
        with contextlib.closing(connect(copy, waiting, is_read=False)) as connection:
            connection.cursor().execute(ANYTHING)
        yield copy


@contextlib.contextmanager
def alone_in(folder: Path, waiting: Waiting) -> Iterator[None]:
    """Hold the lock that the workers of a folder share. Raises TuningError."""
    since = time.monotonic()
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(atomic.reserved(folder / "alone"))
                break
            except BusyError:
                waiting.pause(f"another worker in {folder}", since, 0.02)
        yield


def _code(error: sqlite3.Error) -> int:
    """Return the kind of an error, without what SQLite adds to it."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
