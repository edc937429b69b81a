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
from bpcli.show.naming import Names, call, spell
from bpcli.show.number import draw_matrix, draw_number, json_array
from bpcli.show.text import wrap

STEP = 1e-4  # of an input, to see what it really does to the result
NEAR = 1e-3  # relative difference of two slopes that are one, but for curvature and rounding
KINK = 0.1  # and of two between which there is a kink
INDENT = " " * 6
NO_DERIVATIVE = "no derivative, as a power of a number below 0 is real for whole exponents alone"
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
        "(g - mean of g - normal · mean of g · normal) / deviation, where g = dout · gamma",
        "dout · normal",
        "dout",
    ),
    Rows: ("0, as it only counts",),
}


@dataclass(frozen=True)
class Step:
    """One thing that happens: `direction` is `forward`, `backward` or `input`.

    `value` is what comes of it: a value, or the derivative that is passed on or reached.
    """

    direction: str
    words: str
    value: Value


def explain(graph: Graph) -> list[Step]:
    """Return the steps of a graph that has run, in the order in which they happen.

    Forward each node's value; backward what each passes on, with its local derivative times what
    came from the right, and sums; then what each input does to the result, which a small step of
    it confirms.
    """
    steps = [Step("forward", *told) for told in _forward(graph)]
    steps += [Step("backward", *told) for told in _backward(graph)]
    return steps + [Step("input", *told) for told in _inputs(graph)]


def draw_steps(steps: list[Step], width: int, line: int) -> str:
    """Return the steps as text, under a heading for each direction, in lines of `line` columns.

    The numbers of an array stand below what is said of it, in lines of `width`.
    """
    headings = {
        "forward": "Forward, from left to right:",
        "backward": "Backward, from right to left:",
        "input": "So:",
    }
    lines: list[str] = []
    for direction, heading in headings.items():
        told = [step for step in steps if step.direction == direction]
        lines += ["", heading] if told else []
        for step in told:
            lines += wrap(f"  {step.words}", line, INDENT)
            if step.value.ndim:
                lines += (INDENT + line for line in draw_matrix(step.value, width - len(INDENT)))
    return "\n".join(lines[1:])


def steps_fields(steps: list[Step]) -> dict[str, Any]:
    """Return the fields that `bpcli graph --explain --json` has beside those of the graph."""
    return {"steps": [asdict(step) | {"value": json_array(step.value)} for step in steps]}


def _factor(value: Value) -> str:
    """Return a number as it stands in a product: a negative one in parentheses."""
    return f"({spell(value)})" if not value.ndim and value < 0 else spell(value)


def _forward(graph: Graph) -> Iterator[tuple[str, Value]]:
    names = Names(graph)
    for node in graph.nodes:
        if not isinstance(node, Variable):
            figures = call(node, [_factor(x.value) for x in node.inputs])
            yield f"{names.head(node)} = {figures} = {spell(node.value)}", node.value


def _backward(graph: Graph) -> Iterator[tuple[str, Value]]:
    names, gains = Names(graph), dict[int, list[str]]()
    first = spell(graph.output.gradient)
    yield f"the result gets {first}, as it is its own derivative by itself", graph.output.gradient
    for node in reversed(graph.nodes):
        reached = gains.get(id(node), [])
        if len(reached) > 1:
            total = f"{' + '.join(reached)} = {spell(node.gradient)}"
            yield f"{names.of(node)} is used {len(reached)} times: {total}", node.gradient
        for i, (x, dx) in enumerate(zip(node.inputs, node.passed, strict=True)):
            place, to = names.place(node), names.of(x)
            if not (x.is_fixed or np.isfinite(dx).any()):
                yield f"{place} passes nothing to {to}: {NO_DERIVATIVE}", dx
            elif not x.is_fixed:
                gains.setdefault(id(x), []).append(spell(dx))
                said = f"{_product(node, i)}{_added(node, x)} = {spell(dx)}"
                yield f"{place} passes to {to}: {said}", dx


def _added(node: Node, x: Node) -> str:
    """Say where a derivative is a sum, as numpy has repeated an input to fit the other one."""
    return ", added up over what was repeated," if _is_repeated(node, x) else ""


def _is_repeated(node: Node, x: Node) -> bool:
    """Tell whether numpy has repeated an input to fit the other one."""
    by_element = Add | Subtract | Multiply | Divide | Power | Maximum
    return isinstance(node, by_element) and x.value.shape != node.value.shape


def _product(node: Node, i: int) -> str:
    """Return the local derivative by an input times what came from the right, in words."""
    local, dout = _local(node, i), spell(node.gradient)
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
        return f"{spell(node.value)}, {LOCAL[Exp][0]}"
    local = LOCAL[type(node)][i]
    if isinstance(node, Affine | BatchNorm) and node.passed[i].ndim < node.gradient.ndim:
        images = len(node.gradient)
        over = f"the {images} images, as each of them has used it" if images > 1 else "1 image"
        return f"the sum of {local} over {over}"
    return local


def _inputs(graph: Graph) -> Iterator[tuple[str, Value]]:
    for node in graph.nodes:
        if isinstance(node, Variable) and not isinstance(node, Constant):
            yield _tell_slope(graph, node), node.gradient


def _tell_slope(graph: Graph, node: Variable) -> str:
    """Say what a variable does to the result, and confirm it by small steps of a number."""
    name, slope = node.name or "an input", float(node.gradient.sum())
    if not np.isfinite(slope):
        return f"{name}: {NO_DERIVATIVE}"
    if node.value.ndim:
        return f"{name}: a derivative {spell(node.gradient)} for each of its numbers"
    direction = "higher" if slope >= 0 else "lower"
    times = draw_number(abs(slope))
    if slope == 0:
        said = f"a little more of {name} leaves the result as it is"
    elif np.isclose(_change(graph, node, 1.0), slope, rtol=NEAR, atol=0):
        said = f"1 more of {name} makes the result {times} {direction}"
    else:
        said = f"a little more of {name} makes the result {times} times that {direction}"
    return f"{said}: {_confirm(graph, node, slope)}"


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
