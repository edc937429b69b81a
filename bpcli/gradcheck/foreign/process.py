"""the path of a person's file in -> a FileCheck out, by way of a process that may run its code."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bpcli.errors import SourceError
from bpcli.gradcheck.foreign.finding import Finding
from bpcli.gradcheck.foreign.judge import UnitCheck
from bpcli.machine import variables_for_child

STOPPED = "it was stopped"
SECONDS = 30  # that a person's file may take


@dataclass(frozen=True)
class FileCheck:
    """What came of a person's file: its units, as far as time allowed.

    `missing` are modules that were stood in for, `problems` statements that could not be run.
    """

    path: str
    units: tuple[UnitCheck, ...]
    missing: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    stopped: str = ""
    interrupted: bool = False  # by Ctrl-C

    @property
    def passed(self) -> bool:
        """Whether all there is was compared, and none is wrong."""
        wrong = any(unit.wrong for unit in self.units)
        return self.checked and not wrong and not self.stopped

    @property
    def checked(self) -> bool:
        """Whether any gradient was compared."""
        return any(unit.checked for unit in self.units)


def check_file(
    path: str | Path,
    names: Sequence[str] = (),
    given: Mapping[str, str] | None = None,
    *,
    tolerance: float = 1e-6,
    seconds: float = SECONDS,
    watch: Callable[[int], None] = lambda _units: None,
) -> FileCheck:
    """Check the layers in a file of Python, or those with the names, in a process of its own.

    `given` are values for arguments, as text: `3x5` is an array of that shape. `watch` is called
    with 1 as soon as a unit is checked. Raises SourceError if the file cannot be run, or has
    nothing that can be checked. Ctrl-C ends it, with what has been checked until then.
    """
    path = Path(path)
    if not path.is_file():
        found = "a folder" if path.is_dir() else "nothing there"
        raise SourceError(f"{path}: found {found}, expected a file of Python")
    request = {
        "path": str(path.resolve()),
        "names": list(names),
        "given": dict(given or {}),
        "tolerance": tolerance,
    }
    answers: dict[str, Any] = {"units": []}
    process = _start(path.resolve().parent)
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    with process:
        try:
            _listen(process, request, answers, watch)
            code = process.wait()
        except KeyboardInterrupt:
            return FileCheck(str(path), tuple(answers["units"]), stopped=STOPPED, interrupted=True)
        finally:
            expired = not timer.is_alive()
            timer.cancel()
            process.kill()
    at = f" at {answers['at']}" if "at" in answers else ""
    ended = f"it took more than {seconds:g} s" if expired else f"its Python ended with code {code}"
    return _gather(path, answers, ended + at)


def _start(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "bpcli.gradcheck.foreign.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=variables_for_child(Path(__file__).parents[3]),
        text=True,
        encoding="utf-8",
    )


def _listen(
    process: "subprocess.Popen[str]",
    request: dict[str, Any],
    answers: dict[str, Any],
    watch: Callable[[int], None],
) -> None:
    """Send the request, and take the answers as they come."""
    assert process.stdin  # noqa: S101 - pipes were asked for
    assert process.stdout  # noqa: S101
    with process.stdin as pipe:
        pipe.write(json.dumps(request))
    for line in process.stdout:
        for kind, what in json.loads(line).items():
            if kind == "unit":
                findings = tuple(Finding(**finding) for finding in what.pop("findings"))
                inside = tuple(what.pop("inside"))
                answers["units"].append(UnitCheck(**what, findings=findings, inside=inside))
                watch(1)
            else:
                answers[kind] = what


def _gather(path: Path, answers: dict[str, Any], stopped: str) -> FileCheck:
    """Return all answers as one. Raises SourceError where there is nothing to tell."""
    if "error" in answers:
        raise SourceError(answers["error"])
    units = tuple(answers["units"])
    stopped = "" if "done" in answers else stopped
    if stopped and not units:
        raise SourceError(f"{path.name}: {stopped}, before anything could be checked")
    problems = tuple(answers.get("problems", ()))
    return FileCheck(str(path), units, tuple(answers.get("missing", ())), problems, stopped)
