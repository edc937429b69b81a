"""one way to call a unit in -> its arrays, their gradients by backward, and numerical ones, out."""

import copy
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Array
from bpcli.gradcheck.foreign import tree
from bpcli.gradcheck.foreign.initializing import initialize
from bpcli.gradcheck.foreign.reading import MisreadError, Reading, World, reseed
from bpcli.gradcheck.foreign.scene import NoValueError
from bpcli.gradcheck.foreign.tree import Path

STEP, COARSE_STEP = 1e-5, 1e-2  # of differences in float64, and where there is float32 inside
KEPT = re.compile(r"memory|cache|buffer|workspace", re.IGNORECASE)  # of one call for another
SATURATED, HALVINGS = 4.0, 8  # a loss that is large, and how often weights are halved for it
LARGEST = 1_000_000  # elements of an array that is moved to see what it does
FEW = 0.05  # deviation of weights below which they are made larger: all gradients would be small

UNIT: Path = ((".", "unit"),)
INPUTS: Path = ((".", "inputs"),)


@dataclass
class Called:
    """What one forward and backward left behind."""

    world: World
    returned: Any
    before: dict[Path, npt.NDArray[Any]]  # the object's arrays after forward
    after: dict[Path, npt.NDArray[Any]]  # and after backward
    changed: list[str] = field(default_factory=list)  # arguments that were written to


