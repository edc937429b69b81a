"""the path of a person's file in -> a FileCheck out, by way of processes that may run its code."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bpcli.errors import SourceError
from bpcli.files.path import resolve
from bpcli.gradcheck.foreign.channel import FloodError, Receiver
from bpcli.gradcheck.foreign.code import Code, read_code
from bpcli.gradcheck.foreign.finding import Finding, UnitCheck
from bpcli.gradcheck.foreign.patience import SECONDS, Patience
from bpcli.gradcheck.foreign.process import ask, end, explain_end, start

STOPPED = "it was stopped"
MOST_HUNG, MOST_ENDED = 10, 200  # units after which the rest of a file is not checked
LOOK = 0.25  # seconds from one look at what a process does to the next


@dataclass(frozen=True)
class FileCheck:
    """What came of a person's file: its units, as far as they could be checked.

    `missing` are modules that were stood in for, `problems` statements that could not be run, and
    `ended` those that have ended the process or took too long.
    """

    code: Code
    units: tuple[UnitCheck, ...]
    missing: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    stopped: str = ""
    interrupted: bool = False  # by Ctrl-C

    @property
    def path(self) -> str:
        """The file's path, as it was given."""
        return str(self.code.path)

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
    """Check the layers in a file of Python or a notebook, or those with the names.

    Its code runs in a process of its own. What ends that process, or takes more than `seconds` of
    the processor (where that cannot be measured, twice as many on the clock), is one unit, or one
    statement, that is not checked; a process begins again behind it. `given` are values for
    arguments, as text: `3x5` is an array of that shape. `watch` is called with 1 as soon as a unit
    is checked, and with 0 while none is. Raises SourceError if the file cannot be run, or has
    nothing that can be checked. Ctrl-C, or a `watch` that raises KeyboardInterrupt, ends it, with
    what has been checked until then.
    """
    code = read_code(Path(path))
    request = {
        "path": str(resolve(code.path.parent, SourceError) / code.path.name),
        "cells": [[cell.number, cell.text] for cell in code.cells],
        "names": list(names),
        "given": dict(given or {}),
        "tolerance": tolerance,
    }
    check = _Check(code, request, seconds, watch)
    try:
        while not check.done and not check.stopped:
            check.run()
    except KeyboardInterrupt:
        return check.result(STOPPED, interrupted=True)
    if check.stopped and not check.units:
        raise SourceError(f"{code.path.name}: {check.stopped}, before anything could be checked")
    return check.result(check.stopped)


class _Check:
    """What is known of a file so far, over all processes that were needed for it."""

    def __init__(
        self, code: Code, request: dict[str, Any], seconds: float, watch: Callable[[int], None]
    ) -> None:
        self.code, self.request, self.watch = code, request, watch
        self.units: list[UnitCheck] = []
        self.missing: list[str] = []
        self.problems: list[str] = []
        self.ended: list[str] = []
        self.begun: list[str] = []  # units
        self.lines: list[int] = []  # of statements that are not to be run again
        self.at: dict[str, Any] = {}  # what the process has begun last
        self.patience = Patience(seconds)
        self.hung = self.deaths = 0
        self.done = False
        self.stopped = ""

    def result(self, stopped: str, *, interrupted: bool = False) -> FileCheck:
        return FileCheck(
            self.code,
            tuple(self.units),
            tuple(self.missing),
            tuple(self.problems),
            tuple(self.ended),
            stopped,
            interrupted,
        )

    def run(self) -> None:
        """Start a process that begins behind what is known, and listen to it until it ends."""
        key, self.at, begun = secrets.token_hex(16), {}, len(self.begun)
        process = start(Path(self.request["path"]).parent)
        assert process.stdout  # noqa: S101 - it was asked for
        receiver = Receiver(process.stdout, key)
        at_once = True
        try:
            ask(process, {**self.request, "key": key, "lines": self.lines, "begun": self.begun})
            reason = self._listen(receiver)
            at_once = bool(reason)
        finally:
            code = end(process, at_once=at_once)
            receiver.close()
        if self.done:
            return
        self.deaths += 1
        if self.at or len(self.begun) == begun:
            self._blame(reason or explain_end(code))
        if self.hung >= MOST_HUNG or self.deaths >= MOST_ENDED:
            self.stopped = f"it had to be ended {self.deaths} times"

    def _listen(self, receiver: Receiver) -> str:
        """Take messages until the process is done or has ended, or say why it has to be."""
        self.patience.begin()
        while not self.done:
            try:
                message = receiver.receive(LOOK)
            except EOFError:
                return ""
            except FloodError as error:
                return f"it wrote over its results: {error}"
            if message is None:
                self.watch(0)
                words = self.patience.lost()
                if words:
                    self.hung += 1
                    return words
            else:
                self._take(message)
        return ""

    def _take(self, message: dict[str, Any]) -> None:
        match message:
            case {"process": process}:
                self.patience.process = process
                self.patience.begin()
            case {"unit": unit}:
                self.begun.append(unit)
                self.at = message
                self.patience.begin()
            case {"line": _}:
                self.at = message
                self.patience.begin()
            case {"check": fields}:
                self._add(_unit_check(fields, self.code))
            case {"fault": words}:
                self._add(self._not_checked(self.code.place_all(words)))
            case {"missing": missing, "problems": problems}:
                self.missing, self.at = missing, {}
                self.problems = [self.code.place_all(words) for words in problems]
            case {"error": words}:
                raise SourceError("; ".join([self.code.place_all(words), *self.ended[:1]]))
            case {"stopped": words}:
                self.stopped = self.code.place_all(words)
            case {"done": _}:
                self.done = True

    def _add(self, unit: UnitCheck) -> None:
        self.units.append(unit)
        self.watch(1)
        self.at = {}

    def _not_checked(self, words: str) -> UnitCheck:
        return UnitCheck(self.at["name"], self.at["line"], problem=words)

    def _blame(self, words: str) -> None:
        """Keep what has ended the process, so that the next one begins behind it."""
        if "unit" in self.at:
            self._add(self._not_checked(words))
        elif "line" in self.at:
            self.lines.append(self.at["line"])
            self.ended.append(f"{self.code.place(self.at['line'])}: not run: {words}")
        else:
            self.stopped = words


def _unit_check(fields: dict[str, Any], code: Code) -> UnitCheck:
    """Return a unit that a message tells of, with the lines that it names in their cells."""
    findings = [
        Finding(**{**finding, "words": code.place_all(finding["words"])})
        for finding in fields["findings"]
    ]
    problem = code.place_all(fields["problem"])
    new = {"findings": tuple(findings), "problem": problem, "inside": tuple(fields["inside"])}
    return UnitCheck(**{**fields, **new})
