"""the files of a class, and what is asked of them, in -> their ClassMarks out.

What cannot be checked has its marks, too: there is a row for every file, whatever it is.
"""

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from bpcli import __version__
from bpcli.errors import BpcliError, SourceError, visible
from bpcli.files.path import look, read_start
from bpcli.gradcheck.foreign import FileCheck, check_file
from bpcli.gradcheck.foreign.code import LARGEST, NOTEBOOK, Code, read_code
from bpcli.gradcheck.foreign.patience import SECONDS
from bpcli.teaching.against import Solution, ask_file, compare, read_solution
from bpcli.teaching.judge import locate, mark_checked, mark_unwritten, units_of
from bpcli.teaching.likeness import group, normal_form
from bpcli.teaching.mark import NOT_CHECKED, PASSED, WRONG, ClassMarks, Fault, Mark, Marks, Terms
from bpcli.teaching.outline import Outline, outline

SUFFIXES = (".py", NOTEBOOK)
TOO_DEEP = "found brackets within brackets, expected fewer: it cannot be read"


def mark_class(
    paths: Sequence[str],
    terms: Terms,
    known: Mapping[str, Marks],
    *,
    jobs: int = 1,
    seconds: float = SECONDS,
    watch: Callable[[int], None] = lambda _files: None,
) -> ClassMarks:
    """Mark files, `jobs` at a time; `known` has marks by their digests, which are taken over.

    `watch` is called with 1 for each file that is marked. Ctrl-C ends it, with the files that have
    been marked until then. Raises SourceError for a solution that does not pass itself.
    """
    stopping = threading.Event()

    def go_on(_units: int) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt

    if terms.solution:
        read_code(Path(terms.solution))  # before the work
    work = _Work(terms, known, seconds, go_on)
    found: dict[int, Marks] = {}
    with ThreadPoolExecutor(jobs) as pool:
        try:
            waiting = {
                pool.submit(work.mark, path): number
                for number, path in enumerate(dict.fromkeys(paths))
            }
            for done in as_completed(waiting):
                found[waiting[done]] = done.result()
                watch(1)
        except KeyboardInterrupt:
            stopping.set()
            pool.shutdown(cancel_futures=True)
        except BaseException:
            stopping.set()
            pool.shutdown(cancel_futures=True)
            raise
    return _put_together([found[number] for number in sorted(found)], stopped=stopping.is_set())


def add_others(found: ClassMarks, before: Sequence[Marks]) -> ClassMarks:
    """Return marks with those of files that were marked before, and were not asked for now."""
    paths = {visible(marks.path) for marks in found.files}
    others = [marks for marks in before if visible(marks.path) not in paths]
    return _put_together([*found.files, *others], stopped=found.stopped)


def _put_together(files: Sequence[Marks], *, stopped: bool) -> ClassMarks:
    alike = group({marks.path: marks.form for marks in files})
    return ClassMarks(tuple(files), tuple(alike), stopped)


@dataclass(frozen=True)
class _File:
    """A file that can be read, and what it defines."""

    code: Code
    outline: Outline


