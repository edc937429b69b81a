"""the stages of a network in -> its JSON out."""

from collections.abc import Sequence
from typing import Any

from bpcli.backprop.network import Stage
from bpcli.show.figure import count_parameters


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
            "parameters": count_parameters(stage),
        }
        for stage in stages
    ]
    return {"layers": layers, "parameters": sum(map(count_parameters, stages))}
