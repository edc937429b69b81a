"""where ink lies on a picture in -> the digits on it, each of its connected pieces, out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]

SPECK = 0.1  # of the main piece; smaller pieces are no part of a digit
OUTER = 0.2  # the part of a picture, at each side, in which a line from edge to edge is a frame
EDGE_TO_EDGE = 0.9  # the part of a row that ink covers in a frame
TALL = 0.6  # of a row's height; what is lower, and close to it, is no row of its own
LOW = 0.4  # of the tallest digit of its row; what is lower is no digit of its own
CLOSE = 0.3  # of a row's height, within which what is lower belongs to it
BROKEN = 0.1  # of a part's height, within which another part of the same digit lies
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


def find_digits(mask: Mask) -> tuple[npt.NDArray[np.intp], list[list[list[Piece]]]]:
    """Return the labels of a mask, and rows of digits, each its pieces, as they are read.

    Frames, what touches an edge beside a digit, and specks are left out. Pieces that are nearly as
    tall as the tallest of their row and stand beside one another are digits of their own.
    """
    labels = label(_without_frames(mask))
    pieces = find_pieces(labels)
    height, width = mask.shape
    inner = [p for p in pieces if p.top and p.left and p.bottom < height and p.right < width]
    if max((p.size for p in inner), default=0) > INNER * sum(p.size for p in pieces):
        pieces = inner
    main = max((p.size for p in pieces), default=0)
    rows = _rows([p for p in pieces if p.size >= SPECK * main])
    return labels, [_beside(row) for row in rows]


def _without_frames(mask: Mask) -> Mask:
    """Return a mask without rows and columns near the edges that are ink from edge to edge."""
    rows, columns = (_frames(turned)[:, np.newaxis] for turned in (mask, mask.T))
    return mask & ~(rows | columns.T)


def _frames(mask: Mask) -> Mask:
    n = len(mask)
    outer = np.minimum(np.arange(n), n - 1 - np.arange(n)) < OUTER * n
    frames: Mask = outer & (mask.mean(axis=1) > EDGE_TO_EDGE)
    return frames


def _rows(pieces: list[Piece]) -> list[list[Piece]]:
    """Return pieces in rows, from top to bottom.

    A piece is in the row that it lies beside by at least half of its height, of several in that of
    which it has most; tall ones make rows. What is too low for a digit above or below a row, or low
    and close to it, as the bar of a 5, belongs to it, and so do two parts of one digit.
    """
    rows: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda p: (p.top - p.bottom, p.label)):
        shares = [max(_beside_by(piece, other) for other in row) for row in rows]
        best = max(shares, default=0)
        if best >= (piece.bottom - piece.top) / 2:
            rows[shares.index(best)].append(piece)
        else:
            rows.append([piece])
    rows.sort(key=lambda row: min(p.top for p in row))
    joined: list[list[Piece]] = []
    for row in rows:
        if joined and _are_one_row(joined[-1], row):
            joined[-1] += row
        else:
            joined.append(row)
    return joined


def _beside_by(piece: Piece, other: Piece) -> int:
    """Return how many rows of pixels two pieces share."""
    return min(piece.bottom, other.bottom) - max(piece.top, other.top)


def _are_one_row(above: list[Piece], below: list[Piece]) -> bool:
    """Tell whether two rows are parts of one: a low one close to another, or halves of a digit."""
    heights = [max(p.bottom - p.top for p in row) for row in (above, below)]
    distance = min(p.top for p in below) - max(p.bottom for p in above)
    if min(heights) < TALL * max(heights):
        return distance < CLOSE * max(heights) or min(heights) < LOW * max(heights)
    is_alone = len(above) == len(below) == 1
    return is_alone and distance < BROKEN * min(heights) and _overlap(above, below[0])


def _beside(pieces: list[Piece]) -> list[list[Piece]]:
    """Return the pieces of a row in groups, each a digit, from left to right.

    Pieces above one another are one; a low one beside the others is a digit if it is not too low,
    and else belongs to the nearest.
    """
    parts: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda p: (p.left, p.label)):
        above = [part for part in parts if _overlap(part, piece)]
        parts = [part for part in parts if part not in above]
        parts.append([*(p for part in above for p in part), piece])
    tallest = max(map(_height, parts), default=0)
    digits = [part for part in parts if _height(part) >= LOW * tallest]
    for part in parts:
        if _height(part) < LOW * tallest:
            min(digits, key=lambda digit: _gap(digit, part)).extend(part)
    return digits


def _height(pieces: list[Piece]) -> int:
    return max(p.bottom for p in pieces) - min(p.top for p in pieces)


def _gap(one: list[Piece], other: list[Piece]) -> int:
    """Return how many columns lie between two groups; less than 0 where they overlap."""
    left = max(min(p.left for p in pieces) for pieces in (one, other))
    return left - min(max(p.right for p in pieces) for pieces in (one, other))


def _overlap(digit: list[Piece], piece: Piece) -> bool:
    """Tell whether more than a third of the narrower one lies above or below the other."""
    left, right = min(p.left for p in digit), max(p.right for p in digit)
    narrower = min(right - left, piece.right - piece.left)
    return -_gap(digit, [piece]) > narrower / 3
