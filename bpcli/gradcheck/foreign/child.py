"""a request on standard input in -> what comes of a person's file, a line of JSON each, out.

This runs the person's code, and so in a process of its own: whatever the code prints, changes or
breaks stays there.
"""

import json
import os
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from bpcli.errors import BpcliError
from bpcli.gradcheck.foreign.check import check_units
from bpcli.gradcheck.foreign.given import parse_given
from bpcli.gradcheck.foreign.source import load_source


def main() -> None:
    """Answer one request, and let nothing else through to standard output."""
    request = json.load(sys.stdin)
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        warnings.simplefilter("ignore")
        _answer(request, answers)


def _answer(request: dict[str, Any], answers: TextIO) -> None:
    def say(kind: str, what: Any) -> None:
        answers.write(json.dumps({kind: what}) + "\n")
        answers.flush()

    try:
        source = load_source(Path(request["path"]))
        say("missing", source.missing)
        say("problems", source.problems)
        given = {name: parse_given(text) for name, text in request["given"].items()}
        checks = check_units(
            source, request["names"], given, request["tolerance"], lambda name: say("at", name)
        )
        for check in checks:
            say("unit", asdict(check))
    except BpcliError as error:
        say("error", str(error))
    say("done", True)


if __name__ == "__main__":
    main()
