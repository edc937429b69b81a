"""a Graph, or the layers of a network, in -> their JSON out."""

from collections.abc import Sequence
from typing import Any

from bpcli.backprop.graph import Graph
from bpcli.backprop.network import LayerSpec
from bpcli.backprop.node import Constant, Variable
from bpcli.show.characters import ASCII
from bpcli.show.number import json_array


def graph_fields(graph: Graph) -> dict[str, Any]:
    """Return the JSON fields of a graph: its `nodes`, and the id of its `output`.

    A node has `op`, or `name` if it is a variable, or neither if it is a number; a number has no
    gradient, as nobody can change it.
    """
    ids = {id(node): i for i, node in enumerate(graph.nodes)}
    nodes = []
    for node in graph.nodes:
        fields: dict[str, Any] = {"id": ids[id(node)]}
        if isinstance(node, Variable):
            fields |= {} if isinstance(node, Constant) else {"name": node.name}
        else:
            fields["op"] = node.symbol.translate(ASCII)
        gradient = None if isinstance(node, Constant) else json_array(node.gradient)
        inputs = [ids[id(x)] for x in node.inputs]
        nodes.append(
            fields | {"inputs": inputs, "value": node.value.tolist(), "gradient": gradient}
        )
    return {"nodes": nodes, "output": ids[id(graph.output)]}


def network_fields(specs: Sequence[LayerSpec]) -> dict[str, Any]:
    """Return the JSON fields of a network: its `layers`, and the number of its `parameters`.

    A layer has its `name`, the shapes of its `input` and `output` for one image, as lists, and the
    number of its `parameters`.
    """
    layers = [
        {
            "name": spec.name,
            "input": list(spec.input),
            "output": list(spec.output),
            "parameters": spec.parameters,
        }
        for spec in specs
    ]
    return {"layers": layers, "parameters": sum(spec.parameters for spec in specs)}
