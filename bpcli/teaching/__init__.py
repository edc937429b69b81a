"""the chapter, and what a class hands in, -> its sheet, its exam and its marks out."""

from bpcli.teaching.mark import VERDICTS, ClassMarks, Fault, Mark, Marks, Terms
from bpcli.teaching.marking import add_others, mark_class

__all__ = ["VERDICTS", "ClassMarks", "Fault", "Mark", "Marks", "Terms", "add_others", "mark_class"]
