"""a study in -> what is known of its trials, checked as nobody need have written it, out."""

import json
import math
import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bpcli.files.document import read_value
from bpcli.tuning.metric import ACCURACY, METRICS, Metric
from bpcli.tuning.space import Space
from bpcli.tuning.storage import UnsoundError, import_optuna, reading
from bpcli.tuning.trial import Outcome

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

ENOUGH = 20  # trials, before keys are compared
BEST_PART = 0.25  # of the trials, which is compared with all of them
SLOT, OUTCOME = "slot", "outcome"  # what a trial keeps
QUESTION = "question"  # under which a study keeps what it has been asked
METRIC = "--metric"  # in it, beside the keys
MOST = 10**9  # that a trial's number or slot may be
FAILURES = ("", "diverged", "invalid")


@dataclass(frozen=True)
class TrialResult:
    """What is known of a trial: `state` is done, diverged, invalid, pruned, running or waiting.

    `accuracies` has one of each seed, on held-out images, and `figures` those of the metric;
    `values` has those of the searched keys.
    """

    slot: int
    state: str
    accuracies: tuple[float, ...]
    figures: tuple[float, ...]
    values: dict[str, Any]
    words: str
    metric: Metric

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it is left to be done."""
        return self.state not in ("running", "waiting")

    @property
    def mean(self) -> float:
        """The mean of the figures, 0 where there is none."""
        return statistics.fmean(self.figures) if self.figures else 0.0

    @property
    def score(self) -> float:
        """What trials are ranked by, the highest first."""
        return self.metric.score(self.mean) if self.figures else self.metric.worst

    @property
    def deviation(self) -> float:
        """Their standard deviation, 0 of one seed."""
        return statistics.stdev(self.figures) if len(self.figures) > 1 else 0.0


def find_metric(study: "optuna.Study") -> Metric:
    """Return by what the trials of a study are ranked."""
    asked = json.loads(study.user_attrs.get(QUESTION, "{}"))
    return METRICS.get(asked.get(METRIC), ACCURACY)


def score(outcome: Outcome, metric: Metric) -> float:
    """Return what a trial is ranked by: one that has failed, and has no figure, comes last."""
    figures = outcome.figures
    return metric.score(statistics.fmean(figures)) if figures else metric.worst


def read_outcome(fields: dict[str, Any]) -> Outcome:
    """Return the outcome of a trial; older studies are ranked by accuracy, and have no figures."""
    accuracies = tuple(fields["accuracies"])
    figures = tuple(fields.get("figures", accuracies))
    return Outcome(accuracies, figures, fields["failure"], fields["words"])


def read_trials(study: "optuna.Study") -> "list[FrozenTrial]":
    """Return all trials of a study as Optuna has them, in order. Raises UnsoundError."""
    optuna = import_optuna()
    with reading():
        trials = study.get_trials(deepcopy=False)
        if study.directions != [optuna.study.StudyDirection.MAXIMIZE]:
            raise UnsoundError("found another goal than the highest figure")
        metric = find_metric(study)
        for number, trial in enumerate(trials):
            _check(trial, number, metric)
        complete = [t for t in trials if t.state == optuna.trial.TrialState.COMPLETE]
        if any(trial.params.keys() != complete[0].params.keys() for trial in complete):
            raise UnsoundError("found trials of other keys")
    return trials


def list_trials(study: "optuna.Study", space: Space | None = None) -> list[TrialResult]:
    """Return the trial of each slot: the one that has come farthest, of several tries.

    Raises UnsoundError, too if one that is done has values which are not of a given space.
    """
    state = import_optuna().trial.TrialState
    order = {
        state.COMPLETE: "done",
        state.PRUNED: "pruned",
        state.RUNNING: "running",
        state.WAITING: "waiting",
        state.FAIL: "waiting",
    }
    ranks = list(order)
    best: dict[int, FrozenTrial] = {}
    for trial in read_trials(study):
        slot = trial.user_attrs.get(SLOT)
        if slot is None:
            continue
        if slot not in best or ranks.index(trial.state) < ranks.index(best[slot].state):
            best[slot] = trial
    with reading():
        metric = find_metric(study)
        found = [
            _result(slot, best[slot], order[best[slot].state], metric) for slot in sorted(best)
        ]
        for result in found:
            if space and result.state == "done":
                space.read(result.values)
    return found


def _result(slot: int, trial: "FrozenTrial", state: str, metric: Metric) -> TrialResult:
    outcome = read_outcome(trial.user_attrs.get(OUTCOME, asdict(Outcome((), ()))))
    values = {
        key: read_value(value) if isinstance(value, str) else value
        for key, value in trial.params.items()
    }
    return TrialResult(
        slot=slot,
        state=outcome.failure or state,
        accuracies=outcome.accuracies,
        figures=outcome.figures,
        values=values,
        words=outcome.words,
        metric=metric,
    )


def _check(trial: "FrozenTrial", number: int, metric: Metric) -> None:
    """Raise UnsoundError unless a trial is one that `bpcli tune` can have written."""
    slot, outcome = trial.user_attrs.get(SLOT), trial.user_attrs.get(OUTCOME)
    steps = trial.intermediate_values
    checks = {
        "number": trial.number == number and type(trial.number) is int,
        "slot": SLOT not in trial.user_attrs or (type(slot) is int and 0 <= slot < MOST),
        "outcome": outcome is None or _is_outcome(outcome, metric),
        "value": _has_its_value(trial, outcome, metric),
        "parameters": _has_parameters(trial),
        "evaluations": all(type(step) is int and 0 <= step < MOST for step in steps)
        and all(_is_score(value, metric) for value in steps.values()),
    }
    wrong = [what for what, holds in checks.items() if not holds]
    if wrong:
        raise UnsoundError(f"found trial {number} with another {wrong[0]} than it can have")


def _is_outcome(outcome: Any, metric: Metric) -> bool:
    accuracies, failure, words = (outcome[name] for name in ("accuracies", "failure", "words"))
    figures = outcome.get("figures", accuracies)  # which older studies have not
    return (
        outcome.keys() | {"figures"} == asdict(Outcome((), ())).keys()
        and isinstance(accuracies, list)
        and isinstance(figures, list)
        and all(map(_is_share, accuracies))
        and all(_is_figure(figure, metric) for figure in figures)
        and len(figures) == len(accuracies)
        and failure in FAILURES
        and bool(failure) != bool(accuracies)
        and isinstance(words, str)
    )


def _has_its_value(trial: "FrozenTrial", outcome: Any, metric: Metric) -> bool:
    """Tell whether a complete trial has the value of its outcome.

    Another may be about to be complete, as its row is read before its value.
    """
    is_complete = trial.state == import_optuna().trial.TrialState.COMPLETE
    if is_complete and trial.user_attrs.get(SLOT) is not None:
        reached = score(read_outcome(outcome), metric)
        return math.isclose(trial.values[0], reached, abs_tol=1e-9)
    return _is_score(trial.value, metric) or (trial.value is None and not is_complete)


def _has_parameters(trial: "FrozenTrial") -> bool:
    """Tell whether a trial has texts where it chooses, and finite numbers elsewhere."""
    choice = import_optuna().distributions.CategoricalDistribution
    fixed = trial.system_attrs.get("fixed_params", {})  # of which Optuna keeps no distribution
    return all(
        isinstance(value, str) == isinstance(trial.distributions[key], choice)
        for key, value in trial.params.items()
    ) and all(
        isinstance(value, str) or (isinstance(value, int | float) and math.isfinite(value))
        for value in [*trial.params.values(), *fixed.values()]
    )


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def _is_figure(value: Any, metric: Metric) -> bool:
    if not metric.is_loss:
        return _is_share(value)
    return isinstance(value, int | float) and 0 <= value < math.inf


def _is_score(value: Any, metric: Metric) -> bool:
    if not metric.is_loss:
        return _is_share(value)
    return isinstance(value, int | float) and value <= 0


def importances(study: "optuna.Study") -> dict[str, float]:
    """Return how much each key has to do with being among the best, the largest share first.

    PED-ANOVA (Watanabe et al. 2023). There are none of a single key, or of few trials.
    """
    optuna = import_optuna()
    done = [result for result in list_trials(study) if result.state == "done"]
    if len(done) < ENOUGH or len(done[0].values) == 1:
        return {}
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=BEST_PART)
    try:
        with reading():
            found: dict[str, float] = optuna.importance.get_param_importances(
                study, evaluator=evaluator
            )
    except (UnsoundError, RuntimeError):  # no trial differs from another
        return {}
    return found
