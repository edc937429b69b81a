"""a Figure in -> lines, shapes and texts with their places in points, for SVG and for plots, out.

It looks as in the book: circles for nodes, values above the arrows, derivatives below them.
"""

from dataclasses import dataclass, field, replace

from bpcli.show.figure import Figure, Symbol, draw_arrays
from bpcli.show.number import MINUS, typeset, with_minus
from bpcli.show.placement import Spacing, columns, lay_out
from bpcli.show.text import text_width

Point = tuple[float, float]
Command = tuple[str, list[Point]]  # as SVG has them: M, L, or Q with the corner that is rounded
# All in points, of which 72 are an inch.
SIZE, NOTE_SIZE = 13.0, 11.0  # of letters
LETTER, NOTE_LETTER = 7.6, 6.7  # the width that is left for one; of a note's exactly one
RADIUS = 17.0  # of a circle; functions with longer names are as high
CORNER = 10.0  # radius of an arrow's turn
CORNER_OF_LAYER = 3.0
HEAD = 7.0  # length of an arrow's head
DOT = 3.0  # radius of the dot where arrows branch off
PITCH = 62.0  # from an input to the next
MARGIN = 14.0
LINE = 15.0  # of notes
NOTE_COLUMNS = 80  # characters of a note's line


def _room(text: str) -> float:
    """Return the room for a text, whose letters are of different widths."""
    return LETTER * (text_width(text) + 0.6 * sum(character in "MWmw@%" for character in text))


def _width(symbol: Symbol) -> float:
    room = _room(symbol.label)
    return room + 8 if symbol.kind == "input" else max(2 * RADIUS, room + 20)


SPACING = Spacing(
    text=_room,
    symbol=_width,
    pad=9.0,
    branch=14.0,
    bend=16.0,
)


@dataclass(frozen=True)
class Box:
    """A symbol's outline around its middle: a circle, or longer; a layer has square corners."""

    middle: Point
    width: float
    is_round: bool


@dataclass(frozen=True)
class Text:
    """A text; `kind` is `input`, `name`, `value`, `derivative`, `remark` or `note`.

    It stands on the base line at its middle; a note, in letters of one width, and an input's name
    stand to the right of where they begin. A value and a derivative are of the arrows that come out
    of a column, the `level`.
    """

    place: Point
    words: str
    kind: str
    level: int = 0


@dataclass
class Painting:
    """What is painted, from (0, 0) at the upper left to `width` and `height`, y downwards.

    `lines` are lists of commands, and `levels` the columns that they come out of; `heads`, of
    arrows, are triangles.
    """

    title: str
    width: float = 0.0
    height: float = 0.0
    lines: list[list[Command]] = field(default_factory=list)
    levels: list[int] = field(default_factory=list)
    heads: list[list[Point]] = field(default_factory=list)
    dots: list[Point] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)


def paint(figure: Figure) -> Painting:
    """Return the painting of a figure, with the signs of print."""
    painter = _Painter(_typeset(figure))
    for i in range(len(figure.symbols)):
        painter.enter(i)
        painter.leave(i)
    painter.write_notes()
    return painter.painting


def _typeset(figure: Figure) -> Figure:
    """Return a figure whose numbers and operators have the signs of print."""
    symbols = [
        replace(
            symbol,
            label=MINUS.join(symbol.label.rsplit("-", 1))
            if symbol.kind == "operation" and symbol.label.endswith("-")
            else typeset(symbol.label),
            value=typeset(symbol.value),
            derivative=typeset(symbol.derivative),
            arrows=tuple(replace(a, derivative=typeset(a.derivative)) for a in symbol.arrows),
        )
        for symbol in figure.symbols
    ]
    return replace(figure, symbols=tuple(symbols))


