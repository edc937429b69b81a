"""anybody's object or functions, and inputs, in -> a Subject, which is called and copied as one, out.

Nothing is guessed: what the inputs are has been said by giving them, and what a backward takes is
told by its signature. Where that does not tell, an ArgumentError says what would.
"""

import copy
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Array
from bpcli.errors import ArgumentError, BpcliError
from bpcli.gradcheck.foreign.vocabulary import (
    BACKWARD,
    CACHE,
    DERIVATIVE,
    FORWARD,
    LOSS_METHODS,
    NETWORK,
    RESULTS,
    is_output,
    is_rate,
    plain,
)

PAIR = "give two functions, as check(lambda x: ..., lambda dout: ..., x)"


class NoOutputError(BpcliError):
    """A forward that returns nothing which could be differentiated."""


@dataclass(frozen=True)
class Outputs:
    """What a forward returned: the `arrays` that are differentiated, and what else it returned.

    That is a `cache` for backward or, where there is no backward, the `gradients`.
    """

    arrays: list[Array]
    cache: Any = None
    gradients: Any = None


@dataclass
class Subject:
    """Something with a forward and a backward, and all that its calls can change.

    `inputs` are the arguments of forward by its names for them, of which `numbers` are arrays ()
    here, and `integers` were whole numbers. `owner` is the object whose arrays are parameters, if there is one. `backward` is none of a
    function that returns a loss with its gradients; a `derivative` takes inputs alone and returns
    f'. `given_as` has arguments of backward that are inputs by another name, and `reduction` is
    "sum" or "mean" where backward takes that of all outputs for the loss. A deep copy of a Subject
    shares nothing with it.
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

    def call_forward(self) -> Outputs:
        """Call forward on the inputs. Raises what it raises, and ArgumentError."""
        returned = self.forward(*map(self._give, self.inputs))
        if returned is None:  # it is kept, then
            kept = (getattr(self.owner, name, None) for name in RESULTS)
            returned = next((part for part in kept if part is not None), None)
        parts = list(returned) if isinstance(returned, tuple) else [returned]
        if not is_number(parts[0]):
            got = "None" if returned is None else f"a {type(parts[0]).__name__}"
            raise NoOutputError(
                f"forward returned {got}, expected an array: is `return y` missing?"
            )
        if self.backward is None:
            return Outputs([np.asarray(parts[0])], gradients=tuple(parts[1:]))
        arrays = [np.asarray(part) for part in parts if is_number(part)]
        douts = len(self._douts(required=True))
        if any(array.ndim == 0 for array in arrays) and not douts:  # as of (probabilities, loss)
            arrays.sort(key=lambda array: array.ndim)
        return Outputs(arrays[: max(1, douts)], cache=parts[-1] if len(parts) > 1 else arrays[0])

    def call_backward(self, outputs: Outputs, douts: Sequence[Array]) -> Any:
        """Call backward after a forward, with `douts` from the right, and return what it returns."""
        if self.backward is None:
            return outputs.gradients
        names = self._douts(required=True)
        if not names and outputs.arrays[0].ndim:
            names = self._douts(required=False)[:1]  # backward(dout=None)
        if not names and _takes_nothing(self.backward) and outputs.arrays[0].ndim:
            raise ArgumentError(
                f"{self.name}: {name_of(self.backward)} takes nothing, and forward returns an array "
                f"{outputs.arrays[0].shape}: of which loss it is cannot be told; {PAIR}"
            )
        values = [dout.item() if dout.ndim == 0 else dout for dout in douts]
        given: dict[str, Any] = {}
        for name in (p.name for p in parameters(self.backward)):
            if name in names:
                given[name] = values[names.index(name)]
            elif self.given_as.get(name, name) in self.inputs:
                given[name] = self._give(self.given_as.get(name, name))
            elif CACHE.fullmatch(plain(name)):
                given[name] = outputs.cache
            elif is_output(name):
                given[name] = outputs.arrays[0].copy()
        if self.derivative:  # whatever it calls its arguments
            returned = self.backward(*map(self._give, self.inputs))
        elif not parameters(self.backward):  # backward(*args)
            return self.backward(*(values if outputs.arrays[0].ndim else ()))
        else:
            returned = self.backward(**given)
        if names or not outputs.arrays[0].ndim or self.reduction:
            return returned
        parts = returned if isinstance(returned, tuple) else (returned,)
        products = tuple(_multiply(douts[0], np.asarray(part)) for part in parts)
        return products if isinstance(returned, tuple) else products[0]

    def draw_douts(self, outputs: Outputs, rng: np.random.Generator) -> list[Array]:
        """Return a gradient from the right for each output: 1 for a loss."""
        if self.reduction:
            (y,) = outputs.arrays
            return [np.full(y.shape, 1 / len(y) if self.reduction == "mean" else 1.0)]
        return [rng.normal(size=y.shape) if y.ndim else np.ones(()) for y in outputs.arrays]

    def readings(self, outputs: Outputs) -> "Iterator[Subject]":
        """Yield what the signatures may mean, the likeliest first: one alone, mostly."""
        names = [p.name for p in parameters(self.backward)] if self.backward else []
        douts, vector = self._douts(required=True), outputs.arrays[0].ndim > 0
        yield self
        if self.derivative:
            return
        inputs = [name for name in names if name in self.inputs]
        if self.owner is None and names and not douts and len(self.inputs) == 1 and vector:
            yield replace(
                self, given_as={names[0]: ""}
            )  # backward(x), where x is called so for dout
        if len(self.inputs) < 2:
            return
        if (
            len(douts) == 1 and inputs
        ):  # backward(values, t), where values are what forward was given
            first = next(name for name in self.inputs if name not in inputs[:1])
            for reduction in ("mean", "sum") if vector else ("",):
                yield replace(self, given_as={douts[0]: first}, reduction=reduction)
        elif not douts and vector:
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
        is_backward = self.owner is not None and not DERIVATIVE.search(name_of(self.backward))
        return firsts or left[:1] or [p.name for p in every[:1] if is_backward and required]

    def _give(self, name: str) -> Any:
        value = self.inputs[name]
        return value[()] if name in self.numbers else value


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the arguments of a function that have a name; none where it does not tell them."""
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


