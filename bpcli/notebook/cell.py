"""a run that learns in -> a bar and a curve that grow in the notebook's cell out."""

import importlib
import sys
from typing import Any

from bpcli import show
from bpcli.notebook.curve import curve_html
from bpcli.training.run import Run

STEPS = 100  # of the bar


class Cell:
    """What a run shows of itself while it learns; nothing where there is no notebook."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.step = max(1, run.config.training.iterations // STEPS)
        self.curve, self.drawn = "", 0  # evaluations: without a new one it is what it was
        self.handle = _display(self)

    def look(self, *, is_evaluated: bool) -> None:
        """Show how far it is, if there is anything new to see."""
        if self.handle and (is_evaluated or self.run.iteration % self.step == 0):
            self.handle.update(self)

    def __repr__(self) -> str:
        record = self.run.record
        found = f", {show.draw_progress(record)}" if record else ""
        return (
            f"{self.run.iteration:,} of {self.run.config.training.iterations:,} iterations{found}"
        )

    def _repr_html_(self) -> str:
        run, iterations = self.run, self.run.config.training.iterations
        bar = f'<progress value="{run.iteration}" max="{iterations}"></progress> '
        split = run.record.split if run.record else "train"
        if len(run.history) > self.drawn:
            self.curve, self.drawn = curve_html(run.history, split, iterations), len(run.history)
        return f"{bar}{show.lines_html([repr(self)])}{self.curve}"


def is_notebook() -> bool:
    """Tell whether this is a cell of a notebook, and no terminal."""
    ipython = sys.modules.get("IPython")
    return hasattr(ipython and ipython.get_ipython(), "kernel")


def _display(cell: Cell) -> Any:
    """Show it, and return what it is shown anew by."""
    if not is_notebook():
        return None
    return importlib.import_module("IPython.display").display(cell, display_id=True)
