"""where ink lies on a picture in -> each of its connected pieces out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Piece:
    """Connected ink: how many pixels, and the box around them."""

    label: int
    size: int
    top: int
    bottom: int  # the row after the last one
    left: int
    right: int  # the column after the last one

    @property
    def height(self) -> int:
        """Rows of its box."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns of its box."""
        return self.right - self.left


def label(mask: Mask) -> Labels:
    """Return the number of each pixel's piece, from 1 on; 0 is paper. Corners connect.

    Runs of a row are joined with those above that they touch.
    """
    parents = [0]

    def root(i: int) -> int:
        while parents[i] != i:
            i = parents[i]
        return i

    labels = np.zeros(mask.shape, np.intp)
    above: list[tuple[int, int, int]] = []
    for row, ink in enumerate(mask):
        steps = np.flatnonzero(np.diff(np.concatenate(([0], ink.astype(np.int8), [0]))))
        runs = []
        for start, stop in steps.reshape(-1, 2).tolist():
            touched = {root(i) for first, last, i in above if first <= stop and last >= start}
            own = min(touched, default=len(parents))
            if not touched:
                parents.append(own)
            for other in touched:
                parents[other] = own
            labels[row, start:stop] = own
            runs.append((start, stop, own))
        above = runs
    return np.array([root(i) for i in range(len(parents))])[labels]


def find_pieces(labels: Labels) -> list[Piece]:
    """Return every piece of an array of labels, in order of the labels."""
    rows, columns = np.nonzero(labels)
    owners = labels[rows, columns]
    n = int(labels.max(initial=0)) + 1
    sizes = np.bincount(owners, minlength=n)
    boxes = np.tile([[labels.shape[0]], [0], [labels.shape[1]], [0]], n)
    np.minimum.at(boxes[0], owners, rows)
    np.maximum.at(boxes[1], owners, rows + 1)
    np.minimum.at(boxes[2], owners, columns)
    np.maximum.at(boxes[3], owners, columns + 1)
    return [Piece(i, int(sizes[i]), *map(int, boxes[:, i])) for i in np.flatnonzero(sizes).tolist()]
