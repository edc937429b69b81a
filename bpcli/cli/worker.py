"""a study to work on in -> a process of its own, which runs trials of it, out."""

import contextlib
import signal
import time
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection

from bpcli.cli.terminal import exit_as, signals
from bpcli.errors import BpcliError
from bpcli.tuning import PATIENT, Tuning, open_study, work

PAUSE = 0.3  # seconds between looks at what it is told


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Keep Ctrl-C from a process that is begun here, where the system can.

    In a terminal it is for all processes: what this one makes of it, it tells the other.
    """
    if not hasattr(signal, "pthread_sigmask"):  # as on Windows
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # here, as its start lets them through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Worker:
    """A process that runs trials, until it is told to stop or the one that has started it ends."""

    def __init__(self, tuning: Tuning, storage: str | None) -> None:
        context = get_context("spawn")
        orders, self.orders = context.Pipe(duplex=False)
        self.process = context.Process(target=run_worker, args=(tuning, storage, orders))
        with _interrupts_blocked():
            self.process.start()
        orders.close()
        self.is_alive, self.join = self.process.is_alive, self.process.join

    @property
    def exitcode(self) -> int | None:
        """None while it runs, and -n if signal n has killed it."""
        return self.process.exitcode

    def stop(self) -> None:
        """Let it save what it is at, and end."""
        self.orders.close()


class Order:
    """Tells whether a worker is to stop; as looking takes time, it does so now and then."""

    def __init__(self, orders: Connection, caught: list[int]) -> None:
        self.orders, self.caught = orders, caught
        self.next, self.is_given = 0.0, False

    def __call__(self) -> bool:
        if time.monotonic() > self.next:
            self.is_given = bool(self.caught) or self._is_told()
            self.next = time.monotonic() + PAUSE
        return self.is_given

    def _is_told(self) -> bool:
        try:
            return self.orders.poll()
        except OSError:  # by Windows, where the other end is closed
            return True


def run_worker(tuning: Tuning, storage: str | None, orders: Connection) -> None:
    """Run trials in a process of its own, which ends with an exit code as the command does."""
    seed, prune = tuning.space.base.seed, tuning.prune != "never"
    try:
        with (
            signals() as caught,
            open_study(tuning.folder, storage, seed=seed, prune=prune, patience=PATIENT) as shared,
        ):
            work(shared, tuning, Order(orders, caught))
    except BpcliError as error:
        exit_as(error)
