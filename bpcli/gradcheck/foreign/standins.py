"""the name of a module that is not there in -> one that takes whatever is done with it, out."""

import collections
import collections.abc
import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

# What numpy has dropped, and what stands for it now.
OLD_NAMES = {
    "int": int,
    "float": float,
    "bool": bool,
    "object": object,
    "complex": complex,
    "str": str,
    "float_": np.float64,
    "product": np.prod,
    "cumproduct": np.cumprod,
    "alltrue": np.all,
    "sometrue": np.any,
    "Inf": np.inf,
    "NaN": np.nan,
    "infty": np.inf,
    "row_stack": np.vstack,
    "in1d": np.isin,
    "asfarray": np.asarray,
    "msort": np.sort,
}
LIKE_NUMPY = ("cupy", "jax.numpy", "autograd.numpy", "minpy.numpy")


class Anything:
    """An object that has every attribute, can be called, and is empty."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # which Python looks for to see what an object is
            raise AttributeError(name)
        return Anything()

    def __call__(self, *args: Any, **_options: Any) -> Any:
        decorated = len(args) == 1 and callable(args[0])
        return args[0] if decorated else Anything()

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __getitem__(self, _key: object) -> Any:
        return Anything()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_error: object) -> None:
        pass


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules that have been missed, after everybody else."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        sys.meta_path.append(self)

    def find_spec(self, name: str, *_args: Any) -> importlib.machinery.ModuleSpec | None:
        parts = name.split(".")
        if any(".".join(parts[:i]) in self.names for i in range(1, len(parts) + 1)):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = types.ModuleType(spec.name)
        if spec.name in LIKE_NUMPY:
            module.__dict__.update(vars(np))
        else:
            module.__dict__.update(__all__=[], __getattr__=Anything().__getattr__)
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def restore_old_names() -> None:
    """Give numpy and collections the names back that they have dropped and older files use."""
    for name, thing in OLD_NAMES.items():
        if name not in vars(np):
            setattr(np, name, thing)
    for name in collections.abc.__all__:
        vars(collections).setdefault(name, getattr(collections.abc, name))
