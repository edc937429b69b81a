"""a Figure in -> the bytes of a file, or lines for this terminal, out."""

from typing import TYPE_CHECKING

from bpcli.cli.terminal import can_print, terminal_width

if TYPE_CHECKING:
    from bpcli.show.figure import Figure

FORMS = (".svg", ".png", ".pdf", ".dot")
BLANKS = ("derivatives", "values", "both")


def encode(
    figure: "Figure",
    form: str,
    theme: str | None = None,
    scale: float | None = None,
    *,
    moves: bool = False,
) -> bytes:
    """Return a figure as the bytes of a file of one of FORMS, light unless asked otherwise.

    Only an .svg moves, and it and a .png may be so many times as large.
    """
    theme, scale = theme or "light", scale or 1
    if form == ".svg":
        from bpcli.show.svg import figure_svg

        return figure_svg(figure, theme, scale, moves=moves).encode()
    if form == ".dot":
        from bpcli.show.dot import figure_dot

        return figure_dot(figure).encode()
    from bpcli.show.plot import figure_picture

    return figure_picture(figure, form[1:], theme, scale)


def draw_for_terminal(figure: "Figure | None", below: str = "", *, as_ascii: bool = False) -> str:
    """Return a figure, if there is one, and what goes below it, in the terminal's characters."""
    from bpcli.show.characters import ASCII, draw_figure

    parts = [draw_figure(figure, terminal_width())] if figure else []
    drawn = "\n\n".join(part for part in [*parts, below] if part)
    return drawn.translate(ASCII) if as_ascii or not can_print(drawn) else drawn
