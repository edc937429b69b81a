"""what the user wants in -> what numpy's BLAS and this process may take of the machine.

For nets of this size a second BLAS thread gains little on an idle machine, loses much on a busy
one, and changes the last bits of the result; so one thread is the default.
"""

import contextlib
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "OMP_NUM_THREADS",
)
PACKAGES = ("click", "tqdm", "PyYAML", "pillow", "matplotlib", "Jinja2")
PROC, CGROUPS = "/proc", "/sys/fs/cgroup"  # where Linux says what there is

settled_by: dict[str, str] = {}  # who has said how many threads BLAS gets


def limit_threads(threads: int | None = None) -> str:
    """Give BLAS `threads` threads; without a number one, unless the environment says how many.

    BLAS reads the environment when numpy is first imported; later it is told, if it is OpenBLAS.
    Each BLAS reads a variable of its own, so all get what any of them says. Returns a word to the
    user on a number that is none, for which they get one, or is more than there are cores.
    """
    name = next((name for name in VARIABLES if os.environ.get(name)), "")
    said = os.environ[name] if name else "1"
    first = said.partition(",")[0].strip()  # OpenMP takes one for each level of nesting
    known = first.isdigit() and int(first) > 0
    wanted = threads or (int(first) if known else 1)
    settled_by["threads"] = "--threads" if threads else name if known and name else "bpcli"
    for variable in VARIABLES:
        if threads is not None or not known or not os.environ.get(variable):
            os.environ[variable] = str(wanted)
    set_threads = _openblas("set_num_threads") if "numpy" in sys.modules else None
    if set_threads:
        set_threads(wanted)
    if threads is None and not known:
        return f"{name}: found {said}, expected a number of threads; BLAS gets one"
    cores = os.cpu_count() or 1
    return f"{wanted} BLAS threads on {cores} cores are slower than {cores}" * (wanted > cores)


def variables_for_child(folder: "Path") -> dict[str, str]:
    """Return the environment of another Python: it finds bpcli in `folder`, opens no window."""
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH", "")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "MPLBACKEND": "Agg"}


def processor_seconds(process: int) -> float | None:
    """Return how long a process has had the processor, or None where the system does not say."""
    if sys.platform != "linux" or not process:
        return None
    try:  # as clock_getcpuclockid has it: the clock of all threads of a process
        return time.clock_gettime((~process << 3) | 2)
    except OSError:
        return None


def threads() -> str:
    """Return how many threads BLAS has, or `all` where neither it nor the environment says so."""
    get_threads = _openblas("get_num_threads")
    if get_threads:
        return str(get_threads())
    return next((os.environ[name] for name in VARIABLES if os.environ.get(name)), "all")


def kernel() -> str:
    """Return the name of the processor that BLAS has kernels for, "" where it does not say."""
    get_name = _openblas("get_corename")
    if not get_name:
        return ""
    import ctypes

    get_name.restype = ctypes.c_char_p  # type: ignore[attr-defined]
    name: bytes = get_name()  # type: ignore[assignment]
    return name.decode()


def describe() -> dict[str, str]:
    """Return what the last bits of a product depend on, beside its matrices."""
    import numpy as np

    return {"numpy": np.__version__, "blas_threads": threads(), "blas_kernel": kernel()}


def describe_all() -> dict[str, Any]:
    """Return what a report of a fault should say of this machine: nothing of its user's own."""
    import platform

    import numpy as np

    built: Any = np.show_config(mode="dicts")  # type: ignore[call-overload,unused-ignore]
    blas = built["Build Dependencies"]["blas"]
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "numpy": np.__version__,
        **{package.lower(): _version(package) for package in PACKAGES},
        "blas": f"{blas['name']} {blas.get('version', '')}".strip(),
        "blas_kernel": kernel(),
        "blas_threads": threads(),
        "blas_threads_by": settled_by.get("threads", ""),
        "simd": built["SIMD Extensions"].get("found", []),
    }


def without_home(path: str) -> str:
    """Return a path, with ~ for the folder of the user."""
    home = (os.environ.get("HOME") or os.environ.get("USERPROFILE", "")).rstrip("/\\")
    inside = home and path.startswith((f"{home}/", f"{home}\\"))
    return f"~{path[len(home) :]}" if inside or (home and path == home) else path


def _version(package: str) -> str | None:
    import importlib.metadata

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _openblas(function: str) -> Callable[..., int] | None:
    """Return a function of the OpenBLAS that numpy has loaded, whatever that build calls it."""
    import ctypes

    import numpy as np

    core = np._core if hasattr(np, "_core") else np.core  # noqa: SLF001 - numpy 1.26 has the second
    with contextlib.suppress(OSError):
        library = ctypes.CDLL(core._multiarray_umath.__file__)  # noqa: SLF001 - it links to BLAS
        for name in (f"{prefix}openblas_{function}" for prefix in ("scipy_", "")):
            for suffix in ("64_", ""):
                if hasattr(library, name + suffix):
                    found: Callable[..., int] = getattr(library, name + suffix)
                    return found
    return None


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
