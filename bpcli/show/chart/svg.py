"""SVG as matplotlib writes it in -> SVG for a page or a file, light or dark, out.

A page allows no styles but its own: what a shape looks like is said in attributes, which programs
for slides know as well. Where a screen is dark, `dark_style` turns a colour into that of its role.
"""

import re
from collections.abc import Iterator
from xml.etree import ElementTree as XML

from bpcli.show.colours import AUTO, DARK, LIGHT, on_dark_screen

SANS = "system-ui, 'Noto Sans', 'DejaVu Sans', sans-serif"
ROLES = ("ink", "soft", "grid", "paper", *(f"line{i}" for i in range(len(LIGHT.lines))))
SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
# Characters that XML has no place for, as they may be in a name.
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
TENTHS = re.compile(r"(\.\d)\d+|\n")  # of a pixel are enough


def page_svg(drawn: bytes, title: str) -> str:
    """Return a drawing as SVG for a page, which has `dark_style` in its own style sheet."""
    return XML.tostring(_rewrite(drawn, title), encoding="unicode")


def file_svg(drawn: bytes, title: str, theme: str) -> bytes:
    """Return a drawing as an SVG of its own, which stands in a page as it is."""
    root = _rewrite(drawn, title)
    root.set("xmlns", "http://www.w3.org/2000/svg")
    root.set("width", root.get("viewBox", "").split()[2])
    root.set("style", "max-width: 100%; height: auto")
    if theme == AUTO:
        style = XML.Element("style")
        style.text = dark_style(theme)
        root.insert(1, style)
    return XML.tostring(root, encoding="unicode").encode(errors="backslashreplace")


def dark_style(theme: str) -> str:
    """Return the rules by which a screen turns the colours of charts, where it is to be dark."""
    rules = [
        f'.bpcli-chart [{kind}="{LIGHT.of(role)}"] {{ {kind}: {DARK.of(role)} }}'
        for role in ROLES
        for kind in ("fill", "stroke")
    ]
    return on_dark_screen(theme, " ".join(rules))


def _rewrite(drawn: bytes, title: str) -> XML.Element:
    """Return the shapes and words of a drawing, which refer to nothing."""
    title = FORBIDDEN.sub(UNKNOWN, title)
    text = FORBIDDEN.sub(UNKNOWN, drawn.decode())
    found = XML.fromstring(text)  # noqa: S314  which this process has just written
    root = XML.Element(
        "svg",
        {
            "viewBox": found.get("viewBox", ""),
            "class": "bpcli-chart",
            "role": "img",
            "aria-label": title,
            "font-family": SANS,
            "stroke-linejoin": "round",
        },
    )
    XML.SubElement(root, "title").text = title
    root.extend(_shapes(found))
    return root


def _shapes(found: XML.Element) -> Iterator[XML.Element]:
    marks = {mark.get("id"): mark.get("d", "") for mark in found.iterfind(f".//{SVG}defs/*")}
    for one in found.iter():
        kind = one.tag.removeprefix(SVG)
        look = {name: _shorten(value) for name, value in one.items() if name in ("d", "x", "y")}
        look |= _look(one.get("style", ""))
        if kind == "use":
            yield _mark(marks[one.get(LINK, "")[1:]], look)
        elif kind == "text" or (kind == "path" and not one.get("id")):
            shape = XML.Element(kind, look)
            shape.text = one.text
            yield shape


def _look(style: str) -> dict[str, str]:
    """Return a style as attributes; the family of letters is that of the whole."""
    pairs = (part.partition(":") for part in style.split(";") if part)
    look = {name.strip(): value.strip() for name, _, value in pairs}
    look.pop("font-family", None)
    return look


def _mark(shape: str, look: dict[str, str]) -> XML.Element:
    """Return a mark where it is used: a disc, whose curves begin at its lowest point, or a path."""
    x, y = look.pop("x"), look.pop("y")
    if "C" in shape:
        radius = shape.split()[2]
        return XML.Element("circle", {"cx": x, "cy": y, "r": radius} | look)
    place = {"d": _shorten(shape), "transform": f"translate({x} {y})"}
    return XML.Element("path", place | look)


def _shorten(way: str) -> str:
    return TENTHS.sub(r"\1", way).strip()
