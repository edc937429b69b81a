"""the files of a class, and what is asked of them, in -> their ClassMarks out.

What cannot be checked has its marks, too: there is a row for every file, whatever it is.
"""

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from bpcli import __version__
from bpcli.errors import BpcliError, SourceError
from bpcli.files.path import look, read_start
from bpcli.gradcheck.foreign import FileCheck, check_file
from bpcli.gradcheck.foreign.code import LARGEST, NOTEBOOK, Code, read_code
from bpcli.gradcheck.foreign.patience import SECONDS
from bpcli.teaching.judge import mark_checked, mark_unwritten
from bpcli.teaching.likeness import group, normal_form
from bpcli.teaching.mark import NOT_CHECKED, ClassMarks, Mark, Marks, Terms
from bpcli.teaching.outline import Outline, outline

SUFFIXES = (".py", NOTEBOOK)


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
    been marked until then.
    """
    stopping = threading.Event()
    found: dict[int, Marks] = {}

    def go_on(_units: int) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt

    with ThreadPoolExecutor(jobs) as pool:
        waiting = {
            pool.submit(_mark_file, path, terms, known, seconds, go_on): number
            for number, path in enumerate(dict.fromkeys(paths))
        }
        try:
            for done in as_completed(waiting):
                found[waiting[done]] = done.result()
                watch(1)
        except KeyboardInterrupt:
            stopping.set()
            pool.shutdown(cancel_futures=True)
    files = tuple(found[number] for number in sorted(found))
    alike = group({marks.path: marks.form for marks in files})
    return ClassMarks(files, tuple(alike), stopping.is_set())


def _mark_file(
    path: str,
    terms: Terms,
    known: Mapping[str, Marks],
    seconds: float,
    go_on: Callable[[int], None],
) -> Marks:
    digest = ""
    try:
        digest = _digest(path, terms)
        if digest in known:
            return known[digest]
        code = read_code(Path(path))
        found = outline(code)
    except BpcliError as error:
        marks = (Mark(layer, NOT_CHECKED, words=str(error)) for layer in terms.layers)
        return Marks(path, tuple(marks), digest)
    unwritten = {layer: mark_unwritten(found, layer) for layer in terms.layers}
    written = [layer for layer, mark in unwritten.items() if mark is None]
    checked = _check(code, found, written, terms, seconds, go_on)
    every = tuple(unwritten[layer] or checked[layer] for layer in terms.layers)
    return Marks(path, every, digest, normal_form(found.tree) if written else "")


def _digest(path: str, terms: Terms) -> str:
    """Return the digest of a file, its name, and what is asked of it. Raises SourceError."""
    if look(path, SourceError) == "file" and Path(path).suffix.lower() not in SUFFIXES:
        found = Path(path).suffix or "a name without an ending"
        raise SourceError(f"{path}: found {found}, expected {' or '.join(SUFFIXES)}")
    whole = hashlib.sha256(repr((__version__, path, terms)).encode(errors="surrogateescape"))
    for part in (path, terms.solution):
        if part:
            whole.update(hashlib.sha256(read_start(part, LARGEST, SourceError)).digest())
    return whole.hexdigest()[:32]


def _check(
    code: Code,
    found: Outline,
    layers: Sequence[str],
    terms: Terms,
    seconds: float,
    go_on: Callable[[int], None],
) -> dict[str, Mark]:
    """Check layers that are there, and return their marks.

    Where they cannot be checked together each is alone, so that one costs no other its mark.
    """

    def check(names: Sequence[str]) -> FileCheck:
        given = dict(terms.given)
        return check_file(
            code.path, names, given, tolerance=terms.tolerance, seconds=seconds, watch=go_on
        )

    if not layers:
        return {}
    try:
        result = check([found.own_name(layer) for layer in layers])
    except SourceError as error:
        if len(layers) > 1:
            parts = (_check(code, found, [layer], terms, seconds, go_on) for layer in layers)
            return {layer: mark for part in parts for layer, mark in part.items()}
        return {layers[0]: Mark(layers[0], NOT_CHECKED, words=str(error))}
    if result.interrupted:
        raise KeyboardInterrupt
    reasons = [*[result.stopped][: bool(result.stopped)], *result.ended, *result.problems]
    why = next(iter(reasons), "nothing of it could be compared")
    return {layer: mark_checked(code, found, layer, result.units, why) for layer in layers}
