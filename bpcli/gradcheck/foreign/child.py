"""a request on standard input in -> what comes of a person's file, a message each, out.

This runs the person's code, and so in a process of its own: whatever the code prints, changes or
breaks stays there.
"""

import contextlib
import json
import os
import sys
import threading
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType
from typing import Any

from bpcli.errors import BpcliError
from bpcli.files.notebook import Cell
from bpcli.gradcheck.foreign import guard, python2
from bpcli.gradcheck.foreign.channel import Sender, hide
from bpcli.gradcheck.foreign.check import check_units
from bpcli.gradcheck.foreign.code import Code
from bpcli.gradcheck.foreign.failure import spell_error
from bpcli.gradcheck.foreign.finding import UnitCheck
from bpcli.gradcheck.foreign.given import parse_given
from bpcli.gradcheck.foreign.isolation import isolate, seal
from bpcli.gradcheck.foreign.load import Source, load_source

HERE = str(Path(__file__).parent)
LONGEST = 200  # characters of a name by which a unit is known


def main() -> None:
    """Answer one request, and let nothing else through to standard output."""
    request, sender = open_channel()
    checker = _Checker(request, sender, seal())
    isolate()
    checker.answer()


def open_channel() -> tuple[dict[str, Any], Sender]:
    """Return the request, and what answers it; from now on this process ends with bpcli."""
    request = json.loads(sys.stdin.buffer.readline())
    with contextlib.suppress(ImportError, ValueError):
        import resource  # which Windows has not

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if hasattr(os, "fork"):
        guard.go_on_guarded()
    else:
        threading.Thread(target=_end_with, args=[os.dup(0)], daemon=True).start()
    channel = hide(os.dup(1))
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silence, descriptor)
    warnings.simplefilter("ignore")
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: sys.setprofile(_end_copy))
    sender = Sender(channel, request.pop("key"))
    sender.send(process=os.getpid())
    return request, sender


def exit_words(code: object) -> str:
    """Say that the code has ended its process, by what it gave to sys.exit."""
    number = code if isinstance(code, int) else 0 if code is None else 1
    return f"it ended the process (code {number})"


def fault_words(error: BaseException) -> str:
    """Say what the code has raised, and where, or that it has ended its process."""
    if isinstance(error, SystemExit):
        return exit_words(error.code)
    return f"it raises {spell_error(error)}"


def _end_with(lifeline: int) -> None:
    """End this process when bpcli closes the lifeline, also by dying: where there is no fork."""
    while os.read(lifeline, 512):
        pass
    os._exit(1)


def _end_copy(frame: FrameType, _event: str, _found: Any) -> None:
    """End a copy of this process, which the person's code has made, when it goes on checking."""
    if frame.f_code.co_filename.startswith(HERE):
        os._exit(0)


class _Checker:
    """Checks a file, unit by unit, but for what a process before this one has already begun."""

    def __init__(self, request: dict[str, Any], sender: Sender, changed: Callable[[], str]) -> None:
        self.code = Code(Path(request["path"]), tuple(Cell(*cell) for cell in request["cells"]))
        self.names, self.tolerance = request["names"], request["tolerance"]
        self.given = {name: parse_given(text) for name, text in request["given"].items()}
        self.lines, self.begun = set(request["lines"]), set(request["begun"])
        self.send, self.changed = sender.send, changed

    def answer(self) -> None:
        try:
            source = load_source(self.code, self.begin_line)
            self.send(missing=list(dict.fromkeys(source.missing)), problems=source.problems)
            while not self.check(source):
                pass
        except BpcliError as error:
            self.send(error=str(error))
        self.send(done=True)

    def begin_line(self, line: int) -> bool:
        """Tell whether a statement of the file is to be run: not if it has ended a process."""
        runs = line not in self.lines
        if runs:
            self.send(line=line)
        return runs

    def check(self, source: Source) -> bool:
        """Check what is left of the units. Return whether that came to its end."""
        seen, begun = Counter[str](), len(self.begun)

        def begin(name: str) -> bool:
            seen[name[:LONGEST]] += 1
            unit = f"{name[:LONGEST]} {seen[name[:LONGEST]]}"
            if unit in self.begun:
                return False
            self.begun.add(unit)
            self.send(unit=unit, name=name, line=source.lines.get(name, 0))
            return True

        try:
            for unit in check_units(source, self.names, self.given, self.tolerance, begin):
                changed = self.changed()
                if changed:  # nothing that comes after could be relied upon
                    self.send(fault=f"it changes {changed}, by which it is checked")
                    os._exit(1)
                self.send(check=asdict(self.explain(unit, source)))
        except BpcliError:
            raise
        except SystemExit as error:
            words = exit_words(error.code)
        except BaseException as error:  # noqa: BLE001 - which costs this unit, and no other
            at = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(at.filename).name}:{at.lineno}"
            words = f"the check of it failed: {type(error).__name__} at {where}: {error}"
        else:
            return True
        if len(self.begun) == begun:
            self.send(stopped=words)
            return True
        self.send(fault=words)
        return False

    def explain(self, unit: UnitCheck, source: Source) -> UnitCheck:
        """Add to what is said of a unit what Python 2 has to do with it."""

        def explained(words: str) -> str:
            return words + python2.explain_error(words, source.text)

        findings = tuple(replace(f, words=explained(f.words)) for f in unit.findings)
        return replace(unit, problem=explained(unit.problem), findings=findings)


if __name__ == "__main__":
    main()
