"""what a system, its groups and its limits say in -> how much memory there is, and no more, out."""

import contextlib
import math
import os
import sys
from collections.abc import Iterator

from bpcli.errors import MachineError

PROC, CGROUPS = "/proc", "/sys/fs/cgroup"  # where Linux says what there is
NO_ROOM = (
    "out of memory: a limit of this process leaves too little for numpy; make that of ulimit -v or "
    "ulimit -d larger"
)
SECONDS = 10  # of the processor that numpy may take to be imported; a tenth of one is usual
TIGHT = {"RLIMIT_AS": 4e9, "RLIMIT_DATA": 3e8}  # bytes, below which numpy itself may not fit


@contextlib.contextmanager
def limited_memory() -> Iterator[None]:
    """Let this process take no more memory than there is: what asks for more gets a MemoryError.

    Otherwise the system would kill it, once it uses what it was promised. Where a system has no
    such limit, nothing happens; where there was one, it is there again afterwards.
    """
    try:
        import resource
    except ImportError:  # Windows
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (available_memory(), before[1]))
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_DATA, before)


@contextlib.contextmanager
def room_for_numpy() -> Iterator[None]:
    """Let numpy, and what needs it, be imported meanwhile. Raises MachineError without the room.

    OpenBLAS would end the process, with words of its own: so where a limit is low another process
    tries it first.
    """
    if "numpy" not in sys.modules and _is_tight():
        if not _try_blas():
            raise MachineError(NO_ROOM)
        _use_blas()
    try:
        yield
    except ImportError as error:
        if not _is_tight():
            raise
        raise MachineError(f"{NO_ROOM}: {error}") from error


def _is_tight() -> bool:
    """Tell whether a limit of this process is so low that numpy itself may not fit."""
    with contextlib.suppress(ImportError):  # Windows
        import resource

        softs = {name: resource.getrlimit(getattr(resource, name))[0] for name in TIGHT}
        return any(0 <= soft < TIGHT[name] for name, soft in softs.items())
    return False


def _try_blas() -> bool:
    """Tell whether a process like this one, of which nobody hears, can use numpy."""
    import resource
    import signal

    child = os.fork()
    if not child:
        # Without memory OpenBLAS may also wait, or try again, for ever: the system ends it then.
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(3 * SECONDS)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        with contextlib.suppress(BaseException):
            _use_blas()
            os._exit(0)
        os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def _use_blas() -> None:
    """Let OpenBLAS take the memory that it keeps to work in, before arrays take the rest."""
    import numpy as np

    square = np.ones((256, 256))
    np.matmul(square, square)


def available_memory() -> int:
    """Return the bytes that this process may take: of the machine, its container and its limit.

    A system that does not say, as Windows, promises no more than it has: there it is any number.
    """
    return int(min(sys.maxsize, *_limits()))


def _limits() -> Iterator[float]:
    memory = _free_memory()
    if memory:
        yield _taken_memory() + memory["MemAvailable"] + memory["SwapFree"]
    with contextlib.suppress(AttributeError, ValueError, OSError):  # Windows
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(ImportError):
        import resource

        for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
            soft, _ = resource.getrlimit(kind)
            if soft != resource.RLIM_INFINITY:
                yield soft
    yield from _limits_of_groups(memory.get("SwapFree", 0))


def _free_memory() -> dict[str, int]:
    """Return the bytes of memory and of swap that nobody uses; nothing where it is not Linux."""
    with contextlib.suppress(OSError, KeyError, ValueError):
        fields = dict(line.split(":") for line in _read(PROC, "meminfo").splitlines())
        return {name: 1024 * int(fields[name].split()[0]) for name in ("MemAvailable", "SwapFree")}
    return {}


def _taken_memory() -> int:
    """Return the bytes that this process has already, as far as they count for its limit."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(_read(PROC, "self", "statm").split()[5]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _limits_of_groups(swap: int) -> Iterator[float]:
    """Yield what each control group allows that this process is in: its own, and all around it.

    A container and a job of a batch system are such groups. What they may use of `swap` counts,
    too. Groups of version 1, where memory is a hierarchy of its own, are still there on older
    systems.
    """
    with contextlib.suppress(OSError, ValueError):
        for line in _read(PROC, "self", "cgroup").splitlines():
            _, controllers, path = line.split(":", 2)
            names = path.strip("/").split("/")
            for folder in ("/".join(names[:count]) for count in range(len(names) + 1)):
                if not controllers:
                    yield _limit_of_group(swap, CGROUPS, folder)
                    yield _limit_of_group(swap, CGROUPS, "unified", folder)
                elif "memory" in controllers.split(","):
                    group = (CGROUPS, "memory", folder)
                    yield _read_limit(*group, "memory.limit_in_bytes") + swap
                    yield _read_limit(*group, "memory.memsw.limit_in_bytes")


def _limit_of_group(swap: int, *group: str) -> float:
    """Return what a group of version 2 allows; beyond `high` it would wait more than work."""
    most, high, of_swap = (_read_limit(*group, f"memory.{n}") for n in ("max", "high", "swap.max"))
    return min(most, high) + min(of_swap, swap)


def _read_limit(*path: str) -> float:
    """Return the number in a file: any number where the file says max, or is not there."""
    try:
        return int(_read(*path))
    except (OSError, ValueError):
        return math.inf


def _read(*path: str) -> str:
    from pathlib import Path

    return Path(*path).read_text(encoding="utf-8")
