"""the name of a module that is not there in -> one that takes whatever is done with it, out."""

import importlib.abc
import importlib.machinery
import sys
import types
from typing import Any, NoReturn

import numpy as np

from bpcli.gradcheck.foreign.book import MODULES

# What numpy has dropped, and what stands for it now.
OLD_NAMES = {
    "int": int,
    "float": float,
    "bool": bool,
    "object": object,
    "complex": complex,
    "str": str,
    "float_": np.float64,
    "complex_": np.complex128,
    "longfloat": np.longdouble,
    "product": np.prod,
    "cumproduct": np.cumprod,
    "alltrue": np.all,
    "sometrue": np.any,
    "round_": np.round,
    "Inf": np.inf,
    "PINF": np.inf,
    "NINF": -np.inf,
    "Infinity": np.inf,
    "infty": np.inf,
    "NaN": np.nan,
    "NAN": np.nan,
    "row_stack": np.vstack,
    "in1d": np.isin,
    "asfarray": np.asarray,
    "asscalar": lambda array: np.asarray(array).item(),
    "msort": np.sort,
}
LIKE_NUMPY = ("cupy", "jax.numpy", "autograd.numpy", "minpy.numpy")
OPERATIONS = (
    "array", "iter", "float", "int", "neg", "add", "radd", "sub", "rsub", "mul", "rmul", "truediv",
    "rtruediv", "floordiv", "pow", "rpow", "matmul", "rmatmul", "lt", "le", "gt", "ge",
)  # fmt: skip


class Missing:
    """What a class is made from whose base is not there."""

    def __init__(self, *_args: Any, **_options: Any) -> None:
        pass


class Anything:
    """An object that has every attribute and can be called, but is no number, and holds none.

    Where one is needed it raises ModuleNotFoundError. Its class is called what it stands for.
    """

    _standing_for = ""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # which Python looks for to see what an object is
            raise AttributeError(name)
        return stand_in(f"{self._standing_for}.{name}")

    def __call__(self, *args: Any, **_options: Any) -> Any:
        decorated = len(args) == 1 and callable(args[0])
        return args[0] if decorated else stand_in(f"{self._standing_for}()")

    def __getitem__(self, _key: object) -> Any:
        return stand_in(f"{self._standing_for}[]")

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def __mro_entries__(self, _bases: object) -> tuple[type, ...]:
        return (Missing,)

    def _refuse(self, *_args: Any, **_options: Any) -> NoReturn:
        module = self._standing_for.partition(".")[0]
        raise ModuleNotFoundError(f"found no module {module}, expected {self._standing_for}")


def stand_in(name: str) -> Anything:
    """Return what stands for something of a module that is not there, by its whole name."""
    kind = type(f"{name}, whose module is not there", (Anything,), {"_standing_for": name})
    return kind()  # type: ignore[no-any-return]


for _operation in OPERATIONS:
    setattr(Anything, f"__{_operation}__", Anything._refuse)  # noqa: SLF001 - the class's own


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules that have been missed, after everybody else.

    `names` are those, with which all that is inside them is; `made` has all that were asked for.
    """

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.made: list[str] = []
        sys.meta_path.append(self)

    def find_spec(self, name: str, *_args: Any) -> importlib.machinery.ModuleSpec | None:
        parts = name.split(".")
        if any(".".join(parts[:i]) in self.names for i in range(1, len(parts) + 1)):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        self.made.append(spec.name)
        module = types.ModuleType(spec.name)
        if spec.name in MODULES:
            module.__dict__.update(MODULES[spec.name])
            return module
        if spec.name in LIKE_NUMPY:
            module.__dict__.update(vars(np), asnumpy=np.asarray)
        else:
            module.__dict__.update(__all__=[])
        module.__dict__.update(__getattr__=stand_in(spec.name).__getattr__)
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def restore_old_names(numpy: types.ModuleType) -> None:
    """Give numpy the names back that it has dropped and older files use."""
    for name, thing in OLD_NAMES.items():
        vars(numpy).setdefault(name, thing)
