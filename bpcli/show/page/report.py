"""what there is to see of models in -> one page of HTML, with everything in it, out."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bpcli.arrays import WHITE, Array, Bytes
from bpcli.data.split import Split
from bpcli.errors import readable
from bpcli.files.document import to_scalar
from bpcli.files.image import encode_png
from bpcli.machine import without_home
from bpcli.show.chart import draw_curves, draw_doubt
from bpcli.show.info import CUT, hide_home
from bpcli.show.layer_charts import draw_depth, draw_outputs
from bpcli.show.layers import describe_steepness, list_layers, name_stuck
from bpcli.show.page.canvas import can_read, canvas_script
from bpcli.show.page.page import data_uri, fill_page
from bpcli.show.side_by_side import describe_seeds, list_models
from bpcli.training.analysis import Analysis, Units
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.config import flatten, list_changes
from bpcli.training.evaluation import Evaluation
from bpcli.training.side_by_side import compare

MOST_UNITS = 64  # that are shown
SHADES = 4  # of the cells of the confusion matrix
LEVELS = 31  # of each of the two colours of weights
MEANING = {
    "dead": "A unit is dead that is 0 for every image.",
    "saturated": "An output is saturated where its slope is below a tenth of the steepest.",
}
ORANGE, BLUE = np.array([213, 94, 0]), np.array([10, 92, 173])


def draw_report(
    analysis: Analysis, models: Sequence[Checkpoint], version: str, *, canvas: bool
) -> str:
    """Return a page on the first of `models`, which the analysis is of, beside the others.

    Nothing in it is of the user's own, and classes have names as people are told them. Raises
    ExtraError without jinja2 or matplotlib.
    """
    images = replace(analysis.images, source=without_home(analysis.images.source))
    names = tuple(map(readable, analysis.saved.names))
    saved = replace(hide_home(analysis.saved), names=names)
    measured = replace(analysis.measured, images=images)
    analysis = replace(analysis, measured=measured, saved=saved)
    models = [hide_home(saved) for saved in models]
    return fill_page(
        "report.html.jinja",
        canvas_script(analysis.saved) if canvas and can_read(analysis.saved) else "",
        version=version,
        **_head(analysis),
        **_charts(analysis, models),
        **_tables(analysis, models),
        **_units(analysis.units),
        layers=_layers(analysis.saved),
    )


def _head(analysis: Analysis) -> dict[str, Any]:
    saved = analysis.saved
    return {
        "title": readable(saved.path.name),
        "names": list(map(readable, saved.names)),
        "evaluation": analysis.evaluation,
        "split": analysis.images.name,
        "source": analysis.images.source,
        "left_out": analysis.measured.left_out,
        "unsure": analysis.measured.doubt,
        "best_of": saved.best_of,
        "iteration": saved.own_iteration,
        "seed": saved.config.seed,
        "digest": saved.digest[:CUT],
    }


def _charts(analysis: Analysis, models: Sequence[Checkpoint]) -> dict[str, Any]:
    surest = analysis.right[-1] + analysis.wrong[-1]
    fields: dict[str, Any] = {
        "doubt": data_uri(draw_doubt(analysis), "svg+xml"),
        "doubt_words": (
            f"bar chart: of {analysis.evaluation.images:,} answers {surest:,} have a probability "
            f"of 90 % or more, and {analysis.wrong[-1]:,} of those are wrong"
        ),
        "curve": "",
    }
    if any(saved.history for saved in models):
        fields["curve"] = data_uri(draw_curves(models, "svg"), "svg+xml")
        fields["curve_begins"] = any(
            not point.has_learnt for saved in models for point in saved.history[:1]
        )
        fields["curve_words"] = "; ".join(_describe_curve(saved) for saved in models)
    return fields


def _describe_curve(saved: Checkpoint) -> str:
    if not saved.history:
        return f"{saved.path.name} has no history"
    first, last = saved.history[0], saved.history[-1]
    return (
        f"line chart of {saved.path.name}: from iteration {first.iteration:,} to "
        f"{last.iteration:,} the loss goes from {first.loss:.3g} to {last.loss:.3g} and the "
        f"accuracy from {first.accuracy:.1%} to {last.accuracy:.1%}"
    )


def _layers(saved: Checkpoint) -> dict[str, Any] | None:
    """Return what there is to see of what happened inside, if anything is known of it."""
    inside = saved.inside
    if not inside.iterations:
        return None
    heads, rows = list_layers(saved)
    first, last = inside.iterations[0], inside.iterations[-1]
    return {
        "words": describe_steepness(inside),
        "split": saved.record.split if saved.record else "held-out",
        "stuck": name_stuck(saved),
        "meaning": MEANING.get(name_stuck(saved), ""),
        "outputs": data_uri(draw_outputs(saved), "svg+xml"),
        "outputs_words": (
            f"histograms of what {inside.layers} layers give at iteration {first:,} and at "
            f"iteration {last:,}; the table has their means and deviations"
        ),
        "depth": data_uri(draw_depth(saved), "svg+xml"),
        "depth_words": (
            "line charts of gradients, on a logarithmic axis, of updates and of what is "
            f"{name_stuck(saved)}, by layer; the table has the numbers"
        ),
        "heads": heads,
        "rows": [(iteration, name, cells) for iteration, name, *cells in rows],
    }


def _tables(analysis: Analysis, models: Sequence[Checkpoint]) -> dict[str, Any]:
    saved, changed = analysis.saved, list_changes(analysis.saved.config)
    compared = None
    if len(models) > 1:
        found = compare(models)
        heads, rows = list_models(found)
        compared = {
            "heads": heads,
            "rows": [(first, cells) for first, *cells in rows],
            "seeds": [describe_seeds(found, seeds) for seeds in found.seeds],
        }
    return {
        "compared": compared,
        "confusion": _confusion(analysis.evaluation, saved.names),
        "mistakes": [
            {
                "index": analysis.images.place(one.index),
                "label": readable(saved.names[one.label]),
                "predicted": readable(saved.names[one.predicted]),
                "image": data_uri(encode_png(_brighten(analysis.images, one.index)), "png"),
            }
            for one in analysis.mistakes
        ],
        "config": [
            (key, to_scalar(value), key in changed) for key, value in flatten(saved.config).items()
        ],
    }


def _brighten(images: Split, index: int) -> Bytes:
    """Return an image whose white is white."""
    image = images.images[index].reshape(images.size)
    bright: Bytes = np.minimum(image * (WHITE / images.white), WHITE).astype(np.uint8)
    return bright


def _confusion(found: Evaluation, names: Sequence[str]) -> list[dict[str, Any]]:
    largest = max(1, int(found.confusion.max()))
    rows = []
    for c, counts in enumerate(found.confusion.tolist()):
        # Few mistakes are to be seen beside many right answers: the shade goes by the logarithm.
        cells = [{"count": n, "shade": f"s{_shade(n, largest)}" if n else ""} for n in counts]
        precision, recall = found.precision[c], found.recall[c]
        rows.append(
            {
                "name": readable(names[c]),
                "cells": cells,
                "recall": "-" if recall is None else f"{recall:.1%}",
                "precision": "-" if precision is None else f"{precision:.1%}",
            }
        )
    return rows


def _shade(count: int, largest: int) -> int:
    return max(1, int(np.ceil(SHADES * np.log1p(count) / np.log1p(largest))))


def _units(units: Units | None) -> dict[str, Any]:
    if units is None:
        return {"units": [], "units_left": 0}
    shown = [
        {"number": number, "image": data_uri(_draw_weights(weights), "png")}
        for number, weights in zip(units.order[:MOST_UNITS], units.weights, strict=False)
    ]
    return {"units": shown, "units_left": len(units.order) - len(shown)}


def _draw_weights(weights: Array) -> bytes:
    """Return weights (height, width) as a PNG: orange above 0, blue below, white for 0."""
    parts = np.arange(-LEVELS, LEVELS + 1)[:, np.newaxis] / LEVELS
    colours = WHITE + np.abs(parts) * (np.where(parts > 0, ORANGE, BLUE) - WHITE)
    largest = float(np.abs(weights).max()) or 1.0
    numbers = np.round(weights / largest * LEVELS) + LEVELS
    return encode_png(numbers.astype(np.uint8), colours.astype(np.uint8))
