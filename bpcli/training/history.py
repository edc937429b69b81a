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
}


@dataclass(frozen=True)
class Point:
    """What one evaluation adds to the curve of a run; the fields are as those of a Record."""

    iteration: int
    loss: float
    train_accuracy: float
    accuracy: float
    seconds: float


def append(history: list[Point], record: Record) -> None:
    """Add an evaluation to a curve; one of the same iteration, before a resume, gives way."""
    while history and history[-1].iteration >= record.iteration:
        history.pop()
    history.append(Point(*(getattr(record, name) for name in COLUMNS)))


def to_arrays(history: Sequence[Point]) -> dict[str, npt.NDArray[Any]]:
    """Return a curve as an array (evaluations,) for each of its fields, by names in a file."""
    columns = zip(*map(astuple, history), strict=True) if history else [()] * len(COLUMNS)
    named = zip(COLUMNS.items(), columns, strict=True)
    return {PREFIX + name: np.array(column, dtype) for (name, dtype), column in named}


def from_arrays(
    arrays: dict[str, npt.NDArray[Any]],
    iteration: int,
    record: Record | None,
    *,
    is_expected: bool,
) -> list[Point]:
    """Take a curve of a run that is at `iteration` out of the arrays of a file, if it has one.

    Its last point is the record. Raises ValueError if it is none, or there is none where one
    `is_expected`.
    """
    found = {name: arrays.pop(name) for name in list(arrays) if name.startswith(PREFIX)}
    if not found and not is_expected:
        return []
    columns = [found.pop(PREFIX + name, np.zeros((0, 0))) for name in COLUMNS]
    kinds = [(column.dtype, column.shape) for column in columns]
    if found or kinds != [(np.dtype(d), columns[0].shape[:1]) for d in COLUMNS.values()]:
        raise ValueError("found no history of a run in its arrays")
    iterations, *figures = columns
    accuracies = np.array(figures[1:3])
    if (
        (np.diff(iterations) <= 0).any()
        or (iterations < 0).any()
        or (iterations > iteration).any()
        or not np.isfinite(figures).all()
        or np.signbit(figures).any()  # -0 is no figure, either
        or (accuracies > 1).any()
    ):
        raise ValueError("found a history with values that are no figures of an evaluation")
    points = [Point(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
    if points and not (record and _are_alike(points[-1], record)):
        raise ValueError("found a history that does not end with the last evaluation")
    return points


def _are_alike(point: Point, record: Record) -> bool:
    """Tell whether a point in single precision is that of an evaluation."""
    pairs = [(getattr(point, name), getattr(record, name)) for name in COLUMNS]
    return point.iteration == record.iteration and all(
        math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-30) for one, other in pairs
    )
