"""whose layers a run learns with in -> the same as fields of a model's metadata, and back, out."""

from dataclasses import asdict, dataclass
from typing import Any, Self

SLOWEST = 1e9  # times as long as ours; beyond it is no figure


@dataclass(frozen=True)
class LearntWith:
    """Whose layers a run learns with, where they are not all ours.

    `layers` says whose stands where; `times` is how many times as long as ours they take, and
    `difference` by what share of the largest logit theirs differ from ours at most, both None until
    the run has come to its end.
    """

    layers: str
    times: float | None = None
    difference: float | None = None

    def to_fields(self) -> dict[str, Any]:
        """Return the fields of JSON."""
        return asdict(self)

    @classmethod
    def from_fields(cls, fields: Any) -> Self:
        """Return what `to_fields` has made. Raises TypeError and ValueError for anything else."""
        found = cls(**fields)
        figures = [n for n in (found.times, found.difference) if n is not None]
        if type(found.layers) is not str or not all(type(n) is float for n in figures):
            raise TypeError("found no word on whose layers it has learnt with")
        if not all(0 <= n < SLOWEST for n in figures):
            raise ValueError("found no figures of layers that it has learnt with")
        return found
