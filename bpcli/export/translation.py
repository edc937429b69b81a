"""a layer in -> what it is in ONNX, in PyTorch and in the JavaScript of a page, out.

All that is said of a layer in other languages stands in one table: a new layer is a new line.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bpcli.arrays import Array
from bpcli.backprop.layer import Layer, LossLayer
from bpcli.backprop.layers import (
    Affine,
    ReLU,
    Sigmoid,
    SoftmaxWithLoss,
    SquaredError,
    Tanh,
)
from bpcli.errors import ExportError
from bpcli.export.onnx_graph import OnnxGraph


def _no_tensors() -> dict[str, Array]:
    return {}


@dataclass(frozen=True)
class Translation:
    """A layer, or the probabilities of a loss layer, in other languages.

    `onnx` takes a graph, what the input is called in it and what each parameter is, adds nodes and
    returns the name of the output. `javascript` is a function of the input, the numbers of one
    image, and of an object of the parameters; `affine` and `softmax` are known to it. `torch` is
    a module of torch.nn, in which {W} stands for a parameter W, and `tensors` takes the parameters
    and returns those of that module by their names there: a loss layer has neither.
    """

    onnx: Callable[..., str]
    javascript: str
    torch: str = ""
    tensors: Callable[..., dict[str, Array]] = _no_tensors


def by_element(operator: str, javascript: str, torch: str, **attributes: float) -> Translation:
    """Return the translation of an activation that is an operator of ONNX.

    `javascript` is an expression of a number x.
    """
    return Translation(
        onnx=lambda graph, x: graph.add(operator, x, **attributes),
        javascript=f"x => x.map(x => {javascript})",
        torch=torch,
    )


def _affine(graph: OnnxGraph, x: str, W: str, b: str) -> str:
    return graph.add("Add", graph.add("MatMul", x, W), b)


def _softmax(graph: OnnxGraph, x: str) -> str:
    return graph.add("Softmax", x, axis=1)


def _softmax_of_log_sigmoid(graph: OnnxGraph, x: str) -> str:
    return _softmax(graph, graph.add("Neg", graph.add("Softplus", graph.add("Neg", x))))


TRANSLATIONS: dict[type[Layer | LossLayer], Translation] = {
    Affine: Translation(
        onnx=_affine,
        javascript="(x, { W, b }) => affine(x, W, b)",
        torch="Linear({W.shape[0]}, {W.shape[1]})",
        tensors=lambda W, b: {"weight": np.ascontiguousarray(W.T), "bias": b.copy()},
    ),
    ReLU: by_element("Relu", "Math.max(x, 0)", "ReLU()"),
    Sigmoid: by_element("Sigmoid", "1 / (1 + Math.exp(-x))", "Sigmoid()"),
    Tanh: by_element("Tanh", "Math.tanh(x)", "Tanh()"),
    SoftmaxWithLoss: Translation(onnx=_softmax, javascript="softmax"),
    SquaredError: Translation(
        onnx=_softmax_of_log_sigmoid,
        javascript="x => softmax(x.map(x => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)))))",
    ),
}


def translate(layer: Layer | LossLayer) -> Translation:
    """Return what a layer is elsewhere. Raises ExportError for one that is not in TRANSLATIONS."""
    kind = type(layer)
    if kind not in TRANSLATIONS:
        raise ExportError(
            f"{kind.__name__}: found no words for this layer in other languages, expected its line "
            "in TRANSLATIONS of bpcli/export/translation.py"
        )
    return TRANSLATIONS[kind]
