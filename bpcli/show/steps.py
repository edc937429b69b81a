"""a Graph that has run in -> what happened in it, step by step as a teacher tells it, out."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bpcli.backprop.expansion import Rows
from bpcli.backprop.functions import (
    Affine,
    BatchNorm,
    CrossEntropy,
    Exp,
    Log,
    Maximum,
    Mean,
    ReLU,
    Sigmoid,
    Softmax,
    SoftmaxWithLoss,
    Sum,
    Tanh,
    Transpose,
)
from bpcli.backprop.graph import Graph
from bpcli.backprop.node import (
    Add,
    Constant,
    Divide,
    MatMul,
    Multiply,
    Negate,
    Node,
    Power,
    Subtract,
    Value,
    Variable,
)
from bpcli.show.number import draw_number

INFIX = {"+": "+", "-": "-", "×": "·", "÷": "÷", "**": "**", "dot": "@"}
STEP = 1e-4  # of an input, to see what it really does to the result
NEAR = 1e-3  # relative difference of two slopes that are one, but for curvature and rounding
KINK = 0.1  # and of two between which there is a kink
# The derivative of each function by each of its inputs, in words; `out` is its own output, and
# where `dout`, what came from the right, is not only multiplied it stands in the words.
LOCAL: dict[type[Node], tuple[str, ...]] = {
    Exp: ("exp of the input, its own output",),
    Log: ("1 / the input",),
    Sigmoid: ("out (1 - out)",),
    Tanh: ("1 - out^2",),
    Sum: ("1, as each summand counts once",),
    Mean: ("1 / how many they are",),
    Transpose: ("dout transposed back",),
    MatMul: ("dout · the other input transposed", "the other input transposed · dout"),
    Softmax: ("out · (dout - sum of dout · out)",),
    CrossEntropy: ("-t / (y N)", "-log y / N"),
    SoftmaxWithLoss: ("(softmax - t) / N", "-log softmax / N"),
    Affine: ("dout · W^T", "x^T · dout", "dout"),
    BatchNorm: (
        "gamma / deviation · (dout - mean of dout - normal · mean of dout · normal)",
        "dout · normal",
        "dout",
    ),
    Rows: ("0, as it only counts",),
}


@dataclass(frozen=True)
class Step:
    """One thing that happens: `direction` is `forward`, `backward` or `input`."""

    direction: str
    words: str


def explain(graph: Graph) -> list[Step]:
    """Return the steps of a graph that has run, in the order in which they happen.

    Forward each node's value; backward what each passes on, with its local derivative times what
    came from the right, and sums; then what each input does to the result, which a small step of
    it confirms.
    """
    names = _names(graph)
    steps = [Step("forward", words) for words in _forward(graph, names)]
    steps += [Step("backward", words) for words in _backward(graph, names)]
    return steps + [Step("input", words) for words in _inputs(graph)]


def draw_steps(steps: list[Step]) -> str:
    """Return the steps as text, under a heading for each direction."""
    headings = {
        "forward": "Forward, from left to right:",
        "backward": "Backward, from right to left:",
        "input": "So:",
    }
    lines: list[str] = []
    for direction, heading in headings.items():
        words = [step.words for step in steps if step.direction == direction]
        lines += ["", heading, *(f"  {line}" for line in words)] if words else []
    return "\n".join(lines[1:])


def steps_fields(steps: list[Step]) -> dict[str, Any]:
    """Return the fields that `bpcli graph --explain --json` has beside those of the graph."""
    return {"steps": [asdict(step) for step in steps]}


def _names(graph: Graph) -> dict[int, str]:
    """Return what each node is called: a variable by its name, an operator by its number."""
    names, number = {}, 0
    for node in graph.nodes:
        if isinstance(node, Variable):
            names[id(node)] = node.name or _spell(node.value)
        else:
            number += 1
            names[id(node)] = f"[{number}]"
    return names


def _spell(value: Value) -> str:
    return f"{value.shape}" if value.ndim else draw_number(float(value))


def _factor(value: Value) -> str:
    """Return a number as it stands in a product: a negative one in parentheses."""
    return f"({_spell(value)})" if not value.ndim and value < 0 else _spell(value)


def _call(node: Node, inputs: list[str]) -> str:
    """Return an operation on inputs in the person's notation."""
    if node.symbol in INFIX and len(inputs) == 2:  # left and right
        return f" {INFIX[node.symbol]} ".join(inputs)
    if isinstance(node, Negate):
        return f"-{inputs[0]}"
    return f"{node.symbol}({', '.join(inputs)})"


def _forward(graph: Graph, names: dict[int, str]) -> Iterator[str]:
    for node in graph.nodes:
        if not isinstance(node, Variable):
            called = _call(node, [names[id(x)] for x in node.inputs])
            numbers = _call(node, [_factor(x.value) for x in node.inputs])
            yield f"{names[id(node)]} {node.symbol} : {called} = {numbers} = {_spell(node.value)}"


