"""the losses of mini-batches, one by one, in -> their means over windows, which grow, out."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

PREFIX = "losses."  # what the names of their arrays in a model file begin with
MOST = 200  # windows; an even number
# Their arrays, by name: what they hold, and in how many dimensions.
ARRAYS = {"means": (np.float64, 1), "total": (np.float64, 0), "place": (np.int64, 1)}


@dataclass
class Losses:
    """The losses of a run's mini-batches: what each iteration makes smaller, penalty included.

    `means` are over windows of `width` iterations each, from the one after `begin` on; `total` is
    the sum of the `count` losses in the window that is not full yet. Where there are MOST windows,
    neighbours become one and the width doubles: memory stays the same, however long a run is.
    """

    begin: int = 0
    width: int = 1
    count: int = 0
    total: float = 0.0
    means: list[float] = field(default_factory=list)

    def add(self, loss: float) -> None:
        """Take the loss of one more mini-batch."""
        self.total += loss
        self.count += 1
        if self.count == self.width:
            self._close()

    def _close(self) -> None:
        self.means.append(self.total / self.width)
        self.total, self.count = 0.0, 0
        if len(self.means) == MOST:
            pairs = zip(self.means[::2], self.means[1::2], strict=True)
            self.means = [(one + other) / 2 for one, other in pairs]
            self.width *= 2

    @property
    def iterations(self) -> list[float]:
        """The iteration in the middle of each window: (windows,)."""
        middle = (self.width + 1) / 2
        return [self.begin + i * self.width + middle for i in range(len(self.means))]


def to_arrays(losses: Losses) -> dict[str, npt.NDArray[Any]]:
    """Return losses as arrays by their names in a file."""
    values = {
        "means": losses.means,
        "total": losses.total,
        "place": [losses.begin, losses.width, losses.count],
    }
    return {PREFIX + name: np.array(values[name], dtype) for name, (dtype, _) in ARRAYS.items()}


def from_arrays(arrays: dict[str, npt.NDArray[Any]], iteration: int) -> Losses:
    """Take the losses of a run that is at `iteration` out of the arrays of a file.

    Raises ValueError if they are none.
    """
    names = [name for name in arrays if name.startswith(PREFIX)]
    found = {name.removeprefix(PREFIX): arrays.pop(name) for name in names}
    kinds = {name: (array.dtype, array.ndim) for name, array in found.items()}
    if kinds != {name: (np.dtype(d), n) for name, (d, n) in ARRAYS.items()}:
        raise ValueError("found no losses of mini-batches in its arrays")
    means, total, place = found["means"].tolist(), found["total"].item(), found["place"].tolist()
    if found["place"].shape == (3,):
        begin, width, count = place
        losses = Losses(begin, width, count, total, means)
        if _are_in_order(losses, iteration) and np.isfinite([total, *means]).all():
            return losses
    raise ValueError("found losses of mini-batches that no run has")


def _are_in_order(losses: Losses, iteration: int) -> bool:
    """Tell whether windows are of a width that comes of doubling, and end at an iteration."""
    begin, width, count, windows = losses.begin, losses.width, losses.count, len(losses.means)
    is_open = 0 <= count < width and (count > 0 or losses.total == 0)
    is_doubled = width == 1 or (width > 1 and width & (width - 1) == 0 and windows >= MOST // 2)
    is_whole = begin >= 0 and begin + windows * width + count == iteration
    return is_open and is_doubled and is_whole and windows < MOST
