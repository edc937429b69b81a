"""nothing in -> the version and the wings out: backpropagation as in Deep Learning from Scratch.

>>> import bpcli
>>> bpcli.backprop.Variable(2) * 3
<Multiply>
"""

import sys
from typing import Any

__version__ = "0.2.0"

STONES = ("errors", "arrays", "machine", "memory")
WINGS = (
    "backprop",
    "files",
    "gradcheck",
    "data",
    "training",
    "export",
    "tuning",
    "teaching",
    "show",
    "notebook",
    "cli",
)
# What a notebook draws: where it is, its name, the kind of picture, and what of `show` draws it.
PICTURES = (
    ("bpcli.backprop.graph", "Graph", "image/svg+xml", "graph_svg"),
    ("bpcli.backprop.network", "Network", "image/svg+xml", "network_svg"),
    ("bpcli.gradcheck.check", "GradientCheck", "text/html", "check_html"),
)
# What is asked for most, and the wing that has it.
DOORS = {"check": "gradcheck"} | dict.fromkeys(("train", "load", "compare", "model"), "notebook")


def __getattr__(name: str) -> Any:
    """Import a room when it is first asked for, so that `bpcli --help` needs none of them."""
    import importlib

    if name in STONES + WINGS:
        return importlib.import_module(f"bpcli.{name}")
    if name in DOORS:
        importlib.import_module("bpcli.show")  # which what comes out is printed by
        return getattr(importlib.import_module(f"bpcli.{DOORS[name]}"), name)
    raise AttributeError(f"module 'bpcli' has no attribute {name!r}; its wings are {WINGS}")


def __dir__() -> list[str]:
    return sorted({*globals(), *STONES, *WINGS, *DOORS})


def _show_in_notebook() -> None:
    """Let a notebook draw what PICTURES names; of the house nothing is imported before that."""
    ipython = sys.modules.get("IPython")
    notebook = ipython and ipython.get_ipython()
    if not notebook:
        return
    for room, name, kind, function in PICTURES:

        def draw(shown: object, function: str = function) -> Any:
            return getattr(__getattr__("show"), function)(shown)

        notebook.display_formatter.formatters[kind].for_type_by_name(room, name, draw)


_show_in_notebook()
