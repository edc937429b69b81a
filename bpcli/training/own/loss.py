"""a person's loss and how it is called in -> a loss layer of theirs, as a network takes it, out."""

from typing import Any

import numpy as np

from bpcli.arrays import Array, Labels
from bpcli.backprop.layer import LossLayer
from bpcli.gradcheck.foreign import vocabulary
from bpcli.gradcheck.foreign.arguments import parameters
from bpcli.gradcheck.foreign.discover import Unit, bound
from bpcli.gradcheck.foreign.labels import find_input_and_labels
from bpcli.training.own.call import (
    UnfitError,
    Way,
    arguments,
    as_array,
    known_values,
    modes,
    plan_backward,
    take_dx,
)


class OwnLoss(LossLayer):
    """Somebody's loss: loss(x, t), and dx by its backward or beside the loss.

    Raises UnfitError where it cannot be called in this way.
    """

    def __init__(self, unit: Unit, ours: LossLayer, way: Way) -> None:
        super().__init__()
        self.unit, self.way, self.ours = unit, way, ours
        self.thing = unit.thing
        if unit.kind == "class" and not unit.static:
            asked = [name for name, required in arguments(unit.thing.__init__).items() if required]
            if asked:
                raise UnfitError(f"what is {asked[0]} of its __init__?")
            self.thing = unit.thing()
        self.run = bound(self.thing, unit.forward)
        names = [parameter.name for parameter in parameters(self.run)]
        self.x_name, self.t_name = find_input_and_labels(names, with_labels=True)
        if not self.t_name:
            raise UnfitError("forward takes no labels")
        self.plan: dict[str, str] | None = None
        self.given = modes(self.run, training=True)

    def forward(self, x: Array, t: Labels) -> float:
        self.shape, dtype = x.shape, x.dtype
        labels: Any = np.eye(x.shape[1], dtype=dtype)[t] if self.way.hot else t
        if self.way.columns:
            x, labels = x.T, labels.T
        self.values = self.given | {self.x_name: x, self.t_name: labels, "x": x}
        results = self.run(**{self.x_name: x, self.t_name: labels}, **self.given)
        parts = results if isinstance(results, tuple) else (results,)
        losses = [part for part in parts if isinstance(part, float | np.floating) or _is_one(part)]
        if not losses:
            raise UnfitError(f"forward returns {type(parts[0]).__name__}, expected a loss")
        self.values |= {"y": _output(parts, self.thing), "cache": parts[-1]}
        arrays = [part for part in parts if isinstance(part, np.ndarray) and part.ndim]
        self.beside = arrays[-1] if arrays else None
        return float(losses[0])

    def backward(self) -> Array:
        found = self.beside
        if self.unit.backward is not None:
            function = bound(self.thing, self.unit.backward)
            if self.plan is None:
                labels = {n: self.t_name for n in arguments(function) if vocabulary.is_labels(n)}
                known = {self.x_name, self.t_name}
                self.plan = plan_backward(function, known, self.way.style) | labels
            values = self.values | {"dout": 1.0, "filled": {}, "training": True}
            found = take_dx(function(**known_values(self.plan, values)), self.thing)
        dx = found.T if self.way.columns and isinstance(found, np.ndarray) else found
        return as_array(dx, self.shape, "what backward returns")

    def probabilities(self, x: Array) -> Array:
        return self.ours.probabilities(x)


def _is_one(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.ndim == 0


def _output(parts: tuple[Any, ...], thing: Any) -> Any:
    """Return what a loss has made of x before it: probabilities."""
    kept = [getattr(thing, name, None) for name in vocabulary.RESULTS]
    return next((part for part in [*parts, *kept] if isinstance(part, np.ndarray)), None)
