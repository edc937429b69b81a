"""a Figure in -> text from which Graphviz's `dot` draws it out."""

from html import escape

from bpcli.show.colours import LIGHT
from bpcli.show.figure import Figure, draw_arrays
from bpcli.show.painting import NOTE_COLUMNS

SHAPES = {"input": "plaintext", "operation": "circle", "layer": "box"}


def figure_dot(figure: Figure) -> str:
    """Return a figure as text for `dot`, which lays it out in its own way."""
    last = len(figure.symbols) - 1
    lines = ["rankdir=LR", 'node [fontname="sans-serif"]', 'edge [fontname="sans-serif"]']
    for i, symbol in enumerate(figure.symbols):
        words = [symbol.label, f"{symbol.below} parameters" if symbol.below else ""]
        lines.append(f"{i} [label={_label(*words)}, shape={SHAPES[symbol.kind]}]")
        lines += [_flow(figure, a.source, str(i), a.derivative) for a in symbol.arrows]
    lines.append('result [label="", shape=none]')
    lines.append(_flow(figure, last, "result", figure.symbols[last].derivative))
    words = [*figure.notes, *draw_arrays(figure, NOTE_COLUMNS)]
    if words:
        notes = escape("\n\n".join(words)).replace("\n", '<br align="left"/>')
        lines.append(f'graph [fontname="monospace", label=<{notes}<br align="left"/>>]')
    body = "".join(f"  {line};\n" for line in lines)
    return f"digraph {{\n{body}}}"


def _flow(figure: Figure, source: int, target: str, derivative: str) -> str:
    """Return an arrow with the value that flows along it, and the derivative in its colour."""
    coloured = f'<font color="{LIGHT.derivative}">{escape(derivative)}</font>'
    label = (
        _label(figure.symbols[source].value)
        if not derivative
        else (f"<{escape(figure.symbols[source].value)}<br/>{coloured}>")
    )
    return f"{source} -> {target} [label={label}]"


def _label(*lines: str) -> str:
    return f"<{'<br/>'.join(escape(line) for line in lines if line)}>"
