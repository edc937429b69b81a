"""operators of ONNX in -> the nodes of a graph, in order, and the constants that they need, out."""

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt


@dataclass(frozen=True)
class OnnxNode:
    """An operator, the names of what it takes, that of what it returns, and its attributes."""

    operator: str
    inputs: list[str]
    output: str
    attributes: dict[str, Any]


class OnnxGraph:
    """Nodes in order, each known by what comes out of it, and the constants that they need."""

    def __init__(self) -> None:
        self.nodes: list[OnnxNode] = []
        self.constants: dict[str, npt.NDArray[Any]] = {}

    def add(self, operator: str, *inputs: str | npt.NDArray[Any], name: str = "", **of: Any) -> str:
        """Add a node and return the name of its output; an array among its inputs is a constant."""
        output = name or f"{operator.lower()}{len(self.nodes)}"
        names = []
        for i, x in enumerate(inputs):
            if not isinstance(x, str):
                constant = f"{output}_{i}"
                self.constants[constant] = x
                x = constant
            names.append(x)
        self.nodes.append(OnnxNode(operator, names, output, of))
        return output
