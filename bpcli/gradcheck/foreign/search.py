"""a unit of a person's file in -> a verdict on each of its gradients, or what to ask for, out.

Conventions are tried in order, the likeliest first. One in which everything is right is believed;
where none is, what is wrong is told only if it is certain that the unit was called as meant.
"""

import contextlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bpcli.arrays import Shape
from bpcli.gradcheck.foreign import precision, randomness, texts, usage, vocabulary
from bpcli.gradcheck.foreign.asking import (
    NO_LOSS,
    constructor_of,
    doubt,
    is_clear,
    no_layers,
    returns_gradients,
)
from bpcli.gradcheck.foreign.confirmation import confirm
from bpcli.gradcheck.foreign.container import is_empty
from bpcli.gradcheck.foreign.convention import Convention
from bpcli.gradcheck.foreign.conventions import assumed, conventions, loss_of, names_of
from bpcli.gradcheck.foreign.discover import Unit, bound
from bpcli.gradcheck.foreign.experiment import INPUTS, Experiment
from bpcli.gradcheck.foreign.failure import line_of, spell_error
from bpcli.gradcheck.foreign.finding import Finding, UnitCheck
from bpcli.gradcheck.foreign.labels import COLUMN
from bpcli.gradcheck.foreign.layout import NUMBERS, VECTORS, Layout
from bpcli.gradcheck.foreign.likelihood import is_as_likely, may_replace
from bpcli.gradcheck.foreign.refusal import refuse, refuse_raised
from bpcli.gradcheck.foreign.state import BACKWARD, FORWARD, MiscalledError
from bpcli.gradcheck.foreign.tree import walk
from bpcli.gradcheck.foreign.trial import RIGHT, SEEDS, Outcome, compare, words_of
from bpcli.gradcheck.foreign.values import NoValueError

MOST = 1500  # conventions of a unit that are tried
ALIKE = 8  # conventions that fail in the same words, after which others are not tried
NUMBER = 0.7  # for a factor
PAIR = 2  # axes


def check_unit(unit: Unit, given: Mapping[str, Any], tolerance: float) -> UnitCheck | None:
    """Check a unit in every way in which it may be meant, and return the best of what comes out.

    None is for a loss that returns no gradient.
    """
    with randomness.repeatable(unit.module), precision.in_double(unit.module):
        return _Search(loss_of(unit), given, tolerance).check()


