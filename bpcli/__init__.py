"""nothing in -> the version and the wings out: backpropagation as in Deep Learning from Scratch.

>>> import bpcli
>>> bpcli.backprop.Variable(2) * 3
<Multiply>
"""

from types import ModuleType

from bpcli.machine import limit_threads

__version__ = "0.1.0"

STONES = ("errors", "arrays", "machine")
WINGS = ("backprop", "files", "gradcheck", "data", "training", "export", "tuning", "show", "cli")

threads_warning = limit_threads()  # a notebook is to be as fast as the command


def __getattr__(name: str) -> ModuleType:
    """Import a room when it is first asked for, so that `bpcli --help` needs none of them."""
    import importlib

    if name in STONES + WINGS:
        return importlib.import_module(f"bpcli.{name}")
    raise AttributeError(f"module 'bpcli' has no attribute {name!r}; its wings are {WINGS}")


def __dir__() -> list[str]:
    return sorted({*globals(), *STONES, *WINGS})
