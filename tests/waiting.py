"""Waiting for a sign: a file, a line, an end. The clock ends what hangs, and decides nothing."""

import threading
import time

HANGS = 600  # seconds after which nothing is waited for any more, however busy the machine is


def wait_until(happens, *processes):
    """Wait for a sign, which is what `happens` returns, and return it.

    It fails at once where a process ends that was to give the sign, and after HANGS seconds.
    """
    end = time.monotonic() + HANGS
    while not (sign := happens()):
        for process in processes:
            assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return sign


def wait_for_change(path, *processes):
    """Wait until a file is written anew by one of the processes."""
    before = path.stat().st_mtime_ns
    wait_until(lambda: path.stat().st_mtime_ns != before, *processes)


def end_what_hangs(process):
    """Kill a process that is still running after HANGS seconds, so that nobody waits for ever."""
    timer = threading.Timer(HANGS, process.kill)
    timer.daemon = True
    timer.start()
    return timer
