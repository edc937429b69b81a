"""a model in -> the script that reads what is drawn on a page, by the model's weights, out."""

import base64
import json
from typing import Any

from bpcli import arrays
from bpcli.arrays import WHITE, Array
from bpcli.backprop.layer import Layer
from bpcli.data import ink, pieces, preparation
from bpcli.errors import readable
from bpcli.export.translation import TRANSLATIONS, translate
from bpcli.show.page.page import read_part
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
    pieces: ("SPECK", "OUTER", "EDGE_TO_EDGE", "TALL", "LOW", "CLOSE", "BROKEN", "INNER"),
    preparation: ("BOX", "SIDE", "STROKE"),
}


def can_read(saved: Checkpoint) -> bool:
    """Tell whether the page can prepare drawings as the model's images were, and has its layers."""
    dataset, network = saved.config.dataset, saved.network().folded()
    is_plain = saved.white == WHITE and not (dataset.deskew or dataset.transpose)
    layers = {type(layer) for layer in [*network.layers, network.loss_layer]}
    return saved.is_prepared and is_plain and layers <= TRANSLATIONS.keys()


def canvas_script(saved: Checkpoint) -> str:
    """Return the script of the canvas: constants, the model's layers and the files beside this."""
    network = saved.network().folded()
    layers = network.layers
    steps = {name: getattr(room, name) for room, names in CONSTANTS.items() for name in names}
    functions = {type(layer).__name__: translate(layer).javascript for layer in layers}
    model = {
        "layers": [_layer(layer) for layer in layers],
        "names": list(map(readable, saved.names)),
    }
    constants = {
        "STEPS": _literal(steps),
        "MODEL": _literal(model),
        "LAYERS": f"{{ {', '.join(f'{kind}: {text}' for kind, text in functions.items())} }}",
        "PROBABILITIES": translate(network.loss_layer).javascript,
    }
    declared = (f"const {name} = {value};" for name, value in constants.items())
    return "\n".join(['"use strict";', *declared, *map(read_part, SCRIPTS)])


def _literal(value: Any) -> str:
    return json.dumps(value).replace("<", "\\u003c")  # nothing in it ends the script


def _layer(layer: Layer) -> dict[str, Any]:
    params = {name: _encode(array) for name, array in layer.params.items()}
    return {"kind": type(layer).__name__, "params": params}


def _encode(array: Array) -> str:
    return base64.b64encode(array.astype("<f4").tobytes()).decode()
