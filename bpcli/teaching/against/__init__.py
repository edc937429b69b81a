"""a file that was handed in, and a solution, in -> where they compute something else, out."""

from bpcli.teaching.against.asking import ask_file
from bpcli.teaching.against.comparing import compare
from bpcli.teaching.against.solution import Solution, read_solution

__all__ = ["Solution", "ask_file", "compare", "read_solution"]
