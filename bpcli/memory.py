"""what a system, its groups and its limits say in -> how much memory there is, and no more, out."""

import contextlib
import math
import os
import sys
from collections.abc import Iterator

from bpcli.errors import MachineError

PROC, CGROUPS = "/proc", "/sys/fs/cgroup"  # where Linux says what there is
# Bytes that numpy and its OpenBLAS take when they are imported, with what computes by them, and for
# each further thread: as measured, and some more for other builds, and for addresses, of which
# OpenBLAS finds one time in thirty too few in a row where there are 200 MB.
NEEDED = {"RLIMIT_AS": 230_000_000, "RLIMIT_DATA": 100_000_000}
NEEDED_BY_A_THREAD = 42_000_000
SET_BY = {
    "RLIMIT_AS": "the limit of ulimit -v",
    "RLIMIT_DATA": "what memory there is, or ulimit -d,",
}


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


def check_room_for_numpy(threads: int) -> None:
    """Raise MachineError where a limit leaves no room to import numpy, for so many BLAS threads.

    OpenBLAS would end the process with words of its own, and Python may wait for itself for ever
    where memory ends in the midst of an import.
    """
    if "numpy" in sys.modules:
        return
    with contextlib.suppress(ImportError):  # Windows
        import resource

        for name, needed in NEEDED.items():
            soft, _ = resource.getrlimit(getattr(resource, name))
            left = soft - _taken_memory(name)
            wanted = needed + NEEDED_BY_A_THREAD * (threads - 1)
            if soft != resource.RLIM_INFINITY and left < wanted:
                raise MachineError(
                    f"out of memory: {SET_BY[name]} leaves {max(left, 0) / 1e6:.0f} MB, expected "
                    f"{wanted / 1e6:.0f} MB or more for numpy and what computes by it"
                )


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


def _taken_memory(limit: str = "RLIMIT_DATA") -> int:
    """Return the bytes that this process has already, as far as they count for a limit of it."""
    column = {"RLIMIT_AS": 0, "RLIMIT_DATA": 5}[limit]
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(_read(PROC, "self", "statm").split()[column]) * os.sysconf("SC_PAGE_SIZE")
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