@dataclass
class _Search:
    """What the conventions that failed have told: which others need not be tried, what to say."""

    unit: Unit
    given: Mapping[str, Any]
    tolerance: float
    tried: int = 0
    taken: set[Any] = field(default_factory=set)  # layouts and labels that forward takes
    infinite: set[Any] = field(default_factory=set)  # and those with which a loss is not finite
    words: dict[Shape, str] = field(default_factory=dict)
    alike: Counter[Shape] = field(default_factory=Counter)
    needs_integers: bool = False
    silent: bool = False  # whether it returns no gradient
    labelled: bool = False  # whether forward may take labels
    stage: int = -1
    line: int = -1
    convention: Convention | None = None
    error: BaseException = field(default_factory=ValueError)
    assumed: list[Outcome] = field(default_factory=list)  # with losses that backward may derive
    complete: tuple[Outcome, Experiment] | None = None  # the last in which everything is right
    raised: tuple[Convention, BaseException] | None = None  # the first whose backward raises

    def check(self) -> UnitCheck | None:
        granted = assumed(self.unit, self.given)
        if granted and is_empty(replace(granted[0], loss=""), SEEDS[0]):
            return UnitCheck(self.unit.name, self.unit.line, problem=no_layers(self.unit))
        best = self.best([granted]) if granted else None
        if best and best.share:
            return self.settle(best)
        labelled = any(c.target == "t" for c in granted)
        found = self.best(conventions(self.unit, self.given))
        learns = found is None or self._has_parameters(found)
        if granted and learns and (labelled or (found and not found.share)):
            return UnitCheck(self.unit.name, self.unit.line, problem=NO_LOSS)
        if found:
            return self.settle(self._with_numbers(self._without_decay(found)))
        if self.silent:
            return None
        lost = isinstance(self.error, NameError) and returns_gradients(self.unit)
        return self.explain() if lost or self.unit.kind != "function" else None

    def best(self, groups: Iterable[list[Convention]]) -> Outcome | None:
        """Return the outcome that fits best, of the first group that works."""
        first: Outcome | None = None
        best: Outcome | None = None
        for group in groups:
            for convention in group:
                if self.skips(convention, first):
                    continue
                outcome = self.attempt(convention)
                if outcome is None or self._only_raises(outcome):
                    continue
                first = first or outcome
                if not is_as_likely(outcome, first):
                    continue
                if outcome.complete:
                    return outcome
                if best is None or may_replace(outcome, best):
                    best = outcome
            if best and not (best.misfit and not best.convention.layout.tier):
                break
        return best

    def attempt(self, convention: Convention) -> Outcome | None:
        """Return what comes of a convention, or None where it is none of the unit's."""
        self.tried += 1
        try:
            outcome, experiment = compare(convention, SEEDS[0], self.tolerance)
        except MiscalledError as error:
            self.note(convention, error)
            return None
        if outcome.complete:
            self.complete = outcome, experiment
        if convention.loss:
            self.assumed.append(outcome)
        self.taken.add((convention.layout, convention.labels))
        return outcome

    def _without_decay(self, found: Outcome) -> Outcome:
        """Return the outcome without weight decay, if what it adds is not in forward."""
        if found.complete or found.convention.labels or found.convention.loss:
            return found
        named = [*constructor_of(self.unit), *names_of(self.unit, self.unit.forward)]
        decays = {name: 0.0 for name in named if vocabulary.plain(name) in vocabulary.DECAY}
        if decays:
            other = self.attempt(replace(found.convention, options=decays))
            if other and other.rank > found.rank:
                return other
        return found

    def _with_numbers(self, found: Outcome) -> Outcome:
        """Return the outcome with numbers for factors that a constructor is given, if that is all.

        They were arrays, of which the layer has no gradient.
        """
        unit, lost = self.unit, [f.array for f in found.findings if f.verdict == "not checked"]
        if unit.kind != "class" or unit.static or not lost:
            return found
        uses = usage.uses_of_constructor(unit.thing)
        numbers = {n: NUMBER for n in constructor_of(unit) if uses.get(n) == {usage.FACTOR}}
        if numbers:
            other = self.attempt(replace(found.convention, options=numbers))
            if other and other.complete:
                return other
        return found

    def skips(self, convention: Convention, first: Outcome | None) -> bool:
        """Tell whether a convention cannot work, or cannot be meant, by those before it."""
        self.labelled |= bool(convention.labels)
        layout = convention.layout
        arrays = first is not None or self.raised is not None or bool(self.taken)
        if layout.tier and arrays and not self._is_alone(layout, first):
            return True
        if layout.square and any(taken.x == layout.x for taken, _ in self.taken):
            return True  # which would hide what is turned
        if convention.likely:  # which would hide what is wrong with other numbers
            key = layout, convention.labels
            if key not in self.taken or not (
                key in self.infinite
                or (convention.labels and vocabulary.LIKELIHOOD.search(words_of(self.unit)))
            ):
                return True
        if self.needs_integers != convention.indices:  # whose x has no gradient to be wrong
            return True
        works = any(layout_.x == layout.x for layout_, _ in self.taken)
        alike = bool(convention.labels) and not works and self.alike[layout.x] > ALIKE
        return alike or self.tried > MOST

    def _is_alone(self, layout: Layout, first: Outcome | None) -> bool:
        """Tell whether one image at a time may be meant, though forward takes several.

        That is so where backward does not add them up: what it leaves is too large for its array.
        Single numbers are never meant where there are arrays.
        """
        if layout.tier > 1 or any(
            taken.x and len(taken.x) == len(layout.x) > 1 and (layout.name == "(H, W)")
            for taken, _ in self.taken
        ):
            return False
        if first is not None and first.convention.layout.tier:
            return True
        if self.raised is not None and first is None:
            return isinstance(self.raised[1], ValueError | IndexError)
        return first is not None and first.misfit

    def _only_raises(self, outcome: Outcome) -> bool:
        """Tell whether one image hides what backward raises with several of them.

        It does not where arrays are too small for several, nor of an activation.
        """
        if not outcome.convention.layout.tier or self.raised is None:
            return False
        small = "non-broadcastable output" in str(self.raised[1])
        backward = bound(self.unit.thing, self.unit.backward or self.unit.forward)
        return not (small or texts.calls(backward, "outer")) and self._has_parameters(outcome)

    def note(self, convention: Convention, miscalled: MiscalledError) -> None:
        """Keep what a convention has failed with, if it went farther than others."""
        error, line = miscalled.error, line_of(miscalled.error)
        if (miscalled.stage, line) > (self.stage, self.line):
            self.stage, self.line = miscalled.stage, line
            self.convention, self.error = convention, error
        if miscalled.stage == BACKWARD and not convention.layout.stacked and self.raised is None:
            self.raised = convention, error
        if miscalled.stage == BACKWARD or isinstance(error, FloatingPointError):
            self.taken.add((convention.layout, convention.labels))
        if isinstance(error, FloatingPointError):
            self.infinite.add((convention.layout, convention.labels))
        if convention.labels == "numbers" or not self.labelled:  # others may be to blame
            self.needs_integers |= isinstance(error, IndexError) and "integer" in str(error)
        if isinstance(error, NoValueError) and miscalled.stage == FORWARD and convention.labels:
            self.tried = MOST  # a loss that returns no gradient
            self.silent = self.unit.backward is None and self.raised is None
        if isinstance(error, TypeError) and "list" in str(error) and "integer" in str(error):
            names = constructor_of(self.unit)  # one size, and not those of all layers
            sizes = {n for n in names if vocabulary.plain(n) in vocabulary.ALL_SIZES}
            self.unit.whole.update(sizes)
        same = self.words.setdefault(convention.layout.x, str(error)) == str(error)
        self.alike[convention.layout.x] += same and miscalled.stage == FORWARD

    def settle(self, best: Outcome) -> UnitCheck:
        """Check a unit in one convention; what seems wrong has to be so with other numbers too."""
        if is_empty(best.convention, SEEDS[0]):
            return UnitCheck(self.unit.name, self.unit.line, problem=no_layers(self.unit))
        if self.complete and self.complete[0] is best:  # there is nothing to explain
            outcome, experiment = self.complete
        else:
            outcome, experiment = compare(best.convention, SEEDS[0], self.tolerance, explained=True)
        findings = list(outcome.findings)
        if any(finding.verdict == "WRONG" for finding in findings):
            with contextlib.suppress(MiscalledError):
                again, _ = compare(best.convention, SEEDS[1], self.tolerance)
                right = {f.array: f for f in again.findings if f.verdict in RIGHT}
                findings = [right.get(f.array, f) for f in findings]
        if any(f.verdict == "WRONG" for f in findings) and not self.is_certain(outcome):
            wrong = [f.array for f in findings if f.verdict == "WRONG"]
            words = doubt(self.unit, best.convention.words, wrong)
            return UnitCheck(self.unit.name, self.unit.line, problem=words)
        findings = self._note_square(best, confirm(outcome, findings, experiment, self.tolerance))
        learnt = any(path[0] != INPUTS[0] for path in experiment.leaves)
        inside = dict.fromkeys(type(part).__name__ for _, part in walk(experiment.base.unit))
        return UnitCheck(
            self.unit.name,
            self.unit.line,
            best.convention.words,
            tuple(findings),
            network=learnt and experiment.outputs[0].ndim == 0,
            inside=tuple(inside),
        )

    def _note_square(self, best: Outcome, findings: list[Finding]) -> list[Finding]:
        """Note of what is right for pictures as high as wide that backward raises for others."""
        others = self.raised is not None and not self.raised[0].layout.symmetric
        if not (others and self.raised and best.convention.layout.symmetric):
            return findings
        words = (
            f"of pictures as high as wide; of others backward raises {spell_error(self.raised[1])}"
        )
        first = findings[0]
        told = [replace(first, verdict="note", words=words)] if first.verdict == "ok" else [first]
        return told + findings[1:]

    def is_certain(self, outcome: Outcome) -> bool:
        """Tell whether a unit was called as meant: something is right, or nothing was guessed."""
        convention = outcome.convention
        if convention.layout.stacked:
            return bool(outcome.share) and len(convention.layout.x) == PAIR  # else a guess
        if convention.loss:
            return bool(outcome.share) and not any(map(outcome.rivals, self.assumed))
        by_chance = convention.labels == COLUMN and not convention.layout.single  # it broadcasts
        guessed = by_chance or convention.layout.tier == NUMBERS
        return bool(outcome.share) or (not guessed and is_clear(self.unit, convention.labels))

    def _has_parameters(self, outcome: Outcome) -> bool:
        experiment = Experiment(outcome.convention, SEEDS[0])
        return any(path[0] != INPUTS[0] for path in experiment.leaves)

    def explain(self) -> UnitCheck:
        """Say why a unit was not checked, or that its backward raises."""
        if self.raised is None:
            return refuse(self.unit, self.stage, self.error)
        convention, error = self.raised
        found = refuse_raised(self.unit, convention, error)
        if found.wrong and convention.layout.columns:
            return self._of_one_vector(convention) or found
        if found.wrong and isinstance(error, ValueError):
            square = replace(convention, layout=replace(convention.layout, square=True))
            outcome = self.attempt(square)
            if outcome and not outcome.complete:
                return self.settle(outcome)
        return found

    def _of_one_vector(self, convention: Convention) -> UnitCheck | None:
        """Check what raises for columns with one vector, if it takes that."""
        for layout in VECTORS:
            outcome = self.attempt(replace(convention, layout=layout))
            if outcome and outcome.compared:
                return self.settle(outcome)
        return None
