"""a configuration and data in -> a run, what it found on the way, and the model that is left."""

from bpcli.training.checkpoint import Checkpoint
from bpcli.training.comparison import ModelComparison, compare
from bpcli.training.config import Config, load_config
from bpcli.training.evaluation import Evaluation, Mistake, evaluate, find_mistakes
from bpcli.training.insight import Insight, look_at
from bpcli.training.loop import train
from bpcli.training.model import load
from bpcli.training.output import Output, save
from bpcli.training.prediction import Prediction, Reader
from bpcli.training.record import Record
from bpcli.training.run import Run, set_up, set_up_check
from bpcli.training.verdict import Verdict, judge

__all__ = [
    "Checkpoint",
    "Config",
    "Evaluation",
    "Insight",
    "Mistake",
    "ModelComparison",
    "Output",
    "Prediction",
    "Reader",
    "Record",
    "Run",
    "Verdict",
    "compare",
    "evaluate",
    "find_mistakes",
    "judge",
    "load",
    "load_config",
    "look_at",
    "save",
    "set_up",
    "set_up_check",
    "train",
]
