"""anybody's object or functions, and inputs, in -> the Subject that they are out."""

import copy
import functools
import inspect
import types
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bpcli.errors import ArgumentError
from bpcli.gradcheck.foreign.vocabulary import BACKWARD, FORWARD, LOSS_METHODS, NETWORK
from bpcli.gradcheck.scope import scoped
from bpcli.gradcheck.subject import PAIR, Subject, name_of


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
        plain_ones = [f for f in (forward, backward) if isinstance(f, types.FunctionType)]
        if not gradient and plain_ones:
            scoped_ones, owner = scoped(plain_ones)
            forward, backward = (
                scoped_ones.pop(0) if isinstance(f, types.FunctionType) else f
                for f in (forward, backward)
            )
    else:
        name, owner = type(thing).__name__, thing
        forward, backward = _methods(thing, len(inputs))
    if not inputs:
        raise ArgumentError(f"{name}: found no input, expected one, as check({name}, x)")
    named = copy.deepcopy(_name_inputs(name, forward, inputs))  # the owner may keep the same x
    return Subject(name, forward, backward, named, owner=owner, derivative=gradient is not None)


def with_floats(subject: Subject, *, whole: bool) -> Subject:
    """Return a subject whose numbers can be moved, with `whole` also those of whole numbers."""
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
        found = ", ".join(
            [n for n in dir(thing) if n[0] != "_" and callable(getattr(thing, n))][:8]
        )
        raise ArgumentError(
            f"{type(thing).__name__}: found {found or 'no methods'}, expected forward and backward "
            f"under usual names; {PAIR}"
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
