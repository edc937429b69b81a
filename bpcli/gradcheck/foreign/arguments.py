"""a function and the layout of its arrays in -> a value for each of its arguments, by name, out."""

import functools
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bpcli.gradcheck.foreign import tree, usage, vocabulary
from bpcli.gradcheck.foreign.given import take
from bpcli.gradcheck.foreign.layout import FILTERS, HIDDEN, MORE_UNITS, UNITS, Layout
from bpcli.gradcheck.foreign.placeholder import PAIR, Parameters, Placeholder, Sizes
from bpcli.gradcheck.foreign.values import PARAMETERS, NoValueError, value

MANY = 32  # units; a net of more is slow to copy, and no better to check


class StochasticGradientDescent:
    """What a person's layer may be given for an optimizer: W <- W - rate dW, with any call."""

    rate = 0.1

    def __init__(self) -> None:
        self.gradients: dict[str, Any] = {}  # where backward hands them on by name

    def update(self, *given: Any, **_options: Any) -> Any:
        """Return the first array less the second, times the rate, or keep gradients by name."""
        for part in given:
            self.gradients |= part if isinstance(part, dict) else {}
        arrays = [part for part in given if isinstance(part, np.ndarray)]
        return arrays[0] - self.rate * arrays[1] if len(arrays) > 1 else None

    __call__ = step = optimize = update

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "gradients":
            raise AttributeError(name)
        return self.update


def tanh(x: Any, derivative: Any = False) -> Any:
    """Return what a layer may be given for an activation, or its derivative if it asks for it."""
    return 1 - np.tanh(x) ** 2 if derivative else np.tanh(x)


