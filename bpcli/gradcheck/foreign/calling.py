"""a unit of a person's file in one convention in -> its forward and backward, called, out."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Array
from bpcli.gradcheck.foreign import usage, vocabulary
from bpcli.gradcheck.foreign.arguments import NoValueError, Supply, is_required, parameters
from bpcli.gradcheck.foreign.discover import Unit, bound
from bpcli.gradcheck.foreign.given import take
from bpcli.gradcheck.foreign.labels import LOSSES, find_input_and_labels, make_labels, make_target
from bpcli.gradcheck.foreign.layout import UNITS, Layout, draw
from bpcli.gradcheck.foreign.placeholder import Placeholder
from bpcli.gradcheck.foreign.randomness import rewind

BUILD, FORWARD, BACKWARD = 1, 2, 3  # stages that a call can come to


class MiscalledError(Exception):
    """A way of calling that this unit does not take; `stage` is how far it went."""

    def __init__(self, stage: int, error: BaseException) -> None:
        super().__init__(str(error))
        self.stage = stage
        self.error = error


class Context:
    """What static operations keep their arrays in between forward and backward."""

    def save_for_backward(self, *arrays: Any) -> None:
        """Keep arrays."""
        self.saved_tensors = self.saved_values = arrays


@dataclass
class State:
    """Everything that a call can change: the person's object, and the arguments of forward."""

    unit: Any
    inputs: dict[str, Any]
    constants: frozenset[str]  # inputs that nothing is differentiated by: labels
    outputs: list[Array] = field(default_factory=list)
    cache: Any = None
    results: Any = None  # all that forward returned
    named: dict[str, Any] = field(default_factory=dict)  # the same, by forward's own names
    target: Any = None  # of a loss that the unit's backward takes for granted
    filled: dict[str, Any] = field(default_factory=dict)  # gradients that backward writes there
    globals: dict[str, Any] = field(default_factory=dict)  # arrays of the module that it reads


