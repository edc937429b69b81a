"""a folder, or a database, in -> a lock that one worker has at a time out."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bpcli.errors import TuningError
from bpcli.files import atomic
from bpcli.tuning.waiting import Waiting

if TYPE_CHECKING:
    from sqlalchemy import Engine

Lock = Callable[[], contextlib.AbstractContextManager[None]]

NUMBER = 5_731  # that no other program locks in the same database


def lock_in(folder: Path, waiting: Waiting) -> Lock:
    """Return the lock of a folder, for workers on one machine. It raises TuningError."""

    @contextlib.contextmanager
    def alone() -> Iterator[None]:
        since = time.monotonic()
        with contextlib.ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(atomic.reserved(folder / "alone"))
                    break
                except BlockingIOError:
                    waiting.pause(f"another worker in {folder}", since, 0.02)
                except OSError as error:
                    raise TuningError(f"{folder}: cannot be written: {error.strerror}") from error
            yield

    return alone


def lock_at(engine: "Engine", where: str, waiting: Waiting) -> Lock:
    """Return the lock of a PostgreSQL, which lasts as long as a transaction.

    Who waits for it holds no connection meanwhile, as there may be few of them.
    """
    from sqlalchemy import text

    @contextlib.contextmanager
    def alone() -> Iterator[None]:
        since = time.monotonic()
        while True:
            with engine.begin() as connection:
                if connection.scalar(text(f"SELECT pg_try_advisory_xact_lock({NUMBER})")):
                    yield
                    return
            waiting.pause(f"another worker at {where}", since)

    return alone
