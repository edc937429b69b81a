"""Random expressions of the language of `bpcli graph`, and values for their names."""

import math

from hypothesis import strategies as st

# Each function, and what Python computes for it.
FUNCTIONS = {
    "exp": math.exp,
    "log": math.log,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "tanh": math.tanh,
    "relu": lambda x: max(x, 0.0),
    "max": max,
}


@st.composite
def expressions(draw, depth=4):
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return draw(st.sampled_from(["a", "b", "c", "2", "0.5", "1e-1"]))
    kind = draw(st.sampled_from(["+", "-", "*", "/", "**", "negate", "call", "max"]))
    left = draw(expressions(depth - 1))
    if kind == "negate":
        return f"-({left})"
    if kind == "call":
        return f"{draw(st.sampled_from(sorted(FUNCTIONS.keys() - {'max'})))}({left})"
    right = draw(expressions(depth - 1))
    return f"max({left}, {right})" if kind == "max" else f"({left}) {kind} ({right})"


VALUES = st.fixed_dictionaries({name: st.floats(0.25, 3) for name in "abc"})
