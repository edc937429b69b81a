"""a convention in -> its Outcome: what is right in it, and how well it fits, out."""

from dataclasses import dataclass

import numpy as np

from bpcli.gradcheck.foreign import vocabulary
from bpcli.gradcheck.foreign.convention import Convention
from bpcli.gradcheck.foreign.conventions import names_of
from bpcli.gradcheck.foreign.discover import Unit
from bpcli.gradcheck.foreign.experiment import Experiment
from bpcli.gradcheck.foreign.finding import Finding
from bpcli.gradcheck.foreign.judging import judge
from bpcli.gradcheck.foreign.state import FORWARD, MiscalledError
from bpcli.gradcheck.foreign.verdict import Comparison

SEEDS = (0, 1)  # a gradient is wrong only if it is with both
RIGHT = ("ok", "note")


@dataclass(frozen=True)
class Outcome:
    """What came of one convention: its findings, and how well it fits."""

    convention: Convention
    findings: tuple[Finding, ...]
    misfit: bool
    fits: bool

    @property
    def share(self) -> float:
        """What share of what was compared is right."""
        right, wrong = self._count(*RIGHT), self._count("WRONG")
        return right / (right + wrong) if right else 0.0

    @property
    def rank(self) -> tuple[float, int]:
        """How well it fits: the share that is right, and how many are."""
        unreal = sum(finding.error == np.inf for finding in self.findings)
        return self.share, self._count(*RIGHT) - unreal

    @property
    def compared(self) -> bool:
        """Whether anything was."""
        return bool(self._count(*RIGHT, "WRONG"))

    def rivals(self, other: "Outcome") -> bool:
        """Tell whether as much is right in another outcome, and it is something else."""
        mine, others = (
            {f.array for f in outcome.findings if f.verdict in RIGHT} for outcome in (self, other)
        )
        same = self.convention.layout == other.convention.layout
        return same and self.share == other.share and mine != others

    @property
    def notes(self) -> bool:
        """Whether something is right with a word to say, as averages are."""
        return bool(self._count("note"))

    @property
    def complete(self) -> bool:
        """Whether everything is right."""
        return self.share == 1 and not self._count("not checked")

    def _count(self, *verdicts: str) -> int:
        return sum(finding.verdict in verdicts for finding in self.findings)


def compare(
    convention: Convention, seed: int, tolerance: float, *, explained: bool = False
) -> tuple[Outcome, Experiment]:
    """Return findings in one convention. Raises MiscalledError if the unit takes none."""
    experiment = Experiment(convention, seed)
    loss = experiment.outputs[0].ndim == 0 and convention.layout.x
    axes = len(convention.layout.x) + (convention.layout.name == "(H, W)")  # and filters
    axes += convention.layout.stacked
    if experiment.outputs[0].ndim > axes > 0 and not convention.indices:
        raise MiscalledError(FORWARD, ValueError("forward has added axes to what it was given"))
    if convention.layout.loses_channels(experiment.outputs[0].shape):
        raise MiscalledError(FORWARD, ValueError("windows have taken in the channels"))
    inputs = experiment.base.inputs.values()
    silent = convention.labels or takes_nothing(convention.unit)
    if silent and any(np.array_equal(experiment.outputs[0], x) for x in inputs):
        raise MiscalledError(FORWARD, ValueError("forward returns its input, and no loss"))
    if convention.labels and not loss and not vocabulary.LOSS.search(words_of(convention.unit)):
        raise MiscalledError(FORWARD, ValueError("no labels are taken where there is no loss"))
    if convention.labels in ("numbers", "column") and experiment.outputs[0].ndim > 1:
        raise MiscalledError(FORWARD, ValueError("labels have taken rows, and not one of each"))
    comparison = Comparison(experiment, tolerance, explained=explained)
    findings = judge(comparison)
    if not findings:
        raise MiscalledError(FORWARD, ValueError("forward does not depend on anything"))
    return Outcome(convention, tuple(findings), comparison.misfit, comparison.fits), experiment


def takes_nothing(unit: Unit) -> bool:
    """Tell whether a backward takes no gradient, nor anything else."""
    return unit.backward is not None and not names_of(unit, unit.backward)


def words_of(unit: Unit) -> str:
    """Return the names of a unit, its forward and its classes, which tell whether it is a loss."""
    forward = unit.forward if isinstance(unit.forward, str) else ""
    bases = getattr(unit.thing, "__mro__", ())
    return " ".join([unit.name, forward, *(base.__name__ for base in bases)])
