"""a Graph in -> its JSON out."""

from typing import Any

from bpcli.backprop.graph import Graph
from bpcli.backprop.node import Constant, Variable
from bpcli.show.characters import ASCII


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
        gradient = None if isinstance(node, Constant) else node.gradient.tolist()
        inputs = [ids[id(x)] for x in node.inputs]
        nodes.append(
            fields | {"inputs": inputs, "value": node.value.tolist(), "gradient": gradient}
        )
    return {"nodes": nodes, "output": ids[id(graph.output)]}
