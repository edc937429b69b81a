"""a unit of a person's file in -> a verdict on each of its gradients, or what to ask for, out.

Conventions are tried in order, the likeliest first. One in which everything is right is believed;
where none is, what is wrong is told only if it is certain that the unit was called as meant.
"""

import ast
import contextlib
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.arrays import Shape
from bpcli.gradcheck.foreign import precision, randomness, usage, vocabulary
from bpcli.gradcheck.foreign.arguments import NoValueError, is_required, parameters
from bpcli.gradcheck.foreign.calling import BACKWARD, FORWARD, Convention, MiscalledError
from bpcli.gradcheck.foreign.conventions import assumed, conventions, loss_of, names_of
from bpcli.gradcheck.foreign.discover import Unit, bound
from bpcli.gradcheck.foreign.experiment import INPUTS, Experiment, RandomError
from bpcli.gradcheck.foreign.finding import Finding, UnitCheck
from bpcli.gradcheck.foreign.layout import Layout
from bpcli.gradcheck.foreign.tree import walk
from bpcli.gradcheck.foreign.variants import Variant, variants
from bpcli.gradcheck.foreign.verdict import Comparison

HOUSE = Path(__file__).parents[2]
SEEDS = (0, 1)  # a gradient is wrong only if it is with both
MOST = 1500  # conventions of a unit that are tried
ALIKE = 8  # conventions that fail in the same words, after which others are not tried
RIGHT = ("ok", "note")
NO_LOSS = (
    "its backward takes no gradient from the right, and which loss it derives is nowhere: give the "
    "class a method loss(x, t) that returns it"
)
NO_LAYERS = "it has no layers yet: write {helper}, with some in it"
CANNOT = ("", "it cannot be built", "forward cannot be called", "backward cannot be called")
REFUSALS = (NotImplementedError, AssertionError)
OWN_FAULTS = (AttributeError, NameError, UnboundLocalError)  # whatever backward was given


