"""an open file, or the name of a lock, in -> held against other processes until it is closed."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

CAN_MOVE_WHAT_IS_OPEN = fcntl is not None  # and so can others: a lock keeps them off
# Windows follows no link that an ordinary user could have put there.
NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)  # what such file systems say


@contextlib.contextmanager
def holding(path: Path) -> Iterator[None]:
    """Hold a file of this name, which is there for this alone.

    The system lets go of it however this process ends. Raises BlockingIOError if another process
    has it, and OSError if it cannot be made.
    """
    descriptor = _open_locked(path)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(descriptor)


def _open_locked(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | NO_LINK, 0o600)
        try:
            lock(descriptor)
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except FileNotFoundError:
            pass  # as below
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)  # whoever had it has just removed it: what is locked is not there


def lock(descriptor: int) -> bool:
    """Lock an open file, and tell whether it is locked: not every file system has locks.

    Raises BlockingIOError if another process has locked it.
    """
    if not fcntl:
        _lock_on_windows(descriptor)
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
        return False
    return True


def _lock_on_windows(descriptor: int) -> None:
    import msvcrt

    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    except OSError as error:  # which is how Windows says it
        raise BlockingIOError(*error.args) from error
