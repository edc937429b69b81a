"""a Figure, a Graph or a Network in -> SVG out, which is read in light, in the dark and on paper.

No package is needed: SVG is text, which a browser and a notebook show as they are.
"""

from xml.etree import ElementTree as XML

from bpcli.backprop.graph import Graph
from bpcli.backprop.network import Network
from bpcli.show.figure import Figure, graph_figure, network_figure
from bpcli.show.painting import (
    CORNER_OF_LAYER,
    DOT,
    NOTE_SIZE,
    RADIUS,
    SIZE,
    Painting,
    Point,
    paint,
)

LIGHT = {"ink": "#1f2328", "paper": "#ffffff", "fill": "#eef3f8", "derivative": "#b3400b"}
DARK = {"ink": "#e6edf3", "paper": "#0d1117", "fill": "#1d2733", "derivative": "#ffa657"}
SANS = "system-ui, 'Noto Sans', 'DejaVu Sans', sans-serif"
MONO = "'DejaVu Sans Mono', Menlo, Consolas, monospace"


def graph_svg(graph: Graph) -> str:
    """Return a graph as the text of an SVG file: what a notebook shows of it."""
    return figure_svg(graph_figure(graph))


def network_svg(network: Network) -> str:
    """Return a network as the text of an SVG file: what a notebook shows of it."""
    return figure_svg(network_figure(network.specs))


def figure_svg(figure: Figure) -> str:
    """Return a figure as the text of an SVG file, which stands in a page as it is."""
    painting = paint(figure)
    width, height = f"{painting.width:g}", f"{painting.height:g}"
    root = XML.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width} {height}",
            "width": width,
            "height": height,
            "style": "max-width: 100%; height: auto",
            "class": "bpcli-figure",
            "role": "img",
        },
    )
    XML.SubElement(root, "title").text = painting.title
    XML.SubElement(root, "style").text = _style()
    XML.SubElement(root, "rect", {"class": "paper", "width": width, "height": height})
    _shapes(root, painting)
    for text in painting.texts:
        x, y = text.place
        element = XML.SubElement(root, "text", {"class": text.kind, "x": f"{x:g}", "y": f"{y:g}"})
        element.text = text.words.replace(" ", "\N{NO-BREAK SPACE}")  # they keep matrices aligned
    XML.indent(root)
    return XML.tostring(root, encoding="unicode")


def _shapes(root: XML.Element, painting: Painting) -> None:
    for line in painting.lines:
        way = "".join(command + _spell(points) for command, points in line)
        XML.SubElement(root, "path", {"class": "line", "d": way})
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


def _spell(points: list[Point]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _style() -> str:
    """Return the style sheet: a page that is dark turns the colours, and paper turns them back."""
    fixed = (
        f".bpcli-figure text {{ font: {SIZE:g}px {SANS}; text-anchor: middle }} "
        ".bpcli-figure .input { text-anchor: start } "
        f".bpcli-figure .note {{ font: {NOTE_SIZE:g}px {MONO}; text-anchor: start }} "
        ".bpcli-figure .line { fill: none; stroke-width: 1.3 } "
        ".bpcli-figure .node { stroke-width: 1.3 } "
    )
    dark = f"@media screen and (prefers-color-scheme: dark) {{ {_colours(DARK)} }}"
    return fixed + _colours(LIGHT) + " " + dark


def _colours(colours: dict[str, str]) -> str:
    rules = {
        "text, .bpcli-figure .head": f"fill: {colours['ink']}",
        ".line": f"stroke: {colours['ink']}",
        ".node": f"fill: {colours['fill']}; stroke: {colours['ink']}",
        ".paper": f"fill: {colours['paper']}",
        "text.derivative": f"fill: {colours['derivative']}",
    }
    return " ".join(f".bpcli-figure {name} {{ {rule} }}" for name, rule in rules.items())
