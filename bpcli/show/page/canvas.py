"""a model in -> the script that reads what is drawn on a page, by the model's weights, out."""

import base64
import json
from pathlib import Path
from typing import Any

from bpcli import arrays
from bpcli.arrays import WHITE, Array
from bpcli.backprop.layers import Affine, Layer
from bpcli.data import ink, pieces, preparation
from bpcli.training.checkpoint import Checkpoint

SCRIPTS = ("layers.js", "preparation.js", "canvas.js")
# What the script's steps take from those of Python.
CONSTANTS = {
    arrays: ("WHITE",),
    ink: (
        "LONGEST",
        "SURROUNDINGS",
        "MARGIN",
        "PAPER",
        "FEW",
        "RARE",
        "FAINTEST",
        "TWICE",
        "FAINT",
        "NOISES",
    ),
    pieces: ("SPECK", "OUTER", "EDGE_TO_EDGE", "TALL", "INNER"),
    preparation: ("BOX", "SIDE", "STROKE"),
}


def can_read(saved: Checkpoint) -> bool:
    """Tell whether the page can prepare a drawing as the model's images were prepared."""
    dataset = saved.config.dataset
    return saved.is_prepared and saved.white == WHITE and not (dataset.deskew or dataset.transpose)


def canvas_script(saved: Checkpoint) -> str:
    """Return the script of the canvas: the constants, the model and the three files beside this."""
    steps = {name: getattr(room, name) for room, names in CONSTANTS.items() for name in names}
    files = (Path(__file__).with_name(name).read_text(encoding="utf-8") for name in SCRIPTS)
    values = {"STEPS": steps, "MODEL": _describe(saved)}
    constants = (f"const {name} = {_literal(value)};" for name, value in values.items())
    return "\n".join(['"use strict";', *constants, *files])


def _literal(value: Any) -> str:
    return json.dumps(value).replace("<", "\\u003c")  # nothing in it ends the script


def _describe(saved: Checkpoint) -> dict[str, Any]:
    network = saved.network()
    layers = [_layer(layer) for layer in network.layers if not layer.training_only]
    return {
        "layers": layers,
        "loss": type(network.loss_layer).__name__,
        "names": list(saved.names),
    }


def _layer(layer: Layer) -> dict[str, str]:
    arrays = layer.params if isinstance(layer, Affine) else {}
    return {"kind": type(layer).__name__} | {name: _encode(a) for name, a in arrays.items()}


def _encode(array: Array) -> str:
    return base64.b64encode(array.astype("<f4").tobytes()).decode()
