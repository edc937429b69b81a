"""a Chart in -> where each stroke, mark and word of it lies out."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from bpcli.show.chart.chart import NEUTRAL, Bars, Chart, Line
from bpcli.show.chart.shapes import (
    RADIUS,
    SIZE,
    Area,
    Drawing,
    Mark,
    Point,
    Shape,
    Stroke,
    Words,
    room,
)

LINE = 15.0  # from a line of text to the next
MARGIN = 12.0  # around charts that are a picture
GAP = 6.0  # between a text and what it belongs to
SAMPLE = 18.0  # of a line, beside what it is called
HEADER, FOOTER = 26.0, 38.0  # above the plot, and below it
FAINT = 0.5  # of 1: how much of its colour a light line has


def draw(chart: Chart) -> Drawing:
    """Return a chart as strokes, areas, marks and words."""
    painter = _Painter(chart)
    painter.draw_axes()
    painter.draw_bars()
    painter.draw_lines()
    painter.write_names()
    painter.write_key()
    return painter.drawing


def side_by_side(charts: Sequence[Chart], title: str) -> Drawing:
    """Return charts, one beside the other, as one drawing with a margin."""
    whole = Drawing(title, MARGIN, 0)
    for one in map(draw, charts):
        shift, whole.width = whole.width, whole.width + one.width + MARGIN
        whole.height = max(whole.height, one.height + 2 * MARGIN)

        whole.shapes += [_move(shape, shift) for shape in one.shapes]
    return whole


def in_rows(charts: Sequence[Chart], columns: int, title: str) -> Drawing:
    """Return charts in rows of so many as one drawing with a margin."""
    rows = [side_by_side(charts[i : i + columns], "") for i in range(0, len(charts), columns)]
    whole = Drawing(title, max(row.width for row in rows), 0)
    for row in rows:
        whole.shapes += [_move(shape, 0, whole.height) for shape in row.shapes]
        whole.height += row.height
    return whole


def _move(shape: Shape, right: float, down: float = MARGIN) -> Shape:
    """Return a shape that is so far to the right, and below."""
    if isinstance(shape, Mark | Words):
        x, y = shape.place
        return replace(shape, place=(x + right, y + down))
    return replace(shape, points=tuple((x + right, y + down) for x, y in shape.points))


class _Painter:
    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        named = [line for line in chart.lines if line.name]
        ticks = [room(text) for _, text in chart.y.ticks]
        self.left = max([*ticks, 0.0]) + 2 * GAP
        last = max((room(text) / 2 for _, text in chart.x.ticks[-1:]), default=0.0)
        names = max((room(line.name) + SAMPLE + 4 * GAP for line in named), default=0.0)
        self.right = chart.width - max(names, last, GAP)
        heads = [room(chart.y.label), *(room(one.name) + SAMPLE + 3 * GAP for one in chart.key)]
        self.key = SIZE + LINE * (sum(heads) > chart.width)  # the base line of its names
        self.top = HEADER + self.key - SIZE
        self.bottom = self.top + max(chart.height, LINE * (len(named) + 1))
        self.drawing = Drawing(chart.words, chart.width, self.bottom + FOOTER)

    def place(self, x: float, y: float) -> Point:
        """Return where a point of the chart lies."""
        across, up = self.chart.x.part(x), self.chart.y.part(y)
        return (
            self.left + across * (self.right - self.left),
            self.bottom - up * (self.bottom - self.top),
        )

    def draw_axes(self) -> None:
        """Draw both axes, light lines at the ticks of y, and what is written at them."""
        x, y, found = self.chart.x, self.chart.y, self.drawing
        for value, text in y.ticks:
            height = self.place(x.low, value)[1]
            found.shapes.append(Stroke(((self.left, height), (self.right, height)), "grid"))
            found.shapes.append(Words((self.left - GAP, height + 4), text, "soft", "end"))
        corners = ((self.left, self.top), (self.left, self.bottom), (self.right, self.bottom))
        found.shapes.append(Stroke(corners, "soft"))
        for value, text in self._with_room():
            across = self.place(value, y.low)[0]
            ends = ((across, self.bottom), (across, self.bottom + 4))
            found.shapes.append(Stroke(ends, "soft"))
            found.shapes.append(Words((across, self.bottom + 17), text, "soft", "middle"))
        found.shapes.append(Words((0, SIZE), y.label))
        place = (self.right, self.bottom + FOOTER - 4)
        if x.label:
            found.shapes.append(Words(place, x.label, "ink", "end"))

    def _with_room(self) -> list[tuple[float, str]]:
        """Return the ticks of x, or every second one, or third, so that none lies on another."""
        ticks = self.chart.x.ticks
        widest = max((room(text) + GAP for _, text in ticks), default=0.0)
        for every in range(1, len(ticks) + 1):
            kept = ticks[::every]
            places = [self.place(value, self.chart.y.low)[0] for value, _ in kept]
            if all(b - a >= widest for a, b in pairwise(places)):
                return list(kept)
        return []

    def draw_bars(self) -> None:
        for bars in self.chart.bars:
            for left, right, height in bars.bars:
                (x, top), (end, _) = self.place(left, height), self.place(right, height)
                if top < self.bottom:
                    corners = ((x, self.bottom), (x, top), (end, top), (end, self.bottom))
                    self.drawing.shapes.append(Area(corners, f"line{bars.colour}"))

    def draw_lines(self) -> None:
        # Rings go around discs that lie at the same place.
        for line in sorted(self.chart.lines, key=lambda line: line.is_hollow):
            points, role = tuple(self.place(x, y) for x, y in line.points), f"line{line.colour}"
            opacity = FAINT if line.is_light else 1.0
            if line.is_joined and len(points) > 1:
                stroke = Stroke(points, role, line.width, line.dash, opacity)
                self.drawing.shapes.append(stroke)
            marked = points if line.is_marked else points[-1:] if not line.is_light else ()
            self.drawing.shapes += [Mark(point, role, line.is_hollow) for point in marked]
        for far in self.chart.far:
            tip, base = (self.top, self.top + 7) if far.is_above else (self.bottom, self.bottom - 7)
            for value in far.places:
                x = self.place(value, self.chart.y.low)[0]
                corners = ((x, tip), (x - 4, base), (x + 4, base))
                self.drawing.shapes.append(Area(corners, f"line{far.colour}"))

    def write_names(self) -> None:
        """Write the name of each line beside its end, after a piece of it, none on another."""
        named = [line for line in self.chart.lines if line.name and line.points]
        ends = [(self.place(*line.points[-1]), line) for line in named]
        ends.sort(key=lambda end: end[0][1])
        heights = spread([place[1] for place, _ in ends], LINE, self.top, self.bottom)
        start = self.right + 2 * GAP
        for ((x, y), line), height in zip(ends, heights, strict=True):
            role = f"line{line.colour}"
            way = ((x + RADIUS, y), (max(x, self.right) + GAP / 2, y), (start - 2, height))
            if abs(height - y) > 1 or x < self.right - 1:
                self.drawing.shapes.append(Stroke(way, role, 0.7, (1, 2)))
            self._draw_sample(line, start, height)
            place = (start + SAMPLE + GAP, height + 4)
            self.drawing.shapes.append(Words(place, line.name, role))

    def write_key(self) -> None:
        """Write what looks mean above the plot, at its right end."""
        end = self.drawing.width - 1
        for one in reversed(self.chart.key):
            start = end - room(one.name)
            self.drawing.shapes.append(Words((start, self.key), one.name))
            self._draw_sample(one, start - GAP - SAMPLE, self.key - 4)
            end = start - SAMPLE - 3 * GAP

    def _draw_sample(self, one: Line | Bars, start: float, y: float) -> None:
        """Draw how a line or bars look, in the room of a SAMPLE."""
        role = "soft" if one.colour == NEUTRAL else f"line{one.colour}"
        middle = start + SAMPLE / 2
        if isinstance(one, Bars):
            x, half = middle, SIZE / 2
            corners = ((x - half, y - half), (x + half, y - half), (x + half, y + half))
            self.drawing.shapes.append(Area((*corners, (x - half, y + half)), role))
            return
        if one.is_joined:
            opacity = FAINT if one.is_light else 1.0
            ends = ((start, y), (start + SAMPLE, y))
            self.drawing.shapes.append(Stroke(ends, role, one.width, one.dash, opacity))
        if one.is_marked:
            self.drawing.shapes.append(Mark((middle, y), role, one.is_hollow))


def spread(heights: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """Return heights, which are in order, moved as little as needed to be so far `apart`.

    They stay between `low` and `high`, as far as there is room.
    """
    found: list[float] = []
    for height in heights:
        found.append(max(height, found[-1] + apart if found else low))
    limit = high
    for i in reversed(range(len(found))):
        found[i] = min(found[i], limit)
        limit = found[i] - apart
    return found
