"""a file, and what is asked of its units, in -> the answers of a process that runs it, out."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from bpcli.errors import SourceError
from bpcli.files.path import resolve
from bpcli.gradcheck.foreign.channel import FloodError, Receiver
from bpcli.gradcheck.foreign.code import Code
from bpcli.gradcheck.foreign.patience import Patience
from bpcli.gradcheck.foreign.process import ask, end, explain_end, start
from bpcli.teaching.mark import Terms

CHILD = "bpcli.teaching.against.child"
LOOK = 0.25  # seconds from one look at what a process does to the next


def ask_file(
    code: Code,
    names: Mapping[str, str],
    terms: Terms,
    trials: Mapping[str, Any],
    seconds: float,
    go_on: Callable[[int], None],
) -> dict[str, dict[str, Any]]:
    """Return what came of each layer: of those with a trial an answer, of others a trial.

    `names` are what the file calls the layers. What ends the process, or hangs, leaves the layer
    that it was about, and those after it, `unknown`. `go_on` is called with 0 while nothing comes,
    and may raise KeyboardInterrupt.
    """
    folder = resolve(code.path.parent, SourceError)
    key, patience = secrets.token_hex(16), Patience(seconds)
    process = start(folder, CHILD)
    assert process.stdout  # noqa: S101 - it was asked for
    receiver, at_once = Receiver(process.stdout, key), True
    found: dict[str, dict[str, Any]] = {}
    try:
        cells = [[cell.number, cell.text] for cell in code.cells]
        request: dict[str, Any] = {
            "path": str(folder / code.path.name),
            "cells": cells,
            "names": dict(names),
        }
        request |= {"given": dict(terms.given), "tolerance": terms.tolerance, "key": key}
        ask(process, {**request, "trials": dict(trials)})
        try:
            why = _listen(receiver, patience, found, go_on)
        except EOFError:
            why = ""
        except FloodError as error:
            why = f"it wrote over its results: {error}"
        at_once = bool(why)
    finally:
        ended = end(process, at_once=at_once)
        receiver.close()
    lost = {"unknown": why or explain_end(ended)}
    return {layer: found.get(layer, lost) for layer in names}


def _listen(
    receiver: Receiver,
    patience: Patience,
    found: dict[str, dict[str, Any]],
    go_on: Callable[[int], None],
) -> str:
    """Take messages until the process is done, or say why it has to be ended.

    Raises EOFError where it has ended by itself, and FloodError.
    """
    patience.begin()
    while True:
        match receiver.receive(LOOK):
            case None:
                go_on(0)
                words = patience.lost()
                if words:
                    return words
            case {"process": process}:
                patience.process = process
                patience.begin()
            case {"unit": _}:
                patience.begin()
            case {"layer": layer, "found": dict() as answered}:
                found[layer] = answered
            case {"error": words}:
                return str(words)
            case {"done": _}:
                return ""
