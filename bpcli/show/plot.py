"""a Painting in -> a PNG or a PDF of it out, by matplotlib, which is imported here alone."""

import math
import warnings
from io import BytesIO
from typing import TYPE_CHECKING

from bpcli.errors import ExtraError, PictureError
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
from bpcli.show.svg import LIGHT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 200  # of a PNG
LARGEST = 16_000  # pixels of a PNG's longer side
INCH = 72.0  # points
# Fonts with the characters of China, Japan and Korea, of which a system has one or none.
EASTERN = ("Noto Sans CJK JP", "Noto Sans CJK SC", "Hiragino Sans", "PingFang SC", "Yu Gothic",
           "Microsoft YaHei", "WenQuanYi Zen Hei", "IPAGothic")  # fmt: skip


def figure_picture(figure: Figure, form: str) -> bytes:
    """Return a figure as the bytes of a file of the form `png` or `pdf`.

    Raises ExtraError without matplotlib, and PictureError for a name that no font here can write.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure as Sheet
        from matplotlib.font_manager import get_font_names
    except ImportError:
        raise ExtraError(f"a .{form}", "matplotlib", "report") from None

    painting = paint(figure)
    fonts = ["DejaVu Sans", *(name for name in EASTERN if name in get_font_names())]
    # Without an own time in it, the same figure is the same bytes.
    metadata = {"Title": painting.title} | ({"CreationDate": None} if form == "pdf" else {})
    with mpl.rc_context({"font.family": fonts}), warnings.catch_warnings():
        warnings.filterwarnings("error", "Glyph .* missing from")
        sheet = Sheet((painting.width / INCH, painting.height / INCH))
        axes = sheet.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, painting.width), ylim=(painting.height, 0))
        axes.set_axis_off()
        _draw(axes, painting)
        file = BytesIO()
        try:
            dpi = min(DPI, LARGEST * INCH / max(painting.width, painting.height))
            sheet.savefig(file, format=form, dpi=dpi, metadata=metadata)
        except UserWarning as missing:
            raise PictureError(f"no font here can draw it: {missing}; write an .svg") from None
    return file.getvalue()


def _draw(axes: "Axes", painting: Painting) -> None:
    from matplotlib.patches import Circle, PathPatch, Polygon
    from matplotlib.path import Path

    codes = {"M": Path.MOVETO, "L": Path.LINETO, "Q": Path.CURVE3}
    ink = LIGHT["ink"]
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
        axes.add_patch(Polygon(outline, facecolor=LIGHT["fill"], edgecolor=ink, linewidth=1.1))
    for text in painting.texts:
        x, y = text.place
        colour = LIGHT["derivative"] if text.kind == "derivative" else ink
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
