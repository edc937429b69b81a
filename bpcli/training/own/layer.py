"""a person's layer, and ours, whose place it takes, in -> theirs as a network takes it, out."""

import re
from typing import Any

import numpy as np

from bpcli.arrays import MATRIX, Array
from bpcli.backprop.layer import Layer
from bpcli.backprop.layers import Dropout
from bpcli.gradcheck.foreign import texts, tree, vocabulary
from bpcli.gradcheck.foreign.discover import Unit, bound
from bpcli.gradcheck.foreign.vocabulary import plain
from bpcli.training.own.call import (
    TEST,
    TRAIN,
    UnfitError,
    Way,
    arguments,
    as_array,
    known_values,
    modes,
    plan_backward,
    take_dx,
    take_result,
)
from bpcli.training.own.loan import NAMES, Loan, as_theirs, parameter_called

SAME = 1e-3  # relative difference of numbers that are the same but for rounding
OPTIONS = re.compile(r"\w*param(s|eters)?|config|options")  # a dictionary: bn_param, dropout_param


def build(unit: Unit, ours: Layer, way: Way, width: int) -> Any:
    """Return an object of a person's class, made for as many units as ours has, else None.

    Arrays and sizes are ours, by the names of what its constructor asks for, sizes without a
    telling name by their order: inputs, outputs. Raises UnfitError.
    """
    if unit.kind != "class" or unit.static:
        return unit.thing
    shape = ours.params["W"].shape if "W" in ours.params else (width, width)
    sizes, given = list(shape), dict[str, Any]()
    named = arguments(unit.thing.__init__)
    asked = [name for name, required in named.items() if required]
    if isinstance(ours, Dropout) and not asked:  # a rate that has a default
        asked = [name for name in named if plain(name) in vocabulary.FRACTIONS][:1]
    if any(pattern.fullmatch(plain(name)) for name in asked for pattern in NAMES.values()):
        sizes = []  # it is given arrays
    elif len(asked) == 1 and "W" in ours.params:
        sizes = sizes[1:]  # of a layer that learns of its inputs when they come
    for name in asked:
        word = plain(name)
        parameter = parameter_called(name, ours.params)
        if parameter:
            given[name] = as_theirs(ours.params[parameter], way).copy()
        elif isinstance(ours, Dropout) and word in vocabulary.FRACTIONS:
            given[name] = 1 - ours.ratio if way.keeps else ours.ratio
        elif sizes and not vocabulary.is_rate(name):
            given[name] = sizes.pop(0)
        else:
            raise UnfitError(f"what is {name} of its __init__?")
    return unit.thing(**given)


