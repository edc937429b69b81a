"""a network in -> whether its gradients are right, and what is wrong with them: section 5.7.3."""

from bpcli.gradcheck.check import GradientCheck, check, clearest, count_elements
from bpcli.gradcheck.comparison import Comparison
from bpcli.gradcheck.foreign import FileCheck, UnitCheck, check_file

__all__ = [
    "Comparison",
    "FileCheck",
    "GradientCheck",
    "UnitCheck",
    "check",
    "check_file",
    "clearest",
    "count_elements",
]
