"""rows of text in -> a table of HTML, as a notebook shows it in its own colours, out."""

import html
from collections.abc import Iterable, Sequence

STYLE = 'style="text-align: left; color: inherit; background: none"'


def table_html(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; what stands in its cells is text, whatever it looks like."""
    return f"<table>{_row('th', heads)}{''.join(_row('td', row) for row in rows)}</table>"


def lines_html(lines: Iterable[str]) -> str:
    """Return lines of text, one below the other."""
    return "".join(f"<div>{html.escape(line)}</div>" for line in lines)


def _row(tag: str, cells: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<{tag} {STYLE}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"
