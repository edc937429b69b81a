"""models side by side in -> a table of them as text, CSV or the fields of JSON, out."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bpcli.errors import visible
from bpcli.files.document import to_scalar
from bpcli.show.layers import draw_layers, layer_fields, layers_csv
from bpcli.show.number import json_number
from bpcli.show.table import lines_html, table_html
from bpcli.show.text import draw_csv, draw_table, fold_table, join_lines, text_width, wrap
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.history import COLUMNS
from bpcli.training.side_by_side import ModelComparison, Seeds

SHARES = ("accuracy", "balanced", "macro F1")
ALWAYS = ("iterations", "seconds")


def draw_comparison(
    found: ModelComparison, width: int, *, history: bool, layers: bool = False
) -> str:
    """Return a table of models, what seeds share, and with `history` a table of each curve.

    With `layers` there is one of what happened in those of each model, too.

    Keys are columns, or where that is wider than `width` columns, a second table has them: as rows,
    or of many models as columns.
    """
    names = [str(saved.path) for saved in found.models]
    heads, whole = list_models(found)
    tables = [draw_table(heads, whole)]
    if max(map(text_width, tables[0].split("\n"))) > width:
        end = 1 + len(found.keys)
        rows = [[row[0], *row[end:]] for row in whole]
        tables = [fold_table([heads[0], *heads[end:]], rows, width)]
        if len(found.models) > len(found.keys) > 0:
            tables.append(fold_table(heads[:end], [row[:end] for row in whole], width))
        elif found.keys:
            turned = zip(found.keys, *(row[1:end] for row in whole), strict=True)
            tables.append(fold_table(["", *names], turned, width))
    seeds = ("\n".join(wrap(describe_seeds(found, one), width)) for one in found.seeds)
    parts = [*tables, *seeds]
    if history:
        parts += [draw_history(saved, width) for saved in found.models]
    if layers:
        parts += [draw_layers(saved, width) for saved in found.models]
    return "\n\n".join(parts)


def comparison_html(found: ModelComparison) -> str:
    """Return models side by side as a notebook shows them."""
    heads, rows = list_models(found)
    return table_html(heads, rows) + lines_html(describe_seeds(found, one) for one in found.seeds)


def list_models(found: ModelComparison) -> tuple[list[str], list[list[str]]]:
    """Return the heads and the rows of a table of models; the keys that differ are columns.

    What was measured on test images has columns of its own where others were on held-out ones.
    """
    splits = found.splits if len(found.splits) > 1 else ("",)
    rows = [
        [str(saved.path), *map(to_scalar, values), *_reached(saved, splits)]
        for saved, values in zip(found.models, found.values, strict=True)
    ]
    measured = [*SHARES, "of", "loss"]
    if len(splits) > 1:
        measured = [f"{split} {head}" for split in splits for head in (*SHARES, "loss")]
    return ["model", *found.keys, *measured, *ALWAYS], rows


def _reached(saved: Checkpoint, splits: Sequence[str]) -> list[str]:
    record = saved.record
    best = f" (best of {saved.iteration:,})" if saved.best_of else ""
    last = [f"{saved.own_iteration:,}{best}", f"{record.seconds:.1f}" if record else "-"]
    cells: list[str] = []
    for split in splits:
        if record is None or split not in ("", record.split):
            cells += ["-"] * (4 + (not split))
            continue
        shares = (record.accuracy, record.balanced_accuracy, record.macro_f1)
        cells += ["-" if share is None else f"{share:.2%}" for share in shares]
        loss = "-" if record.held_out_loss is None else f"{record.held_out_loss:.4f}"
        cells += [loss] if split else [record.split, loss]
    return cells + last


def describe_seeds(found: ModelComparison, seeds: Seeds) -> str:
    """Return a sentence on runs that only the seed tells apart."""
    names = ", ".join(visible(str(found.models[i].path)) for i in seeds.models)
    return (
        f"{len(seeds.models)} seeds ({names}): {seeds.split} accuracy {seeds.mean:.2%} on average, "
        f"standard deviation {seeds.deviation:.2%}"
    )


def draw_history(saved: Checkpoint, width: int) -> str:
    """Return the curve of a run as a table of so many columns: a row for each evaluation."""
    rows = [
        [
            f"{point.iteration:,}",
            f"{point.loss:.4f}",
            f"{point.train_accuracy:.2%}",
            "-" if point.held_out_loss is None else f"{point.held_out_loss:.4f}",
            f"{point.accuracy:.2%}",
            f"{point.seconds:.1f}",
        ]
        for point in saved.history
    ]
    if not rows:
        return join_lines(
            [f"{saved.path}: no history: not evaluated yet, or written by an older bpcli"]
        )
    split = saved.record.split if saved.record else "held out"
    heads = ["iteration", "train loss", "train", f"{split} loss", split, "seconds"]
    return f"{visible(str(saved.path))}:\n{fold_table(heads, rows, width)}"


def comparison_fields(
    found: ModelComparison, *, history: bool, layers: bool = False
) -> dict[str, Any]:
    """Return the fields of `bpcli compare --json`."""
    models = []
    for saved, values in zip(found.models, found.values, strict=True):
        fields = _model_fields(saved) | {"differs": dict(zip(found.keys, values, strict=True))}
        curve = _curve_fields(saved) if history else {}
        inside = {"layers": layer_fields(saved)} if layers else {}
        models.append(fields | curve | inside)
    seeds = [
        asdict(one) | {"models": [str(found.models[i].path) for i in one.models]}
        for one in found.seeds
    ]
    return {"models": models, "seeds": seeds}


def _curve_fields(saved: Checkpoint) -> dict[str, Any]:
    """Return evaluations, the first before learning, and losses of mini-batches by iteration."""
    losses = zip(saved.losses.iterations, saved.losses.means, strict=True)
    return {
        "history": [asdict(point) for point in saved.history],
        "losses": [{"iteration": iteration, "loss": mean} for iteration, mean in losses],
    }


def comparison_csv(found: ModelComparison, *, history: bool, layers: bool = False) -> str:
    """Return a line for each model, or with `history` for each evaluation of each, or layer."""
    if layers:
        return layers_csv(found.models)
    if history:
        pairs = [(saved.path, point) for saved in found.models for point in saved.history]
        rows = [[path, *asdict(point).values()] for path, point in pairs]
        return draw_csv([["model", *COLUMNS], *rows])
    models = [_model_fields(saved) for saved in found.models]
    keys = [key for key in found.keys if key not in models[0]]
    table: list[list[Any]] = [[*models[0], *keys]]
    for fields, values in zip(models, found.values, strict=True):
        by_key = dict(zip(found.keys, values, strict=True))
        table.append([*fields.values(), *(to_scalar(by_key[key]) for key in keys)])
    return draw_csv(table)


def _model_fields(saved: Checkpoint) -> dict[str, Any]:
    record = saved.record
    return {
        "model": str(saved.path),
        "digest": saved.digest,
        "seed": saved.config.seed,
        "split": record and record.split,
        "accuracy": record and record.accuracy,
        "balanced_accuracy": record and record.balanced_accuracy,
        "macro_f1": record and record.macro_f1,
        "train_accuracy": record and record.train_accuracy,
        "loss": record and json_number(record.loss),
        "iteration": saved.own_iteration,
        "seconds": record and record.seconds,
    }
