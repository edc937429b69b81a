"""a unit of a person's file in -> its forward and backward, called in one of the ways, out."""

import copy
import inspect
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Array
from bpcli.gradcheck.foreign import roles
from bpcli.gradcheck.foreign.calling import fill, parameters
from bpcli.gradcheck.foreign.given import take
from bpcli.gradcheck.foreign.labels import LOSSES, find_input_and_labels, make_labels, make_target
from bpcli.gradcheck.foreign.scene import UNITS, NoValueError, Scene, draw
from bpcli.gradcheck.foreign.units import Unit, bound

KEPT = ("output", "outputs", "out", "y", "a", "A", "result", "activation", "z")


class MisreadError(Exception):
    """A way of calling that this unit does not take; `stage` is how far it went."""

    def __init__(self, stage: int, error: BaseException) -> None:
        super().__init__(str(error))
        self.stage = stage
        self.error = error


@dataclass
class World:
    """Everything that a call can change: the person's object, and the arguments of forward."""

    unit: Any
    inputs: dict[str, Any]
    constants: frozenset[str]  # inputs that nothing is differentiated by: labels
    outputs: list[Array] = field(default_factory=list)
    cache: Any = None
    results: Any = None  # all that forward returned
    target: Any = None  # of a loss that the unit's backward takes for granted


