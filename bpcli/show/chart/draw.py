"""charts in -> SVG, PNG or PDF out: only here and in plot.py is matplotlib known."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from bpcli.show.chart.axis import WITHIN, Axis, spell
from bpcli.show.chart.chart import NEUTRAL, Bars, Chart, Far, Line, Point, room
from bpcli.show.chart.svg import file_svg, page_svg
from bpcli.show.colours import LIGHT, THEMES, Theme
from bpcli.show.plot import INCH, draw_sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Sheet

# All in points, which are pixels of a page.
SIZE = 12.0  # of letters
LINE = 15.0  # from a line of text to the next
MARGIN = 12.0  # around charts that are a picture
GAP = 6.0  # between a text and what it belongs to
SAMPLE = 18.0  # of a line, beside what it is called
HEADER, FOOTER = 26.0, 38.0  # above the plot, and below it
MARK, RING = 6.0, 9.6  # across a disc, and a ring: both are seen where they lie at one place
FAINT = 0.5  # of 1: how much of its colour a light line has
STEPS = (1, 2, 5, 10)  # from a tick to the next, times a power of ten
DIGITS = ((1,), (1, 3), (1, 2, 5))  # of the ticks of a logarithmic axis, for ever fewer decades
DECADE, MOST = 10, 7  # what is longer has such digits; and the most decades with a tick each
FEWEST = 3  # ticks of a logarithmic axis: of two nobody sees how it goes on


def draw_page_chart(chart: Chart) -> str:
    """Return a chart as SVG that stands in a page. Raises what `draw_sheet` raises."""
    panel = _Panel(chart, LIGHT)
    size = chart.width, panel.height
    drawn = draw_sheet(lambda sheet: panel.draw(sheet, 0, 0), size, "svg", chart.words, "none")
    return page_svg(drawn, chart.words)


def draw_picture(charts: Sequence[Chart], columns: int, title: str, form: str, theme: str) -> bytes:
    """Return charts, in rows of so many on paper, as the bytes of a file: `svg`, `png` or `pdf`.

    Raises what `draw_sheet` raises.
    """
    panels = [_Panel(chart, THEMES[theme]) for chart in charts]
    rows = [panels[i : i + columns] for i in range(0, len(panels), columns)]
    heights = [max(panel.height for panel in row) + 2 * MARGIN for row in rows]
    width = max(sum(panel.chart.width + MARGIN for panel in row) for row in rows) + MARGIN

    def draw(sheet: "Sheet") -> None:
        top = MARGIN
        for row, height in zip(rows, heights, strict=True):
            left = MARGIN
            for panel in row:
                panel.draw(sheet, left, top)
                left += panel.chart.width + MARGIN
            top += height

    drawn = draw_sheet(draw, (width, sum(heights)), form, title, THEMES[theme].paper)
    return file_svg(drawn, title, theme) if form == "svg" else drawn


def ticks(axis: Axis) -> list[tuple[float, str]]:
    """Return where the ticks of an axis are, and what is written there. Needs matplotlib."""
    if axis.names:
        return [(float(i), name) for i, name in enumerate(axis.names)]
    if not axis.count:
        return []
    from matplotlib.ticker import LogLocator, MaxNLocator, SymmetricalLogLocator

    if axis.scale == "symlog":
        locator = SymmetricalLogLocator(base=10, linthresh=1)
        return [(place, spell(place)) for place in _within(axis, locator)]
    if axis.scale == "log" and axis.high >= DECADE * axis.low:
        for digits in DIGITS:
            found = _within(axis, LogLocator(subs=digits, numticks=MOST))
            if len(found) >= FEWEST:
                return [(place, spell(place)) for place in found]
    fewest = FEWEST if axis.scale == "log" else 2
    several = MaxNLocator(axis.count, steps=STEPS, integer=axis.whole, min_n_ticks=fewest)
    found = _within(axis, several)
    step = min((b - a for a, b in pairwise(found)), default=0.0)
    found = [round(place / step) * step if step else place for place in found]
    return [(place, spell(place, step)) for place in found]


def _within(axis: Axis, locator: Any) -> list[float]:
    slack = (axis.high - axis.low) * WITHIN
    places = map(float, locator.tick_values(axis.low, axis.high))
    return [place for place in places if axis.low - slack <= place <= axis.high + slack]


class _Panel:
    """A chart on a sheet: `left`, `right`, `top` and `bottom` are those of its plot."""

    def __init__(self, chart: Chart, colours: Theme) -> None:
        self.chart, self.colours = chart, colours
        self.named = [line for line in chart.lines if line.name and line.points]
        heads = [room(chart.y.label), *(room(one.name) + SAMPLE + 3 * GAP for one in chart.key)]
        self.top = HEADER + LINE * (sum(heads) > chart.width)
        self.bottom = self.top + max(chart.height, LINE * (len(self.named) + 1))
        self.height = self.bottom + FOOTER

    def draw(self, sheet: "Sheet", left: float, top: float) -> None:
        """Draw it on a sheet, so far from the left and from above."""
        chart, self.sheet = self.chart, sheet
        self.x, self.y = ticks(chart.x), ticks(chart.y)
        self.left = max([room(text) for _, text in self.y], default=0.0) + 2 * GAP
        last = max((room(text) / 2 for _, text in self.x[-1:]), default=0.0)
        names = max((room(line.name) + SAMPLE + 4 * GAP for line in self.named), default=0.0)
        self.right = chart.width - max(names, last, GAP)
        width, height = (length * INCH for length in sheet.get_size_inches())
        self.corner = left, height - top
        frame = (
            (left + self.left) / width,
            1 - (top + self.bottom) / height,
            (self.right - self.left) / width,
            (self.bottom - self.top) / height,
        )
        self.axes = sheet.add_axes(frame)
        self.draw_axes()
        self.draw_shapes()
        self.write_names()
        self.write_key()

    def draw_axes(self) -> None:
        """Draw both axes, light lines at the ticks of y, and what is written at them."""
        axes, x, y, soft = self.axes, self.chart.x, self.chart.y, self.colours.soft
        axes.set(xscale=x.scale, yscale=y.scale, xlim=(x.low, x.high), ylim=(y.low, y.high))
        axes.patch.set_visible(False)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[:].set(color=soft, linewidth=1)
        axes.minorticks_off()
        axes.set_xticks(*_split(self._with_room()))
        axes.set_yticks(*_split(self.y))
        axes.tick_params(colors=soft, labelsize=SIZE, width=1)
        axes.tick_params("y", length=0, pad=GAP)
        axes.grid(axis="y", color=self.colours.grid, linewidth=1)
        axes.set_axisbelow(True)
        self._write(0, SIZE, y.label, self.colours.ink)
        if x.label:
            self._write(self.right, self.height - 4, x.label, self.colours.ink, ha="right")

    def _with_room(self) -> list[tuple[float, str]]:
        """Return the ticks of x, or every second one, or third, so that none lies on another."""
        widest = max((room(text) + GAP for _, text in self.x), default=0.0)
        place = self.axes.transData.transform
        for every in range(1, len(self.x) + 1):
            kept = self.x[::every]
            across = [place((x, self.chart.y.high))[0] * INCH / self.sheet.dpi for x, _ in kept]
            if all(b - a >= widest for a, b in pairwise(across)):
                return kept
        return []

    def draw_shapes(self) -> None:
        """Draw bars, lines and marks, and triangles for what lies beyond the chart."""
        axes, x, y = self.axes, self.chart.x, self.chart.y
        for bars in self.chart.bars:
            left, right, heights = zip(*bars.bars, strict=True)
            widths = [b - a for a, b in zip(left, right, strict=True)]
            axes.bar(left, heights, widths, align="edge", color=self._colour(bars))
        for line in self.chart.lines:
            if line.points:
                xs, ys = zip(*((x.clamp(a), y.clamp(b)) for a, b in line.points), strict=True)
                is_ended = not line.is_marked and not line.is_light
                end = {"marker": "o", "markevery": [-1]} if is_ended else {}
                axes.plot(xs, ys, clip_on=False, **(self._look(line) | end))
        for far in self.chart.far:
            mark = "^" if far.is_above else "v"
            edge, where = [float(far.is_above)] * len(far.places), axes.get_xaxis_transform()
            look: Any = {"marker": mark, "ls": "", "ms": 8, "mew": 0, "color": self._colour(far)}
            axes.plot(far.places, edge, transform=where, clip_on=False, **look)

    def write_names(self) -> None:
        """Write the name of each line beside its end, after a piece of it, none on another."""
        ends = [(self._place(line.points[-1]), line) for line in self.named]
        ends.sort(key=lambda end: end[0][1])
        heights = spread([place[1] for place, _ in ends], LINE, self.top, self.bottom)
        start = self.right + 2 * GAP
        for ((x, y), line), height in zip(ends, heights, strict=True):
            way = ((x + MARK / 2, y), (max(x, self.right) + GAP / 2, y), (start - 2, height))
            if abs(height - y) > 1 or x < self.right - 1:
                self._stroke(way, color=self._colour(line), lw=0.7, ls=(0, (1, 2)))
            look = self._look(line)
            middle = {"marker": look.pop("marker"), "ls": ""}
            self._stroke(((start, height), (start + SAMPLE, height)), **look)
            if line.is_marked:
                self._stroke(((start + SAMPLE / 2, height),), **look | middle)
            self._write(start + SAMPLE + GAP, height + 4, line.name, self._colour(line))

    def write_key(self) -> None:
        """Write what looks mean above the plot, at its right end."""
        if not self.chart.key:
            return
        handles = [
            self.axes.bar([0], [0], color=self._colour(one))
            if isinstance(one, Bars)
            else self.axes.plot([], [], **self._look(one))[0]
            for one in self.chart.key
        ]
        self.axes.legend(
            handles,
            [one.name for one in self.chart.key],
            loc="lower right",
            bbox_to_anchor=self._inches(self.chart.width, self.top - HEADER + LINE),
            bbox_transform=self.sheet.dpi_scale_trans,
            ncols=len(handles),
            fontsize=SIZE,
            labelcolor=self.colours.ink,
            frameon=False,
            borderpad=0,
            borderaxespad=0,
            handlelength=SAMPLE / SIZE,
            handletextpad=GAP / SIZE,
            columnspacing=2 * GAP / SIZE,
        )

    def _look(self, line: Line) -> dict[str, Any]:
        """Return how a line looks, in matplotlib's words."""
        return {
            "color": self._colour(line),
            "lw": line.width,
            "ls": "" if not line.is_joined else (0, line.dash) if line.dash else "-",
            "alpha": FAINT if line.is_light else None,
            "marker": "o" if line.is_marked else "",
            "ms": RING if line.is_hollow else MARK,
            "mfc": "none" if line.is_hollow else self._colour(line),
            "mew": 1.6 if line.is_hollow else 0,
            "zorder": 3 if line.is_hollow else 2,  # rings go around discs at the same place
        }

    def _colour(self, one: Line | Bars | Far) -> str:
        return self.colours.soft if one.colour == NEUTRAL else self.colours.lines[one.colour]

    def _place(self, point: Point) -> Point:
        """Return where a point of the chart lies, from its upper left corner."""
        inside = self.chart.x.clamp(point[0]), self.chart.y.clamp(point[1])
        x, y = self.axes.transData.transform(inside) * INCH / self.sheet.dpi
        return float(x) - self.corner[0], self.corner[1] - float(y)

    def _inches(self, x: float, y: float) -> Point:
        """Return a place on the sheet as matplotlib has it: from below, in inches."""
        return (self.corner[0] + x) / INCH, (self.corner[1] - y) / INCH

    def _write(self, x: float, y: float, words: str, colour: str, ha: str = "left") -> None:
        place, where = self._inches(x, y), self.sheet.dpi_scale_trans
        self.axes.text(*place, words, color=colour, size=SIZE, ha=ha, transform=where)

    def _stroke(self, way: Sequence[Point], **look: Any) -> None:
        xs, ys = zip(*(self._inches(*point) for point in way), strict=True)
        self.axes.plot(xs, ys, transform=self.sheet.dpi_scale_trans, clip_on=False, **look)


def _split(found: Sequence[tuple[float, str]]) -> tuple[list[float], list[str]]:
    return [place for place, _ in found], [text for _, text in found]


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
