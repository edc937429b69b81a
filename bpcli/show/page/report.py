"""what there is to see of models in -> one page of HTML, with everything in it, out."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bpcli.arrays import WHITE, Array
from bpcli.errors import readable
from bpcli.files.document import to_scalar
from bpcli.files.image import encode_png
from bpcli.machine import without_home
from bpcli.show.chart.answers import chart_doubt
from bpcli.show.chart.layers import chart_depth, chart_outputs
from bpcli.show.chart.runs import chart_runs, list_runs
from bpcli.show.colours import AUTO
from bpcli.show.info import CUT, hide_home
from bpcli.show.layers import describe_steepness, list_layers, name_stuck
from bpcli.show.number import typeset
from bpcli.show.page.canvas import can_read, canvas_script
from bpcli.show.page.confusion import brighten, tabulate
from bpcli.show.page.page import data_uri, fill_page, page_charts
from bpcli.show.page.wording import count_images
from bpcli.show.side_by_side import describe_seeds, list_models
from bpcli.training.analysis import Analysis, Units
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.config import flatten, list_changes
from bpcli.training.side_by_side import compare

MOST_UNITS = 64  # that are shown
LEVELS = 31  # of each of the two colours of weights
MEANING = {
    "dead": "A unit is dead that is 0 for every image.",
    "saturated": "An output is saturated where its slope is below a tenth of the steepest.",
}
ORANGE, BLUE = np.array([213, 94, 0]), np.array([10, 92, 173])


def draw_report(
    analysis: Analysis,
    models: Sequence[Checkpoint],
    version: str,
    *,
    canvas: bool,
    theme: str = AUTO,
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
        theme=theme,
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
        "images": count_images(analysis.evaluation.images, analysis.images.name),
        "source": analysis.images.source,
        "left_out": analysis.measured.left_out,
        "unsure": analysis.measured.doubt,
        "best_of": saved.best_of,
        "iteration": saved.own_iteration,
        "seed": saved.config.seed,
        "digest": saved.digest[:CUT],
    }


def _charts(analysis: Analysis, models: Sequence[Checkpoint]) -> dict[str, Any]:
    fields: dict[str, Any] = {"doubt": page_charts([chart_doubt(analysis)]), "curve": []}
    if any(saved.history for saved in models):
        fields["curve"] = page_charts(chart_runs(list_runs(models)))
        fields["curve_begins"] = any(
            not point.has_learnt for saved in models for point in saved.history[:1]
        )
    return fields


def _layers(saved: Checkpoint) -> dict[str, Any] | None:
    """Return what there is to see of what happened inside, if anything is known of it."""
    inside = saved.inside
    if not inside.iterations:
        return None
    heads, rows = list_layers(saved)
    return {
        "words": describe_steepness(inside),
        "split": saved.record.split if saved.record else "held-out",
        "stuck": name_stuck(saved),
        "meaning": MEANING.get(name_stuck(saved), ""),
        "outputs": [(name, page_charts(found)) for name, found in chart_outputs(saved)],
        "depth": page_charts(chart_depth(saved)),
        "heads": heads,
        "rows": [(iteration, name, list(map(typeset, cells))) for iteration, name, *cells in rows],
    }


def _tables(analysis: Analysis, models: Sequence[Checkpoint]) -> dict[str, Any]:
    saved, changed = analysis.saved, list_changes(analysis.saved.config)
    return {
        "compared": _compare(models) if len(models) > 1 else None,
        "confusion": tabulate(analysis),
        "mistakes": [
            {
                "index": analysis.images.place(one.index),
                "label": readable(saved.names[one.label]),
                "predicted": readable(saved.names[one.predicted]),
                "image": data_uri(encode_png(brighten(analysis.images, one.index)), "png"),
            }
            for one in analysis.mistakes
        ],
        "config": [
            (key, to_scalar(value), key in changed) for key, value in flatten(saved.config).items()
        ],
    }


def _compare(models: Sequence[Checkpoint]) -> dict[str, Any]:
    """Return the tables of several models: what they reached, and keys as rows."""
    found = compare(models)
    heads, whole = list_models(found)
    end = 1 + len(found.keys)
    results = [[row[0], *row[end:]] for row in whole]
    values = [row[1:end] for row in whole]
    return {
        "heads": [heads[0], *heads[end:]],
        "rows": [(first, list(map(typeset, cells))) for first, *cells in results],
        "models": [row[0] for row in whole],
        "keys": list(zip(found.keys, zip(*values, strict=True), strict=True)) if values else [],
        "seeds": [typeset(describe_seeds(found, seeds)) for seeds in found.seeds],
    }


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