class _Painter:
    def __init__(self, figure: Figure) -> None:
        self.figure, self.layout = figure, lay_out(figure)
        self.columns = columns(figure, self.layout, SPACING)
        right = self.columns[-1].end + 2 * MARGIN + HEAD
        below = SIZE if any(symbol.below for symbol in figure.symbols) else 0
        height = PITCH * self.layout.height + MARGIN + below
        self.painting = Painting(figure.title, right, height)

    def _place(self, i: int) -> Point:
        """Return the middle of a symbol; an input stands at the left of its column."""
        symbol, column = self.figure.symbols[i], self.columns[self.layout.levels[i]]
        room = _width(symbol) if symbol.kind == "input" else column.stems - column.symbols
        return MARGIN + column.symbols + room / 2, self._y(self.layout.rows[i])

    def _y(self, row: float) -> float:
        return PITCH * (row + 0.5) + MARGIN / 2

    def _branch(self, i: int) -> float | None:
        """Return the x of the vertical line on which a symbol's arrows branch off, if they do."""
        line = self.layout.branches.get(i)
        column = self.columns[self.layout.levels[i]]
        return None if line is None else MARGIN + column.branches + SPACING.branch * line + DOT

    def _line(self, level: int, *points: Point) -> None:
        self.painting.lines.append(_rounded([*points]))
        self.painting.levels.append(level)

    def _arrow(self, level: int, *points: Point) -> None:
        """Paint a line with a head at its end."""
        (x, y), (tip_x, tip_y) = points[-2:]
        length = abs(tip_x - x) + abs(tip_y - y)
        base = tip_x - HEAD * (tip_x - x) / length, tip_y - HEAD * (tip_y - y) / length
        dx, dy = (tip_x - base[0]) / 2, (tip_y - base[1]) / 2
        sides = [(base[0] - dy, base[1] + dx), (base[0] + dy, base[1] - dx)]
        self._line(level, *points[:-1], base)
        self.painting.heads.append([points[-1], *sides])

    def _write(self, level: int, x: float, y: float, value: str, derivative: str) -> None:
        """Write what flows above and below an arrow out of a column, from x on."""
        middle = x + SPACING.pad + max(map(SPACING.text, (value, derivative))) / 2
        if value:
            self.painting.texts.append(Text((middle, y - 6), value, "value", level))
        if derivative:
            self.painting.texts.append(
                Text((middle, y + 5 + SIZE), derivative, "derivative", level)
            )

    def enter(self, i: int) -> None:
        """Paint a symbol and the arrows that lead into it, each from the row in which it comes."""
        symbol, (x, y) = self.figure.symbols[i], self._place(i)
        for k, arrow in enumerate(symbol.arrows):
            source, lane = arrow.source, self._y(self.layout.lanes[i, k])
            level = self.layout.levels[source]
            start, column = self._place(source), self.columns[level]
            origin = self.figure.symbols[source]
            self._write(level, MARGIN + column.texts, lane, origin.value, arrow.derivative)
            branch = self._branch(source)
            if branch is None:
                way = [(start[0] + _width(origin) / 2, start[1])]
            else:
                way = [(branch, start[1]), *([(branch, lane)] if lane != start[1] else [])]
            if lane == y:
                self._arrow(level, *way, (x - _width(symbol) / 2, y))
            else:
                self._arrow(level, *way, (x, lane), (x, y - RADIUS if lane < y else y + RADIUS))
        if symbol.kind != "input":
            self.painting.boxes.append(Box((x, y), _width(symbol), symbol.kind == "operation"))
        is_input = symbol.kind == "input"
        place = (MARGIN if is_input else x), y + SIZE / 3
        self.painting.texts.append(Text(place, symbol.label, "input" if is_input else "name"))
        if symbol.below:
            self.painting.texts.append(Text((x, y + RADIUS + SIZE + 2), symbol.below, "remark"))

    def leave(self, i: int) -> None:
        """Paint the stem of a symbol of which several arrows leave, or the arrow of the result."""
        symbol, (x, y) = self.figure.symbols[i], self._place(i)
        level = self.layout.levels[i]
        start, column = (x + _width(symbol) / 2, y), self.columns[level]
        branch = self._branch(i)
        if branch is not None:
            self._line(level, start, (branch, y))
            self.painting.dots.append((branch, y))
            self._write(level, MARGIN + column.stems, y, symbol.value, symbol.derivative)
        elif i == len(self.figure.symbols) - 1:
            self._arrow(level, start, (MARGIN + column.end + HEAD, y))
            self._write(level, MARGIN + column.texts, y, symbol.value, symbol.derivative)

    def write_notes(self) -> None:
        painting = self.painting
        for note in (*self.figure.notes, *draw_arrays(self.figure, NOTE_COLUMNS)):
            painting.height += LINE / 2
            for line in note.split("\n"):
                painting.height += LINE
                painting.texts.append(
                    Text((MARGIN, painting.height - LINE), with_minus(line), "note")
                )
                room = NOTE_LETTER * text_width(line) + 2 * MARGIN
                painting.width = max(painting.width, room)


def _rounded(points: list[Point]) -> list[Command]:
    """Return a polyline whose corners are rounded, as far as its pieces are long enough."""
    commands = [("M", [points[0]])]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        turn = ("Q", [corner, _toward(corner, after)])
        commands += [("L", [_toward(corner, before)]), turn]
    return [*commands, ("L", [points[-1]])]


def _toward(corner: Point, other: Point) -> Point:
    """Return the point at which a rounded corner begins, on the way to another point."""
    (x, y), (dx, dy) = corner, (other[0] - corner[0], other[1] - corner[1])
    length = abs(dx) + abs(dy) or 1.0
    part = min(CORNER, length / 2) / length
    return x + part * dx, y + part * dy
