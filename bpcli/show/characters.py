"""a Figure in -> lines of characters for a terminal out, in pieces where it is too wide for one."""

import textwrap
from dataclasses import replace

from bpcli.show.figure import Arrow, Figure, Symbol, draw_arrays
from bpcli.show.placement import Spacing, columns, lay_out
from bpcli.show.text import text_width

ASCII = str.maketrans("─│┐┘┌└├┬┴┼▶×÷·", "-|++++++++>*/*")
PITCH = 3  # lines from an input to the next


def draw_figure(figure: Figure, width: int) -> str:
    """Return a figure as lines of text; values stand above the arrows, derivatives below them.

    What would be wider than `width` columns is drawn in pieces, which come first and are called
    [A], [B], ... in those that follow.
    """
    pieces, names = _cut(figure, width)
    shown = [
        "\n".join(([f"{name} ="] if name else []) + _Drawing(piece).lines())
        for name, piece in pieces
    ]
    notes = list(figure.notes)
    if names:
        apart = "[A] is" if len(names) == 1 else f"[A] to [{_letters(len(names) - 1)}] are"
        notes.insert(
            0,
            f"The whole is wider than {width} columns: {apart} drawn first, and what several "
            "pieces need stands in each.",
        )
    filled = [textwrap.fill(note, width, break_on_hyphens=False) for note in notes]
    return "\n\n".join([*shown, *filled, *draw_arrays(figure, width)])


def _shown(symbol: Symbol) -> str:
    return f"{symbol.label} " if symbol.kind == "input" else f"({symbol.label})"


SPACING = Spacing(text=text_width, symbol=lambda s: text_width(_shown(s)), pad=1, branch=2, bend=0)


def _cut(figure: Figure, width: int) -> tuple[list[tuple[str, Figure]], dict[int, str]]:
    """Return pieces that fit into `width`, the last one without a name, and the others' names."""
    output = len(figure.symbols) - 1
    if _width(figure) <= width:
        return [("", figure)], {}
    pieces: list[tuple[str, Figure]] = []
    names: dict[int, str] = {}
    for i, symbol in enumerate(figure.symbols):
        operations = {a.source for a in symbol.arrows if figure.symbols[a.source].arrows}
        while _width(_part(figure, i, names)) > width and operations - names.keys():
            widest = max(
                sorted(operations - names.keys()), key=lambda j: _width(_part(figure, j, names))
            )
            piece = _part(figure, widest, names)
            names[widest] = f"[{_letters(len(names))}]"
            pieces.append((names[widest], piece))
    return [*pieces, ("", _part(figure, output, names))], names


def _letters(number: int) -> str:
    """Return A for 0, B for 1, and AA after Z: the numbers are those of the steps."""
    letters = ""
    while number >= 0:
        number, digit = divmod(number, 26)
        letters, number = chr(ord("A") + digit) + letters, number - 1
    return letters


def _part(figure: Figure, output: int, names: dict[int, str]) -> Figure:
    """Return what leads into the symbol number `output`, those with names as inputs."""
    needed, stack = {output}, [output]
    while stack:
        i = stack.pop()
        if i not in names or i == output:
            sources = {arrow.source for arrow in figure.symbols[i].arrows} - needed
            needed |= sources
            stack += sources
    ids = {i: number for number, i in enumerate(sorted(needed))}
    symbols = []
    for i in ids:
        symbol = figure.symbols[i]
        if i in names and i != output:
            symbol = replace(symbol, label=names[i], kind="input", arrows=(), below="")
        arrows = (Arrow(ids[a.source], a.derivative) for a in symbol.arrows)
        symbols.append(replace(symbol, arrows=tuple(arrows)))
    return Figure(tuple(symbols), figure.title)


def _width(figure: Figure) -> float:
    return columns(figure, lay_out(figure), SPACING)[-1].end + len("▶")


