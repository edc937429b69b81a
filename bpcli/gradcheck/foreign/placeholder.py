"""an array whose shape nobody knows in -> the array that fits where it first stands, out.

A forward is called once with placeholders for its weights. The first product, sum or question that
a placeholder stands in settles its shape: beside x (N, D), `x @ W` makes W (D, M), whatever it is
called. All sizes differ, so that an array of another layout cannot pass for the one that is meant.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from bpcli.arrays import Shape
from bpcli.gradcheck.foreign import vocabulary
from bpcli.gradcheck.foreign.layout import HIDDEN, UNITS, Layout

PRODUCTS: tuple[Callable[..., Any], ...] = (np.dot, np.matmul)
TWO_LAYERS = ("W1", "b1", "W2", "b2")
PAIR = 2  # operands of a product, axes of a matrix


class Sizes:
    """What the shapes of one call have in common: how many images, features, and units."""

    def __init__(self, layout: Layout, rng: np.random.Generator) -> None:
        self.layout, self.rng = layout, rng
        self.found: dict[str, Placeholder] = {}
        self.asked: set[str] = set()  # names of what turns out to be sizes
        self.units: dict[int, int] = {}  # after a product with so many

    def placeholder(self, name: str) -> "Placeholder":
        """Return the placeholder of a name, a new one if there is none yet."""
        return self.found.setdefault(name, Placeholder(name, self))

    def shapes(self) -> dict[str, Shape]:
        """Return the shapes that have been settled, by name."""
        return {name: array.shape for name, array in self.found.items()}

    def settled(self) -> set[str]:
        """Return the names of what has become an array."""
        return {name for name, array in self.found.items() if not _is_open(array)}

    def units_after(self, size: int) -> int:
        """Return how many units a product with so many has, always the same."""
        if self.layout.square:
            return size
        if size == UNITS and any(vocabulary.STATE.fullmatch(_base(name)) for name in self.found):
            return UNITS * self.layout.gates  # of a hidden state, whose next one has as many
        sizes = [s for s in self.layout.units if s not in (*self.units.values(), size)]
        return self.units.setdefault(size, sizes[0])

    def multiply(self, a: Any, b: Any) -> None:
        """Settle the shapes of a product a @ b, of which one or both are not known."""
        images, state = self.layout.images, self.layout.state
        self._doubt(a, b)
        for operand in (a, b):
            if self.layout.stacked and _is_open(operand) and _is_state(operand):
                operand.settle(state)
        if _is_open(a) and _is_open(b):
            rows = self.layout.x[-1] != images and not self.layout.columns
            (a if rows else b).settle(state)
            n = state[-1] if rows else state[0]
            (b if rows else a).settle((n, n * self.layout.gates) if rows else (n, n))
            return
        if _is_open(b):
            n = np.shape(a)[-1] if np.ndim(a) else 0
            if self.layout.columns and n == images and np.shape(a)[:1] != (images,):
                raise ValueError("what has its images in columns stands on the right of a product")
            data = np.ndim(a) < PAIR or images in np.shape(a)[:-1]
            b.settle((n, self.units_after(n)) if data else (n, images))
        elif _is_open(a):
            shape = np.shape(b)
            n = shape[-PAIR] if len(shape) > 1 else shape[0] if shape else 0
            data = len(shape) < PAIR or shape[-1] == images
            if not (data or self.layout.columns) and shape == self.layout.x:
                raise ValueError("what has its images in rows stands on the left of a product")
            a.settle((self.units_after(n), n) if data else (images, n))

    def _doubt(self, a: Any, b: Any) -> None:
        """Open again what was only asked for its shape, if it does not fit into a product."""
        for one, other in ((a, b), (b, a)):
            guessed = isinstance(other, Placeholder) and other.asked_first
            if guessed and _is_open(one) and _is_state(one):
                one.settle(self.layout.state)
        if _is_open(a) or _is_open(b) or not (np.ndim(a) and np.ndim(b)):
            return
        if np.shape(a)[-1] != np.shape(b)[-min(PAIR, np.ndim(b))]:
            for operand in (a, b):
                if isinstance(operand, Placeholder) and operand.asked_first:
                    operand.array, operand.asked_first = None, False
                    return

    def combine(self, arrays: list[Any], *, factors: bool = False) -> None:
        """Settle the shapes of what stands element by element beside what is known.

        Of `factors` none is a bias, whatever it is called.
        """
        known = [np.shape(a) for a in arrays if not _is_open(a) and np.ndim(a)]
        unknown = [array for array in arrays if _is_open(array)]
        if factors and not known and len(unknown) > 1:
            known = [self.layout.x]
        for array in unknown:
            shape = self._fitting(array.name, known[0], factors=factors) if known else None
            array.settle(shape)

    def _fitting(self, name: str, shape: Shape, *, factors: bool) -> Shape:
        word, layout = _base(name), self.layout
        column = layout.columns or (layout.x[-1:] == (layout.images,) and len(layout.x) == PAIR)
        bias = bool(vocabulary.BIAS.fullmatch(word)) and not factors
        per_feature = bias or word in vocabulary.PER_FEATURE
        if (shape == layout.x or word in vocabulary.LABELS) and not (per_feature or layout.few):
            return shape
        if vocabulary.STATE.fullmatch(word) and len(shape) == len(layout.state):
            return shape
        if column:
            return (shape[0], 1)
        return (1, shape[-1]) if layout.row_bias else shape[-1:]

    def default(self, name: str) -> Shape:
        """Return the shape of an array by its name, and else by which of the unknown it is."""
        word, layout = _base(name), self.layout
        settled = sum(not _is_open(p) for p in self.found.values())
        if word in vocabulary.LABELS:
            return layout.x
        if vocabulary.STATE.fullmatch(word):
            return layout.state
        if word in vocabulary.PER_FEATURE:
            return layout.feature
        if vocabulary.BIAS.fullmatch(word) and len(self.found) == 1:
            return layout.x  # a bias stands beside weights
        if vocabulary.BIAS.fullmatch(word) or (settled and not vocabulary.WEIGHTS.fullmatch(word)):
            return layout.b
        return layout.W

    def of_two_layers(self, key: str) -> Shape:
        """Return the shape of an array of a network of two layers, by its number: W1, b2."""
        features, hidden = self.layout.features, HIDDEN
        before, after = (features, hidden) if key.endswith("1") else (hidden, self.layout.units[0])
        if key.startswith("b"):
            return (after, 1) if self.layout.columns else (*self.layout.b[:-1], after)
        return (after, before) if self.layout.columns else (before, after)

    def spell(self, equation: str, operands: list[Any]) -> None:
        """Settle the shapes of what einsum takes by the letters of what is known."""
        sizes: dict[str, int] = {}
        terms = equation.replace(" ", "").partition("->")[0].split(",")
        for term, operand in zip(terms, operands, strict=False):
            if not _is_open(operand):
                sizes |= dict(zip(term, np.shape(operand), strict=False))
        for term, operand in zip(terms, operands, strict=False):
            if _is_open(operand):
                free = [s for s in self.layout.units if s not in sizes.values()]
                for letter in term:
                    if letter not in sizes:
                        sizes[letter] = free.pop(0)
                operand.settle(tuple(sizes[letter] for letter in term))


class Placeholder(NDArrayOperatorsMixin):
    """An array whose shape is settled by what is first done with it."""

    def __init__(self, name: str, sizes: Sizes) -> None:
        self.name, self.sizes = name, sizes
        self.array: Any = None
        self.asked_first = False  # whether its shape was asked for before it stood anywhere

    def settle(self, shape: Shape | None) -> Any:
        """Become an array of a shape, or of the likeliest; return it."""
        if self.array is None:
            shape = self.sizes.default(self.name) if shape is None else shape
            self.array = self.sizes.rng.normal(size=shape)
        return self.array

    @property
    def T(self) -> Any:
        return Turned(self) if self.array is None else self.array.T

    @property
    def shape(self) -> Shape:
        self.asked_first |= _is_open(self)
        found: Shape = self.settle(None).shape
        return found

    def dot(self, other: Any) -> Any:
        return np.dot(self, other)

    def transpose(self) -> Any:
        return self.T

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        found = np.asarray(self.settle(None), dtype)
        return found.copy() if copy else found

    def __index__(self) -> int:
        self.sizes.asked.add(self.name)
        raise TypeError(f"{self.name} is taken for a size")

    def __float__(self) -> float:
        return float(self.__index__())

    def __len__(self) -> int:
        return len(self.settle(None))

    def __iter__(self) -> Any:
        return iter(self.settle(None))

    def __getitem__(self, key: Any) -> Any:
        return self.settle(None)[key]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.settle(None), name)

    def __deepcopy__(self, memo: Any) -> Any:
        return self

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if ufunc is np.matmul:
            self.sizes.multiply(*inputs)
        else:
            factors = ufunc is np.multiply
            self.sizes.combine([*inputs, *options.get("out", ())], factors=factors)
        if "out" in options:
            options["out"] = tuple(map(_real, options["out"]))
        return getattr(ufunc, method)(*map(_real, inputs), **options)

    def __array_function__(self, function: Any, _types: Any, args: Any, options: Any) -> Any:
        if function in PRODUCTS:
            self.sizes.multiply(*args[:PAIR])
        elif function is np.einsum and isinstance(args[0], str):
            self.sizes.spell(args[0], list(args[1:]))
        elif function in (np.transpose,) and len(args) == 1 and not options:
            return self.T
        return function(*map(_real, args), **{k: _real(v) for k, v in options.items()})


class Turned(Placeholder):
    """The transpose of an array whose shape is not settled yet."""

    def __init__(self, base: Placeholder) -> None:
        super().__init__(base.name, base.sizes)
        self.base = base

    def settle(self, shape: Shape | None) -> Any:
        return self.base.settle(None if shape is None else shape[::-1]).T

    @property
    def T(self) -> Any:
        return self.base


class Parameters(dict[str, Any]):
    """A dictionary that has an array for every name that it is asked for."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, key: Any) -> Any:
        if not isinstance(key, str):
            raise KeyError(key)
        self[key] = self.make(key)
        return self[key]

    def __len__(self) -> int:
        if not super().__len__():  # as in len(parameters) // 2: two layers
            for key in TWO_LAYERS:
                self[key] = self.make(key)
                if isinstance(self[key], Placeholder):
                    self[key].settle(self[key].sizes.of_two_layers(key))
        return super().__len__()

    def __deepcopy__(self, memo: Any) -> Any:
        return self


def _base(name: str) -> str:
    """Return the last word of a name such as parameters[Wax], as the vocabulary has it."""
    return vocabulary.plain(name.rpartition("[")[2].rstrip("]"))


def _is_state(array: Placeholder) -> bool:
    return vocabulary.STATE.fullmatch(_base(array.name)) is not None


def _is_open(thing: Any) -> bool:
    if isinstance(thing, Turned):
        return thing.base.array is None
    return isinstance(thing, Placeholder) and thing.array is None


def _real(thing: Any) -> Any:
    """Return arrays in place of placeholders, also of those in lists."""
    if isinstance(thing, Placeholder):
        return thing.settle(None)
    if isinstance(thing, list | tuple):
        return type(thing)(map(_real, thing))
    return thing
