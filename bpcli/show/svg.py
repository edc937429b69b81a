"""a Figure, a Graph or a Network in -> SVG out, which is read in light, in the dark and on paper.

No package is needed: SVG is text, which a browser and a notebook show as they are.
"""

from xml.etree import ElementTree as XML

from bpcli.backprop.graph import Graph
from bpcli.backprop.network import Network
from bpcli.show.colours import AUTO, DARK, THEMES, Theme, on_dark_screen
from bpcli.show.figure import Figure, graph_figure, network_figure
from bpcli.show.motion import motion_style
from bpcli.show.painting import (
    CORNER_OF_LAYER,
    DOT,
    NOTE_SIZE,
    RADIUS,
    SIZE,
    Command,
    Painting,
    Point,
    paint,
)

SANS = "system-ui, 'Noto Sans', 'DejaVu Sans', sans-serif"
MONO = "'DejaVu Sans Mono', Menlo, Consolas, monospace"


def graph_svg(graph: Graph) -> str:
    """Return a graph as the text of an SVG file: what a notebook shows of it."""
    return figure_svg(graph_figure(graph))


def network_svg(network: Network) -> str:
    """Return a network as the text of an SVG file: what a notebook shows of it."""
    return figure_svg(network_figure(network.specs))


def figure_svg(figure: Figure, theme: str = AUTO, scale: float = 1, *, moves: bool = False) -> str:
    """Return a figure as the text of an SVG file of a theme, which stands in a page as it is.

    If it `moves`, values appear from left to right, and then derivatives on their way back.
    """
    painting = paint(figure)
    width, height = f"{painting.width:g}", f"{painting.height:g}"
    root = XML.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width} {height}",
            "width": f"{scale * painting.width:g}",
            "height": f"{scale * painting.height:g}",
            "style": "max-width: 100%; height: auto",
            "class": "bpcli-figure",
            "role": "img",
        },
    )
    XML.SubElement(root, "title").text = painting.title
    XML.SubElement(root, "style").text = _style(theme) + (motion_style(painting) if moves else "")
    XML.SubElement(root, "rect", {"class": "paper", "width": width, "height": height})
    _shapes(root, painting)
    if moves:
        _sparks(root, painting)
    for text in painting.texts:
        x, y = text.place
        is_flow = moves and text.kind in ("value", "derivative")
        kind = f"{text.kind} {text.kind[0]}{text.level}" if is_flow else text.kind
        element = XML.SubElement(root, "text", {"class": kind, "x": f"{x:g}", "y": f"{y:g}"})
        element.text = text.words.replace(" ", "\N{NO-BREAK SPACE}")  # they keep matrices aligned
    XML.indent(root)
    return XML.tostring(root, encoding="unicode")


def _shapes(root: XML.Element, painting: Painting) -> None:
    for line in painting.lines:
        XML.SubElement(root, "path", {"class": "line", "d": _way(line)})
    for points in painting.heads:
        XML.SubElement(root, "polygon", {"class": "head", "points": _spell(points)})
    for x, y in painting.dots:
        place = {"cx": f"{x:g}", "cy": f"{y:g}", "r": f"{DOT:g}"}
        XML.SubElement(root, "circle", {"class": "head", **place})
    for box in painting.boxes:
        x, y = box.middle
        XML.SubElement(
            root,
            "rect",
            {
                "class": "node",
                "x": f"{x - box.width / 2:g}",
                "y": f"{y - RADIUS:g}",
                "width": f"{box.width:g}",
                "height": f"{2 * RADIUS:g}",
                "rx": f"{RADIUS if box.is_round else CORNER_OF_LAYER:g}",
            },
        )


def _sparks(root: XML.Element, painting: Painting) -> None:
    """Add what runs through each arrow, there with the value and back with the derivative."""
    for line, level in zip(painting.lines, painting.levels, strict=True):
        way = {"d": _way(line), "pathLength": "1"}
        for kind in ("f", "b"):
            XML.SubElement(root, "path", {"class": f"spark {kind}{level} {kind}"} | way)


def _way(line: list[Command]) -> str:
    return "".join(command + _spell(points) for command, points in line)


def _spell(points: list[Point]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _style(theme: str) -> str:
    """Return the style sheet: a screen that is dark turns the colours, unless they are fixed."""
    fixed = (
        f".bpcli-figure text {{ font: {SIZE:g}px {SANS}; text-anchor: middle }} "
        ".bpcli-figure .input { text-anchor: start } "
        f".bpcli-figure .note {{ font: {NOTE_SIZE:g}px {MONO}; text-anchor: start }} "
        ".bpcli-figure .line { fill: none; stroke-width: 1.3 } "
        ".bpcli-figure .node { stroke-width: 1.3 } "
    )
    dark = on_dark_screen(theme, _colours(DARK)) if theme == AUTO else ""
    return fixed + " ".join([_colours(THEMES[theme]), dark])


def _colours(colours: Theme) -> str:
    rules = {
        "text, .bpcli-figure .head": f"fill: {colours.ink}",
        ".line": f"stroke: {colours.ink}",
        ".node": f"fill: {colours.fill}; stroke: {colours.ink}",
        ".paper": f"fill: {colours.paper}",
        ".f": f"stroke: {colours.lines[0]}",
        ".b": f"stroke: {colours.derivative}",
        "text.derivative": f"fill: {colours.derivative}",
    }
    return " ".join(f".bpcli-figure {name} {{ {rule} }}" for name, rule in rules.items())
