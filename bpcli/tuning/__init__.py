"""a space of configurations in -> trials of them, on one machine or on many, and the best, out."""

from bpcli.tuning.best import find_best, write_best
from bpcli.tuning.metric import ACCURACY, METRICS, Metric
from bpcli.tuning.postgres import has_password
from bpcli.tuning.processes import Orders, run_trials
from bpcli.tuning.results import TrialResult, importances, list_trials
from bpcli.tuning.search import Found, check, look, search
from bpcli.tuning.slots import Tuning, fill_slots
from bpcli.tuning.space import Space, read_space
from bpcli.tuning.study import SharedStudy, look_at_study, open_study
from bpcli.tuning.waiting import Interrupted, Waiting
from bpcli.tuning.worker import work

__all__ = [
    "ACCURACY",
    "METRICS",
    "Found",
    "Interrupted",
    "Metric",
    "Orders",
    "SharedStudy",
    "Space",
    "TrialResult",
    "Tuning",
    "Waiting",
    "check",
    "fill_slots",
    "find_best",
    "has_password",
    "importances",
    "list_trials",
    "look",
    "look_at_study",
    "open_study",
    "read_space",
    "run_trials",
    "search",
    "work",
    "write_best",
]
