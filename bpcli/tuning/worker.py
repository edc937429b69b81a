"""a study and what is to be tried in -> trials that have run, until none is left, out."""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bpcli.errors import ConfigError
from bpcli.files.document import to_scalar
from bpcli.training import Config, Record
from bpcli.tuning.metric import Metric
from bpcli.tuning.results import OUTCOME, SLOT, read_trials, score
from bpcli.tuning.slots import Tuning, fill_slots, give_up_dead
from bpcli.tuning.space import Dimension
from bpcli.tuning.storage import import_optuna
from bpcli.tuning.study import SharedStudy
from bpcli.tuning.trial import Outcome, name_stem, run_trial
from bpcli.tuning.waiting import Interrupted

if TYPE_CHECKING:
    from optuna.trial import Trial

PAUSE = 0.5  # seconds


class WithoutSlotError(Exception):
    """A trial that nobody has asked for: another worker was faster with the last that waited."""


def work(shared: SharedStudy, tuning: Tuning) -> None:
    """Run trials until none is left, or it is stopped; what others die over is run here, too."""
    state = import_optuna().trial.TrialState
    study, seen = shared.study, dict[int, float]()
    while not shared.waiting.is_stopped():
        with shared.forgiving():
            fill_slots(shared, tuning)
            states = {trial.state for trial in read_trials(study)}
            if state.WAITING in states:
                _run_one(shared, tuning)
            elif state.RUNNING in states:
                give_up_dead(study, seen)  # as whoever is at the last ones may have died
                time.sleep(PAUSE)
            else:
                return


def _run_one(shared: SharedStudy, tuning: Tuning) -> None:
    """Run the next trial, after those whose workers have died have been given up by Optuna.

    Raises Interrupted if it is stopped while it waits for a database.
    """
    try:
        shared.study.optimize(
            lambda trial: _objective(trial, tuning, shared.waiting.is_stopped),
            n_trials=1,
            catch=(Interrupted, WithoutSlotError),
        )
    except UnboundLocalError as error:  # Optuna's, as it could not ask what became of the trial
        if shared.waiting.is_stopped():
            raise Interrupted from error
        raise import_optuna().exceptions.StorageInternalError from error.__context__


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
        for other in read_trials(trial.study)
        if other.user_attrs.get(SLOT) == slot and other.number < trial.number
    ]
    # A worker that was given up too soon may still write to the files of its own try.
    stem, *earlier = (
        name_stem(tuning.folder, slot, number) for number in [trial.number, *reversed(tries)]
    )
    outcome = run_trial(configs, stem, earlier, watch, is_stopped, tuning.metric)
    return _keep(trial, outcome, tuning.metric)


def _keep(trial: "Trial", outcome: Outcome, metric: Metric) -> float:
    """Note what a trial reached, and return what it is ranked by."""
    trial.set_user_attr(OUTCOME, asdict(outcome))
    return score(outcome, metric)


def _may_prune(tuning: Tuning, config: Config) -> bool:
    """Tell whether trials may be ended early: a schedule that falls to 0 says most at its end."""
    constant = config.optimizer.schedule == "constant"
    return tuning.prune == "all" or (tuning.prune == "constant" and constant)


def _suggest(trial: "Trial", key: str, made: Dimension) -> Any:
    first, last = made.values[0], made.values[-1]
    if made.kind == "choice":
        choices = {to_scalar(value): value for value in made.values}  # Optuna knows no lists
        return choices[trial.suggest_categorical(key, [*choices])]
    if made.kind == "int":
        return trial.suggest_int(key, first, last)
    return trial.suggest_float(key, first, last, log=made.kind == "log")
