"""a Graph that has run in -> what happened in it, step by step as a teacher tells it, out."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bpcli.backprop.functions import Exp, Maximum, ReLU
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
)  # fmt: skip
from bpcli.show.number import draw_number

INFIX = {"+": "+", "-": "-", "×": "·", "÷": "÷", "**": "**", "dot": "@"}
STEP = 1e-4  # of an input, to see what it really does to the result
NEAR = 1e-3  # relative difference of what a step does from what the derivative says
# The derivative of each function by its input, in words; `out` is its own output.
LOCAL = {
    "exp": "exp of the input, its own output",
    "log": "1 / the input",
    "sigmoid": "out (1 - out)",
    "tanh": "1 - out^2",
    "sum": "each summand counts once",
    "mean": "1 / how many they are",
    "T": "transposed back",
    "softmax": "out (dout - sum of dout · out)",
    "cross_entropy": "-t / (y N)",
    "softmax_with_loss": "(softmax - t) / N",
    "affine": "dout W^T, x^T dout and the sum of dout over the rows",
    "rows": "0, as it only counts",
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


def _call(node: Node, inputs: list[str]) -> str:
    """Return an operation on inputs in the person's notation."""
    if node.symbol in INFIX and len(inputs) == 2:  # noqa: PLR2004 - left and right
        return f" {INFIX[node.symbol]} ".join(inputs)
    if isinstance(node, Negate):
        return f"-{inputs[0]}"
    return f"{node.symbol}({', '.join(inputs)})"


def _forward(graph: Graph, names: dict[int, str]) -> Iterator[str]:
    for node in graph.nodes:
        if not isinstance(node, Variable):
            called = _call(node, [names[id(x)] for x in node.inputs])
            numbers = _call(node, [_spell(x.value) for x in node.inputs])
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
                local = _local(node, i)
                right = f"{_spell(node.gradient)} from the right"
                where = f"{names[id(node)]} {node.symbol} passes to {names[id(x)]}"
                yield f"{where}: {right} · {local} = {_spell(dx)}"
                if dx.shape != x.value.shape:
                    total = _spell(x.value)
                    yield f"  what {names[id(x)]} gets is added up to {total}: it was repeated"


def _local(node: Node, i: int) -> str:
    """Say what the derivative of a node by its input number i is, and why."""
    x = node.inputs[0].value
    if isinstance(node, MatMul):
        return ("the other input transposed, W^T", "on the left x^T, the other input")[i]
    if isinstance(node, Add | Subtract | Negate):
        negative = isinstance(node, Negate) or (isinstance(node, Subtract) and i)
        return "-1, as it is subtracted" if negative else "1, as a sum passes it on unchanged"
    other = _spell(node.inputs[1 - i].value) if len(node.inputs) > 1 else ""
    if isinstance(node, Multiply):
        return f"{other}, the other input"
    if isinstance(node, Divide):
        return f"1 / {other}" if i == 0 else f"-{other} / {_spell(node.inputs[1].value)}^2"
    if isinstance(node, Power):
        y = _spell(node.inputs[1].value)
        return f"{y} · {_spell(x)}^({y} - 1)" if i == 0 else f"{_spell(node.value)} · log {other}"
    if isinstance(node, Maximum):
        tie = ", which gets it at a tie" if (node.x == node.y).any() else ""
        return "1 where it is the larger, 0 elsewhere" + tie * i
    if isinstance(node, ReLU):
        kink = "; at 0 it has a kink, and 0 is taken" if (x == 0).any() else ""
        return f"1 where the input is above 0, 0 elsewhere{kink}"
    if isinstance(node, Exp) and not node.value.ndim:
        return f"{_spell(node.value)}, {LOCAL['exp']}"
    return LOCAL[node.symbol]


def _inputs(graph: Graph) -> Iterator[str]:
    for node in graph.nodes:
        if isinstance(node, Variable) and not isinstance(node, Constant):
            if node.value.ndim:
                yield f"{node.name}: a derivative {_spell(node.gradient)} for each of its numbers"
                continue
            name, slope = node.name or "an input", float(node.gradient)
            change = f"{draw_number(abs(slope))} {'higher' if slope >= 0 else 'lower'}"
            yield f"1 more of {name} makes the result {change}: {_step(graph, node, slope)}"


def _step(graph: Graph, node: Variable, slope: float) -> str:
    """Take a small step of an input, and say what it does to the result."""
    before, size = float(graph.output.value), STEP * max(1.0, abs(float(node.value)))
    after = float(graph.output_after(node, size))
    found = (after - before) / size
    if not np.isclose(found, slope, rtol=NEAR, atol=NEAR * max(1.0, abs(before))):
        return f"but beyond a kink, where a step of {size:g} makes it {draw_number(found)} for 1"
    return f"a step of {size:g} changes it by {draw_number(after - before)}"
