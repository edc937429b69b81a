"""signals that ask to stop in -> the end of a command, at once or when it has saved, out.

Batch systems send SIGUSR1 or SIGUSR2 some time before they end a job.
"""

import contextlib
import signal
from collections.abc import Iterator

from bpcli.errors import Stopped

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGBREAK")
NUMBERS = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]  # as systems differ

held: set[int] = set()  # signals that wait: by `hold` alone, as others may hold some for good


class Stop:
    """Whether a signal has asked to stop: `number` is that of the first, 0 where none has."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.number = 0
        self.has_begun = False

    def begin(self) -> None:
        """From now on let the first signal wait for somebody to ask, who has something to save."""
        self.has_begun = True
        if self.number:
            raise self.at_once()

    def is_asked(self) -> bool:
        """Tell whether a signal has asked to stop."""
        return bool(self.number)

    def at_once(self) -> Stopped:
        """Return what ends a command that has nothing to save."""
        name = signal.Signals(self.number).name
        return Stopped(self.number, f"stopped by {name} before {self.what} has begun")

    def catch(self, number: int, _frame: object) -> None:
        """Handle a signal; a second one does not wait, nor save."""
        is_second, self.number = bool(self.number), self.number or number
        if not self.has_begun:
            raise self.at_once()
        if is_second:
            raise Stopped(number)


def hold() -> None:
    """Let signals wait until `stopping` is there to obey them, where the system can."""
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        held.update(NUMBERS)
        signal.pthread_sigmask(signal.SIG_BLOCK, held)


@contextlib.contextmanager
def stopping(what: str) -> Iterator[Stop]:
    """Obey signals as long as a command runs, of which `what` is to begin.

    Raises Stopped at once before it has begun, and for a second signal.
    """
    stop = Stop(what)
    previous = {number: signal.getsignal(number) for number in NUMBERS}
    try:
        for number, handler in previous.items():
            if handler is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, stop.catch)
        if held:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, held)
        yield stop
    except Exception as error:
        if stop.number and not stop.has_begun and not isinstance(error, Stopped):
            raise stop.at_once() from error  # which it was taken for on its way
        raise
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
