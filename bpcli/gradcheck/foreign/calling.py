"""a unit of a person's file in one convention in -> its forward and backward, called, out."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bpcli.arrays import Array
from bpcli.gradcheck.foreign import texts, tree, usage, vocabulary, wrapping
from bpcli.gradcheck.foreign.arguments import (
    StochasticGradientDescent,
    Supply,
    parameters,
)
from bpcli.gradcheck.foreign.convention import Convention
from bpcli.gradcheck.foreign.discover import bound
from bpcli.gradcheck.foreign.inputs import make_inputs
from bpcli.gradcheck.foreign.labels import LOSSES, make_target
from bpcli.gradcheck.foreign.randomness import rewind
from bpcli.gradcheck.foreign.state import BUILD, FORWARD, MiscalledError, State
from bpcli.gradcheck.foreign.upstream import is_filled, is_number, outputs_of, upstream_names
from bpcli.gradcheck.foreign.values import RATE, NoValueError, value


def build(convention: Convention, seed: int) -> State:
    """Return the unit's own object, if it has one, and arguments. Raises MiscalledError."""
    if not convention.open or convention.unit.inputs:
        return _build(convention, seed, {}, open_=False)
    state, supply = _build_with(convention, seed, {}, open_=True)
    if not (supply.sizes.found or supply.dictionaries):
        return state
    rewind(seed, convention.unit.module)
    try:
        forward(convention, state)
    except Exception as error:
        if supply.sizes.asked - convention.unit.whole:
            convention.unit.whole.update(supply.sizes.asked)
            return build(convention, seed)
        raise MiscalledError(FORWARD, error) from error
    for part in supply.sizes.found.values():
        part.settle(None)
    return _build(convention, seed, supply.settled(), open_=False)


def _build(convention: Convention, seed: int, shapes: Mapping[str, Any], *, open_: bool) -> State:
    return _build_with(convention, seed, shapes, open_=open_)[0]


def _build_with(
    convention: Convention, seed: int, shapes: Mapping[str, Any], *, open_: bool
) -> tuple[State, Supply]:
    rng = np.random.default_rng(seed)
    rewind(seed, convention.unit.module)
    name = getattr(convention.unit.module, "__name__", "")
    whole = frozenset(convention.unit.whole)
    supply = Supply(
        convention.layout, rng, convention.given, convention.options, shapes, open_, name, whole
    )
    thing, inputs = convention.unit.thing, convention.unit.inputs
    try:
        if convention.unit.kind == "object":
            thing, inputs = copy.deepcopy((thing, inputs))
        if convention.unit.kind == "class" and not convention.unit.static:
            uses = usage.uses_of_constructor(thing)
            options = supply.fill(thing.__init__, {"self": None}, uses)
            options.pop("self", None)
            thing = thing(**options)
            _give_optimizers(thing)
            supply.fit_state(thing)
        function = bound(thing, convention.unit.forward)
        known, constants = make_inputs(convention, function, supply)
        arguments = supply.fill(function, known)
    except NoValueError as error:
        raise MiscalledError(0, error) from error
    except Exception as error:
        if isinstance(error, TypeError) and "integer" in str(error):  # as of np.ones((size))
            supply.sizes.asked |= supply.sizes.settled()
        if supply.sizes.asked - convention.unit.whole:
            convention.unit.whole.update(supply.sizes.asked)
            return _build_with(convention, seed, shapes, open_=open_)
        raise MiscalledError(BUILD, error) from error
    state = State(thing, arguments, frozenset(constants))
    state.globals = dict(convention.unit.globals)
    return state, supply


def _give_optimizers(thing: Any) -> None:
    """Give an optimizer to what has none, and uses it without a look at whether it has."""
    for path, part in [((), thing), *tree.walk(thing)]:
        for name, value_ in list(getattr(part, "__dict__", {}).items()):
            missing = value_ is None and vocabulary.plain(name) in vocabulary.OPTIMIZERS
            if missing and texts.relies_on(type(part), name):
                tree.put(thing, (*path, (".", name)), StochasticGradientDescent())


def forward(convention: Convention, state: State) -> None:
    """Call forward, and keep what it returns as outputs and cache. Raises what it raises.

    What returns nothing may keep its output; and what is a network may have a loss to it.
    """
    name = (
        convention.unit.forward
        if convention.direct or not convention.unit.entry
        else convention.unit.entry
    )
    function = bound(state.unit, name)
    if convention.unit.globals:
        vars(convention.unit.module).update(state.globals)
    if name == convention.unit.forward:
        results = function(**state.inputs)
    else:
        wrap = wrapping.wrapper_of(function, convention.unit.module)
        results = wrap.unwrapped(function(*map(wrap, state.inputs.values())))
    if results is None:
        kept = (getattr(state.unit, n, None) for n in vocabulary.RESULTS)
        results = next((part for part in kept if part is not None), None)
    state.results = results
    parts = list(results) if isinstance(results, tuple) else [results]
    names = texts.returned_names(bound(state.unit, convention.unit.forward), len(parts))
    state.named = dict(zip(names, parts, strict=False))
    state.outputs = outputs_of(convention, state, parts)
    if convention.loss and state.outputs:
        predicted = state.outputs[0]
        first = next(iter(state.inputs.values()))
        state.target = first if convention.target == "x" else make_target(predicted)
        state.outputs = [np.asarray(LOSSES[convention.loss](predicted, state.target))]
    state.cache = parts[-1] if len(parts) > len(state.outputs) else None
    if not state.outputs:
        raise TypeError(f"{_name(convention.unit.forward)} returned {_describe(results)}")


