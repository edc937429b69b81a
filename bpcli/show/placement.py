"""a Figure in -> where its symbols, arrows and branches lie, in any unit, out.

It is laid out as the book draws: inputs at the left margin in rows of their own, each symbol in the
column after all that leads into it and in the middle of their rows. A symbol of which several
arrows leave is drawn once: where a stem leaves it, its arrows branch off to their rows.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bpcli.show.figure import Figure, Symbol


@dataclass(frozen=True)
class Layout:
    """Where each symbol stands, and each arrow, by its target and its number there.

    `levels` has the column of each symbol, `rows` its row, in units of the distance between inputs;
    `lanes` the row in which an arrow runs until it turns to its target. `branches` has, for each
    symbol of which several arrows leave, which of its column's vertical lines is its own.
    """

    levels: list[int]
    rows: list[float]
    lanes: dict[tuple[int, int], float]
    branches: dict[int, int]
    height: int  # in rows


@dataclass(frozen=True)
class Spacing:
    """What a medium needs: the widths of texts and symbols, and the distances between them."""

    text: Callable[[str], float]
    symbol: Callable[[Symbol], float]
    pad: float  # on either side of a text on an arrow
    branch: float  # between vertical lines, and after the last one
    bend: float  # before a symbol


@dataclass(frozen=True)
class Column:
    """From left to right: symbols, the texts on stems, vertical lines, the texts on arrows."""

    symbols: float
    stems: float
    branches: float
    texts: float
    end: float


def lay_out(figure: Figure) -> Layout:
    """Return where everything in a figure lies."""
    levels: list[int] = []
    for symbol in figure.symbols:
        levels.append(1 + max((levels[arrow.source] for arrow in symbol.arrows), default=-1))
    rows, lanes, height = _rows(figure)
    return Layout(levels, rows, lanes, _branches(figure, levels, rows, lanes), height)


def _rows(figure: Figure) -> tuple[list[float], dict[tuple[int, int], float], int]:
    """Walk from the output to the inputs, upper ones first, and number the rows as they come.

    The first arrow of a symbol goes on in its row; every other one gets a row where it is used.
    """
    symbols = figure.symbols
    rows = [0.0] * len(symbols)
    lanes: dict[tuple[int, int], float] = {}
    seen, height = {len(symbols) - 1}, 0
    stack = [(len(symbols) - 1, 0)]
    while stack:  # without recursion: the deepest graph is as long as memory is
        i, done = stack.pop()
        arrows = symbols[i].arrows
        if done and (i, done - 1) not in lanes:
            lanes[i, done - 1] = rows[arrows[done - 1].source]
        if done == len(arrows):
            if arrows:
                rows[i] = _middle([lanes[i, k] for k in range(done)])
            else:
                rows[i], height = float(height), height + 1
            continue
        stack.append((i, done + 1))
        source = arrows[done].source
        if source in seen:
            lanes[i, done], height = float(height), height + 1
        else:
            seen.add(source)
            stack.append((source, 0))
    return rows, lanes, height


def _middle(rows: list[float]) -> float:
    """Return the row between the upper and the lower arrows, or that of the middle one."""
    half = len(rows) // 2
    return rows[half] if len(rows) % 2 else (rows[half - 1] + rows[half]) / 2


def _branches(
    figure: Figure, levels: list[int], rows: list[float], lanes: dict[tuple[int, int], float]
) -> dict[int, int]:
    """Give each symbol with several arrows a vertical line that is free from its top to its end."""
    reach: dict[int, list[float]] = {
        i: [rows[i]] for i, times in enumerate(figure.uses) if times > 1
    }
    for (target, k), row in lanes.items():
        source = figure.symbols[target].arrows[k].source
        if source in reach:
            reach[source].append(row)
    branches: dict[int, int] = {}
    ends: dict[tuple[int, int], float] = {}  # of the lines of a column, so far
    for i in sorted(reach, key=lambda i: min(reach[i])):
        line = 0
        while ends.get((levels[i], line), -1.0) >= min(reach[i]):
            line += 1
        branches[i], ends[levels[i], line] = line, max(reach[i])
    return branches


def columns(figure: Figure, layout: Layout, spacing: Spacing) -> list[Column]:
    """Return the columns of a figure, each as wide as what is in it."""
    count = max(layout.levels) + 1
    width, stem, lines, texts = ([0.0] * count for _ in range(4))
    for i, (symbol, level) in enumerate(zip(figure.symbols, layout.levels, strict=True)):
        width[level] = max(width[level], spacing.symbol(symbol), spacing.text(symbol.below))
        own = _room(spacing, symbol.value, symbol.derivative)
        if i in layout.branches:
            stem[level] = max(stem[level], own)
            lines[level] = max(lines[level], spacing.branch * (layout.branches[i] + 1))
        elif i == len(figure.symbols) - 1:
            texts[level] = max(texts[level], own)
        for arrow in symbol.arrows:
            source = layout.levels[arrow.source]
            room = _room(spacing, figure.symbols[arrow.source].value, arrow.derivative)
            texts[source] = max(texts[source], room)
    found, x = [], 0.0
    for level in range(count):
        stems = x + width[level]
        branches = stems + stem[level]
        start = branches + lines[level]
        end = start + texts[level]
        found.append(Column(x, stems, branches, start, end))
        x = end + spacing.bend
    return found


def _room(spacing: Spacing, *texts: str) -> float:
    return 2 * spacing.pad + max(map(spacing.text, texts))
