"""the address of a PostgreSQL in -> connections to it, however long they take; its lock, out."""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bpcli.errors import ArgumentError, ExtraError, TuningError
from bpcli.tuning.waiting import IMPATIENT, LOOK, PATIENT, Waiting

if TYPE_CHECKING:
    from sqlalchemy import Engine

DRIVER = "postgresql+psycopg://"
NUMBER = 5_731  # of the lock, which no other program takes in the same database


def check_address(url: str) -> str:
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
    return DRIVER + rest


def has_password(url: str) -> bool:
    """Tell whether an address has a password in it, which others can see on this machine."""
    user, at, _ = url.partition("://")[2].partition("@")
    return (bool(at) and ":" in user) or "password=" in url


class Connector:
    """Connects to a database, and waits for one that does not answer: long, once it has done so."""

    def __init__(self, address: str, name: str, waiting: Waiting, *, patient: bool) -> None:
        self.address, self.name, self.waiting = address, name, waiting
        self.patience = PATIENT if patient else IMPATIENT

    def __call__(self) -> Any:
        """Return a connection of psycopg. Raises TuningError where none can be had in time."""
        try:
            import psycopg
        except ImportError as missing:
            raise ExtraError("--storage", "psycopg", "tune", missing) from missing
        since, what = time.monotonic(), f"the database at {self.name}"
        while True:
            attempt = _Attempt(self.address.replace(DRIVER, "postgresql://"))
            while not attempt.ended.wait(LOOK):
                self.waiting.look(what, since)
            if attempt.connection:
                self.patience = PATIENT
                return attempt.connection
            error = attempt.error
            reason = str(error).strip().splitlines()[-1] if str(error).strip() else "no answer"
            broken = not isinstance(error, psycopg.OperationalError)  # the address itself
            if broken or time.monotonic() - since > self.patience:
                raise TuningError(f"{self.name}: the database cannot be had: {reason}") from error
            what = f"the database at {self.name} ({reason})"
            self.waiting.pause(what, since, 0.5)


class _Attempt:
    """One attempt to connect, beside the thread that waits for it and may be told to stop."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.connection: Any = None
        self.error: Exception | None = None
        self.ended = threading.Event()
        threading.Thread(target=self._connect, daemon=True).start()

    def _connect(self) -> None:
        import psycopg

        try:
            # Behind a pooler the next transaction may be in a session without what was prepared.
            self.connection = psycopg.connect(
                self.address, connect_timeout=10, prepare_threshold=None
            )
        except psycopg.Error as error:
            self.error = error
        finally:
            self.ended.set()


@contextlib.contextmanager
def alone_at(engine: "Engine", name: str, waiting: Waiting) -> Iterator[None]:
    """Hold the lock that the workers of a database share, for as long as a transaction.

    Who waits for it holds no connection meanwhile, as there may be few of them.
    """
    from sqlalchemy import text

    since = time.monotonic()
    while True:
        with engine.begin() as connection:
            if connection.scalar(text(f"SELECT pg_try_advisory_xact_lock({NUMBER})")):
                yield
                return
        waiting.pause(f"another worker at {name}", since)