class Probe:
    """A unit in one reading, built once; each evaluation is of a copy, so that none leaves a trace.

    Raises MisreadError where it cannot be built, or its forward cannot be called.
    """

    def __init__(self, reading: Reading, seed: int) -> None:
        self.reading, self.seed = reading, seed
        self.base = reading.build(seed)
        self._warm_up()
        self._widen()
        self.outputs = self.evaluate()
        if not all(np.isfinite(y).all() for y in self.outputs):
            raise MisreadError(2, FloatingPointError("forward gives numbers that are not finite"))
        self.coarse = self._is_coarse()
        self.step = COARSE_STEP if self.coarse else STEP
        rng = np.random.default_rng(seed + 1)
        self.stateful = False  # whether forward changes what the next forward depends on
        self.leaves = self._find_leaves(rng)
        if not self.leaves:
            raise MisreadError(2, ValueError("forward does not depend on anything"))
        self._enliven(rng)
        self.outputs = self.evaluate()
        self.douts = self.draw_douts(rng)

    def draw_douts(self, rng: np.random.Generator) -> list[Array]:
        """Return a gradient from the right for each output: 1 for a loss."""
        if self.reading.labels:  # losses of images, whose sum or mean is what is derived
            mean = self.reading.mean
            return [np.ones(y.shape) / (len(y) if mean and y.ndim else 1) for y in self.outputs]
        return [np.ones(()) if y.ndim == 0 else rng.normal(size=y.shape) for y in self.outputs]

    def clone(self) -> World:
        """Return a copy of the unit as it was before it was ever called."""
        try:
            return copy.deepcopy(self.base)
        except Exception as error:
            raise MisreadError(2, error) from error

    def evaluate(self, move: Callable[[World], None] | None = None) -> list[Array]:
        """Return the outputs of forward, of a copy that `move` has changed."""
        world = self.clone()
        if move:
            move(world)
        reseed(self.seed)
        try:
            self.reading.forward(world)
        except Exception as error:
            raise MisreadError(2, error) from error
        return world.outputs

    def call(self, douts: list[Array], world: World | None = None) -> Called:
        """Call forward and backward, of a copy or once more of a world that was called before."""
        world = world or self.clone()
        reseed(self.seed)
        inputs = copy.deepcopy(world.inputs)
        try:
            self.reading.forward(world)
            before = {p: a.copy() for p, a in tree.arrays(world.unit).items()}
            given = [dout.copy() for dout in douts]
            returned = self.reading.backward(world, given)
        except Exception as error:
            raise MisreadError(2 if isinstance(error, NoValueError) else 3, error) from error
        changed = ["dout"] * any(map(_differ, given, douts))
        changed += [n for n, value in world.inputs.items() if _differ(value, inputs[n])]
        world.inputs = inputs
        return Called(world, returned, before, tree.arrays(world.unit), changed)

    def slope(self, path: Path, direction: Array, douts: list[Array], step: float = 0) -> float:
        """Return the derivative of the sum of dout * y along a direction of an array."""
        rises = self._differences(path, direction, step or self.step)
        return sum(float(np.vdot(d, rise)) for d, rise in zip(douts, rises, strict=True))

    def jacobian(self, path: Path) -> Array:
        """Return the derivatives of all outputs by all elements: (elements, outputs)."""
        rows, shape = [], tree.get(self.base, path).shape
        for i in range(math.prod(shape)):
            direction = np.zeros(shape)
            direction.flat[i] = 1
            rises = self._differences(path, direction, self.step)
            rows.append(np.concatenate([np.ravel(rise) for rise in rises]))
        return np.array(rows)

    def _differences(self, path: Path, direction: Array, step: float) -> list[Array]:
        """Return the central differences of all outputs along a direction of an array."""

        def outputs(amount: float) -> list[Array]:
            return self.evaluate(lambda world: _move(world, path, amount * direction))

        pairs = zip(outputs(step), outputs(-step), strict=True)
        return [(above - below) / (2 * step) for above, below in pairs]

    def _is_coarse(self) -> bool:
        """Tell whether anything is kept in float32 on the way."""
        world = self.clone()
        reseed(self.seed)
        self.reading.forward(world)
        inside = [*tree.arrays(world.unit).values(), *tree.arrays([world.cache]).values()]
        return any(array.dtype == np.float32 for array in [*world.outputs, *inside])

    def _warm_up(self) -> None:
        """Call forward once: some layers make their parameters only then, or by another method."""
        inputs = copy.deepcopy(self.base.inputs)
        has_parameters = bool(tree.arrays(self.base.unit))
        try:
            reseed(self.seed)
            self.reading.forward(self.base)
            if has_parameters:
                self.base = self.reading.build(self.seed)
        except Exception:  # noqa: BLE001 - it may raise whatever it likes
            self.base = self.reading.build(self.seed)
            initialize(self.reading, self.base, self.seed)
            inputs = copy.deepcopy(self.base.inputs)
            try:
                reseed(self.seed)
                self.reading.forward(self.base)
            except Exception as error:
                raise MisreadError(2, error) from error
        self.base.inputs = inputs

    def _widen(self) -> None:
        """Make arrays of float32 float64, in which differences say something."""
        wide: dict[int, Array] = {}
        for path, array in tree.arrays(self.base.unit).items():
            if array.dtype == np.float32:
                wide.setdefault(id(array), array.astype(np.float64))
                tree.put(self.base, UNIT + path, wide[id(array)])

    def _find_leaves(self, rng: np.random.Generator) -> dict[Path, str]:
        """Return the paths of the arrays that change the output, and what they are called."""
        found: dict[Path, str] = {}
        seen: set[int] = set()
        used = self.clone()
        for _ in range(2):
            reseed(self.seed)
            used.inputs = copy.deepcopy(self.base.inputs)
            self.reading.forward(used)
        self.stateful = any(map(_differ, used.outputs, self.outputs))
        paths = [(*INPUTS, ("[", n)) for n in self.base.inputs if n not in self.base.constants]
        paths += [
            UNIT + path
            for path in sorted(tree.arrays(self.base.unit), key=len)
            if not any(KEPT.search(str(key)) for _, key in path)
        ]
        for path in paths:
            array = tree.get(self.base, path)
            if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or id(array) in seen:
                continue
            seen.add(id(array))
            direction = np.asarray(0.1 * rng.normal(size=array.shape))
            if array.size <= LARGEST and self._matters(path, direction):
                if path[0] == UNIT[0] and _differ(array, tree.get(used, path)):
                    self.stateful = True  # as the h of a recurrent layer
                    continue
                found[path] = (
                    tree.spell(path[1:]).strip("['\"]")
                    if path[0] == INPUTS[0]
                    else (tree.spell(path[1:]))
                )
        return found

    def _matters(self, path: Path, direction: Array) -> bool:
        try:
            moved = self.evaluate(lambda world: _move(world, path, direction))
        except MisreadError:
            return False
        return any(map(_differ, moved, self.outputs))

    def _enliven(self, rng: np.random.Generator) -> None:
        """Make parameters that are all the same, or hardly differ from 0, different."""
        for path in self.leaves:
            array = tree.get(self.base, path)
            if path[0] == UNIT[0] and array.flags.writeable and array.std() < FEW:
                width = 0.3 if array.ndim < 2 else min(0.3, max(array.shape) ** -0.5)
                noise = width * rng.normal(size=array.shape)
                array += noise if abs(array.mean()) < FEW and array.any() else np.abs(noise)
        for _ in range(HALVINGS):  # a loss that is saturated says little of its gradient
            output = self.evaluate()[0]
            if output.ndim or output < SATURATED:
                break
            for path in self.leaves:
                array = tree.get(self.base, path)
                if path[0] == UNIT[0] and array.flags.writeable:
                    array *= 0.5


def _move(world: World, path: Path, amount: Array) -> None:
    array = tree.get(world, path)
    array += amount


def _differ(a: Any, b: Any) -> bool:
    if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
        return False
    return a.shape != b.shape or not np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
