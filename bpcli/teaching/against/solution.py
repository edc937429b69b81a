"""the file that has the layers right in -> a Solution, what all others are compared with, out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bpcli.errors import SourceError
from bpcli.gradcheck.foreign.code import read_code
from bpcli.teaching.against.asking import ask_file
from bpcli.teaching.mark import Terms
from bpcli.teaching.outline import outline


@dataclass(frozen=True)
class Solution:
    """For each layer a trial as JSON has it, with what the solution makes of it.

    A layer whose forward draws random numbers has none, and is not compared.
    """

    trials: dict[str, dict[str, Any]]


def read_solution(terms: Terms, seconds: float, go_on: Callable[[int], None]) -> Solution:
    """Return what the layers of a solution compute. Raises SourceError where one cannot be run."""
    code = read_code(Path(terms.solution))
    there = outline(code)
    names = {layer: there.own_name(layer) for layer in terms.layers}
    found = ask_file(code, names, terms, {}, seconds, go_on)
    for layer, answered in found.items():
        if "trial" not in answered:
            words = answered.get("unknown") or "it was not found"
            raise SourceError(f"{terms.solution}: {layer} cannot be compared with: {words}")
    return Solution({layer: one["trial"] for layer, one in found.items() if one["trial"]})
