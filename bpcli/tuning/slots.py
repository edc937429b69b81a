"""a space and a number of trials in -> a trial for each of so many slots, whoever dies, out.

Every trial has a slot, and a slot whose trials have all failed gets another one: so their number
holds whoever works on them. Optuna itself repeats only what a dead worker's heartbeat is missed of,
and not what has failed by a full disk, a fault of the database or a second signal.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bpcli.files.document import to_scalar
from bpcli.tuning.metric import ACCURACY, Metric
from bpcli.tuning.results import SLOT, read_trials
from bpcli.tuning.space import Space
from bpcli.tuning.storage import import_optuna
from bpcli.tuning.study import SharedStudy

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

LIFELESS = 60.0  # seconds after which a trial that has not even begun is given up


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
    if not _find_empty(shared.study, tuning):
        return
    with shared.alone():
        for slot, values in _find_empty(shared.study, tuning).items():
            shared.study.enqueue_trial(values, user_attrs={SLOT: slot})


def _find_empty(study: "optuna.Study", tuning: Tuning) -> dict[int, dict[str, Any]]:
    """Return the slots without a trial, or with failed ones alone, and what they are to try."""
    failed = import_optuna().trial.TrialState.FAIL
    trials: dict[int, FrozenTrial] = {}
    for trial in read_trials(study):
        slot = trial.user_attrs.get(SLOT)
        if slot is not None and (slot not in trials or trials[slot].state == failed):
            trials[slot] = trial
    empty = {}
    for slot in range(tuning.slots):
        before = trials.get(slot)
        if before is None:
            empty[slot] = _as_suggested(tuning.space, tuning.point(slot))
        elif before.state == failed:  # to be run again, with the values that it has had
            empty[slot] = before.system_attrs.get("fixed_params", {}) | before.params
    return empty


def give_up_running(study: "optuna.Study") -> None:
    """Give up what workers were at when they died, where all are known to be dead."""
    state = import_optuna().trial.TrialState
    for trial in read_trials(study):
        if trial.state == state.RUNNING:
            study.tell(trial.number, state=state.FAIL)


def give_up_dead(study: "optuna.Study", seen: dict[int, float]) -> None:
    """Give up trials whose workers have died.

    Optuna misses their heartbeats, but not those of a worker that died before its first: `seen`
    has the moments, by number, when trials were first seen that have not begun.
    """
    optuna = import_optuna()
    optuna.storages.fail_stale_trials(study)
    state, now = optuna.trial.TrialState, time.monotonic()
    for trial in read_trials(study):
        is_running = trial.state == state.RUNNING
        if is_running and not trial.params and now - seen.setdefault(trial.number, now) > LIFELESS:
            study.tell(trial.number, state=state.FAIL)


def _as_suggested(space: Space, point: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a point as Optuna suggests them: choices are texts."""
    is_choice = {key: made.kind == "choice" for key, made in space.dimensions.items()}
    return {key: to_scalar(value) if is_choice[key] else value for key, value in point.items()}
