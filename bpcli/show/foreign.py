"""the FileCheck of a person's file in -> a line for each gradient, or the fields of JSON, out."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from bpcli.gradcheck.foreign import FileCheck, UnitCheck
from bpcli.show.number import json_fields
from bpcli.show.text import join_lines

NOTES = {"note": "ok, but "}


def draw_file_check(found: FileCheck) -> str:
    """Return what `bpcli gradcheck FILE.py` prints: each unit, its gradients, and a verdict."""
    lines = []
    for unit in found.units:
        lines += _draw_unit(unit, f"{found.code.place(unit.line)}: " if unit.line else "")
    lines += found.ended
    if found.missing:
        lines.append(f"{found.path}: not found, and stood in for: {', '.join(found.missing)}")
    if found.stopped:
        lines.append(f"{found.path}: {found.stopped}; what comes after is not checked")
    return join_lines([*lines, f"{found.path}: {_verdict(found)}"])


def draw_units(found: Sequence[UnitCheck]) -> str:
    """Return units that have no file, each with its gradients."""
    return join_lines(line for unit in found for line in _draw_unit(unit, ""))


def _draw_unit(unit: UnitCheck, where: str) -> list[str]:
    if unit.problem:
        return [f"{where}{unit.name}: not checked: {unit.problem}"]
    how = f" ({unit.convention})" if unit.convention else ""
    width = max(len(finding.array) for finding in unit.findings)
    lines = [f"{where}{unit.name}{how}"]
    for finding in unit.findings:
        verdict = NOTES.get(finding.verdict, finding.verdict)
        between = ": " * (finding.verdict not in ("ok", "note"))
        lines.append(f"  {finding.array:<{width}}  {verdict}{between}{finding.words}".rstrip())
    return lines


def _verdict(found: FileCheck) -> str:
    """Return how many gradients are right, and how many are not."""
    counts = Counter(finding.verdict for unit in found.units for finding in unit.findings)
    counts["not checked"] += sum(bool(unit.problem) for unit in found.units)
    words = {"ok": "ok", "note": "ok with a note", "WRONG": "WRONG", "not checked": "not checked"}
    parts = [f"{counts[name]} {word}" for name, word in words.items() if counts[name]]
    return ", ".join(parts) or "nothing whose gradient could be compared"


def file_check_fields(found: FileCheck) -> dict[str, Any]:
    """Return the fields of `bpcli gradcheck FILE.py --json`; null is what is not, or no number."""
    units = []
    for unit in found.units:
        gradients = [json_fields(finding) for finding in unit.findings]
        cell, line = found.code.locate(unit.line)
        units.append(
            {
                "name": unit.name,
                "cell": cell or None,
                "line": line,
                "convention": unit.convention,
                "passed": unit.passed,
                "problem": unit.problem,
                "gradients": gradients,
            }
        )
    return {
        "file": found.path,
        "passed": found.passed,
        "checked": found.checked,
        "missing": found.missing,
        "ended": found.ended,
        "stopped": found.stopped,
        "units": units,
    }
