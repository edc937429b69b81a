"""a request on standard input in -> what the units of a file make of trials, a message each, out.

This runs the person's code, and so in a process of its own; see `gradcheck/foreign/child.py`.
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.errors import BpcliError
from bpcli.files.notebook import Cell
from bpcli.gradcheck.foreign import precision, randomness
from bpcli.gradcheck.foreign.child import fault_words, open_channel
from bpcli.gradcheck.foreign.code import Code
from bpcli.gradcheck.foreign.discover import Unit, find_units
from bpcli.gradcheck.foreign.given import parse_given
from bpcli.gradcheck.foreign.isolation import isolate
from bpcli.gradcheck.foreign.load import Source, load_source
from bpcli.teaching.against.answer import answer
from bpcli.teaching.against.trial import Draw, Trial, propose


def main() -> None:
    """Answer one request: of a solution with trials, of what was handed in with what it makes."""
    request, sender = open_channel()
    isolate()
    code = Code(Path(request["path"]), tuple(Cell(*cell) for cell in request["cells"]))
    given = {name: parse_given(text) for name, text in request["given"].items()}
    try:
        source = load_source(code)
    except BpcliError as error:
        sender.send(error=str(error), done=True)
        return
    for layer, unit in _chosen(source, request["names"]):
        sender.send(unit=layer)
        try:
            found = _try(unit, given, request["tolerance"], request["trials"].get(layer))
        except BaseException as error:  # noqa: BLE001 - which costs this unit, and no other
            found = {"unknown": fault_words(error)}
        sender.send(layer=layer, found=found)
    sender.send(done=True)


def _chosen(source: Source, names: dict[str, str]) -> Iterator[tuple[str, Unit]]:
    """Yield the unit of each layer, by the names that the file has for them."""
    units = list(find_units(source))
    for layer, name in names.items():
        exact = [unit for unit in units if unit.name == name]
        found = exact or [unit for unit in units if unit.name.startswith(f"{name}_")]
        yield from ((layer, unit) for unit in found[:1])


def _try(
    unit: Unit, given: dict[str, Any], tolerance: float, trial: dict[str, Any] | None
) -> dict[str, Any]:
    with (
        randomness.repeatable(unit.module),
        precision.in_double(unit.module),
        np.errstate(all="ignore"),
    ):
        if trial is None:
            proposed = propose(unit, given, tolerance)
            return {"trial": asdict(proposed) if proposed else None}
        draws = [Draw(**draw) for draw in trial["draws"]]
        return answer(unit, given, tolerance, Trial(**{**trial, "draws": draws}))


if __name__ == "__main__":
    main()
