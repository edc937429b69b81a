"""this machine, and a model, in -> what a report of a fault should say of them, out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from bpcli.errors import readable, visible
from bpcli.files.document import to_scalar
from bpcli.machine import without_home
from bpcli.show.number import draw_shape, json_number
from bpcli.show.sparkline import draw_losses
from bpcli.show.text import wrap
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.config import flatten, list_changes
from bpcli.training.learnt_with import LearntWith

LONGEST = 1000  # characters of whose layers it has learnt with
CURVE = 60  # columns of its curve
CUT = 16  # characters of a digest that are shown


def hide_home(saved: Checkpoint) -> Checkpoint:
    """Return a model as others may see it: with ~ for the user's own folder in its paths."""
    source = without_home(saved.config.dataset.source)
    config = replace(saved.config, dataset=replace(saved.config.dataset, source=source))
    return replace(saved, path=Path(without_home(str(saved.path))), config=config)


def info_fields(version: str, machine: dict[str, Any], saved: Checkpoint | None) -> dict[str, Any]:
    """Return the fields of `bpcli info --json`, with nothing in them of the user's own."""
    fields = {"bpcli": version} | machine
    return fields | ({"model": _model_fields(hide_home(saved))} if saved else {})


def _model_fields(saved: Checkpoint) -> dict[str, Any]:
    record = saved.record
    return {
        "model": str(saved.path),
        "config": flatten(saved.config),
        "shapes": {name: list(array.shape) for name, array in saved.arrays.items()},
        "classes": saved.names,
        "size": saved.size,
        "digest": saved.digest,
        "iteration": saved.own_iteration,
        "split": record and record.split,
        "accuracy": record and record.accuracy,
        "balanced_accuracy": record and record.balanced_accuracy,
        "macro_f1": record and record.macro_f1,
        "loss": record and json_number(record.loss),
        "iterations": saved.iteration,
        "evaluations": saved.evaluations,
        "learnt_with": saved.learnt_with and saved.learnt_with.to_fields(),
        "written_by": {"bpcli": saved.written_by} | saved.surroundings,
    }


def draw_info(
    version: str,
    machine: dict[str, Any],
    saved: Checkpoint | None,
    width: int,
    *,
    ascii_only: bool = False,
) -> str:
    """Return lines of text with the same, of at most `width` columns."""
    parts = [_lines({"bpcli": version} | machine, width)]
    if saved:
        parts.append(_lines(_describe(hide_home(saved), ascii_only=ascii_only), width))
    return "\n\n".join(parts)


def _lines(values: dict[str, Any], width: int) -> str:
    room = max(map(len, values)) + 2
    lines = []
    for name, value in values.items():
        first, *others = wrap(visible(_spell(value)), width - room)
        lines.append(f"{name.replace('_', ' '):<{room}}{first}")
        lines += [" " * room + other for other in others]
    return "\n".join(lines)


def _spell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value)) or "none"
    return "not installed" if value is None else str(value) or "unknown"


def _describe(saved: Checkpoint, *, ascii_only: bool) -> dict[str, Any]:
    record, height, width = saved.record, *saved.size
    changes = [f"{key}={to_scalar(value)}" for key, value in list_changes(saved.config).items()]
    shapes = [f"{name} {draw_shape(array.shape)}" for name, array in saved.arrays.items()]
    reached = f"{record.split} accuracy {record.accuracy:.2%}" if record else "not evaluated yet"
    best = f", the best of {saved.best_of} evaluations" if saved.best_of else ""
    pairs = saved.surroundings.items()
    wrote = ", ".join(f"{name.replace('_', ' ')} {readable(value)}" for name, value in pairs)
    curve = draw_losses(saved.losses, CURVE, ascii_only=ascii_only)
    learnt = {"learnt with": _draw_layers(saved.learnt_with)} if saved.learnt_with else {}
    return {
        "model": saved.path,
        "not the default": changes or ["nothing"],
        "arrays": ", ".join(shapes),
        "images": f"{width} x {height} pixels",
        "classes": list(map(readable, saved.names)),
        "digest": f"{saved.digest[:CUT]}...",
        "reached": f"{reached} after {saved.own_iteration:,} iterations{best}",
        **({"curve": curve} if curve else {}),
        **learnt,
        "written by": f"bpcli {readable(saved.written_by)}, {wrote}",
    }


def _draw_layers(found: LearntWith) -> str:
    times = f"; {found.times:.1f} times the time of ours" if found.times else ""
    return f"{readable(found.layers, LONGEST)}{times}"