def tanh_derivative(x: Any) -> Any:
    """Return the derivative of that activation."""
    return 1 - np.tanh(x) ** 2


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the arguments of a function that have a name. Raises NoValueError if it tells none."""
    plain = getattr(function, "__func__", None)  # of a method, whose first argument is there
    try:
        found = _signature(plain)[1:] if plain else _signature(function)
    except (TypeError, ValueError) as error:
        raise NoValueError("its arguments") from error
    named = (
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.KEYWORD_ONLY,
        inspect.Parameter.POSITIONAL_ONLY,
    )
    return [parameter for parameter in found if parameter.kind in named]


@functools.lru_cache(maxsize=1024)
def _signature(function: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    return tuple(inspect.signature(function).parameters.values())


def _hides_mistakes(parameter: inspect.Parameter) -> bool:
    """Tell whether a default is one with which a mistake would not show, or which is too large."""
    word = vocabulary.plain(parameter.name)
    if word == "mode" and parameter.default not in vocabulary.MODES:
        return False  # of pooling, say
    large = isinstance(parameter.default, int) and parameter.default > MANY
    return word in vocabulary.ALWAYS_GIVEN or bool(vocabulary.TRAINING.fullmatch(word)) or large


def is_required(parameter: inspect.Parameter) -> bool:
    """Tell whether an argument has no default."""
    return parameter.default is inspect.Parameter.empty


def _is_called(
    parameter: inspect.Parameter, function: Any, uses: Mapping[str, set[str]] | None
) -> bool:
    """Tell whether an option is a function or an object, whatever such a name means elsewhere."""
    found = usage.uses_of_arguments(function) if uses is None else uses
    return bool(found.get(parameter.name, set()) & {usage.CALLED, usage.OBJECT})


def _is_asked_for(function: Callable[..., Any], parameter: inspect.Parameter) -> bool:
    """Tell whether a size is None by default, and used without a look at whether it is."""
    uses = usage.uses_of_arguments(function).get(parameter.name, set())
    return parameter.default is None and usage.SIZE in uses and usage.OPTIONAL not in uses


@dataclass
class Supply:
    """What there is for the arguments of a unit's functions, in one layout.

    Values are `given` by the user, `options` of one variant, or arrays of `shapes`
    that placeholders have settled. Where `open`, every array is a placeholder, whose shape is to be
    settled.
    """

    layout: Layout
    rng: np.random.Generator
    given: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    shapes: Mapping[str, Any] = field(default_factory=dict)
    open: bool = False
    module: str = ""  # whose classes may be what an argument asks for
    whole: frozenset[str] = frozenset()  # names of arguments that have turned out to be sizes

    def __post_init__(self) -> None:
        self.sizes = Sizes(self.layout, self.rng)
        self.dictionaries: dict[str, Parameters] = {}
        self.placed: list[str] = []  # sizes that are known by their order alone

    def fill(
        self,
        function: Callable[..., Any],
        known: Mapping[str, Any],
        uses: Mapping[str, set[str]] | None = None,
    ) -> dict[str, Any]:
        """Return values for the arguments of a function.

        They are what is `known` by name, what the user has given, defaults, or what such a name
        means in the layout. Raises NoValueError for one that nobody knows.
        """
        found: dict[str, Any] = {}
        for parameter in parameters(function):
            name, word = parameter.name, vocabulary.plain(parameter.name)
            if name in self.given:
                found[name] = take(self.given[name], self.rng)
            elif name in self.options:
                found[name] = self.options[name]
            elif name in known:
                found[name] = known[name]
            elif is_required(parameter) or _is_asked_for(function, parameter):
                uses = usage.uses_of_arguments(function) if uses is None else uses
                found[name] = self.value(name, uses.get(name, set()))
            elif _hides_mistakes(parameter) and not _is_called(parameter, function, uses):
                found[name] = self._or_default(parameter)
            elif (
                self.layout.pictures
                and word in vocabulary.INPUT_SHAPE
                and isinstance(parameter.default, tuple)
            ):
                found[name] = self.layout.x[1:]
        return found

    def value(self, name: str, uses: set[str]) -> Any:
        """Return a value for an argument, by its name, and else by its use and its place."""
        word, size = vocabulary.plain(name), usage.SIZE in uses
        if name in self.whole:
            return self._size(name)
        if name in self.shapes:
            return self._settled(self.shapes[name])
        if uses & {usage.LAYERS, usage.AXES, usage.INNER_AXES}:
            return self._of_sizes(uses)
        if usage.FILLED in uses and not uses & {usage.DICTIONARY, usage.ARRAY}:
            return {}  # in which forward keeps what backward needs
        if word in vocabulary.OPTIMIZERS:
            return StochasticGradientDescent()
        if usage.CALLED in uses and not size:
            return tanh_derivative if vocabulary.DERIVATIVE.search(name) else tanh
        if word in vocabulary.ACTIVATIONS:
            return self._activation() if usage.OBJECT in uses else "relu"
        dictionary = bool(uses & {usage.DICTIONARY, usage.DECLARED})
        if dictionary and not size and word not in PARAMETERS:
            return self._dictionary(name)
        if self.open and self._is_array(name, uses):
            return self.sizes.placeholder(name)
        return self._named(name, uses)

    def _of_sizes(self, uses: set[str]) -> Any:
        """Return the sizes of all layers, or the shape of weights, or what comes behind in it."""
        if usage.LAYERS in uses:
            return value("layers", self.layout, self.rng)
        return self.layout.W[usage.AXES not in uses :]

    def _is_array(self, name: str, uses: set[str]) -> bool:
        """Tell whether an argument is an array, by its use, or by its name if that says nothing."""
        size, array = usage.SIZE in uses, usage.ARRAY in uses
        state = vocabulary.STATE.fullmatch(vocabulary.plain(name))
        named = vocabulary.is_array(name) and not (size and not array)
        return named or (not size and (array or bool(state)))

    def _named(self, name: str, uses: set[str]) -> Any:
        """Return what a name means in the layout, else a size by its place, else a placeholder."""
        size = usage.SIZE in uses and usage.ARRAY not in uses
        texts = sorted(use.removeprefix(usage.TEXT) for use in uses if use.startswith(usage.TEXT))
        if texts and vocabulary.plain(name) == "mode" and not {*texts} & {*vocabulary.MODES}:
            return texts[0]
        try:
            found = value(name, self.layout, self.rng)
            if size and isinstance(found, list | np.ndarray):
                return self._size(name)
        except NoValueError:
            if size:
                return int(usage.PAD in uses or usage.STRIDE in uses) or self._size(name)
            if texts:
                return texts[0]  # one that it is compared with
            if self.open and not uses & {usage.WORD, usage.OBJECT}:
                return self.sizes.placeholder(name)
            raise
        if isinstance(found, dict):
            found |= {key: self.options[key] for key in found if key in self.options}
        return found

    def fit_state(self, thing: Any) -> None:
        """Let a hidden state fit the weights from it to itself, which an object has made."""
        sizes = {
            a.shape[0]
            for p, a in tree.arrays(thing).items()
            if a.ndim == PAIR and a.shape[0] == a.shape[1] and len(p) <= PAIR
        }
        if len(sizes) == 1 and not self.layout.square:
            self.layout = self.sizes.layout = replace(self.layout, hidden=sizes.pop())

    def settled(self) -> dict[str, Any]:
        """Return the shapes of all placeholders, by the names of arguments."""
        found: dict[str, Any] = {
            name: tuple(array.shape) for name, array in self.sizes.found.items() if "[" not in name
        }
        for name, dictionary in self.dictionaries.items():
            found[name] = {
                key: tuple(part.shape) if isinstance(part, Placeholder) else part
                for key, part in dictionary.items()
            }
        return found

    def _settled(self, shape: Any) -> Any:
        if isinstance(shape, dict):
            return {key: self._settled(part) for key, part in shape.items()}
        return self.rng.normal(size=shape) if isinstance(shape, tuple) else shape

    def _dictionary(self, name: str) -> Parameters:
        """Return a dictionary that has what it is asked for: a size, a number, or an array."""

        def make(key: str) -> Any:
            if key in self.options:
                return self.options[key]
            if not vocabulary.is_array(key):
                try:
                    return value(key, self.layout, self.rng)
                except NoValueError:
                    pass
            if not self.open:
                raise NoValueError(f"{name}[{key!r}]")
            return self.sizes.placeholder(f"{name}[{key}]")

        return self.dictionaries.setdefault(name, Parameters(make))

    def _size(self, name: str) -> Any:
        """Return a size by the words in its name, and else by its place among the arguments."""
        words = set(vocabulary.parts(name))
        if self.layout.pictures and vocabulary.plain(name) in vocabulary.CHANNELS_OUT:
            return FILTERS
        numbers = [int(word) for word in words if word.isdigit()]
        number = numbers[0] if numbers else 1
        if words & vocabulary.SIZE_OF_HIDDEN:
            return (HIDDEN, *MORE_UNITS)[max(0, number - 1) % 5]
        if words & vocabulary.SIZE_OF_INPUT:
            return self.layout.channels if self.layout.pictures else self.layout.features
        if words & vocabulary.SIZE_OF_OUTPUT:
            return (
                FILTERS
                if self.layout.pictures
                else self.layout.features
                if (self.layout.square)
                else UNITS
            )
        layout = self.layout
        order: tuple[Any, ...] = (layout.features, UNITS, *MORE_UNITS)
        if layout.pictures:
            order = (layout.channels, FILTERS, layout.window[0], 1, 1, 1)
        if name not in self.placed:
            self.placed.append(name)
        return order[min(self.placed.index(name), len(order) - 1)]

    def _or_default(self, parameter: inspect.Parameter) -> Any:
        """Return what is known of such a name in place of a default, if anything is."""
        try:
            found = value(parameter.name, self.layout, self.rng)
        except NoValueError:
            return parameter.default
        if isinstance(parameter.default, int) and isinstance(found, list):
            return self.layout.units[0]  # a size, and not those of all layers
        return found

    def _activation(self) -> Any:
        """Return an object of the person's own that may be an activation."""
        module = vars(sys.modules.get(self.module, object())) if self.module else {}
        for wanted in (r"sigmoid|tanh", "relu", "."):
            for name, kind in module.items():
                if (
                    isinstance(kind, type)
                    and re.search(wanted, name, re.I)
                    and (
                        any(hasattr(kind, m) for m in vocabulary.FORWARD[:8])
                        and any(hasattr(kind, m) for m in vocabulary.BACKWARD)
                    )
                ):
                    try:
                        return kind()
                    except Exception:  # noqa: BLE001, S112 - the next may be what is meant
                        continue
        raise NoValueError("activation")
