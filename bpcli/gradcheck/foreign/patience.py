"""what a process has taken of the machine in -> whether it hangs, and is given up, out."""

import time
from dataclasses import dataclass

from bpcli.machine import processor_seconds

SECONDS = 60  # of the processor that a unit of a person's file may take
IDLE, WALL = 1 / 3, 10  # times as many seconds on the clock that it may do nothing, or be slow
MOVING = 1e-3  # seconds of the processor below which it does nothing


@dataclass
class Patience:
    """When what is running is given up: the clock ends what hangs, and decides nothing else.

    It may take `seconds` of the processor, which are the same on a busy machine. It may wait a
    third as long without doing anything, and take ten times as long in all.
    """

    seconds: float
    process: int = 0
    began: float = 0
    moved: float = 0  # when it has last done something
    used_before: float | None = None  # of the processor, when it began
    used: float | None = None  # when it has last moved

    def begin(self) -> None:
        """Begin anew, as something else is running now."""
        self.began = self.moved = time.monotonic()
        self.used_before = self.used = processor_seconds(self.process)

    def lost(self) -> str:
        """Say why what is running is given up, "" where it is not."""
        now, used = time.monotonic(), processor_seconds(self.process)
        if used is None or self.used is None or self.used_before is None:
            longest = 2 * self.seconds
            return f"it took more than {longest:g} s" * (now > self.began + longest)
        if used > self.used + MOVING:
            self.used, self.moved = used, now
        if used > self.used_before + self.seconds:
            return f"it took more than {self.seconds:g} s of the processor"
        if now > self.moved + IDLE * self.seconds:
            return f"it took more than {IDLE * self.seconds:g} s and did nothing"
        longest = WALL * self.seconds
        return f"it took more than {longest:g} s" * (now > self.began + longest)
