"""a Figure in -> the same with what is to be found by hand left blank, out."""

from dataclasses import replace

from bpcli.show.figure import Arrow, Figure, Symbol

BLANK = "____"


def blank_figure(figure: Figure, what: str) -> Figure:
    """Return a figure without derivatives, without what flows out of its nodes, or without both.

    The values of inputs stay, as all else is found by them; so does what stands below the drawing,
    as far as it does not tell what is to be found.
    """
    values, derivatives = what in ("values", "both"), what in ("derivatives", "both")
    symbols = tuple(
        _blank(symbol, values=values, derivatives=derivatives) for symbol in figure.symbols
    )
    inputs = {f"{symbol.label} =" for symbol in figure.symbols if symbol.kind == "input"}
    arrays = [
        tuple(
            (caption, array)
            for place, (caption, array) in enumerate(row)
            if not (place and derivatives) and not (values and not place and caption not in inputs)
        )
        for row in figure.arrays
    ]
    found = "values and derivatives" if what == "both" else what
    title = f"{figure.title.rpartition(', whose')[0]}, with {found} to be found"
    plain = tuple(note for note in figure.notes if not any(map(str.isdigit, note)))
    notes = plain if derivatives else figure.notes
    return replace(
        figure, symbols=symbols, title=title, notes=notes, arrays=tuple(a for a in arrays if a)
    )


def _blank(symbol: Symbol, *, values: bool, derivatives: bool) -> Symbol:
    arrows = symbol.arrows
    if derivatives:
        arrows = tuple(Arrow(a.source, BLANK if a.derivative else "") for a in arrows)
        symbol = replace(symbol, derivative=BLANK if symbol.derivative else "", arrows=arrows)
    if values and symbol.kind != "input":
        name, sign, _ = symbol.value.rpartition(" = ")
        symbol = replace(symbol, value=f"{name}{sign}{BLANK}")
    return symbol
