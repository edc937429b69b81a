"""a space and a number of trials in -> trials that have run, however many workers there are, out.

Every trial has a slot, and a slot whose trials have all failed gets another one: so their number
holds whoever works on them, and whoever dies.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bpcli.errors import ConfigError
from bpcli.files.document import read_value, to_scalar
from bpcli.training.config import Config
from bpcli.training.record import Record
from bpcli.tuning.metric import ACCURACY, Metric
from bpcli.tuning.results import OUTCOME, SLOT
from bpcli.tuning.shared import SharedStudy
from bpcli.tuning.space import Dimension, Space
from bpcli.tuning.storage import import_optuna
from bpcli.tuning.trial import Interrupted, Outcome, run_trial

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial, Trial

PAUSE = 0.5  # seconds
LIFELESS = 60.0  # seconds after which a trial that has not even begun is given up


class WithoutSlotError(Exception):
    """A trial that nobody has asked for: another worker was faster with the last that waited."""


@dataclass(frozen=True)
class Tuning:
    """What a worker has to know: the space, how many trials there are, and where models go."""

    space: Space
    trials: int
    seeds: int
    folder: Path
    method: str
    prune: str  # never, constant (schedules only) or all
    metric: Metric = ACCURACY

    @property
    def slots(self) -> int:
        """How many trials there are: a grid has as many as it has points, if those are fewer."""
        return min(self.trials, self.space.grid_size) if self.method == "grid" else self.trials

    def point(self, slot: int) -> dict[str, Any]:
        """Return what a slot tries, where that is known before: of a grid, or at random."""
        if self.method == "grid":
            return self.space.grid_point(slot)
        return self.space.draw(slot) if self.method == "random" else {}


def fill_slots(shared: SharedStudy, tuning: Tuning) -> None:
    """See to it that each slot has a trial that waits, runs or has ended, and has not failed."""
    failed = import_optuna().trial.TrialState.FAIL
    with shared.alone():
        trials: dict[int, FrozenTrial] = {}
        for trial in shared.study.get_trials(deepcopy=False):
            slot = trial.user_attrs.get(SLOT)
            if slot is not None and (slot not in trials or trials[slot].state == failed):
                trials[slot] = trial
        for slot in range(tuning.slots):
            before = trials.get(slot)
            if before is None:
                values = _as_suggested(tuning.space, tuning.point(slot))
            elif before.state == failed:  # to be run again, with the values that it has had
                values = before.system_attrs.get("fixed_params", {}) | before.params
            else:
                continue
            shared.study.enqueue_trial(values, user_attrs={SLOT: slot})


def give_up_running(study: "optuna.Study") -> None:
    """Give up what workers were at when they died, where all are known to be dead."""
    state = import_optuna().trial.TrialState
    for trial in study.get_trials(deepcopy=False, states=(state.RUNNING,)):
        study.tell(trial.number, state=state.FAIL)


def work(shared: SharedStudy, tuning: Tuning, is_stopped: Callable[[], bool]) -> None:
    """Run trials until none is left, or `is_stopped`; what others die over is run here, too."""
    optuna = import_optuna()
    state = optuna.trial.TrialState
    study, seen = shared.study, dict[int, float]()
    while not is_stopped():
        with shared.patient():
            optuna.storages.fail_stale_trials(study)
            _give_up_lifeless(study, seen)
            fill_slots(shared, tuning)
            states = {trial.state for trial in study.get_trials(deepcopy=False)}
            if state.WAITING in states:
                study.optimize(
                    lambda trial: _objective(trial, tuning, is_stopped),
                    n_trials=1,
                    catch=(Interrupted, WithoutSlotError),
                )
            elif state.RUNNING in states:
                time.sleep(PAUSE)  # whoever is at the last ones may die
            else:
                return


def _give_up_lifeless(study: "optuna.Study", seen: dict[int, float]) -> None:
    """Give up trials whose worker died before its first heartbeat, by which it would be missed."""
    state, now = import_optuna().trial.TrialState, time.monotonic()
    for trial in study.get_trials(deepcopy=False, states=(state.RUNNING,)):
        if not trial.params and now - seen.setdefault(trial.number, now) > LIFELESS:
            study.tell(trial.number, state=state.FAIL)


def _objective(trial: "Trial", tuning: Tuning, is_stopped: Callable[[], bool]) -> float:
    optuna = import_optuna()
    slot = trial.user_attrs.get(SLOT)
    if slot is None:
        raise WithoutSlotError
    values = {key: _suggest(trial, key, made) for key, made in tuning.space.dimensions.items()}
    first = tuning.space.base.seed
    try:
        configs = [tuning.space.configure(values, first + i) for i in range(tuning.seeds)]
    except ConfigError as error:  # of values that do not go together
        return _keep(trial, Outcome((), (), "invalid", str(error)), tuning.metric)

    def watch(seed: int, record: Record, evaluations: int) -> None:
        if seed == 0:
            trial.report(tuning.metric.score(tuning.metric.of(record)), evaluations)
            is_last = record.iteration == configs[0].training.iterations
            if _may_prune(tuning, configs[0]) and not is_last and trial.should_prune():
                raise optuna.TrialPruned

    tries = [
        other.number
        for other in trial.study.get_trials(deepcopy=False)
        if other.user_attrs.get(SLOT) == slot and other.number < trial.number
    ]
    # A worker that was given up too soon may still write to the files of its own try.
    stem, *earlier = (
        tuning.folder / f"trial-{slot:04d}-try-{number}"
        for number in [trial.number, *reversed(tries)]
    )
    outcome = run_trial(configs, stem, earlier, watch, is_stopped, tuning.metric)
    return _keep(trial, outcome, tuning.metric)


def _keep(trial: "Trial", outcome: Outcome, metric: Metric) -> float:
    """Note what a trial reached, and return what it is ranked by: one that failed comes last."""
    trial.set_user_attr(OUTCOME, asdict(outcome))
    found = outcome.figures
    return metric.score(sum(found) / len(found)) if found else metric.worst


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
    is_choice = {key: made.kind == "choice" for key, made in space.dimensions.items()}
    return {key: to_scalar(value) if is_choice[key] else value for key, value in point.items()}
