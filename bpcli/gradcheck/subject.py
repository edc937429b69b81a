"""anybody's object or functions, and inputs, in -> a Subject, called and copied as one, out.

Nothing is guessed: what the inputs are has been said by giving them, and what a backward takes is
told by its signature. Where that does not tell, an ArgumentError says what would.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bpcli.arrays import Array
from bpcli.errors import ArgumentError, BpcliError
from bpcli.gradcheck.foreign.vocabulary import (
    CACHE,
    DERIVATIVE,
    RESULTS,
    is_output,
    is_rate,
    plain,
)
from bpcli.gradcheck.scope import Scope

PAIR = "give two functions, as check(lambda x: ..., lambda dout: ..., x)"


class NoOutputError(BpcliError):
    """A forward that returns nothing which could be differentiated."""

    def __init__(self, returned: object) -> None:
        got = "None" if returned is None else f"a {type(returned).__name__}"
        super().__init__(f"forward returned {got}, expected an array: is `return y` missing?")


@dataclass(frozen=True)
class Outputs:
    """What a forward returned: the `arrays` that are differentiated, and what else it returned.

    That is a `cache` for backward or, where there is no backward, the `gradients`. They may have
    been kept, and not returned.
    """

    arrays: list[Array]
    cache: Any = None
    gradients: Any = None
    is_kept: bool = False


@dataclass
class Subject:
    """Something with a forward and a backward, and all that its calls can change.

    `inputs` are the arguments of forward by its names for them, of which `numbers` are arrays ()
    here, and `integers` were whole numbers. `owner` is the object, or the Scope of functions, whose
    arrays may be parameters. `backward` is none of a function that returns a loss with gradients; a
    `derivative` takes inputs alone and returns f'. `given_as` has arguments of backward that are
    inputs by another name, and `reduction` is "sum" or "mean" where backward takes that of all
    outputs for the loss. A deep copy of a Subject shares nothing with it.
    """

    name: str
    forward: Callable[..., Any]
    backward: Callable[..., Any] | None
    inputs: dict[str, Any]
    numbers: frozenset[str] = frozenset()
    integers: frozenset[str] = frozenset()
    owner: Any = None
    derivative: bool = False
    given_as: Mapping[str, str] = field(default_factory=dict)
    reduction: str = ""

    @property
    def is_object(self) -> bool:
        """Whether it is an object, whose arrays are all its own, and not functions."""
        return self.owner is not None and not isinstance(self.owner, Scope)

    @property
    def takes_dout(self) -> bool:
        """Whether backward is given a gradient from the right."""
        return bool(self._douts(required=True))

    def call_forward(self) -> Outputs:
        """Call forward on the inputs. Raises what it raises, and ArgumentError."""
        returned = self.forward(*map(self._give, self.inputs))
        is_kept = returned is None and self.is_object
        if is_kept:
            kept = (getattr(self.owner, name, None) for name in RESULTS)
            returned = next((part for part in kept if part is not None), None)
        parts = list(returned) if isinstance(returned, tuple) else [returned]
        if not is_number(parts[0]):
            raise NoOutputError(parts[0])
        if self.backward is None:
            return Outputs([np.asarray(parts[0])], gradients=tuple(parts[1:]))
        arrays = [np.asarray(part) for part in parts if is_number(part)]
        douts = len(self._douts(required=True))
        if any(array.ndim == 0 for array in arrays) and not douts:  # as of (probabilities, loss)
            arrays.sort(key=lambda array: array.ndim)
        cache = parts[-1] if len(parts) > 1 else arrays[0]
        return Outputs(arrays[: max(1, douts)], cache, is_kept=is_kept)

    def call_backward(self, outputs: Outputs, douts: Sequence[Array]) -> Any:
        """Call backward after a forward, with `douts` from the right, and return what it returns.

        Raises what it raises, and ArgumentError.
        """
        if self.backward is None:
            return outputs.gradients
        inputs = [self._give(name) for name in self.inputs]
        if self.derivative:  # whatever it calls its arguments
            return _multiply_all(douts[0], self.backward(*inputs))
        scalar = outputs.arrays[0].ndim == 0
        if not parameters(self.backward) and not scalar:  # backward(*args), or none
            if _takes_nothing(self.backward):
                raise ArgumentError(
                    f"{self.name}: {name_of(self.backward)} takes nothing, and forward returns an "
                    f"array {outputs.arrays[0].shape}: of which loss it is cannot be told; {PAIR}"
                )
            return self._call_unnamed(douts)
        names = self._douts(required=True)
        if not names and not scalar:
            names = self._douts(required=False)[:1]  # backward(dout=None)
        args, named = self._fill(outputs, dict(zip(names, douts, strict=False)))
        self._check_filled(len(args), named)
        returned = self.backward(*args, **named)
        multiplied = not names and not scalar and not self.reduction
        return _multiply_all(douts[0], returned) if multiplied else returned

    def _call_unnamed(self, douts: Sequence[Array]) -> Any:
        """Call a backward that has no names for what it takes."""
        try:
            return self.backward and self.backward(*douts)
        except TypeError as error:
            words = f"{name_of(self.backward)} has no names for what it takes"
            raise ArgumentError(f"{self.name}: {words}; {PAIR}") from error

    def _fill(
        self, outputs: Outputs, douts: Mapping[str, Array]
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments of backward: douts, inputs, the cache, and what forward returned.

        They go by their places, as far as there are no others between them.
        """
        args, named = list[Any](), dict[str, Any]()
        every = parameters(self.backward)
        for i, (name, kind) in enumerate((p.name, p.kind) for p in every):
            source = self.given_as.get(name, name)
            if name in douts:
                value = douts[name] if douts[name].ndim else douts[name].item()
            elif source in self.inputs:
                value = self._give(source)
            elif CACHE.fullmatch(plain(name)):
                value = outputs.cache
            elif is_output(name):
                value = outputs.arrays[0].copy()
            else:
                continue
            if i == len(args) and kind is not inspect.Parameter.KEYWORD_ONLY:
                args.append(value)
            else:
                named[name] = value
        return args, named

    def _check_filled(self, count: int, named: Mapping[str, Any]) -> None:
        """Raise ArgumentError if backward needs more than it can be given."""
        every = parameters(self.backward)
        for p in every[count:]:
            if p.default is p.empty and p.name not in named:
                taken = ", ".join(p.name for p in every)
                raise ArgumentError(
                    f"{self.name}: what {p.name} of {name_of(self.backward)}({taken}) is cannot be "
                    f"told; {PAIR}"
                )

    def draw_douts(self, outputs: Outputs, rng: np.random.Generator) -> list[Array]:
        """Return a gradient from the right for each output: 1 for a loss."""
        if self.reduction:
            (y,) = outputs.arrays
            return [np.full(y.shape, 1 / len(y) if self.reduction == "mean" else 1.0)]
        return [rng.normal(size=y.shape) if y.ndim else np.ones(()) for y in outputs.arrays]

    def readings(self, outputs: Outputs) -> "Iterator[Subject]":
        """Yield what the signatures may mean, the likeliest first: one alone, mostly."""
        yield self
        vector = outputs.arrays[0].ndim > 0
        names = [p.name for p in parameters(self.backward)]
        douts, given = self._douts(required=True), [name for name in names if name in self.inputs]
        if self.derivative or self.backward is None:
            return
        if not self.is_object and given and not douts and len(self.inputs) == 1 and vector:
            yield replace(self, given_as={names[0]: ""})  # backward(x), where x stands for dout
        elif len(self.inputs) > 1 and len(douts) == 1 and given:
            # backward(values, t), where values may be what forward was given, and not dout.
            first = next(name for name in self.inputs if name not in given)
            for reduction in ("mean", "sum") if vector else ("",):
                yield replace(self, given_as={douts[0]: first}, reduction=reduction)
        elif len(self.inputs) > 1 and not douts and vector:
            for reduction in ("mean", "sum"):
                yield replace(self, reduction=reduction)

    def _douts(self, *, required: bool) -> list[str]:
        """Return which arguments of backward are gradients from the right. Raises ArgumentError."""
        if self.backward is None or self.derivative or self.reduction:
            return []
        every = parameters(self.backward)
        left = [
            p.name
            for p in every
            if (p.default is p.empty or not required)
            and self.given_as.get(p.name, p.name) not in self.inputs
            and not CACHE.fullmatch(plain(p.name))
        ]
        rates = [name for name in left if is_rate(name)]
        if rates and required:
            raise ArgumentError(f"{self.name}: backward takes a learning rate, {rates[0]}; {PAIR}")
        firsts = [name for name in left if not is_output(name)]
        if (
            not left and required and self.is_object and len(every) == 1
        ):  # backward(x) of forward(x)
            left = [p.name for p in every[:1] if not DERIVATIVE.search(name_of(self.backward))]
        return firsts or left[:1]

    def _give(self, name: str) -> Any:
        value = self.inputs[name]
        return value[()] if name in self.numbers else value