@dataclass(frozen=True)
class Convention:
    """One way to call a unit."""

    unit: Unit
    layout: Layout
    style: str = "upstream"
    labels: str = ""
    likely: bool = False  # whether x is probabilities
    indices: bool = False  # whether x is whole numbers, as rows of a table have
    loss: str = ""  # that backward takes for granted, of what a network's forward returns
    target: str = ""  # `t`, which backward takes, or `x`, of an autoencoder
    mean: bool = False  # whether losses of images are averaged, and not added up
    given: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)  # values in place of defaults
    open: bool = False  # whether the shapes of arrays are told by what fits
    direct: bool = False  # whether forward itself is called, and not what calls it
    scale: float = 1  # of x, which is small where a small constant is to show

    @property
    def words(self) -> str:
        """The convention in words, for the person to see whether it is theirs."""
        parts = ["x " + self.layout.name] if self.layout.x else []
        parts[:1] = [f"{parts[0]}, one image"] if parts and self.layout.tier else parts[:1]
        parts += [f"labels as {self.labels}"] * bool(self.labels)
        parts += ["x as probabilities"] * self.likely
        parts += ["x as whole numbers"] * self.indices
        if self.loss:
            of = "x" if self.target == "x" else "the labels that backward takes"
            return ", ".join([*parts, f"{self.loss} of {of} for a loss"])
        if self.style != "upstream" and not self.labels:
            parts.append(f"backward takes the {self.style} and returns f'")
        return ", ".join(parts)

    def build(self, seed: int) -> State:
        """Return the unit's own object, if it has one, and arguments. Raises MiscalledError."""
        if not self.open or self.unit.inputs:
            return self._build(seed, {}, open_=False)
        state, supply = self._build_with(seed, {}, open_=True)
        if not (supply.sizes.found or supply.dictionaries):
            return state
        rewind(seed, self.unit.module)
        try:
            self.forward(state)
        except Exception as error:
            if supply.sizes.asked - self.unit.whole:
                self.unit.whole.update(supply.sizes.asked)
                return self.build(seed)
            raise MiscalledError(FORWARD, error) from error
        for part in supply.sizes.found.values():
            part.settle(None)
        return self._build(seed, supply.settled(), open_=False)

    def _build(self, seed: int, shapes: Mapping[str, Any], *, open_: bool) -> State:
        return self._build_with(seed, shapes, open_=open_)[0]

    def _build_with(
        self, seed: int, shapes: Mapping[str, Any], *, open_: bool
    ) -> tuple[State, Supply]:
        rng = np.random.default_rng(seed)
        rewind(seed, self.unit.module)
        name = getattr(self.unit.module, "__name__", "")
        whole = frozenset(self.unit.whole)
        supply = Supply(self.layout, rng, self.given, self.options, shapes, open_, name, whole)
        thing, inputs = self.unit.thing, self.unit.inputs
        try:
            if self.unit.kind == "object":
                thing, inputs = copy.deepcopy((thing, inputs))
            if self.unit.kind == "class" and not self.unit.static:
                uses = usage.uses_of_constructor(thing)
                options = supply.fill(thing.__init__, {"self": None}, uses)
                options.pop("self", None)
                thing = thing(**options)
            forward = bound(thing, self.unit.forward)
            known, constants = self._known(forward, supply, inputs)
            arguments = supply.fill(forward, known)
        except NoValueError as error:
            raise MiscalledError(0, error) from error
        except Exception as error:
            if supply.sizes.asked - self.unit.whole:
                self.unit.whole.update(supply.sizes.asked)
                return self._build_with(seed, shapes, open_=open_)
            raise MiscalledError(BUILD, error) from error
        state = State(thing, arguments, frozenset(constants))
        state.globals = dict(self.unit.globals)
        return state, supply

    def forward(self, state: State) -> None:
        """Call forward, and keep what it returns as outputs and cache. Raises what it raises.

        What returns nothing may keep its output; and what is a network may have a loss to it.
        """
        name = self.unit.forward if self.direct or not self.unit.entry else self.unit.entry
        function = bound(state.unit, name)
        if self.unit.globals:
            vars(self.unit.module).update(state.globals)
        results = (
            function(**state.inputs)
            if name == self.unit.forward
            else (function(*state.inputs.values()))
        )
        if results is None:
            kept = (getattr(state.unit, n, None) for n in vocabulary.RESULTS)
            results = next((part for part in kept if part is not None), None)
        state.results = results
        parts = list(results) if isinstance(results, tuple) else [results]
        names = usage.returned_names(bound(state.unit, self.unit.forward))
        state.named = dict(zip(names, parts, strict=False)) if len(names) == len(parts) else {}
        state.outputs = self._outputs(state, parts)
        if self.loss and state.outputs:
            predicted = state.outputs[0]
            first = next(iter(state.inputs.values()))
            state.target = first if self.target == "x" else make_target(predicted)
            state.outputs = [np.asarray(LOSSES[self.loss](predicted, state.target))]
        state.cache = parts[-1] if len(parts) > len(state.outputs) else None
        if not state.outputs:
            raise TypeError(f"{self._name(self.unit.forward)} returned {_describe(results)}")

    def _outputs(self, state: State, parts: list[Any]) -> list[Array]:
        """Return what is to be differentiated, of all that forward has returned."""
        numbers = [np.asarray(p) for p in parts if _is_number(p)]
        scalars = [n for n in numbers if n.ndim == 0]
        upstream = self._upstream_names(state)
        if scalars and len(numbers) > 1 and (not upstream or self.labels):
            return scalars[:1]  # (probabilities, loss)
        return numbers[: max(1, len(upstream))]

    def backward(self, state: State, douts: list[Array]) -> Any:
        """Call backward, and return what it returns. Raises what it raises, and NoValueError."""
        if self.unit.backward is None:
            if not isinstance(state.results, tuple):
                raise NoValueError("gradient")
            loss = next((i for i, p in enumerate(state.results) if _is_number(p)), 0)
            return (*state.results[:loss], *state.results[loss + 1 :])
        backward = bound(state.unit, self.unit.backward)
        known = dict(state.inputs)
        named = parameters(backward)
        uses = usage.uses_of_arguments(backward)
        names = [parameter.name for parameter in named]
        upstream = self._upstream_names(state)
        scalar = state.outputs[0].ndim == 0
        values: list[Any] = [float(d) if d.ndim == 0 else d for d in douts]
        if self.style != "upstream" and names:
            known[names[0]] = self._first(state)
            upstream = []
        if self.loss:
            upstream = []
            known |= {name: state.target for name in names if vocabulary.is_labels(name)}
            known |= {name: self._first(state) for name in names[:1] if name not in known}
        known |= dict(zip(upstream, values, strict=False))
        self._complete(known, names, upstream, uses, state)
        supply = Supply(
            self.layout, np.random.default_rng(0), self.given, self.options,
            module=getattr(self.unit.module, "__name__", ""),
        )  # fmt: skip
        found = backward(**supply.fill(backward, known, uses))
        plain = self.style != "upstream" or (not upstream and not scalar)
        plain &= not (self.labels or self.loss)
        return _times(found, douts[0]) if plain else found

    def _complete(
        self,
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
                    known[name] = self._first(state) if state.cache is None else state.cache
                elif usage.FILLED in uses.get(name, ()):
                    known[name] = state.filled
                elif vocabulary.is_labels(name) and state.constants and name not in upstream:
                    known[name] = state.inputs[next(iter(state.constants))]
                elif name not in known and name in state.named:
                    known[name] = state.named[name]
                elif name not in known and not upstream and vocabulary.is_predicted(name):
                    known[name] = self._predicted(state)
                elif name not in upstream and not scalar and vocabulary.is_output(name):
                    known[name] = state.outputs[0].copy()

    def _upstream_names(self, state: State) -> list[str]:
        """Return the arguments of backward that are the gradient from the right."""
        if self.unit.backward is None:
            return []
        named = parameters(bound(state.unit, self.unit.backward))
        uses = usage.uses_of_arguments(bound(state.unit, self.unit.backward))
        free = [
            p
            for p in named
            if p.name not in state.inputs and usage.FILLED not in uses.get(p.name, ())
        ]
        names = [parameter.name for parameter in named]
        found = [p.name for p in free if vocabulary.is_upstream(p.name)]
        rest = [
            p.name
            for p in free
            if not vocabulary.is_labels(p.name)
            and not vocabulary.CACHE.fullmatch(vocabulary.plain(p.name))
            and p.name not in state.named
            and is_required(p)
            and not vocabulary.is_rate(p.name)
        ]
        if not found and rest:
            found = rest[:1]
        if not found and names and not state.constants and self.style == "upstream":
            plain = [n for n in names if usage.FILLED not in uses.get(n, ())]
            found = plain[:1]  # backward(x) of forward(x), which may be called so by mistake
        return found

    def _first(self, state: State) -> Any:
        if self.style == "output" and self.labels:  # what a loss has made of x before it
            kept = [getattr(state.unit, name, None) for name in vocabulary.RESULTS]
            return next((np.copy(k) for k in kept if isinstance(k, np.ndarray)), None)
        if self.style == "output":
            return state.outputs[0].copy()
        return self._predicted(state)

    def _predicted(self, state: State) -> Any:
        return next(value for name, value in state.inputs.items() if name not in state.constants)

    def _known(
        self, forward: Callable[..., Any], supply: Supply, inputs: tuple[Any, ...]
    ) -> tuple[dict[str, Any], set[str]]:
        """Return x and t by the names that forward has for them, and the name of t."""
        named = parameters(forward)
        names = [parameter.name for parameter in named]
        if inputs:
            known = dict(zip(names, inputs, strict=False))
            return known, set(names[1:2]) if len(inputs) > 1 else set()
        known = {n: Context() for n in names[:1] if vocabulary.CONTEXT.fullmatch(n.lower())}
        names = [name for name in names if name not in known]
        if not names:
            return known, set(known)
        x_name, t_name = find_input_and_labels(names, with_labels=bool(self.labels))
        constants = {t_name, *known}
        known[x_name] = self._x(x_name, supply)
        for parameter in named:  # another input, as y in x + y
            word = vocabulary.plain(parameter.name)
            too = (*vocabulary.LABELS, *vocabulary.INPUT, *vocabulary.PREDICTED)
            state = supply.open and vocabulary.STATE.fullmatch(word)
            if (
                parameter.name not in (x_name, t_name, *supply.shapes)
                and word in too
                and not state
                and is_required(parameter)
                and not vocabulary.is_array(parameter.name)
            ):
                known.setdefault(parameter.name, draw(self.layout.x, supply.rng))
        if t_name:
            known[t_name] = self._labels(t_name, known[x_name], supply)
        return known, (constants | ({x_name} if self.indices else set())) - {""}

    def _x(self, name: str, supply: Supply) -> Any:
        if name in self.given:
            return take(self.given[name], supply.rng)
        x: npt.NDArray[Any] = draw(self.layout.x, supply.rng, 3.3 if self.labels else 7.3)
        x *= self.scale
        if self.likely:
            axis = 0 if self.layout.columns else -1
            x = np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)
        return supply.rng.integers(0, UNITS, self.layout.x) if self.indices else x

    def _labels(self, name: str, x: Any, supply: Supply) -> Any:
        """Return labels of a kind; those that fit have the shape of what they stand beside."""
        if self.labels != "they fit":
            return make_labels(self.labels, np.asarray(x), self.layout, supply.rng)
        if name not in supply.shapes:
            return supply.sizes.placeholder(name)
        axis = 0 if self.layout.columns else -1
        order = supply.rng.random(supply.shapes[name])
        if order.ndim < 2 or order.shape[axis] == 1:
            return (order > np.median(order)).astype(float)
        return (order == order.max(axis=axis, keepdims=True)).astype(float)

    def _name(self, function: Callable[..., Any] | str) -> str:
        return function if isinstance(function, str) else function.__name__


def _times(found: Any, dout: Array) -> Any:
    """Return a derivative, an array or a number that is the same everywhere, times dout."""
    if isinstance(found, tuple):
        return tuple(_times(part, dout) for part in found)
    number = isinstance(found, int | float | np.number) and not isinstance(found, bool)
    return found * dout if number or isinstance(found, np.ndarray) else found


def _is_number(thing: Any) -> bool:
    if isinstance(thing, Placeholder):
        return True
    if isinstance(thing, float | np.floating):
        return True
    return isinstance(thing, np.ndarray) and thing.dtype.kind == "f" and thing.size > 0


def _describe(thing: Any) -> str:
    return "None" if thing is None else type(thing).__name__
