"""a unit that was handed in, and a Trial, in -> what it makes of the same inputs out.

It compares nothing: that is done where its code does not run.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from types import CodeType, FrameType
from typing import Any

import numpy as np

from bpcli.arrays import Shape
from bpcli.gradcheck.foreign import tree
from bpcli.gradcheck.foreign.convention import Convention
from bpcli.gradcheck.foreign.discover import Unit, bound
from bpcli.gradcheck.foreign.experiment import INPUTS, Experiment
from bpcli.gradcheck.foreign.layout import SINGLE
from bpcli.gradcheck.foreign.naming import same_words
from bpcli.gradcheck.foreign.pairing import in_shape, pair
from bpcli.gradcheck.foreign.state import MiscalledError, State
from bpcli.gradcheck.foreign.tree import Path
from bpcli.gradcheck.foreign.vocabulary import plain
from bpcli.teaching.against.trial import Trial, kinds_of, move, place_values
from bpcli.teaching.against.way import find_way

SAME_LABELS = {"numbers", "one-hot like x"}  # of a loss, one as good as the other
Matches = dict[str, tuple[Path, bool]]  # names of the solution's arrays: ours, and whether turned


def answer(unit: Unit, given: Mapping[str, Any], tolerance: float, trial: Trial) -> dict[str, Any]:
    """Return what a unit makes of a trial: `outputs` for each draw, `gradients`, and `calls`.

    `refused` is set where it takes no such mini-batch, and `unknown` says what is in the way of a
    comparison.
    """
    way, _ = find_way(unit, given, tolerance, lambda way: _is_as(way, trial))
    if way is None:
        alone, _ = find_way(unit, given, tolerance, lambda way: way.layout.tier == SINGLE)
        return {"refused": True} if alone else {"unknown": "forward is not called as there"}
    experiment = Experiment(way, 0)
    matches = _match(experiment, trial)
    if matches is None:
        return {"unknown": "which of its arrays stands for which of the solution's?"}
    outputs = [list(_outputs(experiment, matches, draw)) for draw in map(vars, trial.draws)]
    found: dict[str, Any] = {"outputs": outputs}
    place_values(experiment, _values(matches, trial.draws[0].values))
    experiment.base.inputs |= _labels(experiment, trial.draws[0].labels)
    calls = _Calls(experiment)
    try:
        with calls:
            called = experiment.call([np.asarray(dout, float) for dout in trial.douts])
    except MiscalledError:
        return found | {"calls": calls.most, "gradients": {}}
    gradients = {}
    candidates = pair(experiment, called)
    for name, (path, turned) in matches.items():
        value = tree.get(experiment.base, path)
        arrays = [in_shape(candidate.array, value) for candidate in candidates[path]]
        gradients[name] = [(a.T if turned else a).tolist() for a in arrays]
    return found | {"calls": calls.most, "gradients": gradients}


def _is_as(way: Convention, trial: Trial) -> bool:
    """Tell whether a way to call is that of the solution, as far as inputs go."""
    same = way.layout.x == tuple(trial.x) and way.layout.name == trial.layout
    (labels, *kinds), (expected, *others) = kinds_of(way), trial.kinds
    return same and kinds == others and (labels == expected or {labels, expected} <= SAME_LABELS)


def _match(experiment: Experiment, trial: Trial) -> Matches | None:
    """Return which array stands for which of the solution's: by name, else by shape alone."""
    ours = {path: tree.get(experiment.base, path).shape for path in experiment.leaves}
    theirs = {name: np.shape(value) for name, value in trial.draws[0].values.items()}
    first = next(iter(theirs))
    left, found = dict(ours), Matches()
    inputs = [path for path in ours if path[0] == INPUTS[0]]
    for name, shape in theirs.items():
        fitting = [
            path
            for path in (inputs[:1] if name == first else left)
            if path in left and (ours[path] == shape or _is_turned(ours[path], shape))
        ]
        words = same_words(plain(name.rpartition(".")[2]))
        named = [path for path in fitting if plain(experiment.leaves[path]) in words]
        chosen = named or fitting
        if len(chosen) != 1 and name != first:
            return None
        if not chosen:
            return None
        found[name] = chosen[0], ours[chosen[0]] != shape
        del left[chosen[0]]
    return None if left else found


def _is_turned(ours: Shape, theirs: Shape) -> bool:
    """Tell whether an array of one shape is another turned, as (4, 5), or (1, 4) of (4,)."""
    return ours == theirs[::-1] or sorted((1, *theirs)) == sorted(ours)


def _values(matches: Matches, values: Mapping[str, Any]) -> dict[Path, Any]:
    found = {}
    for name, (path, turned) in matches.items():
        value = np.asarray(values[name], float)
        is_row = turned and value.ndim == 1
        found[path] = value[None] if is_row else value.T if turned else value
    return found


def _labels(experiment: Experiment, labels: list[Any]) -> dict[str, Any]:
    """Return the labels of the solution as this unit takes them: numbers, or one-hot rows."""
    found = {}
    for name, t in zip(sorted(experiment.base.constants), labels, strict=False):
        array, own = np.asarray(t), np.asarray(experiment.base.inputs[name])
        if own.ndim > array.ndim:
            array = np.eye(own.shape[-1])[array]
        elif own.ndim < array.ndim:
            array = array.argmax(axis=-1)
        found[name] = array.astype(own.dtype)
    return found


def _outputs(experiment: Experiment, matches: Matches, draw: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the outputs for a draw, or nothing where it raises."""
    values, labels = _values(matches, draw["values"]), _labels(experiment, draw["labels"])

    def place(state: State) -> None:
        move(state, values)
        state.inputs |= labels

    try:
        yield from (y.tolist() for y in experiment.evaluate(place))
    except MiscalledError:
        return


class _Calls:
    """Counts how often backward calls forward, or another function of the file with all of x.

    A numerical gradient calls it for each element, whatever it is called; it is counting, and no
    clock, that tells.
    """

    def __init__(self, experiment: Experiment) -> None:
        unit, first = experiment.convention.unit, next(iter(experiment.leaves))
        function = bound(experiment.base.unit, unit.forward)
        self.forward = getattr(function, "__code__", None)
        self.x = tree.get(experiment.base, first).shape
        self.file = unit.file
        self.counts = Counter[CodeType]()

    @property
    def most(self) -> int:
        """How often what was called most often was, but for the one call before backward."""
        return max(self.counts.values(), default=0)

    def __enter__(self) -> None:
        sys.setprofile(self._note)

    def __exit__(self, *_error: object) -> None:
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event != "call" or frame.f_code.co_filename != self.file:
            return
        whole = frame.f_code is self.forward or any(
            isinstance(value, np.ndarray) and value.shape == self.x
            for value in frame.f_locals.values()
        )
        self.counts[frame.f_code] += whole
