"""a configuration and data in -> a run, what it found on the way, and the model that is left."""

from bpcli.training.analysis import Analysis, analyze
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.config import Config, load_config
from bpcli.training.evaluation import Evaluation, Mistake, evaluate, find_mistakes
from bpcli.training.failure import Failure, find_failure
from bpcli.training.loop import train
from bpcli.training.output import Output
from bpcli.training.own_pictures import prepare_pictures
from bpcli.training.prediction import Prediction, Reader
from bpcli.training.record import Record
from bpcli.training.run import Run, set_up_check
from bpcli.training.serialization import load, save
from bpcli.training.side_by_side import ModelComparison, compare
from bpcli.training.start import Start, begin, describe_data, resume, resume_if_possible, set_up
from bpcli.training.unseen import Measured, find_images, find_learnt

__all__ = [
    "Analysis",
    "Checkpoint",
    "Config",
    "Evaluation",
    "Failure",
    "Measured",
    "Mistake",
    "ModelComparison",
    "Output",
    "Prediction",
    "Reader",
    "Record",
    "Run",
    "Start",
    "analyze",
    "begin",
    "compare",
    "describe_data",
    "evaluate",
    "find_failure",
    "find_images",
    "find_learnt",
    "find_mistakes",
    "load",
    "load_config",
    "prepare_pictures",
    "resume",
    "resume_if_possible",
    "save",
    "set_up",
    "set_up_check",
    "train",
]