def _multiply(dout: Array, derivative: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the gradient by x, where the derivative is that of y by x, element by element or all."""
    if derivative.shape == dout.shape:
        return dout * derivative
    if derivative.shape[: dout.ndim] == dout.shape:  # a Jacobian, of each output by each element
        return np.tensordot(dout, derivative, dout.ndim)
    return dout * derivative  # which may raise


def name_of(function: Callable[..., Any]) -> str:
    """Return what a function is called."""
    return str(getattr(function, "__name__", type(function).__name__))


def make_subject(
    thing: Any, inputs: Sequence[Any], gradient: Callable[..., Any] | None = None
) -> Subject:
    """Return what somebody has given, as a Subject of their inputs.

    That is an object, a pair of functions of which the second comes first among the inputs, a
    function with its `gradient`, or one that returns a loss with its gradients. Raises
    ArgumentError where it is none of these, or forward does not take so many inputs.
    """
    owner = None
    if isinstance(thing, type):
        name = thing.__name__
        raise ArgumentError(f"{name}: found a class, expected an object of it, as {name}(...)")
    if inspect.isroutine(thing) or isinstance(thing, np.ufunc | functools.partial) or gradient:
        name, forward, backward = name_of(thing), thing, gradient
        if not gradient and inputs and callable(inputs[0]):
            backward, inputs = inputs[0], inputs[1:]
            owners = [getattr(function, "__self__", None) for function in (forward, backward)]
            owner = owners[0] if owners[0] is owners[1] else None
    else:
        name, owner = type(thing).__name__, thing
        forward, backward = _methods(thing, len(inputs))
    if not inputs:
        raise ArgumentError(f"{name}: found no input, expected one, as check({name}, x)")
    named = copy.deepcopy(_name_inputs(name, forward, inputs))  # the owner may keep the same x
    return Subject(name, forward, backward, named, owner=owner, derivative=gradient is not None)


def with_floats(subject: Subject, *, whole: bool) -> Subject:
    """Return a subject whose numbers, and whose first input, can be moved, though they be `whole`."""
    inputs, numbers, integers = dict(subject.inputs), set[str](), set[str]()
    for i, (key, value) in enumerate(inputs.items()):
        if isinstance(value, float | np.floating) or (whole and _is_whole(value)):
            inputs[key] = np.asarray(float(value))
            numbers.add(key)
        elif i == 0 and whole and isinstance(value, np.ndarray) and value.dtype.kind in "iu":
            inputs[key] = value.astype(float)
            integers.add(key)
    return replace(subject, inputs=inputs, numbers=frozenset(numbers), integers=frozenset(integers))


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _methods(thing: Any, inputs: int) -> tuple[Callable[..., Any], Callable[..., Any] | None]:
    """Return the forward and the backward of an object, by the usual names for them."""
    own = {
        name: method
        for name in (*FORWARD, *BACKWARD, *LOSS_METHODS)
        if inspect.isroutine(method := getattr(thing, name, None))
    }
    forwards = [name for name in FORWARD if name in own]
    backwards = [name for name in BACKWARD if name in own]
    losses = [name for name in LOSS_METHODS if name in own]
    if losses and inputs > 1 and (not backwards or set(backwards) & set(NETWORK)):
        of_loss = [name for name in NETWORK if name in own]
        return own[losses[0]], own[of_loss[0]] if of_loss else None
    if not forwards or not backwards:
        found = ", ".join(n for n in dir(thing) if n[0] != "_" and callable(getattr(thing, n)))
        raise ArgumentError(
            f"{type(thing).__name__}: found {found or 'no methods'}, expected forward and backward; "
            f"or {PAIR}"
        )
    return own[forwards[0]], own[backwards[0]]


def _name_inputs(name: str, forward: Callable[..., Any], inputs: Sequence[Any]) -> dict[str, Any]:
    """Return the inputs by the names that forward has for them. Raises ArgumentError."""
    try:
        signature = inspect.signature(forward)
    except (TypeError, ValueError):  # of numpy's own functions
        return {f"x{i}" if i else "x": _as_array(x) for i, x in enumerate(inputs)}
    try:
        bound = signature.bind(*inputs).arguments
    except TypeError as error:
        raise ArgumentError(
            f"{name}: found {len(inputs)} inputs, expected those of {name_of(forward)}{signature}"
        ) from error
    named: dict[str, Any] = {}
    for key, value in bound.items():
        if signature.parameters[key].kind is inspect.Parameter.VAR_POSITIONAL:
            named |= {f"{key}{i}" if i else key: part for i, part in enumerate(value)}
        else:
            named[key] = value
    return {key: _as_array(value) for key, value in named.items()}


def _as_array(value: Any) -> Any:
    """Return a list of numbers as an array; anything else as it is."""
    if not isinstance(value, list) or _holds_arrays(value):
        return value
    try:
        array = np.asarray(value)
    except ValueError:  # of several shapes
        return value
    return array if array.dtype.kind in "fiub" else value


def _holds_arrays(value: Any) -> bool:
    return isinstance(value, np.ndarray) or (
        isinstance(value, list) and any(map(_holds_arrays, value))
    )
