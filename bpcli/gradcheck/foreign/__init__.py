"""anybody's file of layers in -> which of their gradients are right, and what is wrong, out."""

from bpcli.gradcheck.foreign.file_check import FileCheck, check_file
from bpcli.gradcheck.foreign.finding import UnitCheck

__all__ = ["FileCheck", "UnitCheck", "check_file"]
