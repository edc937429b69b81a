"""a model in -> the script that reads what is drawn on a page, by the model's weights, out."""

import base64
import json
from typing import Any

from bpcli import arrays
from bpcli.arrays import WHITE, Array
from bpcli.backprop.layer import Layer
from bpcli.data import ink, preparation, rows
from bpcli.errors import readable
from bpcli.export.translation import TRANSLATIONS, translate
from bpcli.show.page.page import read_part
from bpcli.training import Reader, doubt
from bpcli.training.checkpoint import Checkpoint

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
    rows: (
        "SMALL",
        "SPECK",
        "OUTER",
        "EDGE_TO_EDGE",
        "INNER",
        "INNER_HEIGHT",
        "LEAST",
        "SHORT",
        "LEVEL",
        "NEAR",
        "APART",
        "SOLID",
        "THICK",
        "CORNER",
        "BAR",
        "POST",
        "LONG",
        "TALL",
        "LOW",
        "CLOSE",
        "TOUCHING",
        "BROKEN",
    ),
    doubt: ("UNSURE", "UNSURE_OF_SEVERAL"),
    preparation: ("BOX", "SIDE", "FULL", "WIDE", "TINY", "CLOSER", "STROKE"),
}


def can_read(saved: Checkpoint) -> bool:
    """Tell whether the page can prepare drawings as the model's images were, and has its layers."""
    dataset, network = saved.config.dataset, saved.network().folded()
    is_plain = saved.white == WHITE and not (dataset.deskew or dataset.transpose)
    layers = {type(layer) for layer in [*network.layers, network.loss_layer]}
    return saved.is_prepared and is_plain and layers <= TRANSLATIONS.keys()


def preparation_script() -> str:
    """Return the script that prepares pictures, with the constants of its steps."""
    steps = {name: getattr(room, name) for room, names in CONSTANTS.items() for name in names}
    return f"const STEPS = {_literal(steps)};\n{read_part('preparation.js')}"


def canvas_script(saved: Checkpoint) -> str:
    """Return the script of the canvas: the model's layers, its steps and the files beside this."""
    network = saved.network().folded()
    layers = network.layers
    functions = {type(layer).__name__: translate(layer).javascript for layer in layers}
    model = {
        "layers": [_layer(layer) for layer in layers],
        "names": list(map(readable, saved.names)),
        "least_logit": Reader(saved).least_logit,
    }
    constants = {
        "MODEL": _literal(model),
        "LAYERS": f"{{ {', '.join(f'{kind}: {text}' for kind, text in functions.items())} }}",
        "PROBABILITIES": translate(network.loss_layer).javascript,
    }
    declared = (f"const {name} = {value};" for name, value in constants.items())
    scripts = (read_part("layers.js"), preparation_script(), read_part("canvas.js"))
    return "\n".join(['"use strict";', *declared, *scripts])


def _literal(value: Any) -> str:
    return json.dumps(value).replace("<", "\\u003c")  # nothing in it ends the script


def _layer(layer: Layer) -> dict[str, Any]:
    params = {name: _encode(array) for name, array in layer.params.items()}
    return {"kind": type(layer).__name__, "params": params}


def _encode(array: Array) -> str:
    return base64.b64encode(array.astype("<f4").tobytes()).decode()
