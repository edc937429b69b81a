"""a person's layer, and ours, whose place it takes, in -> theirs as a network takes it, out."""

import re
from typing import Any

import numpy as np

from bpcli.arrays import MATRIX, Array
from bpcli.backprop.layer import Layer
from bpcli.backprop.layers import Dropout
from bpcli.gradcheck.foreign import tree, usage, vocabulary
from bpcli.gradcheck.foreign.discover import Unit, bound
from bpcli.gradcheck.foreign.naming import is_marked
from bpcli.gradcheck.foreign.tree import Path
from bpcli.gradcheck.foreign.vocabulary import plain
from bpcli.training.own.call import (
    TEST,
    TRAIN,
    UnfitError,
    Way,
    arguments,
    as_array,
    find_gradient,
    known_values,
    modes,
    plan_backward,
    take_dx,
    take_result,
)

SAME = 1e-3  # relative difference of numbers that are the same but for rounding
OPTIONS = re.compile(r"\w*param(s|eters)?|config|options")  # a dictionary: bn_param, dropout_param
NAMES = {  # what the parameters of ours may be called in other people's layers
    "W": vocabulary.WEIGHTS,
    "b": vocabulary.BIAS,
    "gamma": re.compile("gamma|scale|weights?"),
    "beta": re.compile("beta|shift|bias"),
}


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
        parameter = next((n for n in ours.params if NAMES[n].fullmatch(word)), None)
        if parameter:
            given[name] = _theirs(ours.params[parameter], way).copy()
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
        self.lent: dict[str, tuple[Array, Array]] = {}  # ours, and a view of it in their shape
        self.paths: dict[str, list[Path]] = {}  # of parameters and statistics inside it
        self.given = self._plan_arguments(ours)
        self.gradients: dict[str, Path] = {}
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
        self.left = {"returned": returned, "filled": values["filled"], "layer": self.thing}
        for name in self.params:
            self.grads[name] = self._gradient(name)
        dx = self._turn(np.asarray(take_dx(returned, self.thing)))
        return as_array(dx, self.shape, "what backward returns")

    def _call(self, x: Array, *, training: bool) -> Array:
        self._lend()
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
        self._take_statistics()
        return self._turn(np.asarray(y))

    def _turn(self, x: Array) -> Array:
        return x.T if self.way.columns else x

    def _plan_arguments(self, ours: Layer) -> dict[str, Any]:
        """Return what forward is given beside x: arrays of ours, rates and dictionaries."""
        given: dict[str, Any] = {}
        for name, required in list(arguments(self.run).items())[1:]:
            word = plain(name)
            parameter = next((n for n in self.params if NAMES[n].fullmatch(word)), None)
            if parameter and required:
                given[name] = _theirs(self.params[parameter], self.way)
                self.paths[parameter] = [(("[", "given"), ("[", name))]
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

    @property
    def _root(self) -> dict[str, Any]:
        return {"layer": self.thing, "given": self.given}

    def _find_arrays(self, ours: Layer, probe: Array) -> None:
        """Find where the layer has its arrays: some make them at the first call."""
        if not self._know_parameters():
            self._call(probe, training=True)
        missing = [name for name in self.params if name not in self.paths]
        if missing and not self._know_parameters():
            expected = ", ".join(f"{n} {self.params[n].shape}" for n in missing)
            raise UnfitError(f"found no {expected} in it")
        y = self._call(probe, training=True)
        if not isinstance(y, np.ndarray) or y.ndim != MATRIX:
            raise UnfitError(f"forward returns {_spell(y)}, expected an array (N, M)")
        if isinstance(ours, Dropout):
            self.factor = _factor(ours, probe, y)
        for name in self.statistics:
            pattern = re.compile(vocabulary.RUNNING[name])
            places = [p for p, a in tree.arrays(self._root).items() if a.size == probe.shape[1]]
            found = [p for p in places if pattern.fullmatch(str(p[-1][1]).lower())]
            if found:
                self.paths[name] = found
            self.statistics[name][...] = ours.statistics[name]  # as if it had not been called

    def _know_parameters(self) -> bool:
        """Look for the parameters in the layer, and tell whether all of them are known."""
        inside = {
            path: array for path, array in tree.arrays(self._root).items() if path[0][1] == "layer"
        }
        for name, array in self.params.items():
            if name in self.paths:
                continue
            taken = {path for paths in self.paths.values() for path in paths}
            free = [p for p, a in inside.items() if a.size == array.size and p not in taken]
            fits = [p for p in free if _is_named(p, name)] or [p for p in free if _is_listed(p)]
            if fits:
                first = inside[fits[0]]
                self.paths[name] = [p for p, a in inside.items() if a is first]
        return self.params.keys() <= self.paths.keys()

    def _lend(self) -> None:
        """Put the network's arrays where the layer reads its own from."""
        root = self._root
        for name, paths in self.paths.items():
            array = self.params[name] if name in self.params else self.statistics[name]
            kept = self.lent.get(name)
            if kept is None or kept[0] is not array:
                kept = self.lent[name] = array, _fit(array, tree.get(root, paths[0]), self.way)
            for path in paths:
                if tree.get(root, path) is not kept[1]:
                    tree.put(root, path, kept[1])

    def _take_statistics(self) -> None:
        """Take over what the layer has made of the averages that it keeps."""
        for name, array in self.statistics.items():
            if name in self.paths:
                found = tree.get(self._root, self.paths[name][0])
                array[...] = np.reshape(found, array.shape)

    def _gradient(self, name: str) -> Array:
        """Return the gradient by a parameter that backward has left, in the shape of ours."""
        if name not in self.gradients:
            names = usage.returned_names(self.turn_back)
            taken = list(self.gradients.values())
            path = self.paths[name][0][1:]
            size = self.params[name].size
            self.gradients[name] = find_gradient(self.left, path, size, names, taken)
        found = np.asarray(tree.get(self.left, self.gradients[name]))
        array = self.params[name]
        if found.ndim == 0:
            return np.broadcast_to(found, array.shape)  # of a sum without an axis
        theirs = self.lent[name][1]
        if found.shape != theirs.shape and found.size != array.size:
            raise UnfitError(
                f"backward leaves an array {found.shape} as the gradient by "
                f"{tree.spell(self.paths[name][0][1:])}, expected {theirs.shape}"
            )
        is_turned = array.ndim == MATRIX and theirs.strides == array.strides[::-1]
        return found.T if is_turned else found.reshape(array.shape)


