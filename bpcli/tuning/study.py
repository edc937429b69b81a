"""a space and a number of trials in -> trials that have run, however many workers there are, out.

Every trial has a slot, and every slot is filled once: a study begins with as many waiting trials as
are asked for, so that their number holds whoever works on them, and whoever dies.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bpcli.files.document import read_value, to_scalar
from bpcli.training.config import Config
from bpcli.training.record import Record
from bpcli.tuning.results import LEFT, OUTCOME, SLOT
from bpcli.tuning.space import Dimension, Space
from bpcli.tuning.storage import import_optuna, patient
from bpcli.tuning.trial import Interrupted, Outcome, run_trial

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial, Trial

PAUSE = 0.5  # seconds
EARLIER = "earlier"  # under which a trial keeps what it has been begun under


@dataclass(frozen=True)
class Tuning:
    """What a worker has to know: the space, how many seeds a trial has, and where models go."""

    space: Space
    seeds: int
    folder: Path
    method: str
    prune: str  # never, constant (schedules only) or all


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
            study.optimize(lambda trial: _objective(trial, tuning, is_stopped), n_trials=1)


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
