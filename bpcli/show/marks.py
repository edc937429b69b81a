"""the marks of a class in -> a table with what is wrong below it, CSV, or fields of JSON, out.

How much is said of a mistake is a word of HINTS: nothing; the layer and the array; the kind of
mistake and its line, too; or all, the code to write among it.
"""

from collections.abc import Iterator
from typing import Any

from bpcli.show.messages import Say, messages
from bpcli.show.text import draw_csv, draw_table, join_lines
from bpcli.teaching.mark import EMPTY, MISSING, NOT_CHECKED, ClassMarks, Fault, Mark, Marks
from bpcli.teaching.record import columns_of, spell_line, to_row

HINTS = ("none", "where", "kind", "full")
BYTE_ORDER_MARK = "\ufeff"  # by which a spreadsheet knows that names are in UTF-8


def draw_marks(found: ClassMarks, record: str, *, hints: str, language: str) -> str:
    """Return a row for each file, a line for each mark that is not passed, and what is alike.

    `record` is the file from which marks of files that have not changed were taken.
    """
    say = messages(language)
    heads = [say("file"), *(mark.layer for marks in found.files[:1] for mark in marks.marks)]
    rows = [[marks.path, *(say(mark.verdict) for mark in marks.marks)] for marks in found.files]
    lines = dict.fromkeys(line for marks in found.files for line in _explain(marks, hints, say))
    alike = [say("alike but for names and comments: {}", ", ".join(paths)) for paths in found.alike]
    passed, old = (
        sum(getattr(marks, name) is value for marks in found.files)
        for name, value in (("passed", True), ("is_new", False))
    )
    last = [say("{} of {} files passed", passed, len(found.files))]
    if old:
        last.append(say("{} taken from {}, as the files have not changed", old, record))
    return "\n\n".join(
        part for part in (draw_table(heads, rows), *map(join_lines, (lines, alike, last))) if part
    )


def _explain(marks: Marks, hints: str, say: Say) -> Iterator[str]:
    """Yield a line for each thing that keeps a file from passing, as far as it is to be told."""
    why = {mark.words if mark.verdict == NOT_CHECKED else "" for mark in marks.marks}
    if hints != "none" and len(why) == 1 and "" not in why:  # of the file, and not of a layer
        yield f"{marks.path}: {say('not checked: {}', *why)}"
        return
    for mark in marks.marks if hints != "none" else ():
        yield from (_explain_fault(marks.path, mark, fault, hints, say) for fault in mark.faults)
        if mark.verdict in (EMPTY, MISSING):
            sentence = "{} is empty" if mark.verdict == EMPTY else "{} is missing"
            near = f"; {say('is {} meant?', mark.near)}" if mark.near else ""
            yield f"{marks.path}: {say(sentence, say(mark.words))}{near}"
        elif mark.verdict == NOT_CHECKED:
            yield f"{marks.path}: {mark.layer}: {say('not checked: {}', mark.words)}"


def _explain_fault(path: str, mark: Mark, fault: Fault, hints: str, say: Say) -> str:
    if hints == "where":
        return f"{path}: {mark.layer}: {fault.array}"
    between = ", " if fault.cell else ":"
    place = f"{path}{between}{spell_line(fault)}" if fault.line else path
    words = say(fault.kind) if hints == "kind" else fault.words
    return f"{place}: {mark.layer}: {fault.array}: {words}"


def mark_fields(found: ClassMarks, marks: Marks, *, hints: str, language: str) -> dict[str, Any]:
    """Return the fields of `--json` for a file: a list of its `marks`, with what is to be told."""
    level, say = HINTS.index(hints), messages(language)
    every = []
    for mark in marks.marks:
        fields: dict[str, Any] = {"layer": mark.layer, "verdict": mark.verdict}
        if mark.faults and level:
            fields["faults"] = [_fault_fields(fault, level, say) for fault in mark.faults]
        if mark.words and level:
            fields["words"] = mark.words
        if mark.near and level:
            fields["near"] = mark.near
        every.append(fields)
    return {
        "file": marks.path,
        "passed": marks.passed,
        "marks": every,
        "alike": _others(found, marks),
        "digest": marks.digest,
        "checked": marks.is_new,
    }


def _fault_fields(fault: Fault, level: int, say: Say) -> dict[str, Any]:
    fields: dict[str, Any] = {"array": fault.array}
    if level >= HINTS.index("kind"):
        fields |= {"kind": say(fault.kind), "line": fault.line or None, "cell": fault.cell or None}
    if level >= HINTS.index("full"):
        fields["words"] = fault.words
    return fields


def marks_csv(found: ClassMarks) -> str:
    """Return a table with a row for each file and all that is known, which can be read again."""
    layers = [mark.layer for marks in found.files[:1] for mark in marks.marks]
    rows = [to_row(marks, _others(found, marks)) for marks in found.files]
    return BYTE_ORDER_MARK + draw_csv([columns_of(layers), *rows]) + "\n"


def _others(found: ClassMarks, marks: Marks) -> list[str]:
    """Return the other files that are as this one."""
    return [p for paths in found.alike if marks.path in paths for p in paths if p != marks.path]