def _factor(ours: Dropout, x: Array, y: Array) -> float:
    """Return by what the output of somebody's dropout is to be scaled while it learns.

    The book's scales where it predicts. To do so while it learns comes to the same, and a network
    that predicts then needs no dropout.
    """
    kept = (y != 0) & (x != 0)
    is_plain = bool(kept.any()) and np.allclose(y[kept], x[kept], rtol=SAME, atol=0)
    return 1 / (1 - ours.ratio) if is_plain else 1.0


def _is_named(path: Path, name: str) -> bool:
    keys = [plain(str(key)) for _, key in path[1:]]
    held = [keys[-2]] if len(keys) > 1 and keys[-1] in vocabulary.HELD else []  # W.data
    return any(NAMES[name].fullmatch(key) for key in [*keys[-1:], *held])


def _is_listed(path: Path) -> bool:
    """Tell whether a path is that of an array in a list, of parameters and not of gradients."""
    keys = [plain(str(key)) for _, key in path[1:]]
    return keys[-1].isdigit() and not any(map(is_marked, keys))


def _theirs(array: Array, way: Way) -> Array:
    """Return a view of an array of ours as a layer has it that is called in this way."""
    if array.ndim == MATRIX:
        return array.T if way.turned else array
    return array.reshape(-1, 1) if way.columns else array


def _fit(array: Array, held: Any, way: Way) -> Array:
    """Return a view of an array of ours in the shape of what a layer holds in its place."""
    if not isinstance(held, np.ndarray) or array.ndim < MATRIX:
        return array.reshape(np.shape(held)) if np.size(held) == array.size else array
    if held.shape == array.shape and not (way.turned and array.shape[0] == array.shape[1]):
        return array
    if held.shape == array.shape[::-1]:
        return array.T
    raise UnfitError(f"found W {held.shape}, expected {array.shape}")


def _spell(found: Any) -> str:
    return str(found.shape) if isinstance(found, np.ndarray) else type(found).__name__
