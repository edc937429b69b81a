"""a template of this folder and what it shows in -> one page of HTML, which refers to nothing, out.

The page is allowed no more than its own style and script. Only here is jinja2 known.
"""

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bpcli.errors import ExtraError
from bpcli.files.path import open_file
from bpcli.show.chart.chart import Chart
from bpcli.show.chart.draw import draw_page_chart
from bpcli.show.chart.svg import dark_style
from bpcli.show.colours import AUTO, DARK, LIGHT, Theme, on_dark_screen

FOLDER = Path(__file__).parent


def fill_page(template: str, script: str = "", theme: str = AUTO, **fields: Any) -> str:
    """Return the page that a template makes of its fields. Raises ExtraError without jinja2."""
    try:
        from jinja2 import Environment, FileSystemLoader
    except ImportError as error:
        raise ExtraError("a page", "jinja2", "report", error) from error

    style = "\n".join([_colours(theme), read_part("page.css"), dark_style(theme)])
    policy = ["default-src 'none'", "img-src data:", f"style-src '{_hash(style)}'"]
    policy += [f"script-src '{_hash(script)}'"] * bool(script)
    policy += ["base-uri 'none'", "form-action 'none'"]
    rooms = Environment(autoescape=True, loader=FileSystemLoader(FOLDER))
    return rooms.get_template(template).render(
        style=style, script=script, policy="; ".join(policy), **fields
    )


def read_part(name: str) -> str:
    """Return the text of a file of this folder."""
    with open_file(FOLDER / name) as file:
        return file.read().decode()


def page_charts(charts: Iterable[Chart]) -> list[str]:
    """Return charts as SVG that stands in a page. Raises ExtraError without matplotlib."""
    return [draw_page_chart(chart) for chart in charts]


def data_uri(content: bytes, kind: str) -> str:
    """Return a picture of a kind, such as `png` or `svg+xml`, as an address that holds it."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _colours(theme: str) -> str:
    """Return the colours that the style sheet of a page has names for."""
    dark = on_dark_screen(theme, f":root {{ color-scheme: dark; {_names(DARK)} }}")
    return f":root {{ color-scheme: light; {_names(LIGHT)} }}\n{dark}"


def _names(colours: Theme) -> str:
    accent = colours.lines[0]
    parts = (int(accent[i : i + 2], 16) for i in (1, 3, 5))
    named = {
        "ink": colours.ink,
        "paper": colours.paper,
        "soft": colours.soft,
        "line": colours.grid,
        "fill": colours.fill,
        "accent": accent,
        "plus": colours.derivative,
        "shade": ", ".join(map(str, parts)),
    }
    return " ".join(f"--{name}: {colour};" for name, colour in named.items())


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
