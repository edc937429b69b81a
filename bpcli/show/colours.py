"""light or dark in -> the colours of everything that is drawn out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Theme:
    """The colours of a picture; `lines` are those of curves, one after the other.

    Each line stands out from its paper by 3 to 1 at least, and from the others for everybody, also
    where red, green or blue are not seen apart.
    """

    ink: str
    soft: str
    paper: str
    fill: str
    grid: str
    derivative: str
    lines: tuple[str, ...]

    def of(self, role: str) -> str:
        """Return the colour of a role: the name of a field, or `line` and a number."""
        number = role.removeprefix("line")
        colour: str = self.lines[int(number)] if number.isdigit() else getattr(self, role)
        return colour


LIGHT = Theme(
    ink="#1f2328",
    soft="#57606a",
    paper="#ffffff",
    fill="#eef3f8",
    grid="#d8dee4",
    derivative="#b3400b",
    lines=(
        "#0a5cad",
        "#d55e00",
        "#1b9982",
        "#8700fc",
        "#8d4309",
        "#9778d9",
        "#6a1701",
        "#664463",
        "#0a158e",
        "#3e0239",
    ),
)
DARK = Theme(
    ink="#e6edf3",
    soft="#9da7b3",
    paper="#0d1117",
    fill="#1d2733",
    grid="#30363d",
    derivative="#ffa657",
    lines=(
        "#6cb6ff",
        "#ffa657",
        "#b5faeb",
        "#be26ff",
        "#b04e38",
        "#f2f145",
        "#cc8135",
        "#939a9b",
        "#4375a7",
        "#adc6ba",
    ),
)
AUTO = "auto"  # light, and dark on a dark screen
THEMES = {AUTO: LIGHT, "light": LIGHT, "dark": DARK}


def on_dark_screen(theme: str, rules: str) -> str:
    """Return rules of a style sheet for screens that a theme makes dark; paper stays light."""
    where = {AUTO: "screen and (prefers-color-scheme: dark)", "dark": "screen"}.get(theme)
    return f"@media {where} {{ {rules} }}" if where else ""
