"""the marks of a file -> a row of a table, by the names of its columns, and back, out."""

import re
from collections.abc import Mapping, Sequence

from bpcli.teaching.mark import VERDICTS, Fault, Mark, Marks

FILE, PASSED, ALIKE, DIGEST, FORM = "file", "passed", "alike", "digest", "form"
PARTS = ("", " where", " kind", " line", " words")  # behind a layer's name
YES, NO = "yes", "no"
AND, AFTERWARDS = "; ", " | "  # between faults: of names, and of words, which may have semicolons
PLACE = re.compile(r"(?:cell (\d{1,9}), line )?(\d{1,9})")


def columns_of(layers: Sequence[str]) -> list[str]:
    """Return the names of the columns of a table of marks."""
    parts = [f"{layer}{part}" for layer in layers for part in PARTS]
    return [FILE, PASSED, *parts, ALIKE, DIGEST, FORM]


def to_row(marks: Marks, alike: Sequence[str]) -> list[str]:
    """Return the cells of a file's marks; `alike` are the other files that are as this one."""
    cells = [marks.path, YES if marks.passed else NO]
    for mark in marks.marks:
        cells += [
            mark.verdict,
            AND.join(fault.array for fault in mark.faults) or mark.near,
            AND.join(fault.kind for fault in mark.faults),
            AND.join(spell_line(fault) for fault in mark.faults),
            AFTERWARDS.join(fault.words for fault in mark.faults) or mark.words,
        ]
    return [*cells, AND.join(alike), marks.digest, marks.form]


def from_row(row: Mapping[str, str], layers: Sequence[str]) -> Marks | None:
    """Return the marks that a row has, or None for one that says too little to rely upon."""
    marks = [_read_mark(layer, [row[f"{layer}{part}"] for part in PARTS]) for layer in layers]
    known = tuple(mark for mark in marks if mark)
    if len(known) < len(marks) or not row[DIGEST]:
        return None
    return Marks(row[FILE], known, row[DIGEST], row[FORM], is_new=False)


def spell_line(fault: Fault) -> str:
    """Return where to look: `12`, or `cell 3, line 2` of a notebook."""
    return f"cell {fault.cell}, line {fault.line}" if fault.cell else str(fault.line)


def _read_mark(layer: str, cells: Sequence[str]) -> Mark | None:
    verdict, where, kinds, lines, words = cells
    if verdict not in VERDICTS:
        return None
    if not kinds:
        return Mark(layer, verdict, words=words, near=where)
    parts = [where.split(AND), kinds.split(AND), lines.split(AND), words.split(AFTERWARDS)]
    if len({len(part) for part in parts}) > 1:
        return None
    faults = []
    for array, kind, line, said in zip(*parts, strict=True):
        place = PLACE.fullmatch(line)
        if not place:
            return None
        faults.append(Fault(array, kind, int(place[2]), int(place[1] or 0), said))
    return Mark(layer, verdict, tuple(faults))
