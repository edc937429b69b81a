"""a Drawing of a chart in -> SVG out, in light or dark colours or in those of its surroundings.

Colours stand at each shape, as programs for slides know no style sheets; what is to be dark in the
dark has one besides.
"""

from xml.etree import ElementTree as XML

from bpcli.show.chart.shapes import SIZE, Area, Drawing, Mark, Point, Stroke, Words
from bpcli.show.colours import AUTO, DARK, LIGHT, THEMES, Theme, on_dark_screen

SANS = "system-ui, 'Noto Sans', 'DejaVu Sans', sans-serif"
ROLES = ("ink", "soft", "grid", *(f"line{i}" for i in range(len(DARK.lines))))


def chart_svg(drawing: Drawing, theme: str = AUTO) -> str:
    """Return a drawing as the text of an SVG file of a theme, with a paper of its own."""
    colours = THEMES[theme]
    root = _root(drawing)
    root.set("xmlns", "http://www.w3.org/2000/svg")
    root.set("width", f"{drawing.width:g}")
    root.set("style", "max-width: 100%; height: auto")
    if theme == AUTO:
        XML.SubElement(root, "style").text = dark_style(theme)
    paper = {"width": f"{drawing.width:g}", "height": f"{drawing.height:g}"}
    XML.SubElement(root, "rect", paper | {"class": "fill-paper", "fill": colours.paper})
    _add_shapes(root, drawing, colours)
    return XML.tostring(root, encoding="unicode")


def page_svg(drawing: Drawing) -> str:
    """Return a drawing as SVG for a page, which has `dark_style` in its own style sheet."""
    root = _root(drawing)
    _add_shapes(root, drawing, LIGHT)
    return XML.tostring(root, encoding="unicode")


def dark_style(theme: str) -> str:
    """Return the rules by which a screen turns the colours of charts, where it is to be dark."""
    rules = [f".bpcli-chart .fill-paper {{ fill: {DARK.paper} }}"]
    for role in ROLES:
        rules.append(f".bpcli-chart .fill-{role} {{ fill: {DARK.of(role)} }}")
        rules.append(f".bpcli-chart .stroke-{role} {{ stroke: {DARK.of(role)} }}")
    return on_dark_screen(theme, " ".join(rules))


def _root(drawing: Drawing) -> XML.Element:
    root = XML.Element(
        "svg",
        {
            "viewBox": f"0 0 {drawing.width:g} {drawing.height:g}",
            "class": "bpcli-chart",
            "role": "img",
            "aria-label": drawing.title,
            "font-family": SANS,
            "font-size": f"{SIZE:g}",
        },
    )
    XML.SubElement(root, "title").text = drawing.title
    return root


def _add_shapes(root: XML.Element, drawing: Drawing, colours: Theme) -> None:
    for shape in drawing.shapes:
        if isinstance(shape, Words):
            x, y = shape.place
            place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": shape.anchor}
            text = XML.SubElement(root, "text", place | _fill(shape.role, colours))
            text.text = shape.text
        elif isinstance(shape, Mark):
            x, y = shape.place
            place = {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": f"{shape.radius:g}"}
            ring = {"fill": "none", "stroke-width": "1.6"} | _stroke(shape.role, colours)
            look = ring if shape.is_hollow else _fill(shape.role, colours)
            XML.SubElement(root, "circle", place | look)
        elif isinstance(shape, Area):
            look = {"points": _spell(shape.points)} | _fill(shape.role, colours)
            XML.SubElement(root, "polygon", look)
        else:
            _add_stroke(root, shape, colours)


def _add_stroke(root: XML.Element, stroke: Stroke, colours: Theme) -> None:
    look = {"stroke-width": f"{stroke.width:g}", "fill": "none"} | _stroke(stroke.role, colours)
    if stroke.dash:
        look["stroke-dasharray"] = " ".join(f"{part:g}" for part in stroke.dash)
    if stroke.opacity < 1:
        look["stroke-opacity"] = f"{stroke.opacity:g}"
    XML.SubElement(root, "polyline", {"points": _spell(stroke.points)} | look)


def _fill(role: str, colours: Theme) -> dict[str, str]:
    return {"class": f"fill-{role}", "fill": colours.of(role)}


def _stroke(role: str, colours: Theme) -> dict[str, str]:
    return {"class": f"stroke-{role}", "stroke": colours.of(role)}


def _spell(points: tuple[Point, ...]) -> str:
    return " ".join(f"{x:.1f} {y:.1f}" for x, y in points)
