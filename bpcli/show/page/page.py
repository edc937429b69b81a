"""a template of this folder and what it shows in -> one page of HTML, which refers to nothing, out.

The page is allowed no more than its own style and script. Only here is jinja2 known.
"""

import base64
import hashlib
from pathlib import Path
from typing import Any

from bpcli.errors import ExtraError
from bpcli.files.path import open_file

FOLDER = Path(__file__).parent


def fill_page(template: str, script: str = "", **fields: Any) -> str:
    """Return the page that a template makes of its fields. Raises ExtraError without jinja2."""
    try:
        from jinja2 import Environment, FileSystemLoader
    except ImportError as error:
        raise ExtraError("a page", "jinja2", "report", error) from error

    style = read_part("page.css")
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


def data_uri(content: bytes, kind: str) -> str:
    """Return a picture of a kind, such as `png` or `svg+xml`, as an address that holds it."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
