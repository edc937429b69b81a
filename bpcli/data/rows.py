"""where ink lies on a picture in -> the digits on it, each its pieces, row by row, out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bpcli.data.pieces import Labels, Mask, Piece, find_pieces, label

SMALL = 64  # pixels of a longer side, of a picture of one digit that is broken more than others
SPECK = 0.1  # of the main piece; smaller pieces are no part of a digit
OUTER = 0.2  # the part of a picture, at each side, in which a line from edge to edge is a frame
EDGE_TO_EDGE = 0.9  # the part of a row that ink covers in a frame
INNER = 0.1  # of all ink; a piece inside of so much is the digit, and what touches edges is not
INNER_HEIGHT = 0.2  # of a picture's shorter side, that pieces inside are high together, likewise
LEAST = 0.04  # of a picture's shorter side; what is lower is not looked for beside a shadow
SHORT = 0.5  # of what touches an edge; a shorter piece inside is a part of it
LEVEL = 0.7  # of the taller of two, that digits beside one another lie beside
NEAR, APART = 0.06, 0.15  # of a piece's longer side: within it there is more of it; nothing else
SOLID = 0.75  # of its box; what covers more of it at an edge is a finger, or the rest of a line
THICK = 1.5  # times as thick as the main piece is no stroke of its pen
CORNER = 0.1  # of the sides of a box, that a corner is high and wide
BAR, POST = 4, 6  # times as wide as high, or as high as wide, are lines and not digits
LONG = 1.2  # times as long as the tallest digit
TALL = 0.6  # of a row's height; what is lower, and close to it, is no row of its own
LOW = 0.4  # of the tallest digit of its row; what is lower is no digit of its own
CLOSE = 0.3  # of a digit's height, within which what is lower belongs to it, if it stands alone
TOUCHING = 0.15  # of a row's height, within which what is low and beside a digit belongs to it
BROKEN = 0.1  # of a part's height, within which another part of the same digit always lies


@dataclass(frozen=True)
class Layout:
    """Rows of digits, from top to bottom, each its pieces; `labels` (height, width) has these.

    `beyond` is the ink that comes in from the edges beside them, as the end of a shadow does;
    `left_out` counts the pieces that are too low for digits, as points, dashes and signs are.
    """

    labels: Labels
    rows: list[list[list[Piece]]]
    beyond: Mask
    left_out: int


def find_digits(mask: Mask) -> Layout:
    """Return the digits on a mask of ink as they are read.

    Frames, lines, what comes in from the edges, and specks are left out. Pieces that are nearly as
    tall as the tallest of their row and stand beside one another are digits of their own.
    """
    labels = _label(_without_frames(mask))
    pieces = find_pieces(labels)
    inside = _without_edges(labels, pieces)
    beyond = np.isin(labels, [p.label for p in pieces if p not in inside])
    inside = _without_lines(_without_boxes(labels, inside))
    main = max((p.size for p in inside), default=0)
    inside = [p for p in inside if p.size >= SPECK * main]
    rows = [_beside(row) for row in _rows(inside)]
    left_out = len(inside) - sum(len(digit) for row in rows for digit in row)
    return Layout(labels, rows, beyond, left_out)


def _label(mask: Mask) -> Labels:
    """Return the number of each pixel's piece; in a small picture, a pixel of paper may be between.

    Thresholds break the strokes of pictures that are hardly larger than an image.
    """
    if max(mask.shape) > SMALL:
        return label(mask)
    wide = np.pad(mask, ((0, 1), (0, 1)))
    wide[1:] |= wide[:-1]
    wide[:, 1:] |= wide[:, :-1]
    return np.where(mask, label(wide)[:-1, :-1], 0)


def _without_frames(mask: Mask) -> Mask:
    """Return a mask without rows and columns near the edges that are ink from edge to edge."""
    rows, columns = (_frames(turned)[:, np.newaxis] for turned in (mask, mask.T))
    return mask & ~(rows | columns.T)


def _frames(mask: Mask) -> Mask:
    n = len(mask)
    outer = np.minimum(np.arange(n), n - 1 - np.arange(n)) < OUTER * n
    frames: Mask = outer & (mask.mean(axis=1) > EDGE_TO_EDGE)
    return frames


def _without_edges(labels: Labels, pieces: list[Piece]) -> list[Piece]:
    """Return pieces without those that touch an edge, if what lies inside is large.

    A part of a digit that touches an edge is near the rest of it, and no thicker.
    """
    height, width = labels.shape
    inner = [p for p in pieces if p.top and p.left and p.bottom < height and p.right < width]
    if not inner:
        return pieces
    main = max(inner, key=lambda p: p.size)
    edges = [p for p in pieces if p not in inner]
    is_main = main.size > INNER * sum(p.size for p in pieces)
    if is_main and all(_longer(main) > SHORT * _longer(p) for p in edges):
        near = _around(labels, main, NEAR)
        kept = [p for p in edges if _is_of_pen(p, main) and (p.label in near or _is_next(p, main))]
        return [p for p in pieces if p in inner or p in kept]
    least = LEAST * min(labels.shape)
    alone = [p for p in inner if p.height >= least and not _around(labels, p, APART) - {p.label}]
    if sum(p.height for p in alone) >= INNER_HEIGHT * min(labels.shape):
        return inner
    return pieces


def _around(labels: Labels, piece: Piece, part: float) -> set[int]:
    """Return the labels in the box of a piece and around it, by a part of its longer side."""
    reach = max(1, math.floor(part * _longer(piece)))
    rows = slice(max(piece.top - reach, 0), piece.bottom + reach)
    columns = slice(max(piece.left - reach, 0), piece.right + reach)
    return set(np.unique(labels[rows, columns]).tolist()) - {0}


def _is_of_pen(piece: Piece, main: Piece) -> bool:
    """Tell whether a piece is no thicker than the strokes of the main piece."""
    return piece.size / _longer(piece) <= THICK * main.size / _longer(main)


def _is_next(piece: Piece, main: Piece) -> bool:
    """Tell whether a piece at an edge is a digit beside the main one, and no rest of a line."""
    is_beside = _beside_by(piece, main) > LEVEL * max(piece.height, main.height)
    is_solid = piece.size > SOLID * piece.width * piece.height
    return is_beside and not is_solid and piece.width * POST > piece.height


def _longer(piece: Piece) -> int:
    return max(piece.height, piece.width)


def _without_boxes(labels: Labels, pieces: list[Piece]) -> list[Piece]:
    """Return pieces without those that others lie in: the lines of a table, the box of a form."""
    return [p for p in pieces if not _is_box(labels, p, [q for q in pieces if _lies_in(q, p)])]


def _lies_in(piece: Piece, other: Piece) -> bool:
    is_wide = other.left < piece.left and piece.right < other.right
    return is_wide and other.top < piece.top and piece.bottom < other.bottom


def _is_box(labels: Labels, piece: Piece, inside: Sequence[Piece]) -> bool:
    """Tell whether pieces are so large, or many, that no digit has them inside.

    Around a single one a box has corners, and a 0 with a stroke inside has none.
    """
    tall = [p for p in inside if p.height >= CLOSE * piece.height]
    small = [p for p in inside if p.height >= LEAST * piece.height]
    is_full = len(small) > 1 and sum(p.size for p in small) > SPECK * piece.size
    return is_full or len(tall) > 1 or (len(tall) == 1 and _has_corners(labels, piece))


def _has_corners(labels: Labels, piece: Piece) -> bool:
    high, wide = (math.ceil(CORNER * n) for n in (piece.height, piece.width))
    own = labels[piece.top : piece.bottom, piece.left : piece.right] == piece.label
    return all(
        own[rows, columns].any()
        for rows in (slice(high), slice(-high, None))
        for columns in (slice(wide), slice(-wide, None))
    )


def _without_lines(pieces: list[Piece]) -> list[Piece]:
    """Return pieces without lines: bars below or beside digits, and posts longer than these.

    What stands beside one low piece alone is no post but a 1 that is broken.
    """
    kept = []
    for piece in pieces:
        others = [p for p in pieces if p is not piece and p.size >= SPECK * piece.size]
        tallest = max((p.height for p in others), default=math.inf)
        longest = LONG * tallest
        is_bar = piece.width > BAR * piece.height and piece.width > longest > piece.height
        is_post = piece.height > POST * piece.width and piece.height > longest
        is_post = is_post and (len(others) > 1 or tallest >= LOW * piece.height)
        if not (is_bar or is_post):
            kept.append(piece)
    return kept or pieces


def _rows(pieces: list[Piece]) -> list[list[Piece]]:
    """Return pieces in rows, from top to bottom.

    A piece is in the row that it lies beside by at least half of its height, of several in that of
    which it has most; tall ones make rows. What is low and close above or below digits, as the bar
    of a 5, belongs to them, and so do two parts of one digit.
    """
    rows: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda p: (-p.height, p.label)):
        shares = [max(_beside_by(piece, other) for other in row) for row in rows]
        best = max(shares, default=0)
        if best >= piece.height / 2:
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
    tallest = max(map(_height, joined), default=0)
    return [row for row in joined if len(row) > 1 or _height(row) >= LOW * tallest]


def _beside_by(piece: Piece, other: Piece) -> int:
    """Return how many rows of pixels two pieces share."""
    return min(piece.bottom, other.bottom) - max(piece.top, other.top)


def _are_one_row(above: list[Piece], below: list[Piece]) -> bool:
    """Tell whether two rows are parts of one: low ones close to others, or halves of a digit."""
    low, high = sorted((above, below), key=lambda row: max(p.height for p in row))
    least, most = (max(p.height for p in row) for row in (low, high))
    distance = min(p.top for p in below) - max(p.bottom for p in above)
    if least < TALL * most:
        are_parts = all(any(_overlap([other], p) for other in high) for p in low)
        return are_parts and distance < (CLOSE if len(high) == 1 else BROKEN) * most
    is_alone = len(above) == len(below) == 1
    return is_alone and distance < BROKEN * least and _overlap(above, below[0])


def _beside(pieces: list[Piece]) -> list[list[Piece]]:
    """Return the pieces of a row in groups, each a digit, from left to right.

    Pieces above one another are one; a low one beside the others is a digit if it is not too low,
    and else belongs to the nearest that it nearly touches: a point or a dash is left out.
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
            nearest = min(digits, key=lambda digit: _gap(digit, part))
            if _gap(nearest, part) < TOUCHING * tallest:
                nearest.extend(part)
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
