"""a grey image in -> a small picture of it, as text or as SVG, out."""

from xml.etree import ElementTree as XML

import numpy as np

from bpcli.arrays import WHITE, Bytes

HALVES = " ▀▄█"  # a character is two pixels, one above the other: neither, upper, lower, both
DARK_TO_BRIGHT = " .:-=+*#%@"
BRIGHT = (WHITE + 1) // 2
SHOWN = 112  # pixels of a screen that a side of an image takes


def draw_picture(image: Bytes, white: int = WHITE, *, ascii_only: bool) -> list[str]:
    """Return lines, half as many as the rows of `image` (height, width), of grey levels to `white`.

    Half-block characters show which pixels are at least half bright; ASCII characters show how
    bright two pixels are together.
    """
    rows = np.minimum(image.astype(int) * WHITE // white, WHITE).tolist()
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    pairs = zip(rows[::2], rows[1::2], strict=True)
    character = _shade if ascii_only else _halves
    return ["".join(map(character, *pair)) for pair in pairs]


def image_svg(image: Bytes, white: int = WHITE) -> str:
    """Return a grey image (height, width) as SVG, a square for each pixel that is not black."""
    height, width = image.shape
    size = {"width": str(SHOWN), "viewBox": f"0 0 {width} {height}", "role": "img"}
    # Squares touch without a gap, whatever size they are shown at.
    crisp = {"xmlns": "http://www.w3.org/2000/svg", "shape-rendering": "crispEdges"}
    root = XML.Element("svg", crisp | size)
    XML.SubElement(root, "title").text = "what the net sees"
    XML.SubElement(root, "rect", {"width": str(width), "height": str(height), "fill": "black"})
    for y, x in np.argwhere(image).tolist():
        share = min(1.0, float(image[y, x]) / white)
        where = {"x": str(x), "y": str(y), "width": "1", "height": "1"}
        XML.SubElement(root, "rect", where | {"fill": "white", "fill-opacity": f"{share:.3g}"})
    return XML.tostring(root, encoding="unicode")


def _halves(upper: int, lower: int) -> str:
    return HALVES[(upper >= BRIGHT) + 2 * (lower >= BRIGHT)]


def _shade(upper: int, lower: int) -> str:
    return DARK_TO_BRIGHT[(upper + lower) * (len(DARK_TO_BRIGHT) - 1) // (2 * WHITE)]
