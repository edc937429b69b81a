"""a model in -> the bytes of an ONNX file, from grey levels to probabilities, out."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bpcli import __version__
from bpcli.arrays import Size
from bpcli.backprop.layers import Affine, Layer, ReLU, Sigmoid, SquaredError, Tanh
from bpcli.data.warp import AFTER, BEFORE, grid
from bpcli.errors import ExtraError
from bpcli.export.words import describe
from bpcli.training.checkpoint import Checkpoint

if TYPE_CHECKING:
    from onnx import ModelProto

ACTIVATIONS = {ReLU: "Relu", Sigmoid: "Sigmoid", Tanh: "Tanh"}
IR_VERSION, OPSET = 8, 17  # which every onnxruntime of the last years loads


class Graph:
    """Nodes in order, each known by what comes out of it, and the constants that they need."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, npt.NDArray[Any]] = {}

    def add(self, operator: str, *inputs: str | npt.NDArray[Any], name: str = "", **of: Any) -> str:
        """Add a node and return the name of its output; an array among its inputs is a constant."""
        from onnx import helper

        output = name or f"{operator.lower()}{len(self.nodes)}"
        names = []
        for i, x in enumerate(inputs):
            if not isinstance(x, str):
                constant = f"{output}_{i}"
                self.constants[constant] = x
                x = constant
            names.append(x)
        self.nodes.append(helper.make_node(operator, names, [output], name=output, **of))
        return output


def to_onnx(saved: Checkpoint) -> bytes:
    """Return a model whose input is `images`, uint8 (N, height, width), and N is free.

    Its outputs are `logits` and `probabilities`, float32 (N, classes). Scaling, and deskewing where
    the model has it, are nodes of it. Raises ExtraError without onnx.
    """
    try:
        import onnx
    except ImportError:
        raise ExtraError("an .onnx", "onnx", "export") from None
    graph = Graph()
    grey = graph.add("Cast", "images", to=onnx.TensorProto.FLOAT)
    if saved.config.dataset.deskew:
        grey = _deskew(graph, grey, saved.size)
    flat = graph.add("Reshape", grey, np.array([-1, saved.pixels]))
    x = graph.add("Mul", flat, np.array(1 / saved.white, np.float32))
    network = saved.network()
    layers = [layer for layer in network.layers if not layer.training_only]
    names = iter(saved.arrays)
    for i, layer in enumerate(layers, 1):
        x = _layer(graph, layer, x, names, "logits" if i == len(layers) else "")
    if isinstance(network.loss_layer, SquaredError):
        chances = graph.add("Sigmoid", x)
        total = graph.add("ReduceSum", chances, np.array([1]), keepdims=1)
        graph.add("Div", chances, total, name="probabilities")
    else:
        graph.add("Softmax", x, name="probabilities", axis=1)
    content: bytes = _model(saved, graph).SerializeToString()
    return content


def _layer(graph: Graph, layer: Layer, x: str, names: Any, output: str) -> str:
    """Add a layer; those of an Affine layer are named as in the model's file, W1, b1, ..."""
    if isinstance(layer, Affine):
        W, b = next(names), next(names)
        graph.constants |= {W: layer.params["W"], b: layer.params["b"]}
        return graph.add("Add", graph.add("MatMul", x, W), b, name=output)
    return graph.add(ACTIVATIONS[type(layer)], x)


def _deskew(graph: Graph, grey: str, size: Size) -> str:
    """Add what `bpcli.data.warp.deskew_images` does: rows move sideways until it stands upright."""
    import onnx

    height, width = size
    double, integer = onnx.TensorProto.DOUBLE, onnx.TensorProto.INT64
    rows, columns = grid(size)
    powers = np.stack([np.ones_like(rows), rows, columns, rows * rows, rows * columns], axis=1)
    flat = graph.add("Reshape", grey, np.array([-1, height * width]))
    sums = graph.add("MatMul", graph.add("Cast", flat, to=double), powers.astype(np.float64))
    total, r, c, rr, rc = (
        graph.add("Slice", sums, np.array([i]), np.array([i + 1]), np.array([1])) for i in range(5)
    )
    one, zero = np.array(1.0), np.array(0.0)
    total = graph.add("Where", graph.add("Equal", total, zero), one, total)  # a black image
    r, c, rr, rc = (graph.add("Div", moment, total) for moment in (r, c, rr, rc))
    variance = graph.add("Sub", rr, graph.add("Mul", r, r))
    covariance = graph.add("Sub", rc, graph.add("Mul", r, c))
    spreads = graph.add("Greater", variance, zero)
    slope = graph.add("Div", covariance, graph.add("Where", spreads, variance, one))
    slope = graph.add("Where", spreads, slope, zero)
    away = graph.add("Sub", rows.astype(np.float64)[np.newaxis], r)
    shift = graph.add("Cast", graph.add("Mul", slope, away), to=onnx.TensorProto.FLOAT)
    x = graph.add("Add", shift, (columns + BEFORE)[np.newaxis])
    x = graph.add("Clip", x, np.array(0, np.float32), np.array(width + BEFORE, np.float32))
    x = graph.add("Reshape", x, np.array([-1, height, width]))
    left = graph.add("Floor", x)
    share = graph.add("Sub", x, left)
    first = graph.add("Cast", left, to=integer)
    padded = graph.add("Pad", grey, np.array([0, 0, BEFORE, 0, 0, AFTER]))
    start = graph.add("GatherElements", padded, first, axis=2)
    end = graph.add("GatherElements", padded, graph.add("Add", first, np.array(1)), axis=2)
    between = graph.add("Add", graph.add("Mul", graph.add("Sub", end, start), share), start)
    return graph.add("Floor", graph.add("Add", between, np.array(0.5, np.float32)))


def _model(saved: Checkpoint, graph: Graph) -> "ModelProto":
    from onnx import TensorProto, helper, numpy_helper

    height, width = saved.size
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", saved.classes])
        for name in ("logits", "probabilities")
    ]
    made = helper.make_graph(
        graph.nodes,
        "bpcli",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", height, width])],
        outputs,
        [numpy_helper.from_array(array, name) for name, array in graph.constants.items()],
    )
    model = helper.make_model(
        made,
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="bpcli",
        producer_version=__version__,
    )
    helper.set_model_props(model, describe(saved))
    return model
