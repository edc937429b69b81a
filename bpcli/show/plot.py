"""a Figure, or what draws on a sheet, in -> SVG, PNG or PDF out, by matplotlib."""

import contextlib
import logging
import math
import warnings
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any

from bpcli.errors import ExtraError, MachineError, PictureError
from bpcli.show.colours import THEMES, Theme
from bpcli.show.figure import Figure
from bpcli.show.painting import (
    CORNER_OF_LAYER,
    DOT,
    NOTE_SIZE,
    RADIUS,
    SIZE,
    Box,
    Painting,
    Point,
    paint,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Sheet

DPI = 200  # of a PNG
# Without the time in it, the same figure is the same bytes.
WITHOUT_DATE: dict[str, dict[str, None]] = {
    "png": {},
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
}
LARGEST = 16_000  # pixels of a PNG's longer side
INCH = 72.0  # points
# Fonts with the characters of China, Japan and Korea, of which a system has one or none.
EASTERN = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Hiragino Sans",
    "PingFang SC",
    "Yu Gothic",
    "Microsoft YaHei",
    "WenQuanYi Zen Hei",
    "IPAGothic",
)


def figure_picture(figure: Figure, form: str, theme: str, scale: float = 1) -> bytes:
    """Return a figure as the bytes of a file of the form `png` or `pdf`, as `draw_sheet` does."""
    painting, colours = paint(figure), THEMES[theme]

    def draw(sheet: "Sheet") -> None:
        axes = sheet.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, painting.width), ylim=(painting.height, 0))
        axes.set_axis_off()
        _draw(axes, painting, colours)

    size = painting.width, painting.height
    return draw_sheet(draw, size, form, painting.title, colours.paper, scale)


def draw_sheet(
    draw: "Callable[[Sheet], None]",
    size: tuple[float, float],
    form: str,
    title: str,
    paper: str,
    scale: float = 1,
) -> bytes:
    """Return what `draw` draws on paper of a colour and a size, in points, as the bytes of a file.

    `form` is `png`, `pdf` or `svg`; a PNG has `scale` times as many pixels each way, as far as
    there is room. The bytes are the same each time. Raises ExtraError without matplotlib,
    MachineError where that finds no folder to write into, and PictureError for a text that no font
    here can write.
    """
    mpl, options = _open_matplotlib("a chart" if form == "svg" else f"a .{form}")
    options |= {"svg.hashsalt": title}
    with mpl.rc_context(options), warnings.catch_warnings():
        # A browser has fonts of its own.
        warnings.filterwarnings("ignore" if form == "svg" else "error", "Glyph .* missing from")
        inches = size[0] / INCH, size[1] / INCH
        sheet = mpl.figure.Figure(inches, facecolor=paper)
        file = BytesIO()
        try:
            draw(sheet)
            dpi = min(scale * DPI, LARGEST / max(inches))
            metadata = {"Title": title} | WITHOUT_DATE[form]
            sheet.savefig(file, format=form, dpi=dpi, metadata=metadata)
        except UserWarning as missing:
            raise PictureError(f"no font here can draw it: {missing}; write an .svg") from None
    return file.getvalue()


def _open_matplotlib(what: str) -> tuple[Any, dict[str, Any]]:
    """Return matplotlib and what all drawings of the house ask of it."""
    try:
        with _quiet_matplotlib():
            import matplotlib as mpl
            import matplotlib.figure
            from matplotlib.font_manager import get_font_names
    except ImportError as error:
        raise ExtraError(what, "matplotlib", "report", error) from error
    except OSError as error:
        raise MachineError(
            "drawing needs a folder that can be written, for a list of fonts: name one in "
            "MPLCONFIGDIR"
        ) from error
    return mpl, {
        "font.family": ["DejaVu Sans", *(name for name in EASTERN if name in get_font_names())],
        "text.parse_math": False,
        "lines.scale_dashes": False,
        "svg.fonttype": "none",
    }


@contextlib.contextmanager
def _quiet_matplotlib() -> Iterator[None]:
    """Keep matplotlib from telling where it puts its own files, as it does when it is imported."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _draw(axes: "Axes", painting: Painting, colours: Theme) -> None:
    from matplotlib.patches import Circle, PathPatch, Polygon
    from matplotlib.path import Path

    codes = {"M": Path.MOVETO, "L": Path.LINETO, "Q": Path.CURVE3}
    ink = colours.ink
    for line in painting.lines:
        points = [point for _, several in line for point in several]
        steps = [codes[command] for command, several in line for _ in several]
        axes.add_patch(PathPatch(Path(points, steps), fill=False, edgecolor=ink, linewidth=1.1))
    for points in painting.heads:
        axes.add_patch(Polygon(points, facecolor=ink))
    for point in painting.dots:
        axes.add_patch(Circle(point, DOT, facecolor=ink))
    for box in painting.boxes:
        outline = _outline(box, RADIUS if box.is_round else CORNER_OF_LAYER)
        axes.add_patch(Polygon(outline, facecolor=colours.fill, edgecolor=ink, linewidth=1.1))
    for text in painting.texts:
        x, y = text.place
        colour = colours.derivative if text.kind == "derivative" else ink
        if text.kind == "note":
            axes.text(x, y, text.words, color=ink, fontsize=NOTE_SIZE, family="DejaVu Sans Mono")
        else:
            side = "left" if text.kind == "input" else "center"
            axes.text(x, y, text.words, color=colour, fontsize=SIZE, ha=side)


def _outline(box: Box, corner: float) -> list[Point]:
    """Return points around a box whose corners are quarters of a circle."""
    x, y = box.width / 2 - corner, RADIUS - corner
    middles = [(x, y), (-x, y), (-x, -y), (x, -y)]  # of the quarters, around the box
    points = []
    for degree in range(0, 360, 6):
        turn, (right, down) = math.radians(degree), middles[degree // 90]
        across, along = right + corner * math.cos(turn), down + corner * math.sin(turn)
        points.append((box.middle[0] + across, box.middle[1] + along))
    return points
