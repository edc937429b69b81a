"""the stages of a network in -> a drawing from left to right, text for Graphviz, or JSON, out."""

import math
import textwrap
from collections.abc import Sequence
from typing import Any

from bpcli.arrays import Shape
from bpcli.backprop.network import Stage
from bpcli.show.block import WIDTH, digraph, leaf, quoted
from bpcli.show.number import draw_shape


def draw_network(stages: Sequence[Stage]) -> str:
    """Draw a network: shapes above the arrows, the numbers of parameters below the layers."""
    rows, row = [], leaf("x")
    for stage in stages:
        label, below = f"({stage.name})", f"{_count(stage):,}" if stage.shapes else ""
        longer = row.arrow(_flow(stage.input), "").node(label, below)
        if longer.arrow(_flow(stage.output), "").node("▶").width > WIDTH:
            rows.append(row.arrow(_flow(stage.input), "").node("▶"))
            longer = leaf("").arrow(_flow(stage.input), "").node(label, below)
        row = longer
    rows.append(row.arrow(_flow(stages[-1].output), "").node("▶"))
    shapes = (f"{name} {draw_shape(s)}" for stage in stages for name, s in stage.shapes.items())
    total = f"{sum(map(_count, stages)):,} parameters: {', '.join(shapes)}"
    lines = "\n".join(line.rstrip() for block in rows for line in block.lines)
    return f"{lines.rstrip()}\n\n{textwrap.fill(total, WIDTH, break_on_hyphens=False)}"


def network_fields(stages: Sequence[Stage]) -> dict[str, Any]:
    """Return the JSON fields of a network: its `layers`, and the number of its `parameters`.

    A layer has its `name`, the shapes of its `input` and `output` for one image, as lists, and the
    number of its `parameters`.
    """
    layers = [
        {
            "name": stage.name,
            "input": list(stage.input),
            "output": list(stage.output),
            "parameters": _count(stage),
        }
        for stage in stages
    ]
    return {"layers": layers, "parameters": sum(map(_count, stages))}


def network_dot(stages: Sequence[Stage]) -> str:
    """Return text from which Graphviz's `dot` draws a network."""
    lines = ['x [label="x", shape=plaintext]', 'loss [label="loss", shape=plaintext]']
    previous = "x"
    for stage in stages:
        texts = (stage.name, f"{_count(stage):,} parameters" if stage.shapes else "")
        lines.append(f"{stage.name} [label={quoted(*texts)}, shape=box]")
        lines.append(f"{previous} -> {stage.name} [label={quoted(_flow(stage.input))}]")
        previous = stage.name
    return digraph([*lines, f'{previous} -> loss [label="1"]'])


def _flow(shape: Shape) -> str:
    """Return the shape of what flows between layers for N images, or 1 for the loss."""
    return draw_shape(("N", *shape)) if shape else "1"


def _count(stage: Stage) -> int:
    return sum(map(math.prod, stage.shapes.values()))