class _Drawing:
    """Lines of characters, a wide one followed by an empty one, and where everything lies."""

    def __init__(self, figure: Figure) -> None:
        self.figure, self.layout = figure, lay_out(figure)
        self.columns = columns(figure, self.layout, SPACING)
        width = int(self.columns[-1].end) + 1
        self.verticals: list[tuple[float, list[int], dict[int, str]]] = []  # column, rows, corners
        self.cells = [[" "] * width for _ in range(PITCH * self.layout.height)]

    def lines(self) -> list[str]:
        for i in range(len(self.figure.symbols)):
            self._enter(i)
            self._leave(i)
        for column, rows, corners in self.verticals:  # over all that they cross
            for row in range(min(rows), max(rows) + 1):
                self._put(row, column, corners.get(row, "│"))
        for i in range(len(self.figure.symbols)):
            self._label(i)
        lines = ["".join(line).rstrip() for line in self.cells]
        return "\n".join(lines).rstrip().split("\n")

    def _put(self, row: int, column: float, text: str) -> None:
        column = int(column)
        for character in text:
            if not text_width(character):  # an accent
                self.cells[row][column - 1] += character
                continue
            self.cells[row][column] = character
            column += text_width(character)
            if text_width(character) > 1:
                self.cells[row][column - 1] = ""

    def _lead(self, row: int, start: float, end: float) -> None:
        self._put(row, start, "─" * int(end - start))

    def _write(self, row: int, start: float, above: str, below: str) -> None:
        """Write texts above and below a line, in the middle of what the longer one takes."""
        room = max(text_width(above), text_width(below)) + 2
        for line, text in ((row - 1, above), (row + 1, below)):
            self._put(line, start + (room - text_width(text)) // 2, text)

    def _row(self, row: float) -> int:
        return int(PITCH * row) + 1

    def _span(self, i: int) -> tuple[float, float]:
        """Return the columns of a symbol: an input stands at the left, others in the middle."""
        symbol, column = self.figure.symbols[i], self.columns[self.layout.levels[i]]
        width = text_width(_shown(symbol))
        room = column.stems - column.symbols - width
        start = column.symbols + (0 if symbol.kind == "input" else room // 2)
        return start, start + width

    def _enter(self, i: int) -> None:
        """Draw the arrows that lead into a symbol: what comes from another row turns to it."""
        start, end = self._span(i)
        middle, own = start + (end - start) // 2, self._row(self.layout.rows[i])
        corners = {}
        for k, arrow in enumerate(self.figure.symbols[i].arrows):
            source, row = arrow.source, self._row(self.layout.lanes[i, k])
            column = self.columns[self.layout.levels[source]]
            line = self.layout.branches.get(source)
            leaves = self._span(source)[1] if line is None else self._line(source) + 1
            self._lead(row, leaves, start if row == own else middle)
            self._write(row, column.texts, self.figure.symbols[source].value, arrow.derivative)
            if row != own:
                corners[row] = "┐" if row < own else "┘"
        self.verticals.append((middle, [own, *corners], corners))

    def _label(self, i: int) -> None:
        symbol, row, (start, end) = self.figure.symbols[i], self.layout.rows[i], self._span(i)
        self._put(self._row(row), start, _shown(symbol))
        if symbol.below:
            left = start + (end - start - text_width(symbol.below) + 1) // 2
            self._put(self._row(row) + 1, left, symbol.below)

    def _leave(self, i: int) -> None:
        """Draw the stem of a symbol of which several arrows leave, or the arrow of the result."""
        symbol, row, end = self.figure.symbols[i], self._row(self.layout.rows[i]), self._span(i)[1]
        column = self.columns[self.layout.levels[i]]
        if i in self.layout.branches:
            self._lead(row, end, self._line(i))
            self._write(row, column.stems, symbol.value, symbol.derivative)
            self._branch(i, row)
        elif i == len(self.figure.symbols) - 1:
            self._lead(row, end, column.end)
            self._put(row, column.end, "▶")
            self._write(row, column.texts, symbol.value, symbol.derivative)

    def _line(self, i: int) -> float:
        """Return the column of the vertical line from which the arrows of a symbol branch off."""
        line = self.layout.branches[i]
        return self.columns[self.layout.levels[i]].branches + SPACING.branch * line

    def _branch(self, i: int, own: int) -> None:
        rows = {
            self._row(lane)
            for (target, k), lane in self.layout.lanes.items()
            if self.figure.symbols[target].arrows[k].source == i
        }
        corners = dict.fromkeys(rows, "├")
        corners |= {max(rows): "└", min(rows): "┌"}
        corners[own] = "┬" if own == min(rows) else "┴" if own == max(rows) else "┼"
        self.verticals.append((self._line(i), [own, *rows], corners))
