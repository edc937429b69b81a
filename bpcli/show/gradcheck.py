"""a GradientCheck in -> a table with a verdict, or the fields of JSON, out."""

import math
from collections.abc import Iterable
from typing import Any

from bpcli.gradcheck.check import GradientCheck
from bpcli.gradcheck.comparison import Comparison
from bpcli.show.number import json_fields, json_number
from bpcli.show.text import join_lines

MANY_KINKS = 0.01  # a share of the gradients above which the user is told


def draw_check(found: GradientCheck) -> str:
    """Return the page that `bpcli gradcheck` prints: a table, then a verdict."""
    lines = [
        f"each layer alone: {', '.join(_verdicts(found.layers))}",
        "layer    array  shape       checked  kinks    error  worst at  backprop    numerical",
        *map(_comparison_text, found.parameters),
        *(f"{row.layer}: {_failure_text(row)}" for row in found.failures),
    ]
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
    verdict = f"all agree ({found.method}, relative errors to {found.tolerance:.0e} pass)"
    if not found.passed:
        culprits = ", ".join(dict.fromkeys(row.layer for row in found.failures))
        unknown = all(row.verdict == "not checked" for row in found.failures)
        verdict = f"{culprits} {'could not be checked' if unknown else 'FAILED'}"
        if not unknown and all(row.passed for row in found.layers):
            verdict += (
                "; each layer is right alone, twice in a row: look at what joins them "
                "(network.py), or at what a layer keeps or shares for longer"
            )
    if found.stopped:
        verdict = "stopped before all was compared"
    size = f"{found.checked:,} gradients on {found.samples} images in {found.seconds:.1f} s"
    return join_lines([*lines, f"{size}: {verdict}"])


def _verdicts(rows: Iterable[Comparison]) -> list[str]:
    """Return each layer's name with the worst verdict on any of its arrays."""
    worst: dict[str, str] = {}
    for row in rows:
        known = worst.setdefault(row.layer, row.verdict)
        worst[row.layer] = max(known, row.verdict, key=("ok", "not checked", "FAILED").index)
    return [f"{layer} {verdict}" for layer, verdict in worst.items()]


def _comparison_text(row: Comparison) -> str:
    shape = " x ".join(map(str, row.shape))
    return (
        f"{row.layer:<7}  {row.name:<5}  {shape:<10}  {row.checked:7,d}  {row.kinks:5d}  "
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
