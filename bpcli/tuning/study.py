"""a space and a number of trials in -> trials that have run, however many workers there are, out.

Every trial has a slot, and every slot is filled once: a study begins with as many waiting trials as
are asked for, so that their number holds whoever works on them, and whoever dies.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bpcli.files.document import read_value, to_scalar
from bpcli.training.config import Config
from bpcli.training.record import Record
from bpcli.tuning.space import Dimension, Space
from bpcli.tuning.storage import import_optuna, patient
from bpcli.tuning.trial import Interrupted, Outcome, run_trial

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial, Trial

ENOUGH = 10  # trials, before keys are compared
PAUSE = 0.5  # seconds
SLOT, EARLIER, LEFT, OUTCOME = "slot", "earlier", "left", "outcome"  # what a trial keeps


@dataclass(frozen=True)
class Tuning:
    """What a worker has to know: the space, how many seeds a trial has, and where models go."""

    space: Space
    seeds: int
    folder: Path
    method: str
    prune: str  # never, constant (schedules only) or all


@dataclass(frozen=True)
class TrialResult:
    """What is known of a trial: `state` is done, diverged, pruned, running or waiting.

    `accuracies` has one of each seed, on held-out images; `values` those of the searched keys.
    """

    slot: int
    state: str
    accuracies: tuple[float, ...]
    values: dict[str, Any]
    words: str

    @property
    def mean(self) -> float:
        """The mean of the accuracies, by which trials are ranked."""
        return statistics.fmean(self.accuracies) if self.accuracies else 0.0

    @property
    def deviation(self) -> float:
        """Their standard deviation, 0 of one seed."""
        return statistics.stdev(self.accuracies) if len(self.accuracies) > 1 else 0.0


def fill_slots(study: "optuna.Study", tuning: Tuning, trials: int) -> int:
    """See to it that as many slots as are asked for have a trial, and return how many there are.

    A grid has as many as it has points.
    """
    points: list[dict[str, Any]] = []
    if tuning.method == "grid":
        points = list(tuning.space.grid())
        trials = min(trials, len(points))
    taken = {trial.user_attrs.get(SLOT) for trial in study.get_trials(deepcopy=False)}
    for slot in range(trials):
        if slot not in taken:
            fixed = _as_suggested(tuning.space, points[slot]) if points else {}
            study.enqueue_trial(fixed, user_attrs={SLOT: slot})
    return trials


def waiting(study: "optuna.Study") -> bool:
    """Tell whether there is a trial that nobody works on."""
    states = (import_optuna().trial.TrialState.WAITING,)
    return bool(study.get_trials(deepcopy=False, states=states))


def running(study: "optuna.Study") -> bool:
    """Tell whether somebody works on a trial, or died over one a short while ago."""
    states = (import_optuna().trial.TrialState.RUNNING,)
    return bool(study.get_trials(deepcopy=False, states=states))


def list_trials(study: "optuna.Study") -> list[TrialResult]:
    """Return the trial of each slot: the one that has come farthest, of several tries."""
    state = import_optuna().trial.TrialState
    order = {state.COMPLETE: "done", state.PRUNED: "pruned", state.RUNNING: "running",
             state.WAITING: "waiting"}  # fmt: skip
    ranks = list(order)
    best: dict[int, FrozenTrial] = {}
    for trial in study.get_trials(deepcopy=False):
        slot = trial.user_attrs.get(SLOT)
        if slot is None or trial.state not in order or trial.user_attrs.get(LEFT):
            continue
        if slot not in best or ranks.index(trial.state) < ranks.index(best[slot].state):
            best[slot] = trial
    return [_result(slot, best[slot], order[best[slot].state]) for slot in sorted(best)]


def _result(slot: int, trial: "FrozenTrial", state: str) -> TrialResult:
    outcome = trial.user_attrs.get(OUTCOME, {"accuracies": [], "words": ""})
    values = {
        key: read_value(value) if isinstance(value, str) else value
        for key, value in trial.params.items()
    }
    return TrialResult(
        slot,
        "diverged" if outcome["words"] else state,
        tuple(outcome["accuracies"]),
        values,
        outcome["words"],
    )


def importances(study: "optuna.Study") -> dict[str, float]:
    """Return how much of the differences each key is to blame for, the largest first, if known."""
    optuna = import_optuna()
    done = [result for result in list_trials(study) if result.state == "done"]
    if len(done) < ENOUGH:
        return {}
    try:
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        found: dict[str, float] = optuna.importance.get_param_importances(
            study, evaluator=evaluator
        )
    except (ValueError, RuntimeError, ImportError):  # no trial differs from another
        return {}
    return found


def revive(study: "optuna.Study") -> None:
    """Let what a worker was at when it died wait again, where all workers are known to be dead."""
    state = import_optuna().trial.TrialState
    for trial in study.get_trials(deepcopy=False, states=(state.RUNNING,)):
        _try_again(study, trial)
        study.tell(trial.number, state=state.FAIL)


def work(study: "optuna.Study", tuning: Tuning, is_stopped: Callable[[], bool]) -> None:
    """Run trials until none is left, or `is_stopped`; what others die over is run here, too."""
    optuna = import_optuna()
    while not is_stopped():
        with patient():
            optuna.storages.fail_stale_trials(study)
            if not waiting(study):
                if not running(study):
                    return
                time.sleep(PAUSE)  # whoever is at the last ones may die
                continue
            # A trial may have been given up for dead meanwhile, and is somebody else's then.
            gone = (optuna.exceptions.UpdateFinishedTrialError, ValueError, RuntimeError)
            study.optimize(
                lambda trial: _objective(trial, tuning, is_stopped), n_trials=1, catch=gone
            )


def _objective(trial: "Trial", tuning: Tuning, is_stopped: Callable[[], bool]) -> float:
    optuna = import_optuna()
    slot = trial.user_attrs.get(SLOT)
    if slot is None or _is_taken(trial, slot):
        trial.set_user_attr(LEFT, "another worker has it")
        raise optuna.TrialPruned
    values = {key: _suggest(trial, key, made) for key, made in tuning.space.dimensions.items()}
    first = tuning.space.base.seed
    configs = [tuning.space.configure(values, first + i) for i in range(tuning.seeds)]

    def watch(seed: int, record: Record) -> None:
        step = len(reported)
        if seed == 0 and record.iteration not in reported:
            reported.append(record.iteration)
            trial.report(record.accuracy, step)
            if _may_prune(tuning, configs[0]) and trial.should_prune():
                raise optuna.TrialPruned

    reported: list[int] = []
    earlier = [tuning.folder / stem for stem in _earlier(trial)]
    try:
        outcome = run_trial(configs, _stem(tuning, trial), earlier, watch, is_stopped)
    except Interrupted:
        _try_again(trial.study, trial)
        trial.set_user_attr(LEFT, "stopped, and waiting again")
        raise optuna.TrialPruned from None
    return _keep(trial, outcome)


def _keep(trial: "Trial", outcome: Outcome) -> float:
    """Note what a trial reached, and return what it is ranked by: one that diverged comes last."""
    trial.set_user_attr(OUTCOME, {"accuracies": outcome.accuracies, "words": outcome.words})
    found = outcome.accuracies
    return sum(found) / len(found) if found else 0.0


def _is_taken(trial: "Trial", slot: int) -> bool:
    """Tell whether an earlier trial has the same slot and has not failed."""
    fail = import_optuna().trial.TrialState.FAIL
    return any(
        other.number < trial.number
        and other.user_attrs.get(SLOT) == slot
        and other.state != fail
        and not other.user_attrs.get(LEFT)
        for other in trial.study.get_trials(deepcopy=False)
    )


def _may_prune(tuning: Tuning, config: Config) -> bool:
    """Tell whether trials may be ended early: a schedule that falls to 0 says most at its end."""
    constant = config.optimizer.schedule == "constant"
    return tuning.prune == "all" or (tuning.prune == "constant" and constant)


def _suggest(trial: "Trial", key: str, made: Dimension) -> Any:
    first, last = made.values[0], made.values[-1]
    if made.kind == "choice":
        return read_value(trial.suggest_categorical(key, [*map(to_scalar, made.values)]))
    if made.kind == "int":
        return trial.suggest_int(key, first, last)
    return trial.suggest_float(key, first, last, log=made.kind == "log")


def _as_suggested(space: Space, point: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a point as `_suggest` has them: choices are texts."""
    is_int = {key: made.kind == "int" for key, made in space.dimensions.items()}
    return {key: value if is_int[key] else to_scalar(value) for key, value in point.items()}


def _stem(tuning: Tuning, trial: "Trial") -> Path:
    return tuning.folder / f"trial-{trial.number:04d}"


def _earlier(trial: "Trial") -> Sequence[str]:
    """Return the stems of what a trial has been begun under before."""
    from optuna.storages import RetryFailedTrialCallback

    frozen = trial.study.get_trials(deepcopy=False)[trial.number]
    history = RetryFailedTrialCallback.retry_history(frozen)  # of workers that died
    return [f"trial-{number:04d}" for number in [*trial.user_attrs.get(EARLIER, []), *history]]


def _try_again(study: "optuna.Study", trial: "Trial | FrozenTrial") -> None:
    """Let a trial wait for a worker again, with the same values and what it has left behind."""
    attributes = {
        SLOT: trial.user_attrs[SLOT],
        EARLIER: [*trial.user_attrs.get(EARLIER, []), trial.number],
    }
    study.enqueue_trial(trial.params, user_attrs=attributes)
