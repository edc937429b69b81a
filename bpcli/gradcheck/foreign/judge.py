"""a unit of a person's file in -> a verdict on each of its gradients, in the best reading, out."""

import contextlib
import re
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.arrays import Shape
from bpcli.gradcheck.foreign.comparing import Comparison
from bpcli.gradcheck.foreign.finding import Finding
from bpcli.gradcheck.foreign.probe import INPUTS, Probe
from bpcli.gradcheck.foreign.reading import MisreadError, Reading
from bpcli.gradcheck.foreign.scene import NoValueError
from bpcli.gradcheck.foreign.tree import walk
from bpcli.gradcheck.foreign.units import Unit
from bpcli.gradcheck.foreign.ways import assumed, loss_of, readings

HOUSE = Path(__file__).parents[2]
LONGEST = 10  # seconds for the readings of one unit
SEEDS = (0, 1)  # a gradient is wrong only if it is with both
FORWARD, BACKWARD = 2, 3  # stages that a call can come to
ALIKE = 8  # readings that fail in the same words, after which others are not tried
LOSS = re.compile(r"loss|cost|entropy|error|mse|mae|bce|hinge|criterion", re.IGNORECASE)
NO_LOSS = (
    "its backward takes no gradient from the right, and which loss it derives is nowhere: give the "
    "class a method loss(x, t) that returns it"
)
LIKELY = re.compile(r"entropy|bce|nll|likelihood|softmax|logistic|logloss|_ce|ce_|^ce\b", re.I)
CANNOT = ("", "it cannot be built", "forward cannot be called", "backward cannot be called")


@dataclass(frozen=True)
class UnitCheck:
    """What came of one unit: `convention` is how it was called; `problem`, why it was not.

    `line` is that of its backward; `inside` has the names of the classes whose objects it holds.
    """

    name: str
    line: int
    convention: str = ""
    findings: tuple[Finding, ...] = ()
    problem: str = ""
    network: bool = False
    inside: tuple[str, ...] = ()

    @property
    def wrong(self) -> bool:
        """Whether a gradient is."""
        return any(finding.verdict == "WRONG" for finding in self.findings)

    @property
    def checked(self) -> bool:
        """Whether a gradient was compared."""
        return any(finding.verdict != "not checked" for finding in self.findings)

    @property
    def passed(self) -> bool:
        """Whether gradients were compared, and none is wrong."""
        return self.checked and not self.wrong


def judge(unit: Unit, given: Mapping[str, Any], tolerance: float) -> UnitCheck | None:
    """Check a unit in every way in which it may be meant, and return the best of what comes out.

    None is for a loss that returns no gradient.
    """
    search, unit = _Search(), loss_of(unit)
    granted = assumed(unit, given)
    best = search.best([granted], tolerance) if granted else None
    if granted and best and best[0][0]:
        return _settle(unit, best[1], tolerance)
    if any(reading.target == "t" for reading in granted):
        return UnitCheck(unit.name, unit.line, problem=NO_LOSS)
    best = search.best(readings(unit, given), tolerance)
    if best and granted and not best[0][0]:
        probe = Probe(best[1], SEEDS[0])
        if any(path[0] != INPUTS[0] for path in probe.leaves):
            return UnitCheck(unit.name, unit.line, problem=NO_LOSS)
    if best:
        return _settle(unit, best[1], tolerance)
    return None if unit.kind == "function" else search.explain(unit)


def _rank(findings: list[Finding]) -> tuple[float, int]:
    """Return how well a reading fits: what share of what was compared is right, and how many."""
    right = sum(finding.verdict in ("ok", "note") for finding in findings)
    wrong = sum(finding.verdict == "WRONG" for finding in findings)
    unreal = sum(finding.error == np.inf for finding in findings)
    return (right / (right + wrong) if right else 0.0), right - unreal


def _settle(unit: Unit, reading: Reading, tolerance: float) -> UnitCheck:
    """Check a unit in one reading; what seems wrong has to be so with other numbers too."""
    findings, probe = _compare(unit, reading, SEEDS[0], tolerance, explained=True)
    if any(finding.verdict == "WRONG" for finding in findings):
        with contextlib.suppress(MisreadError):
            again, _ = _compare(unit, reading, SEEDS[1], tolerance)
            right = {f.array: f for f in again if f.verdict in ("ok", "note")}
            findings = [right.get(f.array, f) for f in findings]
    network = probe.outputs[0].ndim == 0 and any(p[0] != INPUTS[0] for p in probe.leaves)
    inside = dict.fromkeys(type(part).__name__ for _, part in walk(probe.base.unit))
    return UnitCheck(
        unit.name, unit.line, reading.words, tuple(findings), network=network, inside=tuple(inside)
    )


def _compare(
    unit: Unit, reading: Reading, seed: int, tolerance: float, *, explained: bool = False
) -> tuple[list[Finding], Probe]:
    """Return findings in one reading. Raises MisreadError where it is none of the unit's."""
    probe = Probe(reading, seed)
    loss = probe.outputs[0].ndim == 0 and reading.scene.x
    if reading.labels and not loss and not LOSS.search(_words(unit)):
        raise MisreadError(FORWARD, ValueError("no labels are taken where there is no loss"))
    findings = Comparison(probe, tolerance, explained=explained).findings()
    if not findings:
        raise MisreadError(FORWARD, ValueError("forward does not depend on anything"))
    return findings, probe


