"""what happened in the layers of a model in -> charts of it out."""

import numpy as np

from bpcli.show.chart.axis import Axis, linear, logarithmic
from bpcli.show.chart.chart import DASHES, Bars, Chart, Line
from bpcli.show.layers import name_stuck
from bpcli.show.number import typeset
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.inside import Figures, Inside

LAST, FIRST = 0, 1  # evaluations, and the numbers of their colours
MOST = 8  # layers whose outputs are drawn
NARROW, LOW = 150.0, 70.0  # a histogram
WIDTH, HEIGHT = 300.0, 150.0  # a chart along the depth
BESIDE = 0.5  # layers, left and right of the first and the last
TWO = 2  # ticks of a narrow chart


def choose_layers(inside: Inside) -> list[int]:
    """Return the layers whose outputs are drawn: all, or where these are many some of them."""
    count = min(MOST, inside.layers)
    return sorted({round(i) for i in np.linspace(0, inside.layers - 1, count)})


def chart_outputs(saved: Checkpoint) -> list[tuple[str, list[Chart]]]:
    """Return histograms of what layers give, by layer: at the first and the last evaluation.

    Figures 6-10 to 6-14 of the book are the first ones, of other images.
    """
    inside = saved.inside
    return [
        (inside.names[layer], [_histogram(inside, layer, i) for i in range(len(inside.histograms))])
        for layer in choose_layers(inside)
    ]


def _histogram(inside: Inside, layer: int, i: int) -> Chart:
    one, name = inside.histograms[i], inside.names[layer]
    low, high = one.ends[layer].tolist()
    edges = np.linspace(low, high, one.counts.shape[1] + 1).tolist()
    share = (100 * one.counts[layer] / max(1, one.counts[layer].sum())).tolist()
    bars = tuple(zip(edges, edges[1:], share, strict=False))
    title = f"iteration {one.iteration:,}"
    return Chart(
        typeset(f"histogram of what {name} gives at {title}, from {low:.3g} to {high:.3g}"),
        linear("", low, high, count=TWO),
        Axis(title, 0.0, max([*share, 1.0]), count=0),
        bars=(Bars(bars, FIRST if i == 0 else LAST),),
        width=NARROW,
        height=LOW,
    )


def chart_depth(saved: Checkpoint) -> list[Chart]:
    """Return gradients, updates and what is stuck, along the depth of a network."""
    inside = saved.inside
    updates, weights = inside.figure("update"), inside.figure("weights")
    ratio = np.divide(updates, weights, out=np.full_like(updates, np.nan), where=weights > 0)
    gradients = inside.figure("bias_gradient")
    stuck = 100 * inside.figure("stuck")
    percent = linear(f"{name_stuck(saved)} in %", 0, 100)
    return [
        _along(inside, gradients, logarithmic("gradient by b", gradients[_ends(inside)].ravel())),
        _along(inside, ratio, logarithmic("update of W / W", ratio[_ends(inside)].ravel())),
        _along(inside, stuck, percent),
    ]


def _ends(inside: Inside) -> list[int]:
    """Return the numbers of the first and the last evaluation, which may be one."""
    return sorted({0, len(inside.iterations) - 1})


def _along(inside: Inside, found: Figures, y: Axis) -> Chart:
    """Return the chart of one figure of each layer at the first and the last evaluation."""
    lines = []
    for i in _ends(inside):
        is_first = i == 0
        # What is 0 has no logarithm, and what is not known is no point.
        points = tuple(
            (layer, value)
            for layer, value in enumerate(found[i].tolist(), 1)
            if np.isfinite(value) and (value > 0 or y.scale == "linear")
        )
        colour, dash = (FIRST, DASHES[1]) if is_first else (LAST, ())
        name = f"iteration {inside.iterations[i]:,}"
        lines.append(Line(points, colour, name, dash=dash, is_marked=True, is_hollow=is_first))
    x = linear("layer", 1 - BESIDE, inside.layers + BESIDE, whole=True)
    words = f"line chart, by layer, of {y.label}; the table has the numbers"
    return Chart(words, x, y, _unnamed(lines), key=tuple(lines), width=WIDTH, height=HEIGHT)


def _unnamed(lines: list[Line]) -> tuple[Line, ...]:
    return tuple(
        Line(
            one.points,
            one.colour,
            dash=one.dash,
            is_marked=True,
            is_hollow=one.is_hollow,
        )
        for one in lines
    )
