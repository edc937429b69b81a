"""a space of configurations in -> trials of them, on one machine or on many, and the best, out."""

from bpcli.tuning.best import check_folder, find_best, write_best
from bpcli.tuning.metric import ACCURACY, METRICS, Metric
from bpcli.tuning.results import TrialResult, importances, list_trials
from bpcli.tuning.shared import SharedStudy, keep_question, look_at_study, open_study
from bpcli.tuning.space import Space, read_space
from bpcli.tuning.storage import PATIENT, STUDY, has_password, import_optuna
from bpcli.tuning.study import Tuning, fill_slots, give_up_running, work

__all__ = [
    "ACCURACY",
    "METRICS",
    "PATIENT",
    "STUDY",
    "Metric",
    "SharedStudy",
    "Space",
    "TrialResult",
    "Tuning",
    "check_folder",
    "fill_slots",
    "find_best",
    "give_up_running",
    "has_password",
    "import_optuna",
    "importances",
    "keep_question",
    "list_trials",
    "look_at_study",
    "open_study",
    "read_space",
    "work",
    "write_best",
]