def parameters(function: Callable[..., Any] | None) -> list[inspect.Parameter]:
    """Return the arguments of a function that have a name; none where it does not tell them."""
    if function is None:
        return []
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of numpy's own, say
        return []
    return [p for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def _takes_nothing(function: Callable[..., Any]) -> bool:
    try:
        return not inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def is_number(thing: Any) -> bool:
    """Tell whether something is an array of numbers, or one number, that can be differentiated."""
    if isinstance(thing, np.ndarray):
        return thing.dtype.kind in "fc" and thing.size > 0
    return isinstance(thing, float | complex | np.inexact)


def _multiply_all(dout: Array, returned: Any) -> Any:
    """Return the gradients by inputs whose derivatives were returned."""
    if isinstance(returned, tuple):
        return tuple(_multiply(dout, np.asarray(part)) for part in returned)
    return _multiply(dout, np.asarray(returned))


def _multiply(dout: Array, derivative: Array) -> Array:
    """Return the gradient by x, where the derivative is of each element of y by its own of x.

    It may also be a Jacobian, of each element of y by each of x.
    """
    if derivative.shape != dout.shape and derivative.shape[: dout.ndim] == dout.shape:
        return np.asarray(np.tensordot(dout, derivative, dout.ndim))
    return np.asarray(dout * derivative)


def name_of(function: Callable[..., Any] | None) -> str:
    """Return what a function is called."""
    return str(getattr(function, "__name__", type(function).__name__))
