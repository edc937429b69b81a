"""a unit and the arguments of its forward in -> a State that a call can change out."""

from dataclasses import dataclass, field
from typing import Any

from bpcli.arrays import Array

BUILD, FORWARD, BACKWARD = 1, 2, 3  # stages that a call can come to


class MiscalledError(Exception):
    """A way of calling that this unit does not take; `stage` is how far it went."""

    def __init__(self, stage: int, error: BaseException) -> None:
        super().__init__(str(error))
        self.stage = stage
        self.error = error


class Context:
    """What static operations keep their arrays in between forward and backward."""

    def save_for_backward(self, *arrays: Any) -> None:
        """Keep arrays."""
        self.saved_tensors = self.saved_values = arrays


@dataclass
class State:
    """Everything that a call can change: the person's object, and the arguments of forward."""

    unit: Any
    inputs: dict[str, Any]
    constants: frozenset[str]  # inputs that nothing is differentiated by: labels
    outputs: list[Array] = field(default_factory=list)
    cache: Any = None
    results: Any = None  # all that forward returned
    named: dict[str, Any] = field(default_factory=dict)  # the same, by forward's own names
    target: Any = None  # of a loss that the unit's backward takes for granted
    filled: dict[str, Any] = field(default_factory=dict)  # gradients that backward writes there
    globals: dict[str, Any] = field(default_factory=dict)  # arrays of the module that it reads
