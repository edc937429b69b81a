"""this machine, and a model, in -> what a report of a fault should say of them, out."""

from typing import Any

from bpcli.files.document import to_scalar
from bpcli.show.number import draw_shape, json_number
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.config import flatten, list_changes

CUT = 16  # characters of a digest that are shown


def info_fields(version: str, machine: dict[str, Any], saved: Checkpoint | None) -> dict[str, Any]:
    """Return the fields of `bpcli info --json`."""
    fields = {"bpcli": version} | machine
    return fields | ({"model": _model_fields(saved)} if saved else {})


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
        "evaluations": len(saved.history),
        "written_by": {"bpcli": saved.written_by} | saved.surroundings,
    }


def draw_info(version: str, machine: dict[str, Any], saved: Checkpoint | None) -> str:
    """Return lines of text with the same."""
    parts = [_lines({"bpcli": version} | machine)]
    if saved:
        parts.append(_lines(_describe(saved)))
    return "\n\n".join(parts)


def _lines(values: dict[str, Any]) -> str:
    width = max(map(len, values)) + 2
    return "\n".join(f"{name.replace('_', ' '):<{width}}{_spell(v)}" for name, v in values.items())


def _spell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value)) or "none"
    return "not installed" if value is None else str(value) or "unknown"


def _describe(saved: Checkpoint) -> dict[str, Any]:
    record, height, width = saved.record, *saved.size
    changes = [f"{key}={to_scalar(value)}" for key, value in list_changes(saved.config).items()]
    shapes = [f"{name} {draw_shape(array.shape)}" for name, array in saved.arrays.items()]
    reached = f"{record.split} accuracy {record.accuracy:.2%}" if record else "not evaluated yet"
    best = f", the best of {saved.best_of} evaluations" if saved.best_of else ""
    pairs = saved.surroundings.items()
    wrote = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in pairs)
    return {
        "model": saved.path,
        "not the default": changes or ["nothing"],
        "arrays": ", ".join(shapes),
        "images": f"{width} x {height} pixels",
        "classes": list(saved.names),
        "digest": f"{saved.digest[:CUT]}...",
        "reached": f"{reached} after {saved.own_iteration:,} iterations{best}",
        "written by": f"bpcli {saved.written_by}, {wrote}",
    }
