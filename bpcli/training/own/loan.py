"""a person's layer, and arrays of ours, in -> these lent to it, and what it made of them, out."""

import re
from typing import Any

import numpy as np

from bpcli.arrays import MATRIX, Array
from bpcli.gradcheck.foreign import tree, vocabulary
from bpcli.gradcheck.foreign.naming import is_marked
from bpcli.gradcheck.foreign.tree import Path
from bpcli.gradcheck.foreign.vocabulary import plain
from bpcli.training.own.call import UnfitError, Way, find_gradient

NAMES = {  # what the parameters of ours may be called in other people's layers
    "W": vocabulary.WEIGHTS,
    "b": vocabulary.BIAS,
    "gamma": re.compile("gamma|scale|weights?"),
    "beta": re.compile("beta|shift|bias"),
}


class Loan:
    """Where a person's layer has parameters and statistics, in whose places ours are put.

    `given` are the arguments that its forward gets beside x. Arrays are lent as views, in the shape
    in which the layer has them.
    """

    def __init__(
        self,
        layer: Any,
        given: dict[str, Any],
        params: dict[str, Array],
        statistics: dict[str, Array],
        way: Way,
    ) -> None:
        self.root = {"layer": layer, "given": given}
        self.params, self.statistics, self.way = params, statistics, way
        self.lent: dict[str, tuple[Array, Array]] = {}  # ours, and the view of it
        self.gradients: dict[str, Path] = {}
        self.paths: dict[str, list[Path]] = {}
        for argument in given:
            name = parameter_called(argument, params)
            if name:
                self.paths[name] = [(("[", "given"), ("[", argument))]

    def find_parameters(self) -> list[str]:
        """Look for parameters in the layer, and return those that are not there, or not yet."""
        inside = {
            path: array for path, array in tree.arrays(self.root).items() if path[0][1] == "layer"
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
        return [name for name in self.params if name not in self.paths]

    def find_statistics(self) -> None:
        """Look for the averages that the layer keeps of its inputs."""
        for name, array in self.statistics.items():
            pattern = re.compile(vocabulary.RUNNING[name])
            places = [p for p, a in tree.arrays(self.root).items() if a.size == array.size]
            found = [p for p in places if pattern.fullmatch(str(p[-1][1]).lower())]
            if found:
                self.paths[name] = found

    def lend(self) -> None:
        """Put our arrays where the layer reads its own from."""
        for name, paths in self.paths.items():
            array = self.params[name] if name in self.params else self.statistics[name]
            kept = self.lent.get(name)
            if kept is None or kept[0] is not array:
                held = tree.get(self.root, paths[0])
                kept = self.lent[name] = array, _fit(array, held, self.way)
            for path in paths:
                if tree.get(self.root, path) is not kept[1]:
                    tree.put(self.root, path, kept[1])

    def take_statistics(self) -> None:
        """Take over what the layer has made of the averages that it keeps."""
        for name, array in self.statistics.items():
            if name in self.paths:
                found = tree.get(self.root, self.paths[name][0])
                array[...] = np.reshape(found, array.shape)

    def take_gradient(self, name: str, left: dict[str, Any], returned_names: list[str]) -> Array:
        """Return the gradient by a parameter that backward has left, in the shape of ours.

        `left` is as `find_gradient` has it. Raises UnfitError.
        """
        path, array = self.paths[name][0][1:], self.params[name]
        if name not in self.gradients:
            taken = list(self.gradients.values())
            self.gradients[name] = find_gradient(left, path, array.size, returned_names, taken)
        found = np.asarray(tree.get(left, self.gradients[name]))
        if found.ndim == 0:
            return np.broadcast_to(found, array.shape)  # of a sum without an axis
        theirs = self.lent[name][1]
        if found.shape != theirs.shape and found.size != array.size:
            raise UnfitError(
                f"backward leaves an array {found.shape} as the gradient by {tree.spell(path)}, "
                f"expected {theirs.shape}"
            )
        is_turned = array.ndim == MATRIX and theirs.strides == array.strides[::-1]
        return found.T if is_turned else found.reshape(array.shape)


def parameter_called(name: str, params: dict[str, Array]) -> str:
    """Return which parameter of ours an argument of this name is, or ""."""
    return next((own for own in params if NAMES[own].fullmatch(plain(name))), "")


def as_theirs(array: Array, way: Way) -> Array:
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


def _is_named(path: Path, name: str) -> bool:
    keys = [plain(str(key)) for _, key in path[1:]]
    held = [keys[-2]] if len(keys) > 1 and keys[-1] in vocabulary.HELD else []  # W.data
    return any(NAMES[name].fullmatch(key) for key in [*keys[-1:], *held])


def _is_listed(path: Path) -> bool:
    """Tell whether a path is that of an array in a list, of parameters and not of gradients."""
    keys = [plain(str(key)) for _, key in path[1:]]
    return keys[-1].isdigit() and not any(map(is_marked, keys))