def _words(unit: Unit) -> str:
    forward = unit.forward if isinstance(unit.forward, str) else ""
    bases = getattr(unit.thing, "__mro__", ())
    return " ".join([unit.name, forward, *(base.__name__ for base in bases)])


@dataclass
class _Search:
    """What the readings that failed have told: which others need not be tried, and what to say."""

    end: float = field(default_factory=lambda: time.monotonic() + LONGEST)
    taken: set[Any] = field(default_factory=set)  # scenes and labels that forward takes
    infinite: set[Any] = field(default_factory=set)  # and those with which a loss is not finite
    words: dict[Shape, str] = field(default_factory=dict)
    alike: Counter[Shape] = field(default_factory=Counter)
    needs_integers: bool = False
    labelled: bool = False  # whether forward may take labels
    stage: int = -1
    line: int = -1
    reading: Reading | None = None
    error: BaseException = field(default_factory=ValueError)

    def best(
        self, groups: Iterable[list[Reading]], tolerance: float
    ) -> tuple[tuple[float, int], Reading] | None:
        """Return the reading that fits best, and how well, of the first group that works."""
        best: tuple[tuple[float, int], Reading] | None = None
        for group in groups:
            for reading in group:
                if self.skips(reading):
                    continue
                try:
                    findings, _ = _compare(reading.unit, reading, SEEDS[0], tolerance)
                except MisreadError as error:
                    self.note(reading, error)
                    continue
                self.taken.add((reading.scene, reading.labels))
                rank = _rank(findings)
                if best is None or rank > best[0]:
                    best = rank, reading
                if rank[0] == 1:
                    return best
            if best:  # one output, or one image, only where more raise
                break
        return best

    def skips(self, reading: Reading) -> bool:
        """Tell whether a reading cannot work, by those before it."""
        self.labelled |= bool(reading.labels)
        if reading.likely:  # which would hide what is wrong with other numbers
            key = reading.scene, reading.labels
            if key not in self.taken or not (
                key in self.infinite or LIKELY.search(_words(reading.unit))
            ):
                return True
        if self.needs_integers != reading.indices:  # whose x has no gradient that could be wrong
            return True
        works = any(scene.x == reading.scene.x for scene, _ in self.taken)
        alike = bool(reading.labels) and not works and self.alike[reading.scene.x] > ALIKE
        return alike or time.monotonic() > self.end

    def note(self, reading: Reading, misread: MisreadError) -> None:
        """Keep what a reading has failed with, if it went farther than others."""
        error, line = misread.error, line_of(misread.error)
        if (misread.stage, line) > (self.stage, self.line):
            self.stage, self.line, self.reading, self.error = misread.stage, line, reading, error
        if misread.stage == BACKWARD or isinstance(error, FloatingPointError):
            self.taken.add((reading.scene, reading.labels))
        if isinstance(error, FloatingPointError):
            self.infinite.add((reading.scene, reading.labels))
        if reading.labels == "numbers" or not self.labelled:  # others may themselves be to blame
            self.needs_integers |= isinstance(error, IndexError) and "integer" in str(error)
        same = self.words.setdefault(reading.scene.x, str(error)) == str(error)
        self.alike[reading.scene.x] += same and misread.stage == FORWARD

    def explain(self, unit: Unit) -> UnitCheck:
        """Say why a unit was not checked, or that its backward raises."""
        error = self.error
        helper = f"a function gradcheck_{unit.name}() that returns (layer, x)"
        if isinstance(error, NoValueError):
            words = f"what is {error}? Give it by -s {error}=..., or write {helper}"
            return UnitCheck(unit.name, unit.line, problem=words)
        frames = own_frames(error)
        where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        words = f"{type(error).__name__}{where}: {error}"
        own = bool(frames) and Path(frames[-1].filename).name == Path(unit.file).name
        if self.stage == BACKWARD and own and not isinstance(error, NotImplementedError):
            assert self.reading  # noqa: S101 - one has come that far
            finding = Finding("backward", "WRONG", f"raises {words}")
            return UnitCheck(unit.name, unit.line, self.reading.words, (finding,))
        words = f"{CANNOT[max(self.stage, 0)]}: {words}; give shapes by -s x=3x5 and arguments by "
        return UnitCheck(unit.name, unit.line, problem=f"{words}-s NAME=VALUE, or write {helper}")


def line_of(error: BaseException) -> int:
    """Return how far a call went: the line of the person's code that it came to, or 0."""
    frames = own_frames(error)
    return frames[0].lineno or 0 if frames else 0


def own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Return where an error passed through the person's own code."""
    return [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if str(HOUSE) not in frame.filename
        and "site-packages" not in frame.filename
        and frame.filename.endswith((".py", ".ipynb"))
    ]
