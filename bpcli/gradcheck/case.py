"""what is known of a wrong gradient in -> a Case, of which mistakes can be predicted, out."""

from dataclasses import dataclass, field

from bpcli.arrays import Array, Shape


@dataclass(frozen=True)
class Case:
    """A gradient that is wrong, the one that is right, and how many images they are of."""

    found: Array
    expected: Array
    images: int = 1


@dataclass(frozen=True)
class DerivedCase(Case):
    """A wrong gradient of which the derivatives of all outputs are known, too.

    `jacobian` (elements, outputs) has the derivative of each output, raveled, by each element of
    the array, which is `value`; `dout` (outputs,) came from the right. `inputs` and `output` are
    the layer's, `other` is the gradient for another dout, `others` are the right gradients by the
    other arrays, and `kept` arrays that forward has kept.
    """

    value: Array = field(kw_only=True)
    jacobian: Array = field(kw_only=True)
    dout: Array = field(kw_only=True)
    inputs: Array = field(kw_only=True)
    output: Array = field(kw_only=True)
    other: Array | None = field(kw_only=True)
    is_input: bool = field(kw_only=True)
    indices: bool = False
    others: dict[str, Array] = field(default_factory=dict)
    kept: tuple[Array, ...] = ()


def spell_shapes(found: Shape, expected: Shape) -> str:
    """Say what shape a gradient has, and which it should have."""
    return f"found an array {found}, expected {expected}"