def _backward(graph: Graph, names: dict[int, str]) -> Iterator[str]:
    gains: dict[int, list[str]] = {}
    yield f"the result gets {_spell(graph.output.gradient)}, as it is its own derivative by itself"
    for node in reversed(graph.nodes):
        reached = gains.get(id(node), [])
        if len(reached) > 1:
            total = _spell(node.gradient)
            yield f"{names[id(node)]} is used {len(reached)} times: {' + '.join(reached)} = {total}"
        for i, (x, dx) in enumerate(zip(node.inputs, node.passed, strict=True)):
            if not isinstance(x, Constant):
                gains.setdefault(id(x), []).append(_spell(dx))
                where = f"{names[id(node)]} {node.symbol} passes to {names[id(x)]}"
                added = ", added up over what was repeated," if _is_repeated(node, x) else ""
                yield f"{where}: {_product(node, i)}{added} = {_spell(dx)}"


def _is_repeated(node: Node, x: Node) -> bool:
    """Tell whether numpy has repeated an input to fit the other one."""
    by_element = Add | Subtract | Multiply | Divide | Power | Maximum
    return isinstance(node, by_element) and x.value.shape != node.value.shape


def _product(node: Node, i: int) -> str:
    """Return the local derivative by an input times what came from the right, in words."""
    local, dout = _local(node, i), _spell(node.gradient)
    if "dout" in local:
        return f"{local}, with dout = {dout} from the right,"
    return f"{dout} from the right · {local}"


def _local(node: Node, i: int) -> str:
    """Say what the derivative of a node by its input number i is, and why."""
    x = node.inputs[0].value
    if isinstance(node, Add | Subtract | Negate):
        negative = isinstance(node, Negate) or (isinstance(node, Subtract) and i)
        return "-1, as it is subtracted" if negative else "1, as a sum passes it on unchanged"
    other = _factor(node.inputs[1 - i].value) if len(node.inputs) > 1 else ""
    if isinstance(node, Multiply):
        return f"{other}, the other input"
    if isinstance(node, Divide):
        return f"1 / {other}" if i == 0 else f"-{other} / {_factor(node.y)}^2"
    if isinstance(node, Power):
        y = _factor(node.y)
        return f"{y} · {_factor(x)}^({y} - 1)" if i == 0 else f"{_factor(node.value)} · log {other}"
    if isinstance(node, Maximum):
        tie = ", which gets it at a tie" if (node.x == node.y).any() else ""
        return "1 where it is the larger, 0 elsewhere" + tie * i
    if isinstance(node, ReLU):
        kink = "; at 0 it has a kink, and 0 is taken" if (x == 0).any() else ""
        return f"1 where the input is above 0, 0 elsewhere{kink}"
    if isinstance(node, Exp) and not node.value.ndim:
        return f"{_spell(node.value)}, {LOCAL[Exp][0]}"
    return LOCAL[type(node)][i]


def _inputs(graph: Graph) -> Iterator[str]:
    for node in graph.nodes:
        if isinstance(node, Variable) and not isinstance(node, Constant):
            name, slope = node.name or "an input", float(node.gradient.sum())
            if node.value.ndim:
                yield f"{name}: a derivative {_spell(node.gradient)} for each of its numbers"
                continue
            direction = "higher" if slope >= 0 else "lower"
            times = draw_number(abs(slope))
            if slope == 0:
                said = f"a little more of {name} leaves the result as it is"
            elif np.isclose(_change(graph, node, 1.0), slope, rtol=NEAR, atol=0):
                said = f"1 more of {name} makes the result {times} {direction}"
            else:
                said = f"a little more of {name} makes the result {times} times that {direction}"
            yield f"{said}: {_confirm(graph, node, slope)}"


def _change(graph: Graph, node: Variable, step: float) -> float:
    """Return by how much a step of an input changes the result."""
    with np.errstate(all="ignore"):
        return float(graph.output_after(node, step)) - float(graph.output.value)


def _confirm(graph: Graph, node: Variable, slope: float) -> str:
    """Say what small steps of an input, up and down, do to the result.

    Where up and down differ it is a kink if they still do as much in a step of a tenth; a curve
    would be ten times as straight there.
    """
    size = STEP * (abs(float(node.value)) or 1.0)
    up, down = _change(graph, node, size), _change(graph, node, -size)
    bend, steepest = abs(up + down), max(abs(up), abs(down))
    smaller = abs(_change(graph, node, size / 10) + _change(graph, node, -size / 10))
    unseen = 4 * np.finfo(float).eps * abs(float(graph.output.value)) / NEAR
    if slope and max(abs(slope) * size, steepest) <= unseen:
        return f"too little, beside {draw_number(float(graph.output.value))}, for a step to show it"
    if steepest > unseen and bend > KINK * steepest and smaller > bend / 30:
        return (
            f"but here is a kink: a step of {size:g} up changes it by {draw_number(up)}, and one "
            f"down by {draw_number(down)}"
        )
    return f"a step of {size:g} changes it by {draw_number(up)}"
