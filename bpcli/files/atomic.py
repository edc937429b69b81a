"""a path in -> a new file in its place, whole or not at all, whoever else writes there."""

import contextlib
import errno
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

from bpcli.errors import BusyError, PlaceError, SaveError
from bpcli.files import locks
from bpcli.files.path import check_name, link_target, look, open_file, resolve, say_path

OPEN_LEFT = os.O_RDWR | locks.NO_LINK | getattr(os, "O_NONBLOCK", 0)
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # what is not the path's fault
TOGETHER = 1 << 20  # bytes that are copied at a time
TEMPORARY = "tmp"  # what the names of files that are being written end with


@contextlib.contextmanager
def replacing(path: str | Path, *, keep: bool = True) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of `path` only when it is whole and on the disk.

    Each writer has a file of its own until then, so that of several the last one wins. What killed
    writers have left goes first. Without `keep`, only try whether a file can be put there. Raises
    SaveError where the disk is full or fails, and PlaceError.
    """
    target = _find_target(path)
    try:
        with contextlib.nullcontext() if locks.CAN_MOVE_WHAT_IS_OPEN else _turn(target):
            _sweep(target)
            temporary, file = _create(target)
            try:
                with file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                    if keep and locks.CAN_MOVE_WHAT_IS_OPEN:  # while it is locked
                        temporary.replace(target)
                if keep and not locks.CAN_MOVE_WHAT_IS_OPEN:
                    temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
            if keep:
                _sync_folder(target.parent)
    except OSError as error:
        _refuse(path, error)


def check_place(path: str | Path) -> bool:
    """Tell whether there is a file already where one can be put. Raises PlaceError."""
    path = Path(path)
    found = look(path, PlaceError)
    if found == "nothing" and look(path.parent, PlaceError) != "folder":
        folder = say_path(path.parent)
        raise PlaceError(f"{say_path(path)}: found no folder {folder}, expected one to write into")
    if found not in ("nothing", "file"):
        raise PlaceError(f"{say_path(path)}: found a {found}, expected a file or nothing there")
    return found == "file"


def check_free(path: str | Path) -> None:
    """Raise PlaceError if there is a file at `path` already, which is never to be replaced."""
    if check_place(path) or link_target(path):
        raise PlaceError(f"{path}: found a file, expected none there; choose another with -o")


def copy_into_place(source: Path, target: Path) -> None:
    """Put a copy of a file, whole or not at all, in the place of `target`.

    Raises FileError where the source cannot be read, and SaveError.
    """
    with open_file(source) as file, replacing(target) as copy:
        while part := file.read(TOGETHER):
            copy.write(part)


def move(path: Path, other: Path) -> None:
    """Give a file another name on its disk. Raises SaveError, and PlaceError."""
    try:
        path.rename(other)
    except OSError as error:
        _refuse(path, error, "moved")


def remove(path: str | Path) -> None:
    """Remove a file, if it is there. Raises PlaceError."""
    check_name(path, PlaceError)
    try:
        Path(path).unlink(missing_ok=True)
    except OSError as error:
        _refuse(path, error, "removed")


def make_folder(path: str | Path) -> None:
    """Make a folder, and those that it is in, where there is none yet. Raises PlaceError."""
    found: str = look(path, PlaceError)
    target = link_target(path)
    if found == "nothing" and target:
        found = f"link to {say_path(target)}, where nothing is"
    if found not in ("nothing", "folder"):
        raise PlaceError(f"{say_path(path)}: found a {found}, expected a folder or nothing there")
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _refuse(path, error, "made")


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder that is there for a while. Raises PlaceError."""
    import tempfile

    try:
        folder = tempfile.TemporaryDirectory()
    except OSError as error:
        raise PlaceError(f"no temporary folder could be made: {error.strerror}") from error
    with folder as name:
        yield Path(name)


@contextlib.contextmanager
def reserved(path: str | Path) -> Iterator[None]:
    """Hold `path` against other processes that do so too.

    The system lets go of it however this process ends. Raises BusyError if another one has it, and
    PlaceError if nothing can be written there. File systems without locks let all pass.
    """
    target = _find_target(path)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locks.holding(_beside(target, "lock")))
        except BlockingIOError as error:
            raise BusyError(f"{say_path(path)}: another process is writing there") from error
        except OSError as error:
            _refuse(path, error)
        yield


def _find_target(path: str | Path) -> Path:
    """Return where a file at `path` would stand, behind links, which stay."""
    check_place(path)
    return resolve(path, PlaceError)


def _refuse(path: str | Path, error: OSError, what: str = "written") -> NoReturn:
    kind = SaveError if error.errno in DISK else PlaceError
    raise kind(f"{say_path(path)}: could not be {what}: {error.strerror or error}") from error


def _beside(target: Path, kind: str) -> Path:
    """Return a hidden name that belongs to that of a file; no name is too long for it."""
    digest = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]
    return target.with_name(f".{digest}.bpcli.{kind}")


def _create(target: Path) -> tuple[Path, BinaryIO]:
    """Open a new file beside the target, which is locked for as long as it is open."""
    while True:
        temporary = _beside(target, f"{os.getpid()}-{os.urandom(4).hex()}.{TEMPORARY}")
        file = temporary.open("xb")
        if not locks.CAN_MOVE_WHAT_IS_OPEN or _lock_new(file, temporary):
            return temporary, file
        file.close()


def _lock_new(file: BinaryIO, path: Path) -> bool:
    """Lock a file, unless another writer has taken it for a killed one's, and removed it."""
    try:
        locks.lock(file.fileno())
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


def _sweep(target: Path) -> None:
    """Remove what killed writers have left of files for this place: what nobody has locked."""
    beginning = _beside(target, "").name
    names: list[str] = []
    with contextlib.suppress(OSError), os.scandir(target.parent) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(beginning)]
    for name in names:
        if name.endswith(TEMPORARY):
            with contextlib.suppress(OSError):  # it is another user's, or gone by now
                _remove_unlocked(target.with_name(name))


def _remove_unlocked(path: Path) -> None:
    if not locks.CAN_MOVE_WHAT_IS_OPEN or path.is_symlink():
        path.unlink()  # it is not this writer's turn, or no writer's at all
        return
    descriptor = os.open(path, OPEN_LEFT)
    try:
        if locks.lock(descriptor):
            path.unlink()
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _turn(target: Path) -> Iterator[None]:
    """Wait until no other process writes to a place: Windows renames nothing that is open."""
    with contextlib.ExitStack() as stack:
        while True:
            with contextlib.suppress(BlockingIOError):
                stack.enter_context(locks.holding(_beside(target, "turn")))
                break
            time.sleep(0.01)
        yield


def _sync_folder(folder: Path) -> None:
    """Make a rename durable where the file system lets us; the file itself is on the disk."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