def check_unit(unit: Unit, given: Mapping[str, Any], tolerance: float) -> UnitCheck | None:
    """Check a unit in every way in which it may be meant, and return the best of what comes out.

    None is for a loss that returns no gradient.
    """
    with randomness.repeatable(unit.module), precision.in_double(unit.module):
        return _Search(loss_of(unit), given, tolerance).check()


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
    def complete(self) -> bool:
        """Whether everything is right."""
        return self.share == 1 and not self._count("not checked")

    def _count(self, *verdicts: str) -> int:
        return sum(finding.verdict in verdicts for finding in self.findings)


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
    labelled: bool = False  # whether forward may take labels
    stage: int = -1
    line: int = -1
    convention: Convention | None = None
    error: BaseException = field(default_factory=ValueError)
    raised: tuple[Convention, BaseException] | None = None  # the first whose backward raises

    def check(self) -> UnitCheck | None:
        granted = assumed(self.unit, self.given)
        best = self.best([granted]) if granted else None
        if best and best.share:
            return self.settle(best)
        if any(convention.target == "t" for convention in granted):
            return UnitCheck(self.unit.name, self.unit.line, problem=NO_LOSS)
        found = self.best(conventions(self.unit, self.given))
        if found and granted and not found.share and self._has_parameters(found):
            return UnitCheck(self.unit.name, self.unit.line, problem=NO_LOSS)
        if found:
            return self.settle(self._without_decay(found))
        return None if self.unit.kind == "function" else self.explain()

    def best(self, groups: Iterable[list[Convention]]) -> Outcome | None:
        """Return the outcome that fits best, of the first group that works."""
        first: Outcome | None = None
        best: Outcome | None = None
        for group in groups:
            for convention in group:
                if self.skips(convention, first):
                    continue
                outcome = self.attempt(convention)
                if outcome is None:
                    continue
                first = first or outcome
                if not self._is_as_likely(outcome, first):
                    continue
                if outcome.complete:
                    return outcome
                if best is None or (outcome.rank > best.rank and self._may_replace(outcome, best)):
                    best = outcome
            if best and not (best.misfit and not best.convention.layout.tier):
                break
        return best

    def attempt(self, convention: Convention) -> Outcome | None:
        """Return what comes of a convention, or None where it is none of the unit's."""
        self.tried += 1
        try:
            outcome, _ = self.compare(convention, SEEDS[0])
        except MiscalledError as error:
            self.note(convention, error)
            return None
        self.taken.add((convention.layout, convention.labels))
        return outcome

    def compare(
        self, convention: Convention, seed: int, *, explained: bool = False
    ) -> tuple[Outcome, Experiment]:
        """Return findings in one convention. Raises MiscalledError if the unit takes none."""
        experiment = Experiment(convention, seed)
        loss = experiment.outputs[0].ndim == 0 and convention.layout.x
        axes = len(convention.layout.x)
        if experiment.outputs[0].ndim > axes > 0 and not convention.indices:
            raise MiscalledError(FORWARD, ValueError("forward has added axes to what it was given"))
        if convention.layout.loses_channels(experiment.outputs[0].shape):
            raise MiscalledError(FORWARD, ValueError("windows have taken in the channels"))
        if convention.labels and not loss and not vocabulary.LOSS.search(_words(self.unit)):
            raise MiscalledError(FORWARD, ValueError("no labels are taken where there is no loss"))
        comparison = Comparison(experiment, self.tolerance, explained=explained)
        findings = comparison.findings()
        if not findings:
            raise MiscalledError(FORWARD, ValueError("forward does not depend on anything"))
        return Outcome(convention, tuple(findings), comparison.misfit, comparison.fits), experiment

    def _is_as_likely(self, outcome: Outcome, first: Outcome) -> bool:
        """Tell whether a convention may be meant where one before it works in part.

        Of a layer that takes (N, D), and is right there in part, what needs more axes is not; one
        image at a time is only where images do not add up in what several leave; and single numbers
        are never, where there are arrays.
        """
        layout, before = outcome.convention.layout, first.convention.layout
        if outcome is first:
            return True
        if layout.tier > before.tier:
            network = bool(outcome.convention.loss or outcome.convention.labels)
            alone = first.misfit and outcome.fits and layout.tier == 1
            return alone and (network or outcome.complete) and len(layout.x) >= 2
        if layout.symmetric and not before.symmetric and layout.name == before.name:
            return False
        return not (first.share and len(layout.x) > len(before.x))

    def _may_replace(self, outcome: Outcome, best: Outcome) -> bool:
        """Tell whether a convention in which more is right may be meant in place of another.

        In another layout some of it may be right by chance.
        """
        same = outcome.convention.layout.name == best.convention.layout.name
        return same or not best.fits or bool(outcome.convention.loss)

    def _without_decay(self, found: Outcome) -> Outcome:
        """Return the outcome without weight decay, if what it adds is not in forward."""
        if found.complete or found.convention.labels or found.convention.loss:
            return found
        named = [*self._constructor(), *names_of(self.unit, self.unit.forward)]
        decays = {name: 0.0 for name in named if vocabulary.plain(name) in vocabulary.DECAY}
        if decays:
            other = self.attempt(replace(found.convention, options=decays))
            if other and other.rank > found.rank:
                return other
        return found

    def _constructor(self) -> list[str]:
        kind = self.unit.kind == "class" and not self.unit.static
        return names_of(self.unit, "__init__") if kind else []

    def skips(self, convention: Convention, first: Outcome | None) -> bool:
        """Tell whether a convention cannot work, or cannot be meant, by those before it."""
        self.labelled |= bool(convention.labels)
        layout = convention.layout
        arrays = first is not None or self.raised is not None or bool(self.taken)
        if layout.tier and arrays and not self._is_alone(layout, first):
            return True
        if convention.likely:  # which would hide what is wrong with other numbers
            key = layout, convention.labels
            if key not in self.taken or not (
                key in self.infinite or vocabulary.LIKELIHOOD.search(_words(self.unit))
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
        too_large = self.raised is not None and "non-broadcastable output" in str(self.raised[1])
        return too_large or (first is not None and first.misfit)

    def note(self, convention: Convention, miscalled: MiscalledError) -> None:
        """Keep what a convention has failed with, if it went farther than others."""
        error, line = miscalled.error, line_of(miscalled.error)
        if (miscalled.stage, line) > (self.stage, self.line):
            self.stage, self.line = miscalled.stage, line
            self.convention, self.error = convention, error
        if miscalled.stage == BACKWARD and self.raised is None:
            self.raised = convention, error
        if miscalled.stage == BACKWARD or isinstance(error, FloatingPointError):
            self.taken.add((convention.layout, convention.labels))
        if isinstance(error, FloatingPointError):
            self.infinite.add((convention.layout, convention.labels))
        if convention.labels == "numbers" or not self.labelled:  # others may be to blame
            self.needs_integers |= isinstance(error, IndexError) and "integer" in str(error)
        same = self.words.setdefault(convention.layout.x, str(error)) == str(error)
        self.alike[convention.layout.x] += same and miscalled.stage == FORWARD

    def settle(self, best: Outcome) -> UnitCheck:
        """Check a unit in one convention; what seems wrong has to be so with other numbers too."""
        outcome, experiment = self.compare(best.convention, SEEDS[0], explained=True)
        findings = list(outcome.findings)
        if any(finding.verdict == "WRONG" for finding in findings):
            with contextlib.suppress(MiscalledError):
                again, _ = self.compare(best.convention, SEEDS[1])
                right = {f.array: f for f in again.findings if f.verdict in RIGHT}
                findings = [right.get(f.array, f) for f in findings]
        if any(f.verdict == "WRONG" for f in findings) and not self.is_certain(outcome):
            wrong = ", ".join(f.array for f in findings if f.verdict == "WRONG")
            words = (
                f"what was tried ({best.convention.words}) is right for nothing in it ({wrong}), "
            )
            words += f"and may not be how it is meant: write {self.helper()}"
            return UnitCheck(self.unit.name, self.unit.line, problem=words)
        findings = self._vary(outcome, findings, experiment)
        network = experiment.outputs[0].ndim == 0 and any(
            path[0] != INPUTS[0] for path in experiment.leaves
        )
        inside = dict.fromkeys(type(part).__name__ for _, part in walk(experiment.base.unit))
        return UnitCheck(
            self.unit.name,
            self.unit.line,
            best.convention.words,
            tuple(findings),
            network=network,
            inside=tuple(inside),
        )

    def _vary(
        self, outcome: Outcome, findings: list[Finding], experiment: Experiment
    ) -> list[Finding]:
        """Return findings with what is wrong only where a mistake shows: another stride, say."""
        right = {f.array for f in findings if f.verdict in RIGHT}
        found = {f.array: f for f in findings}
        for variant in variants(outcome.convention, experiment):
            if not any(found[name].verdict in RIGHT for name in right):
                break
            for finding in self._try_variant(variant):
                said = replace(finding, words=f"with {variant.words}: {finding.words}")
                if finding.array in right and found[finding.array].verdict in RIGHT:
                    found[finding.array] = said
                elif finding.array == "backward" and "backward" not in found:
                    found["backward"] = said
        return list(found.values())

    def _try_variant(self, variant: Variant) -> Iterator[Finding]:
        """Yield what is WRONG in a variant, with two sorts of numbers."""
        convention = variant.convention
        try:
            outcome, experiment = self.compare(convention, SEEDS[0], explained=True)
            wrong = [f for f in outcome.findings if f.verdict == "WRONG"]
            if not wrong:
                return
            again, _ = self.compare(convention, SEEDS[1])
        except MiscalledError as error:
            sure = variant.natural and not isinstance(error.error, REFUSALS)
            if error.stage == BACKWARD and (sure or isinstance(error.error, OWN_FAULTS)):
                yield self._raising(error.error)
            return
        twice = {f.array for f in again.findings if f.verdict == "WRONG"}
        decay = self._decays(convention, experiment)
        yield from (f for f in wrong if f.array in twice and f.array not in decay)

    def _decays(self, convention: Convention, experiment: Experiment) -> set[str]:
        """Return the arrays whose gradients differ by the decay that a usual loss would add."""
        amounts = [
            value
            for name, value in convention.options.items()
            if vocabulary.plain(name) in vocabulary.DECAY and value
        ]
        if not amounts:
            return set()
        comparison = Comparison(experiment, self.tolerance, explained=False)
        return {
            experiment.leaves[path]
            for path in experiment.leaves
            if comparison.differs_by_decay(path, amounts[0])
        }

    def is_certain(self, outcome: Outcome) -> bool:
        """Tell whether a unit was called as meant: something is right, or nothing was guessed."""
        return bool(outcome.share) or (not outcome.convention.loss and self.is_clear())

    def is_clear(self) -> bool:
        """Tell whether every argument of backward is one by its name, or there is only one."""
        unit = self.unit
        if unit.backward is None:
            return True  # what it returns is known by its name, or by its place
        function = bound(unit.thing, unit.backward)
        try:
            named = [p for p in parameters(function) if is_required(p) and p.name != "self"]
        except NoValueError:
            return False
        uses = usage.uses_of_arguments(function)
        forward = names_of(unit, unit.forward)
        returned = usage.returned_names(bound(unit.thing, unit.forward))
        known = (vocabulary.is_upstream, vocabulary.is_labels, vocabulary.is_rate,
                 vocabulary.is_output, vocabulary.is_predicted)  # fmt: skip
        unknown = [
            p.name
            for p in named
            if not any(is_it(p.name) for is_it in known)
            and not vocabulary.CACHE.fullmatch(vocabulary.plain(p.name))
            and p.name not in (*forward, *returned)
            and usage.FILLED not in uses.get(p.name, ())
        ]
        return len(unknown) <= (len(named) == 1)

    def _has_parameters(self, outcome: Outcome) -> bool:
        experiment = Experiment(outcome.convention, SEEDS[0])
        return any(path[0] != INPUTS[0] for path in experiment.leaves)

    def explain(self) -> UnitCheck:
        """Say why a unit was not checked, or that its backward raises."""
        error, unit = self.error, self.unit
        if isinstance(error, RandomError):
            words = f"{error}: give it a generator, or a seed, and write {self.helper()}"
            return UnitCheck(unit.name, unit.line, problem=words)
        if isinstance(error, NoValueError) and self.raised is None:
            words = f"what is {error}? Give it by -s {error}=..., or write {self.helper()}"
            return UnitCheck(unit.name, unit.line, problem=words)
        if self.raised:
            return self._explain_raised(*self.raised)
        frames = own_frames(error)
        where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        words = (
            f"{CANNOT[max(self.stage, 0)]}: {type(error).__name__}{where}: {error}; give shapes "
        )
        words += f"by -s x=3x5 and arguments by -s NAME=VALUE, or write {self.helper()}"
        return UnitCheck(unit.name, unit.line, problem=words)

    def _explain_raised(self, convention: Convention, error: BaseException) -> UnitCheck:
        """Say that a backward raises, if that is not for how it was called."""
        unit = self.unit
        if self._is_empty():
            words = NO_LAYERS.format(helper=self.helper())
            return UnitCheck(unit.name, unit.line, problem=words)
        frames = own_frames(error)
        own = bool(frames) and Path(frames[-1].filename).name == Path(unit.file).name
        certain = own and self.is_clear() and not convention.layout.tier and not convention.direct
        if isinstance(error, NotImplementedError) or not certain:
            words = f"backward cannot be called: {_spell(error)}; write {self.helper()}"
            return UnitCheck(unit.name, unit.line, problem=words)
        if isinstance(error, ValueError):
            square = replace(convention, layout=replace(convention.layout, square=True))
            outcome = self.attempt(square)
            if outcome and not outcome.complete:
                return self.settle(outcome)
        return UnitCheck(unit.name, unit.line, convention.words, (self._raising(error),))

    def _is_empty(self) -> bool:
        """Tell whether an object is a container that nothing has been put into."""
        if self.raised is None or self.unit.kind != "class":
            return False
        with contextlib.suppress(MiscalledError):
            built = self.raised[0].build(SEEDS[0])
            parts = getattr(built.unit, "__dict__", {}).values()
            empty = any(isinstance(part, list | dict) and not part for part in parts)
            self.raised[0].forward(built)
            same = [np.array_equal(built.outputs[0], x) for x in built.inputs.values()]
            return empty and any(same)
        return False

    def _raising(self, error: BaseException) -> Finding:
        """Return the finding that backward raises, under the gradient that it was to set."""
        return Finding(_gradient_at(error) or "backward", "WRONG", f"raises {_spell(error)}")

    def helper(self) -> str:
        """Return a function to paste that settles how a unit is to be called."""
        unit = self.unit
        built = f"{unit.name}({', '.join(n for n in self._constructor() if n != 'self')})"
        if unit.kind != "class":
            return f"def gradcheck_{unit.name}(): return ({unit.name}, {_name(unit.backward)}), x"
        return f"def gradcheck_{unit.name}(): return {built}, x"


def _name(function: Any) -> str:
    return getattr(function, "__name__", str(function))


def _spell(error: BaseException) -> str:
    frames = own_frames(error)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}: {error}"


def _gradient_at(error: BaseException) -> str:
    """Return the array whose gradient was to be set by the statement that raised."""
    frames = own_frames(error)
    line = frames[-1].line if frames else ""
    with contextlib.suppress(SyntaxError):
        for node in ast.walk(ast.parse(line or "")):
            if isinstance(node, ast.Assign | ast.AugAssign):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                name = ast.unparse(target).rpartition(".")[2]
                return (
                    name[1:] if name.startswith("d") and isinstance(target, ast.Attribute) else ""
                )
    return ""


def _words(unit: Unit) -> str:
    forward = unit.forward if isinstance(unit.forward, str) else ""
    bases = getattr(unit.thing, "__mro__", ())
    return " ".join([unit.name, forward, *(base.__name__ for base in bases)])


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
