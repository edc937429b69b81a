"""where ink lies on a picture in -> the digits on it, each of its connected pieces, out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]

SPECK = 0.1  # of the main piece; smaller pieces are no part of a digit
OUTER = 0.2  # the part of a picture, at each side, in which a line from edge to edge is a frame
EDGE_TO_EDGE = 0.9  # the part of a row that ink covers in a frame
TALL = 0.6  # of the tallest piece; a smaller one beside it is no digit of its own
INNER = 0.1  # of all ink; a piece inside of so much is the digit, and what touches edges is not


@dataclass(frozen=True)
class Piece:
    """Connected ink: how many pixels, and the box around them."""

    label: int
    size: int
    top: int
    bottom: int  # the row after the last one
    left: int
    right: int  # the column after the last one


def label(mask: Mask) -> npt.NDArray[np.intp]:
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


def find_pieces(labels: npt.NDArray[np.intp]) -> list[Piece]:
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


def find_digits(mask: Mask) -> tuple[npt.NDArray[np.intp], list[list[Piece]]]:
    """Return the labels of a mask, and the pieces of each digit, digits from left to right.

    Frames, what touches an edge beside a digit, and specks are left out. Pieces that are nearly as
    tall as the tallest and stand beside one another are digits of their own.
    """
    labels = label(_without_frames(mask))
    pieces = find_pieces(labels)
    height, width = mask.shape
    inner = [p for p in pieces if p.top and p.left and p.bottom < height and p.right < width]
    if max((p.size for p in inner), default=0) > INNER * sum(p.size for p in pieces):
        pieces = inner
    main = max((p.size for p in pieces), default=0)
    return labels, _beside([p for p in pieces if p.size >= SPECK * main])


def _without_frames(mask: Mask) -> Mask:
    """Return a mask without rows and columns near the edges that are ink from edge to edge."""
    rows, columns = (_frames(turned)[:, np.newaxis] for turned in (mask, mask.T))
    return mask & ~(rows | columns.T)


def _frames(mask: Mask) -> Mask:
    n = len(mask)
    outer = np.minimum(np.arange(n), n - 1 - np.arange(n)) < OUTER * n
    frames: Mask = outer & (mask.mean(axis=1) > EDGE_TO_EDGE)
    return frames


def _beside(pieces: list[Piece]) -> list[list[Piece]]:
    """Return pieces in groups, each a digit: one of the tall pieces, and small ones near it."""
    tallest = max((p.bottom - p.top for p in pieces), default=0)
    digits: list[list[Piece]] = []
    small = []
    for piece in sorted(pieces, key=lambda p: (p.left, p.label)):
        if piece.bottom - piece.top < TALL * tallest:
            small.append(piece)
        elif digits and _overlap(digits[-1], piece):
            digits[-1].append(piece)
        else:
            digits.append([piece])
    for piece in small:
        min(digits, key=lambda digit: _gap(digit, piece)).append(piece)
    return digits


def _gap(digit: list[Piece], piece: Piece) -> int:
    """Return how many columns lie between a piece and a digit; less than 0 where they overlap."""
    left, right = min(p.left for p in digit), max(p.right for p in digit)
    return max(left, piece.left) - min(right, piece.right)


def _overlap(digit: list[Piece], piece: Piece) -> bool:
    """Tell whether more than a third of the narrower one lies above or below the other."""
    left, right = min(p.left for p in digit), max(p.right for p in digit)
    narrower = min(right - left, piece.right - piece.left)
    return -_gap(digit, piece) > narrower / 3
