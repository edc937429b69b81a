"""the evaluations of a run in -> a picture of them for a cell, or what that takes, out."""

from collections.abc import Sequence

from bpcli import show
from bpcli.errors import ExtraError, MachineError
from bpcli.training.history import Point


def curve_html(history: Sequence[Point], split: str, iterations: int) -> str:
    """Return loss and accuracy as `show.curve_svg` does; a cell goes on where it cannot draw."""
    try:
        return show.curve_svg(history, split, iterations)
    except (ExtraError, MachineError) as error:
        return show.lines_html([str(error)])
