"""a path in -> what stands there, or an open file, or one sentence on why not, out."""

import contextlib
import difflib
import errno
import glob
import io
import os
import re
import stat
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

from bpcli.errors import BpcliError, FileError, readable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Standing = Literal["nothing", "file", "folder", "pipe", "socket", "device"]

LONGEST = 1000  # characters of a path that a message says
# A pipe that nobody writes into would be waited for; Windows has neither of these two.
OPEN = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
BINARY = getattr(os, "O_BINARY", 0)  # which only Windows has
ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)  # a link that leads to itself leads nowhere


def look(path: str | Path, kind: type[BpcliError] = FileError) -> Standing:
    """Say what stands at a path, behind links. Raises `kind` where that cannot be known."""
    check_name(path, kind)
    try:
        return _standing(os.stat(path).st_mode)  # noqa: PTH116 - a Path of a Path is slow
    except OSError as error:
        if error.errno in ABSENT:
            return "nothing"
        _refuse(path, error, kind, "reached")


def exists(path: str | Path, kind: type[BpcliError] = FileError) -> bool:
    """Tell whether anything stands at a path, be it a link that leads nowhere. Raises `kind`."""
    return look(path, kind) != "nothing" or bool(link_target(path))


def link_target(path: str | Path) -> str:
    """Return where a symbolic link leads to, "" for whatever is none."""
    try:
        return str(Path(path).readlink())
    except (OSError, ValueError):
        return ""


def list_folder(folder: Path, kind: type[BpcliError] = FileError) -> list[Path]:
    """Return what is in a folder, in the order of the names. Raises `kind`."""
    check_name(folder, kind)
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        _refuse(folder, error, kind)


def expand_pattern(word: str, kind: type[BpcliError] = FileError) -> list[str]:
    """Return the paths that a pattern as *.png stands for, in order; itself if it is none.

    Some shells leave that to the program. Raises `kind`.
    """
    if look(word, kind) != "nothing" or not glob.has_magic(word):
        return [word]
    return sorted(glob.glob(word)) or [word]  # noqa: PTH207 - it may begin anywhere


def find_alike(path: Path, suffixes: Collection[str]) -> list[str]:
    """Return the files beside `path`, of some suffixes, that somebody may mean who has typed it.

    One of another number, as seed-1.npz for seed-2.npz, is meant by nobody.
    """
    names: list[str] = []
    with contextlib.suppress(FileError):
        names = [entry.name for entry in list_folder(path.parent) if entry.suffix in suffixes]
    near = difflib.get_close_matches(path.name, names, cutoff=0.75)
    near += [name for name in names if Path(name).stem == path.name and name not in near]
    pattern = re.sub(r"\d+", r"\\d+", re.escape(path.name))
    has_number = re.search(r"\d", path.name)
    return [
        str(path.with_name(name))
        for name in near
        if not (has_number and re.fullmatch(pattern, name))
    ]


def expand(path: str | Path, kind: type[BpcliError] = FileError) -> Path:
    """Return a path with the home of a user for ~. Raises `kind` where there is none."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise kind(f"{say_path(path)}: cannot be reached: found no such home") from error


def resolve(path: str | Path, kind: type[BpcliError] = FileError) -> Path:
    """Return the absolute path behind all links, whether anything stands there or not.

    Raises `kind` for links that lead round in a circle, and where the working directory is gone.
    """
    check_name(path, kind)
    try:
        found = Path(os.path.realpath(path))
    except OSError as error:
        _refuse(path, error, kind, "reached")
    if link_target(found):
        _refuse(path, OSError(errno.ELOOP, os.strerror(errno.ELOOP)), kind, "reached")
    return found


def is_same_file(path: str | Path, other: str | Path) -> bool:
    """Tell whether two paths lead to one file."""
    try:
        return Path(path).samefile(other)
    except (OSError, ValueError):
        return False


def open_file(path: str | Path, kind: type[BpcliError] = FileError) -> io.BufferedReader:
    """Open a file to be read, as long as it is now: what is appended to it later is not read.

    Pipes, sockets, devices and files of /proc may have no end, and are refused. Raises `kind`, also
    where reading fails later.
    """
    found: str = look(path, kind)
    if found in ("nothing", "file"):
        try:
            descriptor = os.open(path, OPEN | BINARY)
        except OSError as error:
            _refuse(path, error, kind)
        # Something else may have taken its place meanwhile.
        found = _standing(os.fstat(descriptor).st_mode)
        if found == "file" and not _is_of_system(descriptor):
            return io.BufferedReader(_AsFound(path, descriptor, kind), 1 << 16)
        os.close(descriptor)
        found = "file of the system's own" if found == "file" else found
    raise kind(f"{say_path(path)}: found a {found}, expected a file")


def read_start(path: str | Path, count: int, kind: type[BpcliError] = FileError) -> bytes:
    """Return the first `count` bytes of a file, or all if there are fewer. Raises `kind`."""
    with open_file(path, kind) as file:
        return file.read(count)


def check_name(path: str | Path, kind: type[BpcliError] = FileError) -> None:
    """Raise `kind` for what no file can be called: a system would not even be asked for it."""
    try:
        is_name = b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        is_name = False
    if not is_name:
        raise kind(
            f"{say_path(path)}: found a character in it that no name of a file has, expected a path"
        )


def say_path(path: str | Path) -> str:
    """Return a path as messages say it: whole, unless it is longer than people can read."""
    return readable(str(path), LONGEST)


def _refuse(
    path: str | Path, error: OSError, kind: type[BpcliError], what: str = "read"
) -> NoReturn:
    reason = error.strerror or str(error)
    target = link_target(path)
    if target and error.errno == errno.ENOENT:
        reason = f"it is a link to {say_path(target)}, where nothing is"
    raise kind(f"{say_path(path)}: cannot be {what}: {reason}") from error


def _standing(mode: int) -> Standing:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISFIFO(mode):
        return "pipe"
    return "socket" if stat.S_ISSOCK(mode) else "device"


def _is_of_system(descriptor: int) -> bool:
    """Tell whether an open file has no size and yet something in it, as those of /proc have."""
    if os.fstat(descriptor).st_size:
        return False
    try:
        return bool(os.read(descriptor, 1))
    except OSError:
        return True


class _AsFound(io.FileIO):
    """The file of a descriptor, no longer than it was when it was opened."""

    def __init__(self, path: str | Path, descriptor: int, kind: type[BpcliError]) -> None:
        super().__init__(descriptor)
        self._path, self._kind = path, kind
        self._length = os.fstat(descriptor).st_size

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        try:
            left = max(0, self._length - self.tell())
            return super().readinto(memoryview(buffer).cast("B")[:left]) or 0
        except OSError as error:
            _refuse(self._path, error, self._kind)

    def readall(self) -> bytes:
        data = bytearray(max(0, self._length - self.tell()))
        view, filled = memoryview(data), 0
        while read := self.readinto(view[filled:]):
            filled += read
        return bytes(view[:filled])

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        if whence == os.SEEK_END:
            return super().seek(self._length + offset)
        return super().seek(offset, whence)