class _Work:
    """Marks one file after the other, by the same terms; several threads may share it."""

    def __init__(
        self,
        terms: Terms,
        known: Mapping[str, Marks],
        seconds: float,
        go_on: Callable[[int], None],
    ) -> None:
        self.terms, self.known, self.seconds, self.go_on = terms, known, seconds, go_on
        self.solution: Solution | None = None
        self.reading = threading.Lock()

    def mark(self, path: str) -> Marks:
        """Return the marks of a file, whatever it is."""
        digest = ""
        try:
            digest = _digest(path, self.terms)
            if digest in self.known:
                return self.known[digest]
            if Path(path).suffix.lower() not in SUFFIXES:
                raise SourceError(f"{path}: expected a name that ends in {' or '.join(SUFFIXES)}")
            code = read_code(Path(path))
            file = _File(code, outline(code))
            form = normal_form(file.outline.tree)
        except (BpcliError, RecursionError, MemoryError) as error:
            words = str(error) if isinstance(error, BpcliError) else f"{path}: {TOO_DEEP}"
            marks = tuple(Mark(one, NOT_CHECKED, words=words) for one in self.terms.layers)
            return Marks(path, marks, digest)
        unwritten = {layer: mark_unwritten(file.outline, layer) for layer in self.terms.layers}
        written = [layer for layer, mark in unwritten.items() if mark is None]
        checked = self._check(file, written)
        every = tuple(unwritten[layer] or checked[layer] for layer in self.terms.layers)
        return Marks(path, every, digest, form if written else "")

    def _check(self, file: _File, layers: Sequence[str]) -> dict[str, Mark]:
        """Check layers that are there, and return their marks.

        Where they cannot be checked together each is alone, so that one costs no other its mark.
        """
        if not layers:
            return {}
        try:
            result = self._run(file, layers)
        except SourceError as error:
            if len(layers) > 1:
                parts = (self._check(file, [layer]) for layer in layers)
                return {layer: mark for part in parts for layer, mark in part.items()}
            return {layers[0]: Mark(layers[0], NOT_CHECKED, words=str(error))}
        reasons = [*[result.stopped][: bool(result.stopped)], *result.ended, *result.problems]
        why = next(iter(reasons), "nothing of it could be compared")
        marks = {
            layer: mark_checked(file.code, file.outline, layer, result.units, why)
            for layer in layers
        }
        return self._compare(file, marks, result) if self.terms.solution else marks

    def _run(self, file: _File, layers: Sequence[str]) -> FileCheck:
        result = check_file(
            file.code.path,
            [file.outline.own_name(layer) for layer in layers],
            dict(self.terms.given),
            tolerance=self.terms.tolerance,
            seconds=self.seconds,
            watch=self.go_on,
        )
        if result.interrupted:
            raise KeyboardInterrupt
        return result

    def _compare(self, file: _File, marks: dict[str, Mark], result: FileCheck) -> dict[str, Mark]:
        """Return the marks of layers that were run, with what a solution beside them tells."""
        trials = self._read_solution().trials
        names = {
            layer: file.outline.own_name(layer)
            for layer, mark in marks.items()
            if layer in trials and mark.verdict in (PASSED, WRONG)
        }
        if not names:
            return marks
        answers = ask_file(file.code, names, self.terms, trials, self.seconds, self.go_on)
        found = dict(marks)
        for layer, answered in answers.items():
            units = units_of(file.outline, layer, result.units)
            exactly = all(f.verdict == "ok" for unit in units for f in unit.findings)
            mark = compare(marks[layer], trials[layer], answered, exactly=exactly)
            faults = tuple(_placed(file, layer, fault) for fault in mark.faults)
            found[layer] = replace(mark, faults=faults)
        return found

    def _read_solution(self) -> Solution:
        """Return the solution, which is read when it is first needed. Raises SourceError."""
        with self.reading:
            if self.solution is None:
                alone = replace(self.terms, solution="")
                marks = _Work(alone, {}, self.seconds, self.go_on).mark(self.terms.solution)
                for mark in marks.marks:
                    if mark.verdict != PASSED:
                        said = "; ".join(fault.words for fault in mark.faults) or mark.words
                        raise UnsolvedError(
                            f"{self.terms.solution}: {mark.layer} is {mark.verdict}: {said}; "
                            "expected a solution that passes itself"
                        )
                self.solution = read_solution(self.terms, self.seconds, self.go_on)
            return self.solution


class UnsolvedError(BpcliError):
    """A solution that does not pass itself, of which no file can be blamed."""


def _placed(file: _File, layer: str, fault: Fault) -> Fault:
    if fault.line:
        return fault
    cell, line = locate(file.code, file.outline, layer, fault.array)
    return replace(fault, cell=cell, line=line)


def _digest(path: str, terms: Terms) -> str:
    """Return the digest of a file, its name, and what is asked of it. Raises SourceError."""
    standing = look(path, SourceError)
    if standing != "file":
        found = "nothing there" if standing == "nothing" else f"a {standing}"
        raise SourceError(f"{path}: found {found}, expected a file")
    whole = hashlib.sha256(repr((__version__, path, terms)).encode(errors="surrogateescape"))
    for part in (path, terms.solution):
        if part:
            whole.update(hashlib.sha256(read_start(part, LARGEST, SourceError)).digest())
    return whole.hexdigest()[:32]
