"""the curve of a run in -> a small picture of it, SVG in the colours of what it stands in, out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as XML

from bpcli.show.colours import COLOURS
from bpcli.training.history import Point

TRAIN, HELD_OUT, *_ = COLOURS
WIDTH, HEIGHT = 300.0, 170.0  # of one chart
LEFT, RIGHT, TOP, BOTTOM = 46.0, 10.0, 22.0, 24.0  # what its frame leaves free
SIZE = 11  # of letters
TINY, TEN = 1e-9, 10.0  # the least height of a chart, in nats and in percent
NAMED = 85.0  # how far the names of lines are apart


@dataclass(frozen=True)
class Line:
    """A line of a chart: its values at each evaluation, what it is called, and its colour."""

    values: list[float]
    name: str
    colour: str


def curve_svg(history: Sequence[Point], split: str, iterations: int) -> str:
    """Return loss and accuracy over the iterations of a run as the text of an SVG file.

    `split` is what the second accuracy is of. Letters and axes have the colour of the text that it
    stands in, so that it is read in a light notebook and in a dark one.
    """
    root = XML.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {2 * WIDTH:g} {HEIGHT:g}",
            "width": f"{2 * WIDTH:g}",
            "style": "max-width: 100%; height: auto",
            "role": "img",
            "font-family": "system-ui, sans-serif",
            "font-size": str(SIZE),
            "fill": "currentColor",
        },
    )
    XML.SubElement(root, "title").text = "loss and accuracy over the iterations"
    places = [point.iteration for point in history]
    losses = [Line([point.loss for point in history], "train", TRAIN)]
    accuracies = [Line([100 * point.train_accuracy for point in history], "train", TRAIN)]
    if split != "train":
        accuracies.append(Line([100 * point.accuracy for point in history], split, HELD_OUT))
    top = max([TINY, *losses[0].values])
    least = min([100.0 - TEN, *(value for line in accuracies for value in line.values)])
    _draw(root, 0, "loss", places, losses, (0.0, top), iterations)
    ends = (least // TEN * TEN, 100.0)
    _draw(root, WIDTH, "accuracy in %", places, accuracies, ends, iterations)
    return XML.tostring(root, encoding="unicode")


def _draw(
    root: XML.Element,
    shift: float,
    title: str,
    places: Sequence[int],
    lines: Sequence[Line],
    ends: tuple[float, float],
    iterations: int,
) -> None:
    """Draw one chart, whose values lie between two ends, beginning at `shift`."""
    low, high = ends
    wide, high_up = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(iteration: float, value: float) -> tuple[float, float]:
        x = shift + LEFT + wide * iteration / max(1, iterations)
        return x, TOP + high_up * (1 - (value - low) / (high - low))

    left, bottom = place(0, low)
    right, top = place(iterations, high)
    frame = {"d": f"M{left:g},{top:g} V{bottom:g} H{right:g}", "fill": "none"}
    XML.SubElement(root, "path", frame | {"stroke": "currentColor", "stroke-width": "1"})
    for value in (low, high):
        x, y = place(0, value)
        _write(root, (x - 5, y + SIZE / 3), f"{value:.3g}", "end")
    _write(root, (left, bottom + SIZE + 5), "0", "start")
    _write(root, (right, bottom + SIZE + 5), f"{iterations:,} iterations", "end")
    _write(root, (left, TOP - 8), title, "start")
    for i, line in enumerate(lines):
        pairs = zip(places, line.values, strict=True)
        points = [place(at, value) for at, value in pairs if math.isfinite(value)]
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        colour = {"stroke": line.colour, "fill": "none", "stroke-width": "2"}
        XML.SubElement(root, "polyline", {"points": way} | colour)
        for x, y in points[-1:]:
            dot = {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "3", "fill": line.colour}
            XML.SubElement(root, "circle", dot)
        _write(root, (right - NAMED * i, TOP - 8), line.name, "end")
        x, y = right - NAMED * i - 48, TOP - 8 - SIZE / 3
        XML.SubElement(root, "path", {"d": f"M{x:g},{y:g} h14"} | colour)


def _write(root: XML.Element, place: tuple[float, float], words: str, anchor: str) -> None:
    x, y = place
    where = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
    XML.SubElement(root, "text", where).text = words
