"""a unit and a layout in -> a Convention: one way in which the unit may be called, out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bpcli.gradcheck.foreign.discover import Unit
from bpcli.gradcheck.foreign.layout import Layout


@dataclass(frozen=True)
class Convention:
    """One way to call a unit."""

    unit: Unit
    layout: Layout
    style: str = "upstream"
    labels: str = ""
    likely: bool = False  # whether x is probabilities
    indices: bool = False  # whether x is whole numbers, as rows of a table have
    loss: str = ""  # that backward takes for granted, of what a network's forward returns
    target: str = ""  # `t`, which backward takes, or `x`, of an autoencoder
    mean: bool = False  # whether losses of images are averaged, and not added up
    given: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)  # values in place of defaults
    open: bool = False  # whether the shapes of arrays are told by what fits
    direct: bool = False  # whether forward itself is called, and not what calls it
    alone: bool = False  # whether one output alone has a gradient from the right
    scale: float = 1  # of x, which is small where a small constant is to show

    @property
    def words(self) -> str:
        """The convention in words, for the person to see whether it is theirs."""
        parts = ["x " + self.layout.name] if self.layout.x else []
        parts[:1] = [f"{parts[0]}, one image"] if parts and self.layout.tier else parts[:1]
        parts += [f"labels as {self.labels}"] * bool(self.labels)
        parts += ["x as probabilities"] * self.likely
        parts += ["x as whole numbers"] * self.indices
        parts += ["dout of one output alone"] * self.alone
        if self.loss:
            of = "x" if self.target == "x" else "the labels that backward takes"
            return ", ".join([*parts, f"{self.loss} of {of} for a loss"])
        if self.style != "upstream" and not self.labels:
            parts.append(f"backward takes the {self.style} and returns f'")
        return ", ".join(parts)
