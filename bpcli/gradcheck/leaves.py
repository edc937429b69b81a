"""a Subject in -> the arrays that its outputs depend on, with the places of gradients, out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bpcli.arrays import Array
from bpcli.errors import ArgumentError
from bpcli.gradcheck.comparer import Missing
from bpcli.gradcheck.execution import INPUTS, OWNER, Execution, Rewind, evaluate, input_paths
from bpcli.gradcheck.foreign import tree
from bpcli.gradcheck.foreign.tree import Path
from bpcli.gradcheck.foreign.vocabulary import INPUT_GRADIENTS, SURE_LABELS, is_labels, plain
from bpcli.gradcheck.places import RETURNED, as_gradient, names_gradient, places
from bpcli.gradcheck.subject import Subject

MOVES = 0.1, 10.0  # deviations by which an array is moved to see whether anything changes

Where = Mapping[str, tuple[str, str | int]]  # of a name: the array, and the gradient by it


@dataclass(frozen=True)
class Leaf:
    """An array that outputs depend on: its path in the subject, and the place of its gradient."""

    path: Path
    place: Path | Missing


class Leaves:
    """The arrays that the outputs of a subject depend on, by the person's names for them.

    `inputs` are those that were given, `owned` those of the object; `constants` are those that have
    no gradient and need none, as labels. `where` names the arrays that have one, None looks for
    them. Raises ArgumentError where one is not there.
    """

    def __init__(
        self, base: Subject, rewind: Rewind, found: Execution, where: Where | None
    ) -> None:
        self.base, self.rewind = base, rewind
        self.left, self.scalar = found.left, found.outputs.arrays[0].ndim == 0
        self.inputs: dict[str, Leaf] = {}
        self.constants: list[str] = []
        self.owned = dict(self._find_owned() if where is None else self._look_up(where))
        self._pair_inputs()

    def _find_owned(self) -> Iterator[tuple[str, Leaf]]:
        """Find what moves the outputs, and is not written over by forward, as what it keeps is."""
        groups: dict[int, list[Path]] = {}
        for path, array in tree.arrays(self.base.owner).items():
            groups.setdefault(id(array), []).append(path)
        unread: list[tuple[Path, Path]] = []
        claimed: set[Path] = set()
        for paths in groups.values():
            held = [place for path in paths for place in self._held(path)]
            matters, stays = self._probe(OWNER + paths[0])
            if matters and stays and not held and not self.base.is_object:
                self.constants.append(tree.spell(paths[0]))
            elif matters and stays:
                claimed |= set(held)
                place = held[0] if held else self._explain_missing(paths[0])
                yield tree.spell(paths[0]), Leaf(OWNER + paths[0], place)
            elif held and stays:
                unread.append((paths[0], held[0]))
        for path, place in unread:
            if place not in claimed:
                yield tree.spell(path), Leaf(OWNER + path, _never_read(tree.spell(path)))
        for path, part in list(tree.walk(self.base.owner)):
            held = self._held(path) if isinstance(part, float) else []
            if held and self._probe(OWNER + path)[0]:
                yield tree.spell(path), Leaf(OWNER + path, held[0])

    def _look_up(self, where: Where) -> Iterator[tuple[str, Leaf]]:
        """Find the arrays that were named, and their gradients."""
        parts = {tree.spell(path): (path, part) for path, part in tree.walk(self.base.owner)}
        inputs = input_paths(self.base.inputs)
        for name, (array, gradient) in where.items():
            if array in inputs:
                self.inputs[name] = Leaf(INPUTS + inputs[array], self._look_up_gradient(gradient))
                continue
            path, part = parts.get(array, ((), None))
            if not isinstance(part, np.ndarray | float):
                there = [spelled for spelled, (_, p) in parts.items() if isinstance(p, np.ndarray)]
                raise ArgumentError(
                    f"params: found {array!r}, expected arrays of {self.base.name}: "
                    f"{', '.join(there) or 'it has none'}"
                )
            matters, _ = self._probe(OWNER + path)
            place = self._look_up_gradient(gradient) if matters else _never_read(array)
            yield name, Leaf(OWNER + path, place)

    def _look_up_gradient(self, gradient: str | int) -> Path | Missing:
        if str(gradient) in self.left.returned:
            return (*RETURNED, ("[", str(gradient)))
        for path, part in tree.walk(self.left.owner):
            if tree.spell(path) == gradient and as_gradient(part) is not None:
                return OWNER + path
        return Missing(f"{gradient} is never set")

    def _held(self, path: Path) -> list[Path]:
        """Return the places in which there is something that may be the gradient by an array."""
        found = places(self.left, path)
        return [place for place in found if as_gradient(tree.get(self.left, place)) is not None]

    def _explain_missing(self, path: Path) -> Missing:
        """Say why there is no gradient by an array that forward depends on."""
        name = str(path[-1][1])
        for place in places(self.left, path):
            return Missing(f"{tree.spell(place[1:])} is never set")
        code = getattr(self.base.backward, "__code__", None)
        for local in code.co_varnames if code else ():
            if names_gradient(local, name):
                return Missing(f"{local} is computed and not kept: set self.{local}")
        if not np.array_equal(tree.get(self.base.owner, path), tree.get(self.left.owner, path)):
            words = "backward changes it by itself: keep its gradient, and let an optimizer do that"
            return Missing(words, unknown=True)
        spelled = tree.spell(path)
        return Missing(
            f"forward depends on it, and there is no gradient by it, as d{name}: say where, as "
            f'params={{"{spelled}": "..."}}, or name there only those that have one',
            unknown=True,
        )

    def _pair_inputs(self) -> None:
        """Give what backward returned to the inputs: by names, in order, or by shapes."""
        paths = {
            n: p for n, p in input_paths(self.base.inputs).items() if self._is_real(INPUTS + p)
        }
        claimed = [leaf.place for leaf in (*self.owned.values(), *self.inputs.values())]
        left: list[Path] = []
        for word, part in self.left.returned.items():
            place = (*RETURNED, ("[", word))
            inner = [(*place, *path) for path, p in tree.walk(part) if as_gradient(p) is not None]
            left += [
                p for p in ([place] if as_gradient(part) is not None else inner) if p not in claimed
            ]
        for name, path in paths.items():
            for place in left if name not in self.inputs else ():
                if _is_named(place, path):
                    self.inputs[name] = Leaf(INPUTS + path, place)
                    left.remove(place)
                    break
        rest = [name for name in paths if name not in self.inputs]
        if len(left) < len(rest):  # labels need none
            rest.sort(key=lambda name: (plain(name) in SURE_LABELS, is_labels(name)))
        lacking = {
            name: leaf.path
            for name, leaf in self.owned.items()
            if isinstance(leaf.place, Missing) and leaf.place.unknown
        }
        wanted = {name: INPUTS + paths[name] for name in rest}
        if len(left) == len(rest) + len(lacking):  # (dx, dW, db), of an object's W and b
            wanted |= lacking
        for name, place in self._match(wanted, left):
            into = self.owned if name in lacking else self.inputs
            into[name] = Leaf(wanted[name], place)
        for name in [name for name in paths if name not in self.inputs]:
            self._settle_input(name, paths[name])

    def _match(self, wanted: Mapping[str, Path], left: list[Path]) -> list[tuple[str, Path]]:
        """Return which arrays belong to what was returned without a telling name."""
        names = list(wanted)
        shapes = [np.shape(tree.get(self.base, path)) for path in wanted.values()]
        found = [np.shape(tree.get(self.left, place)) for place in left]
        in_order = list(zip(names, left, strict=False))
        if self.scalar and self.owned and len(self.left.returned) > 1:  # as min-char-rnn's last h
            return []
        if len(left) <= len(names) and all(a == b for a, b in zip(shapes, found, strict=False)):
            return in_order
        if len(set(shapes)) == len(shapes) and sorted(shapes) == sorted(found):
            return [(name, left[found.index(s)]) for name, s in zip(names, shapes, strict=True)]
        return [] if len(left) > len(names) or (self.scalar and self.owned) else in_order

    def _settle_input(self, name: str, path: Path) -> None:
        """Say of an input without a gradient whether it needs one."""
        key = path[0][1]
        attributes = [] if self.base.owner is None else list(tree.vars_of(self.left.owner).items())
        for word, part in attributes:  # as dinputs
            is_its = names_gradient(word, key) or (
                plain(word) in INPUT_GRADIENTS and not self.inputs
            )
            if is_its and len(path) == 1 and as_gradient(part) is not None:
                self.inputs[name] = Leaf(INPUTS + path, (*OWNER, (".", word)))
                return
        first = not self.inputs and key == next(iter(self.base.inputs))
        given = self.scalar or bool(self.base.reduction) or key in self.base.numbers
        given |= is_labels(key) and not self.base.takes_dout
        if key in self.base.integers or (given and (self.inputs or self.owned or not first)):
            self.constants.append(name)
        elif first and not self.left.returned:
            shape = np.shape(tree.get(self.base.inputs, path))
            words = f"backward returned None, expected an array {shape}: is `return dx` missing?"
            self.inputs[name] = Leaf(INPUTS + path, Missing(words))
        elif self._probe(INPUTS + path)[0]:
            words = f"forward depends on it, and backward returns no gradient by it, as d{key}"
            self.inputs[name] = Leaf(INPUTS + path, Missing(words, unknown=True))

    def _is_real(self, path: Path) -> bool:
        part = tree.get(self.base, path)
        return bool(part.dtype.kind == "f" and part.size)

    def _probe(self, path: Path) -> tuple[bool, bool]:
        """Tell whether outputs change with an array, and whether forward leaves it as it is.

        They may change with it at other inputs than these: there it is moved, too. And what is
        multiplied by zero makes no difference, but is read: then numbers that are none show.
        """
        rng, stays = np.random.default_rng(3), True
        part = np.asarray(tree.get(self.base, path))
        for width in (*MOVES, np.nan):
            for inputs in ({}, self._draw_inputs(rng)):
                moved = part + width * rng.normal(size=part.shape)
                try:
                    before, _ = evaluate(self.base, self.rewind, inputs)
                    after, twin = evaluate(self.base, self.rewind, inputs | {path: moved})
                except Exception:  # noqa: BLE001, S112 - it may not take such numbers
                    continue
                stays &= np.array_equal(tree.get(twin, path), moved, equal_nan=True)
                if not all(map(np.array_equal, before, after)):
                    return True, stays
        return False, stays

    def _draw_inputs(self, rng: np.random.Generator) -> dict[Path, Array]:
        """Return other real inputs than were given, of the same shapes."""
        paths = (INPUTS + path for path in input_paths(self.base.inputs).values())
        return {
            p: rng.normal(size=np.shape(tree.get(self.base, p))) for p in paths if self._is_real(p)
        }


def _never_read(array: str) -> Missing:
    return Missing(f"{array} is never read: forward does not change with it")


def _is_named(place: Path, path: Path) -> bool:
    """Tell whether something was returned under a name for the gradient by an input."""
    word, key, last = str(place[1][1]), str(path[0][1]), str(path[-1][1])
    if len(path) == 1:
        return len(place) == 2 and (names_gradient(word, key) or word == key)
    if len(place) == 2:  # dWax, of parameters["Wax"]
        return names_gradient(word, last)
    return place[2:] == path[1:] and (names_gradient(word, key) or word == key)
