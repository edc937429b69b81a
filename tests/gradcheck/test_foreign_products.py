"""Every wrong product in an Affine is WRONG: transposes left out, added or swapped, in each style."""

import itertools

import pytest

LAYER = """
class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b
    def forward(self, x):
        self.x = x
        return {forward} + self.b
    def backward(self, dout):
        self.dW = {dW}
        self.db = np.sum(dout, axis=0)
        return {dx}
"""
STYLES = {
    "np.dot": "np.dot({}, {})", "@": "({} @ {})", "dot": "{}.dot({})", "*": "({} * {})",
    "matmul": "np.matmul({}, {})", "einsum": "np.einsum('ij,jk->ik', {}, {})",
}  # fmt: skip
FACTORS = {"dW": ("self.x", "dout"), "dx": ("dout", "self.W")}
RIGHT = {"dW": ("self.x.T", "dout"), "dx": ("dout", "self.W.T")}


def products(a, b):
    """Every product of two factors: in both orders, each as it is and transposed."""
    for one, other in ((a, b), (b, a)):
        for left, right in itertools.product((one, f"{one}.T"), (other, f"{other}.T")):
            yield left, right
            yield f"({left}", f"{right}).T"  # of the whole


def spelled(style, pair):
    left, right = pair
    text = STYLES[style]
    if left.startswith("("):
        return f"({text.format(left[1:], right.removesuffix(').T'))}).T"
    return text.format(left, right)


RIGHTS = {
    "dW": [("self.x.T", "dout"), ("(dout.T", "self.x).T")],
    "dx": [("dout", "self.W.T"), ("(self.W", "dout.T).T")],
}
CASES = [
    (style, which, pair)
    for style, which in itertools.product(STYLES, FACTORS)
    for pair in products(*FACTORS[which])
]


def verdict(check_here, style, which, pair):
    forward = STYLES["@" if style == "*" else style].format("x", "self.W")
    made = {name: spelled("@", right) for name, right in RIGHT.items()} | {
        which: spelled(style, pair)
    }
    (unit,) = check_here(LAYER.format(forward=forward, **made), ["Affine"])
    return unit


SPELLED_AS_OTHERS = (
    "dot",
    "matmul",
    "@",
    "einsum",
)  # which are the same to whoever compares numbers


@pytest.mark.parametrize(
    "style",
    [pytest.param(s, marks=[pytest.mark.long] * (s in SPELLED_AS_OTHERS)) for s in STYLES],
)
@pytest.mark.parametrize("which", FACTORS)
def test_only_the_right_product_passes(style, which, check_here):
    for pair in products(*FACTORS[which]):
        unit = verdict(check_here, style, which, pair)
        right = pair in RIGHTS[which] and style != "*"
        assert unit.passed == right, (pair, unit)
        assert unit.wrong != right, (pair, unit)
