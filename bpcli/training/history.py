"""the evaluations of a run in -> its curve, as arrays of a model file, out; and that back again."""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.training.record import Record

PREFIX = "history."  # what the names of a curve's arrays begin with
COLUMNS = {
    "iteration": np.int64,
    "loss": np.float32,
    "train_accuracy": np.float32,
    "accuracy": np.float32,
    "seconds": np.float32,
    "held_out_loss": np.float32,
}
LATER = ("held_out_loss",)  # columns that older models do not have


@dataclass(frozen=True)
class Point:
    """What one evaluation adds to the curve of a run; the fields are as those of a Record.

    Before any learning, at iteration 0, there is a point, too: as all of it is the same to a net
    that knows nothing, that is measured on a few evenly spaced images of each split.
    """

    iteration: int
    loss: float
    train_accuracy: float
    accuracy: float
    seconds: float
    held_out_loss: float | None = None

    @property
    def has_learnt(self) -> bool:
        """Whether it is an evaluation of a run, and not what was found before its first step."""
        return self.iteration > 0


def append(history: list[Point], record: Record) -> None:
    """Add an evaluation to a curve; one of the same iteration, before a resume, gives way."""
    while history and history[-1].iteration >= record.iteration:
        history.pop()
    history.append(Point(*(getattr(record, name) for name in COLUMNS)))


def to_arrays(history: Sequence[Point]) -> dict[str, npt.NDArray[Any]]:
    """Return a curve as an array (evaluations,) for each of its fields, by names in a file."""
    columns = zip(*map(astuple, history), strict=True) if history else [()] * len(COLUMNS)
    named = zip(COLUMNS.items(), columns, strict=True)
    # None becomes NaN, the number of what is none.
    return {PREFIX + name: np.array(column, dtype) for (name, dtype), column in named}


def from_arrays(
    arrays: dict[str, npt.NDArray[Any]],
    iteration: int,
    record: Record | None,
    *,
    expected: Sequence[str],
) -> list[Point]:
    """Take a curve of a run that is at `iteration` out of the arrays of a file.

    It has the `expected` columns, and its last point is the record, or before there is any that of
    iteration 0. Raises ValueError if it is none.
    """
    found = {name: arrays.pop(name) for name in list(arrays) if name.startswith(PREFIX)}
    columns = {name: found.pop(PREFIX + name, np.zeros((0, 0))) for name in expected}
    length = columns["iteration"].shape[:1] if expected else ()
    kinds = {name: (column.dtype, column.shape) for name, column in columns.items()}
    if found or kinds != {name: (np.dtype(COLUMNS[name]), length) for name in expected}:
        raise ValueError("found no history of a run in its arrays")
    if not expected:
        return []
    iterations = columns["iteration"]
    if (
        (np.diff(iterations) <= 0).any()
        or (iterations < 0).any()
        or (iterations > iteration).any()
        or not all(map(_are_figures, columns, columns.values()))
    ):
        raise ValueError("found a history with values that are no figures of an evaluation")
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    points = [Point(*map(_to_figure, row)) for row in rows]
    last = points[-1] if points else None
    if last and not (_are_alike(last, record) if record else last.iteration == 0):
        raise ValueError("found a history that does not end with the last evaluation")
    return points


def _are_figures(name: str, column: npt.NDArray[Any]) -> bool:
    """Tell whether a column has nothing but figures: -0 is none, and NaN stands for None."""
    known = column[~np.isnan(column)] if name in LATER else column
    most = 1 if name.endswith("accuracy") else np.inf
    return bool((np.isfinite(known) & ~np.signbit(known) & (known <= most)).all())


def _to_figure(value: Any) -> Any:
    return None if math.isnan(value) else value


def _are_alike(point: Point, record: Record) -> bool:
    """Tell whether a point in single precision is that of an evaluation."""
    pairs = [(getattr(point, name), getattr(record, name)) for name in COLUMNS]
    return point.iteration == record.iteration and all(
        one is None or (other is not None and math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-30))
        for one, other in pairs
    )
