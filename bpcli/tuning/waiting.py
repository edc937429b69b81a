"""what is waited for in -> words on it now and then, and an end where one is asked for, out."""

import time
from collections.abc import Callable

from bpcli.errors import BpcliError

SILENT, BETWEEN = 2.0, 5.0  # seconds before the first words, and between them
LOOK = 0.1  # seconds between looks at what is waited for
# Seconds for what does not answer: for somebody who looks on, and for work that has begun.
IMPATIENT, PATIENT = 10.0, 600.0


class Interrupted(BpcliError):
    """Work that has been asked to stop before its end, after saving what it had."""


class Waiting:
    """How this process waits: `say` is told what for, and `is_stopped` asked whether to go on."""

    def __init__(
        self,
        is_stopped: Callable[[], bool] = lambda: False,
        say: Callable[[str], None] = lambda _words: None,
    ) -> None:
        self.is_stopped, self.say = is_stopped, say
        self.said = 0.0

    def look(self, what: str, since: float) -> None:
        """Say what is waited for, since a moment of `time.monotonic`, if it is time to.

        Raises Interrupted once the process is to stop.
        """
        if self.is_stopped():
            raise Interrupted
        now = time.monotonic()
        if now - since > SILENT:
            self.pass_on(f"waiting for {what}, since {now - since:.0f} s")

    def pass_on(self, words: str) -> None:
        """Say what is waited for, unless something has just been said: others may wait, too."""
        now = time.monotonic()
        if now - self.said > BETWEEN:
            self.said = now
            self.say(words)

    def pause(self, what: str, since: float, seconds: float = LOOK) -> None:
        """Wait a little. Says and raises what `look` does."""
        self.look(what, since)
        time.sleep(seconds)
