"""the record of a run in -> the figure by which trials are ranked out."""

import math
from dataclasses import dataclass

from bpcli.training import Record


@dataclass(frozen=True)
class Metric:
    """A figure of held-out images; `is_loss` tells that less of it is better."""

    name: str
    field: str  # of a Record
    is_loss: bool = False

    def of(self, record: Record) -> float:
        """Return the figure of an evaluation; inf where it is too large for a number."""
        found = getattr(record, self.field)
        return math.inf if found is None else float(found)

    def score(self, figure: float) -> float:
        """Return what is the higher the better."""
        return -figure if self.is_loss else figure

    @property
    def worst(self) -> float:
        """The score of a trial that has no figure."""
        return -math.inf if self.is_loss else 0.0

    def say(self, figure: float) -> str:
        """Return a figure as people read it."""
        return f"{figure:.4f}" if self.is_loss else f"{figure:.2%}"

    @property
    def words(self) -> str:
        """What stands before a figure: of an accuracy nothing, as it is what people expect."""
        return "" if self is ACCURACY else self.name.replace("_", " ") + " "


ACCURACY = Metric("accuracy", "accuracy")
METRICS = {
    metric.name: metric
    for metric in (
        ACCURACY,
        Metric("balanced_accuracy", "balanced_accuracy"),
        Metric("loss", "held_out_loss", is_loss=True),
    )
}
