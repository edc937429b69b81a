"""what happened in the layers of a model in -> charts of it for a page, as SVG, out."""

from typing import Any

import numpy as np

from bpcli.show.chart import show_plain_numbers
from bpcli.show.colours import COLOURS
from bpcli.show.layers import name_stuck
from bpcli.show.plot import draw_sheet
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.inside import Figures, Inside

LAST, FIRST, *_ = COLOURS  # evaluations
WIDTH = 8.0  # inches
MOST = 8  # layers whose outputs are drawn


def choose_layers(inside: Inside) -> list[int]:
    """Return the layers whose outputs are drawn: all, or where these are many some of them."""
    count = min(MOST, inside.layers)
    return sorted({round(i) for i in np.linspace(0, inside.layers - 1, count)})


def draw_outputs(saved: Checkpoint) -> bytes:
    """Return histograms of what layers give, at the first and the last evaluation, as SVG.

    Figures 6-10 to 6-14 of the book are the first row, of other images.
    """
    found, layers = saved.inside.histograms, choose_layers(saved.inside)

    def draw(sheet: Any) -> None:
        sheet.set_layout_engine("constrained")
        charts = sheet.subplots(len(found), len(layers), squeeze=False)
        for row, one, colour in zip(charts, found, (FIRST, LAST), strict=False):
            for axes, layer in zip(row, layers, strict=True):
                low, high = one.ends[layer].tolist()
                edges = np.linspace(low, high, one.counts.shape[1] + 1)
                share = 100 * one.counts[layer] / max(1, one.counts[layer].sum())
                axes.stairs(share, edges, fill=True, color=colour)
                axes.tick_params(labelsize="small")
                axes.locator_params(axis="x", nbins=3)
                axes.set_yticks([])
                axes.margins(x=0.02)
            row[0].set_ylabel(f"iteration {one.iteration:,}")
        for axes, layer in zip(charts[0], layers, strict=True):
            axes.set_title(saved.inside.names[layer], fontsize="medium")

    size = WIDTH, 1.7 * len(found)
    return draw_sheet(draw, size, "svg", "outputs of each layer")


def draw_depth(saved: Checkpoint) -> bytes:
    """Return gradients, updates and what is stuck, along the depth of a network, as SVG."""
    inside = saved.inside
    updates, weights = inside.figure("update"), inside.figure("weights")
    ratio = np.divide(updates, weights, out=np.full_like(updates, np.nan), where=weights > 0)

    def draw(sheet: Any) -> None:
        sheet.set_layout_engine("constrained")
        gradient, update, stuck = sheet.subplots(1, 3)
        _draw_along(gradient, inside, inside.figure("bias_gradient"))
        _draw_along(update, inside, ratio)
        _draw_along(stuck, inside, 100 * inside.figure("stuck"), is_log=False)
        gradient.set_ylabel("gradient by b")
        update.set_ylabel("update of W / W")
        stuck.set_ylabel(f"{name_stuck(saved)} in %")
        stuck.set_ylim(-3, 103)
        stuck.legend(fontsize="small")

    return draw_sheet(draw, (WIDTH, 2.8), "svg", "gradients, updates and units along the depth")


def _draw_along(axes: Any, inside: Inside, found: Figures, *, is_log: bool = True) -> None:
    """Draw one figure of each layer at the first and the last evaluation."""
    layers = np.arange(1, inside.layers + 1)
    last = len(inside.iterations) - 1
    for i, colour, mark in ((0, FIRST, "o"), (last, LAST, "s"))[: last + 1]:
        label = f"iteration {inside.iterations[i]:,}"
        # What is 0 has no logarithm, and what is not known is no point.
        known = np.isfinite(found[i]) & ((found[i] > 0) | (not is_log))
        axes.plot(layers[known], found[i][known], color=colour, marker=mark, ms=4, label=label)
    if is_log:
        axes.set_yscale("log")
        show_plain_numbers(axes.yaxis)
    axes.set_xlim(0.7, inside.layers + 0.3)
    axes.locator_params(axis="x", integer=True, nbins=7)
    axes.set_xlabel("layer")
