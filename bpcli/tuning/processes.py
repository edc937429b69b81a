"""how to run a worker, and how many, in -> processes at work on a study, watched over, out."""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from bpcli.errors import TuningError
from bpcli.tuning.best import find_best
from bpcli.tuning.results import list_trials
from bpcli.tuning.slots import Tuning
from bpcli.tuning.study import SharedStudy, open_study
from bpcli.tuning.waiting import Waiting
from bpcli.tuning.worker import work

POLL = 0.3  # seconds between looks at the study, and of a worker at what it is told
OFTEN = 5  # that a worker is killed, and no trial has ended

# What a process is to run: it is handed a Tuning, an address or None, and its Orders.
Run = Callable[..., None]
Count = Callable[[int, str], None]  # so many trials more have ended, and a word on the best


class Orders:
    """A worker's end of the line to the process that has started it.

    It hears whether to stop: as looking takes time, now and then.
    """

    def __init__(self, line: Connection) -> None:
        self.line, self.next, self.is_given = line, 0.0, False

    def is_stopped(self) -> bool:
        """Tell whether the other end is closed."""
        if not self.is_given and time.monotonic() > self.next:
            self.is_given = self._is_told()
            self.next = time.monotonic() + POLL
        return self.is_given

    def _is_told(self) -> bool:
        try:
            return self.line.poll()
        except OSError:  # by Windows, where the other end is closed
            return True

    def say(self, words: str) -> None:
        """Let the other process say what is waited for here."""
        with contextlib.suppress(OSError):  # it has gone
            self.line.send(words)


class Worker:
    """A process that runs trials, until it is told to stop or the one that has started it ends."""

    def __init__(self, run: Run, tuning: Tuning, storage: str | None) -> None:
        context = get_context("spawn")
        self.line, other = context.Pipe()
        self.process: Any = context.Process(target=run, args=(tuning, storage, Orders(other)))
        with _interrupts_blocked():
            self.process.start()
        other.close()

    def listen(self) -> Iterator[str]:
        """Yield what it has said since it was asked last."""
        with contextlib.suppress(EOFError, OSError):  # it has ended
            while self.line.poll():
                yield self.line.recv()

    def stop(self) -> None:
        """Let it save what it is at, and end."""
        self.line.close()


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


def run_trials(tuning: Tuning, storage: str | None, waiting: Waiting) -> None:
    """Run trials in this process, until none is left or it is stopped. Raises as `open_study`."""
    with open_study(
        tuning.folder,
        storage,
        seed=tuning.space.base.seed,
        prune=tuning.prune != "never",
        patient=True,
        waiting=waiting,
    ) as shared:
        work(shared, tuning)


def watch_over(
    shared: SharedStudy, tuning: Tuning, storage: str | None, jobs: int, run: Run, count: Count
) -> None:
    """Keep `jobs` processes at work until no trial is left; one that is killed has a successor.

    Raises TuningError if they are killed again and again. Once it is stopped, they save and end.
    """
    workers = [Worker(run, tuning, storage) for _ in range(jobs)]
    try:
        _watch(shared, tuning, workers, lambda: Worker(run, tuning, storage), count)
    finally:
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.process.join()


def _watch(
    shared: SharedStudy,
    tuning: Tuning,
    workers: list[Worker],
    make: Callable[[], Worker],
    count: Count,
) -> None:
    done = killed = 0
    while not shared.waiting.is_stopped() and any(w.process.is_alive() for w in workers):
        time.sleep(POLL)
        ended, words = done, ""
        with shared.forgiving():
            trials = list_trials(shared.study)
            ended, best = sum(trial.has_ended for trial in trials), find_best(trials)
            words = f"best {best.metric.say(best.mean)}" if best else ""
        if ended > done:
            count(ended - done, words)
            done, killed = ended, 0
        for words in (said for worker in workers for said in worker.listen()):
            shared.waiting.pass_on(words)
        for i, worker in enumerate(workers):
            code = worker.process.exitcode or 0
            if code < 0 and done < tuning.slots:
                killed += 1
                if killed > OFTEN * len(workers):
                    raise TuningError(
                        f"workers are killed by signal {-code} again and again, as the system does "
                        "where memory is short: search smaller nets or mini-batches, or take fewer "
                        "--jobs"
                    )
                workers[i] = make()
