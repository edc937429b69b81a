"""a path in -> a new file in its place, whole or not at all, and from one process at a time."""

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

# Windows follows no link that an ordinary user could have put there.
OPEN_LOCK = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def _beside(path: Path, kind: str) -> Path:
    """Return the same hidden name for a path each time: what a killed process leaves is reused."""
    target = Path(os.path.realpath(path))  # so that a symbolic link stays one
    digest = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]  # no name is too long for it
    return target.with_name(f".{digest}.bpcli.{kind}")


@contextlib.contextmanager
def replacing(path: Path, *, keep: bool = True) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of `path` only when it is whole and on the disk.

    Without `keep`, only try whether one can be opened. Raises OSError.
    """
    target, temporary = Path(os.path.realpath(path)), _beside(path, "tmp")
    temporary.unlink(missing_ok=True)
    try:
        with temporary.open("xb") as file:  # never through a link that somebody has put there
            yield file
            file.flush()
            os.fsync(file.fileno())
        if keep:
            temporary.replace(target)
            _sync_folder(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable where the file system lets us; the file itself is on the disk."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def reserved(path: Path) -> Iterator[None]:
    """Hold `path` against other processes that do so too.

    The system lets go of it however this process ends. Raises BlockingIOError if another one has
    it, and OSError if nothing can be written there. File systems without locks let all pass.
    """
    lock = _beside(path, "lock")
    descriptor = _open_locked(lock)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            lock.unlink()
        os.close(descriptor)


def _open_locked(lock: Path) -> int:
    while True:
        descriptor = os.open(lock, OPEN_LOCK, 0o600)
        try:
            _lock(descriptor)
            if os.path.samestat(os.fstat(descriptor), lock.stat()):
                return descriptor
        except FileNotFoundError:
            pass  # as below
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)  # whoever had it has just removed it: what is locked is not there


def _lock(descriptor: int) -> None:
    """Lock an open file, or raise BlockingIOError if another process has locked it."""
    try:
        import fcntl
    except ImportError:
        _lock_on_windows(descriptor)
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            raise


def _lock_on_windows(descriptor: int) -> None:
    import msvcrt

    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    except OSError as error:  # which is how Windows says it
        raise BlockingIOError(*error.args) from error
