"""a process that runs a person's code in -> its end, and that of all that it has started, out.

The guard is the parent of that process. It waits until the process ends, or until bpcli closes the
lifeline, also by dying; then it ends whatever is left.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
import time
from pathlib import Path

LIFELINE = 0  # the descriptor that is open as long as bpcli waits
ROUNDS = 500  # in which what is left is ended, of 10 ms
DIES_WITH_PARENT, ADOPTS = 1, 36  # what Linux calls PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER


def go_on_guarded() -> None:
    """Go on in a child process, whose guard this one becomes, until both have ended."""
    _ask_linux(ADOPTS, 1)  # so that nothing which the child starts can leave the family
    process = os.fork()
    if process:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        _end_like(_stand_guard(process))
    _ask_linux(DIES_WITH_PARENT, signal.SIGKILL)


def _stand_guard(process: int) -> int:
    """Wait for the end of a child process, end its own, and return its status as waitpid does."""
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while (status := _reap(process)) is None:
        ready = select.select([woken, LIFELINE], [], [])[0]
        if LIFELINE in ready and not os.read(LIFELINE, 512):
            break
        if woken in ready:
            os.read(woken, 512)
    return _end_all(process, status)


def _end_like(status: int) -> None:
    """End this process as another has ended, by the same signal or with the same code."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    sys.exit(os.waitstatus_to_exitcode(status))


def _reap(process: int) -> int | None:
    """Take note of children that have ended, and return the status of the process if it has."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == process:
                found = ended[1]
    return found


def _end_all(process: int, status: int | None) -> int:
    for _ in range(ROUNDS):
        children = _children() | ({process} if status is None else set())
        if not children:
            break
        for child in children:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(child, signal.SIGKILL)
        time.sleep(0.01)
        found = _reap(process)
        status = found if found is not None else status
    return signal.SIGKILL if status is None else status


def _children() -> set[int]:
    """Return the children of this process, as far as the system tells: Linux does."""
    own = os.getpid()
    try:
        return {int(n) for n in Path(f"/proc/{own}/task/{own}/children").read_text().split()}
    except OSError:
        return set()


def _ask_linux(what: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(what, value, 0, 0, 0)
