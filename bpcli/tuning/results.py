"""a study in -> what is known of its trials out."""

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bpcli.files.document import read_value
from bpcli.tuning.metric import Metric
from bpcli.tuning.shared import find_metric
from bpcli.tuning.storage import import_optuna

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

ENOUGH = 20  # trials, before keys are compared
BEST_PART = 0.25  # of the trials, which is compared with all of them
SLOT, OUTCOME = "slot", "outcome"  # what a trial keeps


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


def list_trials(study: "optuna.Study") -> list[TrialResult]:
    """Return the trial of each slot: the one that has come farthest, of several tries."""
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
    for trial in study.get_trials(deepcopy=False):
        slot = trial.user_attrs.get(SLOT)
        if slot is None:
            continue
        if slot not in best or ranks.index(trial.state) < ranks.index(best[slot].state):
            best[slot] = trial
    metric = find_metric(study)
    return [_result(slot, best[slot], order[best[slot].state], metric) for slot in sorted(best)]


def _result(slot: int, trial: "FrozenTrial", state: str, metric: Metric) -> TrialResult:
    outcome = trial.user_attrs.get(OUTCOME, {"accuracies": [], "failure": "", "words": ""})
    values = {
        key: read_value(value) if isinstance(value, str) else value
        for key, value in trial.params.items()
    }
    return TrialResult(
        slot,
        outcome["failure"] or state,
        tuple(outcome["accuracies"]),
        tuple(outcome.get("figures", outcome["accuracies"])),
        values,
        outcome["words"],
        metric,
    )


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
        found: dict[str, float] = optuna.importance.get_param_importances(
            study, evaluator=evaluator
        )
    except (ValueError, RuntimeError):  # no trial differs from another
        return {}
    return found
