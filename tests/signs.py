"""Signs that tests wait for, a file or a line: no test guesses how long something takes."""

import threading
import time
from pathlib import Path

HANG = 600  # seconds after which nothing is waited for any more, however busy the machine is


def wait_until(happens, *processes):
    """Wait for a sign, which is what `happens` returns, and return it.

    It fails at once where a process ends that was to give the sign, and after HANG seconds.
    """
    end = time.monotonic() + HANG
    while not (sign := happens()):
        for process in processes:
            assert process.poll() is None or happens(), process.communicate()
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return sign


def wait_for_change(path, *processes):
    """Wait until a file is written anew by one of the processes."""
    before = path.stat().st_mtime_ns
    wait_until(lambda: path.stat().st_mtime_ns != before, *processes)


def end_what_hangs(process):
    """Kill a process that is still running after HANG seconds, so that nobody waits for ever."""
    timer = threading.Timer(HANG, process.kill)
    timer.daemon = True
    timer.start()
    return timer


def catches(process, number):
    """Whether a process has a handler for a signal, as Linux tells."""
    return _mask(process, "SigCgt", number)


def holds_back(process, number):
    """Whether a process lets a signal wait."""
    return _mask(process, "SigBlk", number)


def _mask(process, name, number):
    status = Path(f"/proc/{process.pid}/status").read_text()
    (mask,) = (line for line in status.splitlines() if line.startswith(f"{name}:"))
    return bool(int(mask.split()[1], 16) >> (number - 1) & 1)


def read_until(stream, words):
    """Read lines until one has some words; return it."""
    for line in stream:
        if words in line:
            return line
    raise AssertionError(f"it ended without {words!r}")
