"""a run, and a person's own layers, in -> the run learns with these in the place of ours, out."""

from bpcli.training.own.agreement import TOLERANCE, Agreement, compare
from bpcli.training.own.borrow import borrow
from bpcli.training.own.join import check_layers, join
from bpcli.training.own.network import InProcess, LentNetwork
from bpcli.training.own.process import Lender, lend
from bpcli.training.own.roles import choose, describe, find_units, kinds_of

__all__ = [
    "TOLERANCE",
    "Agreement",
    "InProcess",
    "Lender",
    "LentNetwork",
    "borrow",
    "check_layers",
    "choose",
    "compare",
    "describe",
    "find_units",
    "join",
    "kinds_of",
    "lend",
]
