"""a few words in a cell -> a model, and what it has to show, out: one short way for each thing."""

from bpcli.notebook.model import Answer, Comparison, Curve, Measurement, Model, compare, load
from bpcli.notebook.own import model
from bpcli.notebook.training import train

__all__ = [
    "Answer",
    "Comparison",
    "Curve",
    "Measurement",
    "Model",
    "compare",
    "load",
    "model",
    "train",
]
