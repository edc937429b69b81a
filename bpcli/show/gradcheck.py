"""a GradientCheck in -> a table with a verdict, as text or HTML, or the fields of JSON, out."""

import math
from collections.abc import Iterable
from typing import Any

from bpcli.gradcheck.check import VIEWS, GradientCheck
from bpcli.gradcheck.comparison import Comparison
from bpcli.show.number import json_fields, json_number
from bpcli.show.table import lines_html, table_html
from bpcli.show.text import join_lines

MANY_KINKS = 0.01  # a share of the gradients above which the user is told


def draw_check(found: GradientCheck) -> str:
    """Return the page that `bpcli gradcheck` prints: a table, then a verdict."""
    width = max([len("layer"), *(len(row.layer) for row in found.parameters)])
    lines = [
        f"{'layer':<{width}}  array  shape       checked  kinks    error  worst at  backprop    "
        "numerical",
        *(_comparison_text(row, width) for row in found.parameters),
        *_remarks(found),
        _verdict(found),
    ]
    if found.layers:
        lines.insert(0, f"each layer alone: {', '.join(_verdicts(found.layers))}")
    return join_lines(lines)


def check_html(found: GradientCheck) -> str:
    """Return a GradientCheck as a notebook shows it: a table in the notebook's own colours."""
    headings = ["layer", "array", "shape", "checked", "kinks", "error", "backprop", "numerical", ""]
    rows = [_cells(row) for row in (*(found.layers if not found.passed else ()), *found.parameters)]
    return table_html(headings, rows) + lines_html([*_remarks(found), _verdict(found)])


def _cells(row: Comparison) -> list[str]:
    """Return what a table shows of a comparison."""
    numbers = (_number(row.max_relative_error, ".1e"), _number(row.backprop, ".3e"))
    shape = " × ".join(map(str, row.shape))
    checked, kinks = f"{row.checked:,}", f"{row.kinks:,}"
    return [
        row.layer,
        row.name,
        shape,
        checked,
        kinks,
        *numbers,
        _number(row.numerical, ".3e"),
        row.verdict,
    ]


def _remarks(found: GradientCheck) -> list[str]:
    """Return what is wrong, and what is to be known of the rest, in sentences."""
    lines = [f"{row.layer}: {_failure_text(row)}" for row in found.failures]
    noted: dict[tuple[str, str], list[str]] = {}
    for row in (*found.layers, *found.parameters):
        if row.note and row.passed:
            noted.setdefault((row.layer, row.note), []).append(row.name)
    lines += [f"{layer}: {', '.join(n)}: ok, but {note}" for (layer, note), n in noted.items()]
    lines += [f"{found.subject}: {note}" for note in found.notes]
    if found.kinks > MANY_KINKS * found.checked:
        lines.append(
            f"{found.kinks:,} of the gradients lie at kinks of ReLU, where a difference says "
            "little; try another seed, or fewer --samples"
        )
    zeros = ", ".join(row.name for row in found.parameters if row.zero)
    if zeros:
        lines.append(
            f"all gradients by {zeros} are 0, which proves little: are there weights of 0, or only "
            "dead units?"
        )
    if not all(row.checked == math.prod(row.shape) for row in found.parameters if row.passed):
        lines.append(
            "of large arrays some elements are compared one by one, at random and where the "
            "gradient is largest, and the whole along random directions: --elements all"
        )
    return lines


def _verdict(found: GradientCheck) -> str:
    """Return how many gradients were compared, and what came of it."""
    verdict = f"all agree ({found.method}, relative errors to {found.tolerance:.0e} pass)"
    if not found.passed:
        culprits = ", ".join(dict.fromkeys(row.layer for row in found.failures))
        unknown = all(row.unknown for row in found.failures)
        verdict = f"{culprits} {'could not be checked' if unknown else 'FAILED'}"
        if found.layers and not unknown and all(row.passed for row in found.layers):
            verdict += (
                "; each layer is right alone, twice in a row: look at what joins them "
                "(network.py), or at what a layer keeps or shares for longer"
            )
    if found.stopped:
        verdict = "stopped before all was compared"
    images = f" on {found.samples} images" if found.samples else ""
    return f"{found.checked:,} gradients{images} in {found.seconds:.1f} s: {verdict}"


def _verdicts(rows: Iterable[Comparison]) -> list[str]:
    """Return each layer's name with the worst verdict on any of its arrays."""
    worst: dict[str, str] = {}
    for row in rows:
        known = worst.setdefault(row.layer, row.verdict)
        worst[row.layer] = max(known, row.verdict, key=("ok", "not checked", "FAILED").index)
    return [f"{layer} {verdict}" for layer, verdict in worst.items()]


def _comparison_text(row: Comparison, width: int) -> str:
    shape = " x ".join(map(str, row.shape))
    return (
        f"{row.layer:<{width}}  {row.name:<5}  {shape:<10}  {row.checked:7,d}  {row.kinks:5d}  "
        f"{_number(row.max_relative_error, '7.1e')}  {_index(row):<8}  "
        f"{_number(row.backprop, ' .3e')}  {_number(row.numerical, ' .3e')}"
        f"{'' if row.passed else '  ' + row.verdict}"
    )


def _failure_text(row: Comparison) -> str:
    """Return where a comparison failed, by how much, and what it looks like."""
    if row.worst_index is None:
        return f"{row.name}{': ' * bool(row.name)}{row.problem}"
    ratio = f", ratio {row.ratio:.4g}" if row.ratio else ""
    return (
        f"the gradient by {row.name} is wrong, worst at [{_index(row)}]: backprop "
        f"{_number(row.backprop, '.6g')}, numerical {_number(row.numerical, '.6g')}{ratio}; "
        f"{row.problem}"
    )


def _index(row: Comparison) -> str:
    return ", ".join(map(str, row.worst_index or ()))


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def check_fields(found: GradientCheck) -> dict[str, Any]:
    """Return the fields of `bpcli gradcheck --json`; numbers that JSON has not are null."""
    return {
        "passed": found.passed,
        "method": found.method,
        "samples": found.samples,
        "tolerance": found.tolerance,
        "checked": found.checked,
        "kinks": found.kinks,
        "seconds": found.seconds,
        "layers": [_comparison_fields(row) for row in found.layers],
        "parameters": [_comparison_fields(row) for row in found.parameters],
    }


def _comparison_fields(row: Comparison) -> dict[str, Any]:
    return json_fields(row) | {"ratio": json_number(row.ratio), "passed": row.passed}


VIEWS.update(text=draw_check, html=check_html)  # what a GradientCheck shows of itself