class OwnLayer(Layer):
    """Somebody's layer, which computes with the parameters and statistics of ours.

    They are lent to it at each call, in the shape in which it has them; what its backward leaves
    is taken over into `grads`. It gets a copy of dout, as the book's Relu writes into that.
    Raises UnfitError where it cannot be called in this way.
    """

    def __init__(self, unit: Unit, ours: Layer, way: Way, probe: Array) -> None:
        super().__init__(**{name: array.copy() for name, array in ours.params.items()})
        self.statistics = {name: array.copy() for name, array in ours.statistics.items()}
        self.unit, self.way = unit, way
        self.training_only = ours.training_only
        self.thing = build(unit, ours, way, probe.shape[1])
        self.run = bound(self.thing, unit.forward)
        self.entry = bound(self.thing, unit.entry) if unit.entry else None
        self.turn_back = bound(self.thing, unit.backward or "backward")
        names = list(arguments(self.run))
        self.x_name = names[0] if names else ""
        self.given = self._plan_arguments(ours)
        self.loan = Loan(self.thing, self.given, self.params, self.statistics, way)
        self.modes = {flag: modes(self.run, training=flag) for flag in (True, False)}
        self.plan: dict[str, str] | None = None
        self.factor = 1.0
        self._find_arrays(ours, probe)

    def forward(self, x: Array) -> Array:
        y = self._call(x, training=True)
        return y if self.factor == 1 else y * y.dtype.type(self.factor)

    def predict(self, x: Array) -> Array:
        return self._call(x, training=False)

    def backward(self, dout: Array) -> Array:
        dout = self._turn(dout * dout.dtype.type(self.factor))  # a copy in any case
        values = self.values | {"dout": dout, "filled": {}, "training": True}
        returned = self.turn_back(**known_values(self.plan or {}, values))
        if self.way.style != "upstream":
            returned = returned * dout
        left = {"returned": returned, "filled": values["filled"], "layer": self.thing}
        for name in self.params:
            names = texts.returned_names(self.turn_back)
            self.grads[name] = self.loan.take_gradient(name, left, names)
        dx = self._turn(np.asarray(take_dx(returned, self.thing)))
        return as_array(dx, self.shape, "what backward returns")

    def _call(self, x: Array, *, training: bool) -> Array:
        self.loan.lend()
        self.shape = x.shape
        found = self.given | self.modes[training]
        for value in found.values():
            if isinstance(value, dict):
                value["mode"] = TRAIN if training else TEST
        self._set_flags(training=training)
        x = self._turn(x)
        if self.entry:
            results = self.entry(x, *found.values())
        else:
            results = self.run(**{self.x_name: x}, **found) if self.x_name else self.run(x)
        y, cache = take_result(results, self.thing)
        self.values = found | {self.x_name: x, "x": x, "y": y, "cache": cache}
        if self.plan is None:
            known = {self.x_name, *found}
            self.plan = plan_backward(self.turn_back, known, self.way.style)
        self.loan.take_statistics()
        return self._turn(np.asarray(y))

    def _turn(self, x: Array) -> Array:
        return x.T if self.way.columns else x

    def _plan_arguments(self, ours: Layer) -> dict[str, Any]:
        """Return what forward is given beside x: arrays of ours, rates and dictionaries."""
        given: dict[str, Any] = {}
        for name, required in list(arguments(self.run).items())[1:]:
            word = plain(name)
            parameter = parameter_called(name, self.params)
            if parameter and required:
                given[name] = as_theirs(self.params[parameter], self.way)
            elif isinstance(ours, Dropout) and word in vocabulary.FRACTIONS:
                given[name] = self._rate(ours)
            elif required and OPTIONS.fullmatch(word):
                given[name] = self._options(ours)
            elif required and not (vocabulary.TRAINING.fullmatch(word) or word == "mode"):
                raise UnfitError(f"what is {name} of its forward?")
        return given

    def _options(self, ours: Layer) -> dict[str, Any]:
        if isinstance(ours, Dropout):
            return {"mode": TRAIN, "p": self._rate(ours)}
        return {"mode": TRAIN, "momentum": getattr(ours, "momentum", 0.9)}

    def _rate(self, ours: Dropout) -> float:
        return 1 - ours.ratio if self.way.keeps else ours.ratio

    def _set_flags(self, *, training: bool) -> None:
        """Tell an object that keeps for itself whether it is training."""
        if self.unit.kind == "class":
            for name, value in tree.vars_of(self.thing).items():
                if isinstance(value, bool) and vocabulary.TRAINING.fullmatch(plain(name)):
                    setattr(self.thing, name, training)

    def _find_arrays(self, ours: Layer, probe: Array) -> None:
        """Find where the layer has its arrays: some make them at the first call."""
        if self.loan.find_parameters():
            self._call(probe, training=True)
        missing = self.loan.find_parameters()
        if missing:
            expected = ", ".join(f"{n} {self.params[n].shape}" for n in missing)
            raise UnfitError(f"found no {expected} in it")
        y = self._call(probe, training=True)
        if y.ndim != MATRIX:
            raise UnfitError(f"forward returns {y.shape}, expected an array (N, M)")
        if isinstance(ours, Dropout):
            self.factor = _factor(ours, probe, y)
        self.loan.find_statistics()
        for name, array in ours.statistics.items():
            self.statistics[name][...] = array  # as if it had not been called


def _factor(ours: Dropout, x: Array, y: Array) -> float:
    """Return by what the output of somebody's dropout is to be scaled while it learns.

    The book's scales where it predicts. To do so while it learns comes to the same, and a network
    that predicts then needs no dropout.
    """
    kept = (y != 0) & (x != 0)
    is_plain = bool(kept.any()) and np.allclose(y[kept], x[kept], rtol=SAME, atol=0)
    return 1 / (1 - ours.ratio) if is_plain else 1.0
