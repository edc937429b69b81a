"""a number of threads in -> the environment that BLAS reads when numpy is first imported.

For nets of this size a second BLAS thread gains little on an idle machine, loses much on a busy
one, and changes the last bits of the result; so one thread is the default.
"""

import os
import sys

VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "OMP_NUM_THREADS",
)


def limit_threads(threads: int | None) -> None:
    """Give BLAS `threads` threads; with None, one, unless the environment already says how many.

    Without effect once numpy has been imported, because BLAS has then read the environment.
    """
    if "numpy" in sys.modules:
        return
    if threads is not None or not any(os.environ.get(name) for name in VARIABLES):
        os.environ.update(dict.fromkeys(VARIABLES, str(threads or 1)))


def threads() -> str:
    """Return the number of threads that the environment gives BLAS, `all` if it gives none."""
    return next((os.environ[name] for name in VARIABLES if os.environ.get(name)), "all")
