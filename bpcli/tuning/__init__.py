"""a space of configurations in -> trials of them, on one machine or on many, and the best, out."""

from bpcli.tuning.best import write_best
from bpcli.tuning.results import TrialResult, importances, list_trials
from bpcli.tuning.space import Space, read_space
from bpcli.tuning.storage import has_password, keep_space, open_study, patient
from bpcli.tuning.study import Tuning, fill_slots, revive, work

__all__ = [
    "Space",
    "TrialResult",
    "Tuning",
    "fill_slots",
    "has_password",
    "importances",
    "keep_space",
    "list_trials",
    "open_study",
    "patient",
    "read_space",
    "revive",
    "work",
    "write_best",
]