@dataclass(frozen=True)
class Reading:
    """One way to call a unit."""

    unit: Unit
    scene: Scene
    style: str = "upstream"
    labels: str = ""
    likely: bool = False  # whether x is probabilities
    indices: bool = False  # whether x is whole numbers, as rows of a table have
    loss: str = ""  # that backward takes for granted, of what a network's forward returns
    target: str = ""  # `t`, which backward takes, or `x`, of an autoencoder
    mean: bool = False  # whether losses of images are averaged, and not added up
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The convention in words, for the person to see whether it is theirs."""
        parts = ["x " + self.scene.name] if self.scene.x else []
        parts += [f"labels as {self.labels}"] * bool(self.labels)
        parts += ["x as probabilities"] * self.likely
        parts += ["x as whole numbers"] * self.indices
        if self.loss:
            of = "x" if self.target == "x" else "the labels that backward takes"
            return ", ".join([*parts, f"{self.loss} of {of} for a loss"])
        if self.style != "upstream" and not self.labels:
            parts.append(f"backward takes the {self.style} and returns f'")
        return ", ".join(parts)

    def build(self, seed: int) -> World:
        """Return the unit's own object, if it has one, and arguments. Raises MisreadError."""
        rng = np.random.default_rng(seed)
        reseed(seed)
        thing, inputs = self.unit.thing, self.unit.inputs
        try:
            if self.unit.kind == "object":
                thing, inputs = copy.deepcopy((thing, inputs))
            if self.unit.kind == "class":
                options = fill(thing.__init__, {"self": None}, self.scene, rng, self.given)
                options.pop("self", None)
                thing = thing(**options)
            forward = bound(thing, self.unit.forward)
            known, constants = self._known(forward, rng, inputs)
            arguments = fill(forward, known, self.scene, rng, self.given)
        except NoValueError as error:
            raise MisreadError(0, error) from error
        except Exception as error:
            raise MisreadError(1, error) from error
        return World(thing, arguments, frozenset(constants))

    def forward(self, world: World) -> None:
        """Call forward, and keep what it returns as outputs and cache. Raises what it raises.

        What returns nothing may keep its output; and what is a network may have a loss to it.
        """
        results = bound(world.unit, self.unit.forward)(**world.inputs)
        if results is None:
            results = next(
                (p for n in KEPT if (p := getattr(world.unit, n, None)) is not None), None
            )
        world.results = results
        parts = list(results) if isinstance(results, tuple) else [results]
        wanted = self._number_of_upstream(world)
        numbers = [np.asarray(p) for p in parts if _is_number(p)]
        world.outputs = numbers[:wanted]
        if self.loss and world.outputs:
            predicted = world.outputs[0]
            world.target = (
                next(iter(world.inputs.values()))
                if self.target == "x"
                else (make_target(predicted))
            )
            world.outputs = [np.asarray(LOSSES[self.loss](predicted, world.target))]
        world.cache = parts[-1] if len(parts) > len(world.outputs) else None
        if not world.outputs:
            raise TypeError(f"{self._name(self.unit.forward)} returned {_describe(results)}")

    def backward(self, world: World, douts: list[Array]) -> Any:
        """Call backward, and return what it returns. Raises what it raises, and NoValueError."""
        if self.unit.backward is None:
            if not isinstance(world.results, tuple):
                raise NoValueError("gradient")
            return world.results[1:]
        backward = bound(world.unit, self.unit.backward)
        known = dict(world.inputs)
        named = parameters(backward)
        names = [parameter.name for parameter in named]
        upstream = self._upstream(named, world)
        scalar = world.outputs[0].ndim == 0
        values: list[Any] = [float(d) if d.ndim == 0 else d for d in douts]
        if self.style != "upstream" and names:
            known[names[0]] = self._first(world)
            upstream = []
        if self.loss:
            upstream = []
            known |= {name: world.target for name in names if roles.is_labels(name)}
            known |= {name: self._first(world) for name in names[:1] if name not in known}
        known |= dict(zip(upstream, values, strict=False))
        self._complete(known, names, upstream, world)
        found = backward(**fill(backward, known, self.scene, np.random.default_rng(0), self.given))
        plain = self.style != "upstream" or (not upstream and not scalar)
        plain &= not (self.labels or self.loss)
        if plain and isinstance(found, tuple):
            return tuple(part * douts[0] for part in found)
        return found * douts[0] if plain and isinstance(found, np.ndarray) else found

    def _complete(
        self, known: dict[str, Any], names: list[str], upstream: list[str], world: World
    ) -> None:
        """Add what else an argument of backward may be by its name: the cache, t or x."""
        scalar = world.outputs[0].ndim == 0
        for name in names:
            if name not in known or (name in upstream and scalar):
                if roles.CACHE.fullmatch(roles.plain(name)):
                    known[name] = self._first(world) if world.cache is None else world.cache
                elif roles.is_labels(name) and world.constants and name not in upstream:
                    known[name] = world.inputs[next(iter(world.constants))]
                elif name not in known and not upstream and roles.is_predicted(name):
                    known[name] = self._predicted(world)
                elif name not in upstream and not scalar and roles.is_output(name):
                    known[name] = world.outputs[0].copy()

    def _upstream(self, named: list[inspect.Parameter], world: World) -> list[str]:
        """Return the arguments of backward that are the gradient from the right."""
        names = [parameter.name for parameter in named]
        found = [n for n in names if roles.is_upstream(n) and n not in world.inputs]
        rest = [
            p.name
            for p in named
            if p.name not in world.inputs
            and not roles.is_labels(p.name)
            and not roles.CACHE.fullmatch(roles.plain(p.name))
            and p.default is p.empty
            and not roles.RATE.fullmatch(roles.plain(p.name))
        ]
        if not found and rest and self.unit.backward is not None:
            found = rest[:1]
        if not found and names and not world.constants and self.style == "upstream":
            found = names[:1]  # backward(x) of forward(x), which may be called so by mistake
        return found

    def _number_of_upstream(self, world: World) -> int:
        if self.unit.backward is None:
            return 1
        backward = bound(world.unit, self.unit.backward)
        names = [p.name for p in parameters(backward)]
        return max(1, len([n for n in names if roles.is_upstream(n) and n not in world.inputs]))

    def _first(self, world: World) -> Any:
        if self.style == "output" and self.labels:  # what a loss has made of x before it
            kept = [getattr(world.unit, name, None) for name in KEPT]
            return next((np.copy(k) for k in kept if isinstance(k, np.ndarray)), None)
        if self.style == "output":
            return world.outputs[0].copy()
        return self._predicted(world)

    def _predicted(self, world: World) -> Any:
        return next(value for name, value in world.inputs.items() if name not in world.constants)

    def _known(
        self, forward: Callable[..., Any], rng: np.random.Generator, inputs: tuple[Any, ...]
    ) -> tuple[dict[str, Any], set[str]]:
        """Return x and t by the names that forward has for them, and the name of t."""
        names = [parameter.name for parameter in parameters(forward)]
        if inputs:
            known = dict(zip(names, inputs, strict=False))
            return known, set(names[1:2]) if len(inputs) > 1 else set()
        if not names:
            return {}, set()
        x_name, t_name = find_input_and_labels(names, with_labels=bool(self.labels))
        x: npt.NDArray[Any] = draw(self.scene.x, rng, 3.3 if self.labels else 7.3)
        if self.likely:
            axis = 0 if self.scene.name == "(D, N)" else -1
            x = np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)
        if self.indices:
            x = rng.integers(0, UNITS, self.scene.x)
        known = {x_name: take(self.given[x_name], rng) if x_name in self.given else x}
        for parameter in parameters(forward):  # another input, as y in x + y
            word = roles.plain(parameter.name)
            inputs_too = (*roles.LABELS, *roles.INPUT, *roles.PREDICTED)
            if (
                parameter.name not in (x_name, t_name)
                and word in inputs_too
                and (parameter.default is parameter.empty)
            ):
                known.setdefault(parameter.name, draw(self.scene.x, rng))
        if t_name:
            known[t_name] = make_labels(self.labels, np.asarray(known[x_name]), self.scene, rng)
        return known, ({t_name} | ({x_name} if self.indices else set())) - {""}

    def _name(self, function: Callable[..., Any] | str) -> str:
        return function if isinstance(function, str) else function.__name__


def reseed(seed: int) -> None:
    """Let everybody who draws random numbers draw the same as before."""
    np.random.seed(seed)
    random.seed(seed)


def _is_number(thing: Any) -> bool:
    if isinstance(thing, float | np.floating):
        return True
    return isinstance(thing, np.ndarray) and thing.dtype.kind == "f" and thing.size > 0


def _describe(thing: Any) -> str:
    return "None" if thing is None else type(thing).__name__
