"""what happened in the layers of models in -> tables and words of it, or fields of JSON, out."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpcli.errors import visible
from bpcli.show.number import json_number
from bpcli.show.text import draw_csv, fold_table, wrap
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.inside import FIGURES, Inside, find_steepness

NOTHING = "nothing is known of its layers: it has not learnt yet, or an older bpcli has written it"
# What the share of what is stuck is called, by the activation.
STUCK = {"relu": "dead", "sigmoid": "saturated", "tanh": "saturated"}
HEADS = ("mean", "deviation", "gradient W", "gradient b", "update / W")


def name_stuck(saved: Checkpoint) -> str:
    """Return what units are called that no longer pass a gradient on."""
    return STUCK.get(saved.config.network.activation, "stuck")


def list_layers(saved: Checkpoint) -> tuple[list[str], list[list[str]]]:
    """Return heads and rows of a table: each layer at the first and at the last evaluation."""
    inside = saved.inside
    rows = [
        [f"{inside.iterations[i]:,}", name, *_cells(inside, i, layer)]
        for i in sorted({0, len(inside.iterations) - 1})
        for layer, name in enumerate(inside.names)
        if inside.iterations
    ]
    mean, deviation, *others = HEADS
    return ["iteration", "layer", mean, deviation, name_stuck(saved), *others], rows


def _cells(inside: Inside, i: int, layer: int) -> list[str]:
    """Return the figures of a layer at an evaluation as a person reads them."""
    found = {name: float(inside.figure(name)[i, layer]) for name in FIGURES}
    ratio = found["update"] / found["weights"] if found["weights"] else np.nan
    return [
        _say(found["mean"], ".3f"),
        _say(found["deviation"], ".3f"),
        _say(found["stuck"], ".1%"),
        _say(found["gradient"], ".1e"),
        _say(found["bias_gradient"], ".1e"),
        _say(ratio, ".1e"),
    ]


def _say(value: float, form: str) -> str:
    return format(value, form) if np.isfinite(value) else "-"


def describe_steepness(inside: Inside) -> list[str]:
    """Say where gradients vanish or explode on their way back, at the first or last evaluation."""
    found = []
    for i in sorted({0, len(inside.iterations) - 1}):
        words = find_steepness(inside, i)
        if words:
            found.append(f"At iteration {inside.iterations[i]:,} {words}.")
    return found


def draw_layers(saved: Checkpoint, width: int) -> str:
    """Return what happened in the layers of a model as a table, with a word where it is needed.

    It has at most `width` columns.
    """
    path = visible(str(saved.path))
    if not saved.inside.iterations:
        return f"{path}: {NOTHING}"
    table = fold_table(*list_layers(saved), width, repeated=2)
    words = (line for one in describe_steepness(saved.inside) for line in wrap(one, width))
    return "\n".join([f"{path}:", table, *words])


def layer_fields(saved: Checkpoint) -> list[dict[str, Any]]:
    """Return the fields of JSON: an object for each layer at each evaluation that is kept."""
    inside = saved.inside
    figures = {name: inside.figure(name) for name in FIGURES}
    return [
        {"iteration": iteration, "layer": name}
        | {kind: json_number(float(found[i, layer])) for kind, found in figures.items()}
        for i, iteration in enumerate(inside.iterations)
        for layer, name in enumerate(inside.names)
    ]


def layers_csv(models: Sequence[Checkpoint]) -> str:
    """Return a line for each layer of each model at each evaluation that is kept."""
    rows = [[saved.path, *row.values()] for saved in models for row in layer_fields(saved)]
    return draw_csv([["model", "iteration", "layer", *FIGURES], *rows])
