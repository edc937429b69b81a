"""what the user wants in -> what numpy's BLAS and this process may take of the machine.

For nets of this size a second BLAS thread gains little on an idle machine, loses much on a busy
one, and changes the last bits of the result; so one thread is the default.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable
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
    known = first.isdecimal() and int(first) > 0
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


def wanted_threads() -> int:
    """Return how many threads OpenBLAS will begin with, as `limit_threads` has settled."""
    first = os.environ.get(VARIABLES[0], "").partition(",")[0].strip()
    return min(int(first), os.cpu_count() or 1) if first.isdecimal() else 1


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
