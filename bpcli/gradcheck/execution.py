"""a Subject in -> what a forward and a backward of it leave behind, and what it computes, out.

Whatever is called is a deep copy, so that no call leaves a trace; what is random is drawn again.
"""

import contextlib
import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Array
from bpcli.gradcheck.foreign import tree
from bpcli.gradcheck.foreign.tree import Path
from bpcli.gradcheck.numerical import Function
from bpcli.gradcheck.places import Left, name_returned
from bpcli.gradcheck.subject import NoOutputError, Outputs, Subject

OWNER: Path = ((".", "owner"),)
INPUTS: Path = ((".", "inputs"),)

AnyArray = npt.NDArray[Any]
Rewind = Callable[[], None]


class BackwardError(Exception):
    """A backward that raised, after a forward that took its inputs; its cause says what."""


@dataclass(frozen=True)
class Execution:
    """One forward and backward: its outputs, what came from the right, and what is left.

    `arguments` has what the person gave, as it was and as it is now, `filled` what stood in
    the arrays that were filled.
    """

    outputs: Outputs
    douts: list[Array]
    arguments: dict[str, tuple[AnyArray, AnyArray]]
    left: Left
    filled: dict[Path, Array]


def execute(
    subject: Subject,
    rng: np.random.Generator,
    rewind: Rewind,
    fill: Mapping[Path, Array] | None = None,
) -> Execution:
    """Call a subject forward and backward, which changes it.

    With `fill`, arrays of these paths, where there are such, hold that between forward and
    backward. Raises what forward raises, and BackwardError.
    """
    given = copy.deepcopy(subject.inputs)
    rewind()
    outputs = subject.call_forward()
    arrays = [array.copy() for array in outputs.arrays]  # it may write over its own
    douts = subject.draw_douts(outputs, rng)
    passed = [dout.copy() for dout in douts]
    filled = _fill_in_there(subject, fill or {})
    try:
        returned = subject.call_backward(outputs, passed)
    except Exception as error:
        raise BackwardError from error
    arguments = {
        name: (tree.get(given, path), np.copy(tree.get(subject.inputs, path)))
        for name, path in input_paths(given).items()
    }
    for i, pair in enumerate(zip(douts, passed, strict=True), 1):
        arguments["dout" if i == 1 else f"dout {i}"] = pair
    if outputs.is_kept and returned is not None:
        raise NoOutputError(None)
    function = subject.backward or subject.forward
    named = name_returned(returned, function, skipped=int(subject.backward is None))
    return Execution(Outputs(arrays), douts, arguments, Left(subject.owner, named), filled)


def evaluate(
    subject: Subject, rewind: Rewind, fill: Mapping[Path, Array] | None = None
) -> tuple[list[Array], Subject]:
    """Return the outputs of a copy that holds `fill` at these paths, and the copy after them."""
    twin = copy.deepcopy(subject)
    fill_in(twin, fill or {})
    rewind()
    return twin.call_forward().arrays, twin


def fill_in(subject: Subject, fill: Mapping[Path, Array]) -> None:
    """Write into arrays of a subject, and put numbers where numbers are."""
    for path, array in fill.items():
        part = tree.get(subject, path)
        if isinstance(part, np.ndarray):
            part[...] = array
        else:
            tree.put(subject, path, array.item())


def _fill_in_there(subject: Subject, fill: Mapping[Path, Array]) -> dict[Path, Array]:
    """Write into those arrays that are there, in the shape given; return what stood in them."""
    before: dict[Path, Array] = {}
    for path, array in fill.items():
        with contextlib.suppress(LookupError, AttributeError, ValueError, TypeError):
            part = tree.get(subject, path)
            if isinstance(part, np.ndarray) and part.shape == array.shape:
                stood = part.copy()
                part[...] = array
                before[path] = stood
    return before


def input_paths(inputs: dict[str, Any]) -> dict[str, Path]:
    """Return where arrays are among inputs, by what the person would call them."""
    found: dict[str, Path] = {}
    for name, value in inputs.items():
        if isinstance(value, np.ndarray):
            found[name] = (("[", name),)
        else:
            parts = ((p, part) for p, part in tree.walk(value) if isinstance(part, np.ndarray))
            found |= {f"{name}{tree.spell(path)}": (("[", name), *path) for path, _ in parts}
    return found


def make_function(
    subject: Subject,
    dtype: npt.DTypeLike,
    douts: list[Array],
    paths: Mapping[str, Path],
    rewind: Rewind,
) -> Function:
    """Return the sum of dout * outputs as a function of the arrays and numbers at `paths`."""
    twin = cast(copy.deepcopy(subject), dtype)
    parts = {name: tree.get(twin, path) for name, path in paths.items()}
    arrays = {name: np.array(p, dtype) if np.isscalar(p) else p for name, p in parts.items()}
    numbers = [name for name, part in parts.items() if np.isscalar(part)]

    def value() -> Any:
        outputs, _ = evaluate(twin, rewind, {paths[name]: arrays[name] for name in numbers})
        return sum(np.vdot(dout, y) for dout, y in zip(douts, outputs, strict=True))

    outputs, _ = evaluate(subject, rewind)
    terms = (float(np.abs(dout * y).sum()) for dout, y in zip(douts, outputs, strict=True))
    return Function(value, arrays, 1 + sum(terms))


def cast(subject: Subject, dtype: npt.DTypeLike) -> Subject:
    """Change all arrays of real numbers of a subject to a precision, and return it."""
    made: dict[int, AnyArray] = {}
    for path, array in tree.arrays(subject).items():
        if array.dtype != dtype:
            made.setdefault(id(array), array.astype(dtype))
            tree.put(subject, path, made[id(array)])
    return subject