def backward(convention: Convention, state: State, douts: list[Array]) -> Any:
    """Call backward, and return what it returns. Raises what it raises, and NoValueError."""
    if convention.unit.backward is None:
        if not isinstance(state.results, tuple):
            raise NoValueError("gradient")
        loss = next((i for i, p in enumerate(state.results) if is_number(p)), 0)
        return (*state.results[:loss], *state.results[loss + 1 :])
    function = bound(state.unit, convention.unit.backward)
    known = dict(state.inputs)
    named = parameters(function)
    uses = usage.uses_of_arguments(function)
    names = [parameter.name for parameter in named]
    upstream = upstream_names(convention, state)
    scalar = state.outputs[0].ndim == 0
    values: list[Any] = [float(d) if d.ndim == 0 else d for d in douts]
    if convention.style != "upstream" and names:
        known[names[0]] = _first(convention, state)
        upstream = []
    if convention.loss:
        upstream = []
        known |= {name: state.target for name in names if vocabulary.is_labels(name)}
        known |= {
            name: _result(state) if vocabulary.is_predicted(name) else _first(convention, state)
            for name in names[:1]
            if name not in known
        }
    known |= dict(zip(upstream, values, strict=False))
    _complete(convention, known, names, upstream, uses, state)
    supply = Supply(
        convention.layout, np.random.default_rng(0), convention.given, convention.options,
        module=getattr(convention.unit.module, "__name__", ""),
    )  # fmt: skip
    found = function(**supply.fill(function, known, uses))
    plain = convention.style != "upstream" or (not upstream and not scalar)
    plain &= not (convention.labels or convention.loss)
    return _times(found, douts[0]) if plain else found


def _complete(
    convention: Convention,
    known: dict[str, Any],
    names: list[str],
    upstream: list[str],
    uses: Mapping[str, set[str]],
    state: State,
) -> None:
    """Add what else an argument of backward may be by its name: the cache, t or x."""
    scalar = state.outputs[0].ndim == 0
    for name in names:
        if name not in known or (name in upstream and scalar):
            if vocabulary.CACHE.fullmatch(vocabulary.plain(name)):
                known[name] = _first(convention, state) if state.cache is None else state.cache
            elif is_filled(uses.get(name, set())):
                known[name] = state.filled
            elif name in upstream[max(1, len(state.outputs)) :] and vocabulary.is_several(name):
                known[name] = state.filled  # gradients, beyond those of the outputs
            elif vocabulary.is_labels(name) and state.constants and name not in upstream:
                known[name] = state.inputs[next(iter(state.constants))]
            elif name not in known and name in state.named:
                known[name] = state.named[name]
            elif name not in known and not upstream and vocabulary.is_predicted(name):
                known[name] = _result(state) if convention.loss else _predicted(state)
            elif name not in upstream and not scalar and vocabulary.is_output(name):
                known[name] = state.outputs[0].copy()
    _complete_unknown(convention, known, [n for n in names if n not in known], uses, state)


def _complete_unknown(
    convention: Convention,
    known: dict[str, Any],
    names: list[str],
    uses: Mapping[str, set[str]],
    state: State,
) -> None:
    """Add what an argument of no known name may be: an activation of a network, or a rate."""
    unread = texts.unread_arguments(bound(state.unit, convention.unit.backward or ""))
    for name in names:
        if name in unread and not vocabulary.is_labels(name):
            known[name] = None
        elif convention.loss and not _has_value(convention, name):
            known[name] = _result(state)  # backward(x, a, t)
        elif _is_rate(convention, name, uses):
            known[name] = RATE


def _is_rate(convention: Convention, name: str, uses: Mapping[str, set[str]]) -> bool:
    """Tell whether an argument is a learning rate: by its name, or as a factor and nothing else."""
    if vocabulary.is_rate(name):
        return True
    factor = uses.get(name) == {usage.FACTOR} and not vocabulary.is_labels(name)
    return factor and not _has_value(convention, name)


def _has_value(convention: Convention, name: str) -> bool:
    """Tell whether an argument is something by its name, as a learning rate or a size is."""
    try:
        value(name, convention.layout, np.random.default_rng(0))
    except NoValueError:
        return False
    return True


def _first(convention: Convention, state: State) -> Any:
    if convention.style == "output" and convention.labels:  # what a loss has made of x before it
        kept = [getattr(state.unit, name, None) for name in vocabulary.RESULTS]
        return next((np.copy(k) for k in kept if isinstance(k, np.ndarray)), None)
    if convention.style == "output":
        return state.outputs[0].copy()
    return _predicted(state)


def _result(state: State) -> Any:
    """Return what forward returned first."""
    return state.results[0] if isinstance(state.results, tuple) else state.results


def _predicted(state: State) -> Any:
    return next(value for name, value in state.inputs.items() if name not in state.constants)


def _name(function: Callable[..., Any] | str) -> str:
    return function if isinstance(function, str) else function.__name__


def _times(found: Any, dout: Array) -> Any:
    """Return a derivative, an array or a number that is the same everywhere, times dout."""
    if isinstance(found, tuple):
        return tuple(_times(part, dout) for part in found)
    number = isinstance(found, int | float | np.number) and not isinstance(found, bool)
    return found * dout if number or isinstance(found, np.ndarray) else found


def _describe(thing: Any) -> str:
    return "None" if thing is None else type(thing).__name__
