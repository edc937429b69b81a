"""a unit in one convention in -> its arrays, gradients by backward, numerical ones, out."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Array
from bpcli.gradcheck.foreign import calling, tree, vocabulary
from bpcli.gradcheck.foreign.convention import Convention
from bpcli.gradcheck.foreign.initializing import initialize
from bpcli.gradcheck.foreign.layout import draw
from bpcli.gradcheck.foreign.preparation import NARROW, WIDE, enliven, widen
from bpcli.gradcheck.foreign.randomness import rewind
from bpcli.gradcheck.foreign.state import BACKWARD, FORWARD, MiscalledError, State
from bpcli.gradcheck.foreign.tree import Path, modules_in
from bpcli.gradcheck.foreign.values import NoValueError

STEP, COARSE_STEP = 1e-5, 1e-2  # of differences in float64, and where there is float32 inside
SATURATED, HALVINGS = 4.0, 8  # a loss that is large, and how often weights are halved for it
LARGEST = 1_000_000  # elements of an array that is moved to see what it does
ELEMENTS = 2_000  # of a unit's arrays, by which all outputs are differentiated
SECOND = 17  # added to the seed of a second input

UNIT: Path = ((".", "unit"),)
INPUTS: Path = ((".", "inputs"),)
GLOBALS: Path = ((".", "globals"),)


class RandomError(Exception):
    """A forward that returns something else for the same input, whatever is done about it."""


@dataclass
class Called:
    """What one forward and backward left behind."""

    state: State
    returned: Any
    before: dict[Path, npt.NDArray[Any]]  # the object's arrays after forward
    after: dict[Path, npt.NDArray[Any]]  # and after backward
    changed: list[str] = field(default_factory=list)  # arguments that were written to


class Experiment:
    """A unit in one convention, built once; each evaluation is of a copy, and leaves no trace.

    Raises MiscalledError where it cannot be built, or its forward cannot be called.
    """

    def __init__(self, convention: Convention, seed: int) -> None:
        self.convention, self.seed, self.spent = convention, seed, 0
        self.base = calling.build(convention, seed)
        self._warm_up()
        widen(self.base.unit)
        rng = np.random.default_rng(seed + 1)
        enliven(self.base.unit, rng, built=self.has_parameters)
        self.outputs = self.evaluate()
        if not all(np.isfinite(y).all() for y in self.outputs):
            words = "forward gives numbers that are not finite"
            raise MiscalledError(FORWARD, FloatingPointError(words))
        if any(map(_differ, self.evaluate(), self.outputs)):
            raise MiscalledError(FORWARD, RandomError("forward draws random numbers of its own"))
        self.coarse = self._is_coarse()
        self.step = COARSE_STEP if self.coarse else STEP
        self.stateful = False  # whether forward changes what the next forward depends on
        self.shared: dict[Path, list[Path]] = {}  # where else an array stands
        self.leaves = self._find_leaves(rng)
        if not self.leaves:
            raise MiscalledError(FORWARD, ValueError("forward does not depend on anything"))
        asked = [n for n, x in self.base.inputs.items() if n not in self.base.constants]
        if (
            asked
            and self.convention.unit.backward
            and not any(p[0] == INPUTS[0] for p in self.leaves)
        ):
            raise MiscalledError(FORWARD, ValueError("forward does not depend on its input"))
        self._calm()
        self.outputs = self.evaluate()
        self.douts = self.draw_douts(rng)

    def with_second_input(self) -> "Experiment | None":
        """Return the same with another x of the same shape, or None where it has none."""
        rng = np.random.default_rng(self.seed + SECOND)
        other = copy.copy(self)
        other.base = replace(self.clone(), inputs=copy.deepcopy(self.base.inputs))
        moved = False
        for name, array in other.base.inputs.items():
            if (*INPUTS, ("[", name)) in self.leaves:
                moved = True
                if self.convention.likely:
                    other.base.inputs[name] = np.roll(array, 1, axis=0) * rng.uniform(0.8, 1)
                else:
                    other.base.inputs[name] = draw(array.shape, rng) * self.convention.scale
        if not moved:
            return None
        try:
            other.outputs = other.evaluate()
        except MiscalledError:
            return None
        if not all(
            np.isfinite(y).all() and y.shape == before.shape
            for y, before in zip(other.outputs, self.outputs, strict=True)
        ):
            return None
        other.douts = other.draw_douts(rng)
        return other

    def draw_douts(self, rng: np.random.Generator) -> list[Array]:
        """Return a gradient from the right for each output: 1 for a loss."""
        if self.convention.labels:  # losses of images, whose sum or mean is what is derived
            mean = self.convention.mean
            return [np.ones(y.shape) / (len(y) if mean and y.ndim else 1) for y in self.outputs]
        if self.convention.alone:
            return [
                np.where(np.arange(y.size) == y.size // 2, rng.normal(), 0) for y in self.outputs
            ]
        return [np.ones(()) if y.ndim == 0 else rng.normal(size=y.shape) for y in self.outputs]

    def clone(self) -> State:
        """Return a copy of the unit as it was before it was ever called."""
        try:
            return copy.deepcopy(self.base, {id(m): m for m in modules_in(self.base.unit)})
        except Exception as error:
            raise MiscalledError(FORWARD, error) from error

    def evaluate(self, move: Callable[[State], None] | None = None) -> list[Array]:
        """Return the outputs of forward, of a copy that `move` has changed."""
        state = self.clone()
        if move:
            move(state)
        self._rewind()
        try:
            calling.forward(self.convention, state)
        except Exception as error:
            raise MiscalledError(FORWARD, error) from error
        return state.outputs

    def call(self, douts: list[Array], state: State | None = None) -> Called:
        """Call forward and backward, of a copy or once more of a state that was called before."""
        state = state or self.clone()
        state.filled = {}
        self._rewind()
        inputs = copy.deepcopy(state.inputs)
        try:
            calling.forward(self.convention, state)
        except Exception as error:
            raise MiscalledError(FORWARD, error) from error
        try:
            before = {p: a.copy() for p, a in tree.arrays(state.unit).items()}
            given = [dout.copy() for dout in douts]
            self._rewind()  # what calls forward once more drops out the same
            returned = calling.backward(self.convention, state, given)
        except Exception as error:
            stage = FORWARD if isinstance(error, NoValueError) else BACKWARD
            raise MiscalledError(stage, error) from error
        changed = ["dout"] * any(map(_differ, given, douts))
        changed += [n for n, value in state.inputs.items() if _differ(value, inputs[n])]
        state.inputs = inputs
        return Called(state, returned, before, tree.arrays(state.unit), changed)

    def slope(self, path: Path, direction: Array, douts: list[Array], step: float = 0) -> float:
        """Return the derivative of the sum of dout * y along a direction of an array."""
        rises = self._differences(path, direction, step or self.step)
        return sum(float(np.vdot(d, rise)) for d, rise in zip(douts, rises, strict=True))

    def can_afford(self, path: Path) -> bool:
        """Tell whether an array is small enough for the derivatives by all its elements."""
        return self.spent + int(tree.get(self.base, path).size) <= ELEMENTS

    def jacobian(self, path: Path) -> Array:
        """Return the derivatives of all outputs by all elements: (elements, outputs)."""
        rows, shape = [], tree.get(self.base, path).shape
        self.spent += math.prod(shape)
        for i in range(math.prod(shape)):
            direction = np.zeros(shape)
            direction.flat[i] = 1
            rises = self._differences(path, direction, self.step)
            rows.append(np.concatenate([np.ravel(rise) for rise in rises]))
        return np.array(rows)

    def _differences(self, path: Path, direction: Array, step: float) -> list[Array]:
        """Return the central differences of all outputs along a direction of an array."""

        def outputs(amount: float) -> list[Array]:
            return self.evaluate(lambda state: _move(state, path, amount * direction))

        pairs = zip(outputs(step), outputs(-step), strict=True)
        return [(above - below) / (2 * step) for above, below in pairs]

    def _rewind(self) -> None:
        rewind(self.seed, self.convention.unit.module)

    def _is_coarse(self) -> bool:
        """Tell whether float32 is used inside: a small step then does nothing, or far too much."""
        state = self.clone()
        self._rewind()
        calling.forward(self.convention, state)
        inside = [*tree.arrays(state.unit).values(), *tree.arrays([state.cache]).values()]
        narrow = any(a.dtype != WIDE for a in [*state.outputs, *inside] if a.dtype.kind == "f")
        return narrow or self._is_rounded()

    def _is_rounded(self) -> bool:
        """Tell whether what forward returns has been float32 before."""
        return any(
            y.size > 1 and np.array_equal(y, y.astype(NARROW).astype(y.dtype))
            and len(np.unique(y % 0.125)) > 2  # which whole numbers are, too
            for y in self.outputs
        )  # fmt: skip

    def _warm_up(self) -> None:
        """Call forward once, so that parameters which are made at the first call are there."""
        inputs = copy.deepcopy(self.base.inputs)
        self.has_parameters = bool(tree.arrays(self.base.unit))
        try:
            self._rewind()
            calling.forward(self.convention, self.base)
            if self.has_parameters:
                self.base = calling.build(self.convention, self.seed)
        except Exception:  # noqa: BLE001 - it may raise whatever it likes
            inputs = self._initialize()
        self.base.inputs = inputs

    def _initialize(self) -> dict[str, Any]:
        """Let what is built make its parameters, for one image or for all; return its inputs."""
        for whole in (False, True):
            self.base = calling.build(self.convention, self.seed)
            initialize(self.convention, self.base, self.seed, whole=whole)
            inputs = copy.deepcopy(self.base.inputs)
            self._rewind()
            try:
                calling.forward(self.convention, self.base)
            except Exception as error:
                if whole:
                    raise MiscalledError(FORWARD, error) from error
            else:
                break
        return inputs

    def _find_leaves(self, rng: np.random.Generator) -> dict[Path, str]:
        """Return the paths of the arrays that change the output, and what they are called."""
        found: dict[Path, str] = {}
        seen: dict[int, Path] = {}
        used = self.clone()
        for _ in range(2):
            self._rewind()
            used.inputs = copy.deepcopy(self.base.inputs)
            try:
                calling.forward(self.convention, used)
            except Exception:  # noqa: BLE001 - of an object that may be called once
                used = self.clone()
                break
        self.stateful = bool(used.outputs) and any(map(_differ, used.outputs, self.outputs))
        for path in self._paths():
            array = tree.get(self.base, path)
            if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
                continue
            if id(array) in seen:
                self.shared.setdefault(seen[id(array)], []).append(path)
                continue
            seen[id(array)] = path
            direction = np.asarray(0.1 * rng.normal(size=array.shape))
            if array.size <= LARGEST and self._matters(path, direction):
                if path[0] == UNIT[0] and _differ(array, tree.get(used, path)):
                    self.stateful = True  # as the h of a recurrent layer
                    continue
                found[path] = tree.spell(path[1:]) if path[0] == UNIT[0] else str(path[-1][1])
        return found

    def _paths(self) -> list[Path]:
        paths: list[Path] = []
        for name, part in self.base.inputs.items():
            if name not in self.base.constants:
                inside = tree.arrays(part) if isinstance(part, dict | list | tuple) else {(): part}
                paths += [(*INPUTS, ("[", name), *path) for path in inside]
        paths += [
            UNIT + path
            for path in sorted(tree.arrays(self.base.unit), key=len)
            if not any(vocabulary.KEPT.search(str(key)) for _, key in path)
        ]
        return paths + [(*GLOBALS, ("[", name)) for name in self.base.globals]

    def _matters(self, path: Path, direction: Array) -> bool:
        try:
            moved = self.evaluate(lambda state: _move(state, path, direction))
        except MiscalledError:
            return False
        return any(map(_differ, moved, self.outputs))

    def _calm(self) -> None:
        """Halve the parameters while a loss is saturated, which says little of its gradient."""
        for _ in range(HALVINGS):
            output = self.evaluate()[0]
            if output.ndim or output < SATURATED:
                break
            for path in self.leaves:
                array = tree.get(self.base, path)
                own = path[0] == UNIT[0] or len(path) > len(INPUTS) + 1  # parameters["W"]
                if own and array.flags.writeable:
                    array *= 0.5


def _move(state: State, path: Path, amount: Array) -> None:
    array = tree.get(state, path)
    if path[0] == INPUTS[0] or not array.flags.writeable:
        tree.put(state, path, array + amount)
    else:
        array += amount


def _differ(a: Any, b: Any) -> bool:
    if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
        return False
    return a.shape != b.shape or not np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
