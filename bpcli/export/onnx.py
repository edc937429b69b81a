"""a model in -> the bytes of an ONNX file, from grey levels to probabilities, out."""

from typing import TYPE_CHECKING

import numpy as np

from bpcli import __version__
from bpcli.arrays import Size
from bpcli.data.warp import AFTER, BEFORE, grid
from bpcli.errors import ExtraError
from bpcli.export.onnx_graph import OnnxGraph
from bpcli.export.translation import translate
from bpcli.export.words import describe
from bpcli.training.checkpoint import Checkpoint

if TYPE_CHECKING:
    from onnx import ModelProto

IR_VERSION, OPSET = 8, 17  # which every onnxruntime of the last years loads


def to_onnx(saved: Checkpoint) -> bytes:
    """Return a model whose input is `images`, uint8 (N, height, width), and N is free.

    Its outputs are `logits` and `probabilities`, float32 (N, classes). Scaling, and deskewing where
    the model has it, are nodes of it. Raises ExtraError without onnx, and what `translate` raises.
    """
    try:
        import onnx
    except ImportError as error:
        raise ExtraError("an .onnx", "onnx", "export", error) from error
    graph, network = OnnxGraph(), saved.network().folded()
    grey = graph.add("Cast", "images", to=onnx.TensorProto.FLOAT)
    if saved.config.dataset.deskew:
        grey = _deskew(graph, grey, saved.size)
    flat = graph.add("Reshape", grey, np.array([-1, saved.pixels]))
    x = graph.add("Mul", flat, np.array(1 / saved.white, np.float32))
    for layer, spec in zip(network.layers, network.specs, strict=False):
        graph.constants |= {name: network.arrays[name] for name in spec.shapes}
        x = translate(layer).onnx(graph, x, *spec.shapes)
    graph.add("Identity", x, name="logits")
    graph.add("Identity", translate(network.loss_layer).onnx(graph, x), name="probabilities")
    content: bytes = _model(saved, graph).SerializeToString()
    return content


def _deskew(graph: OnnxGraph, grey: str, size: Size) -> str:
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


def _model(saved: Checkpoint, graph: OnnxGraph) -> "ModelProto":
    from onnx import TensorProto, helper, numpy_helper

    height, width = saved.size
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", saved.classes])
        for name in ("logits", "probabilities")
    ]
    nodes = [
        helper.make_node(n.operator, n.inputs, [n.output], name=n.output, **n.attributes)
        for n in graph.nodes
    ]
    made = helper.make_graph(
        nodes,
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
