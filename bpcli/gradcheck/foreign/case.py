"""what is known of a wrong gradient in -> a Case, of which mistakes can be predicted, out."""

from dataclasses import dataclass, field

from bpcli.arrays import Array, Shape


@dataclass(frozen=True)
class Case:
    """A gradient that is wrong, and what is known about it.

    `jacobian` (elements, outputs) has the derivative of each output, raveled, by each element of
    the array, which is `value`; `dout` (outputs,) came from the right. `inputs` and `output` are
    the layer's, `images` how many there are, `other` the gradient for another dout, and `others`
    the right gradients by the other arrays.
    """

    found: Array
    value: Array
    jacobian: Array
    dout: Array
    inputs: Array
    output: Array
    images: int
    other: Array | None
    is_input: bool
    indices: bool = False
    others: dict[str, Array] = field(default_factory=dict)
    kept: tuple[Array, ...] = ()  # arrays that forward has kept

    @property
    def expected(self) -> Array:
        """The gradient as it should be."""
        right: Array = (self.jacobian @ self.dout).reshape(self.value.shape)
        return right


def spell(shape: Shape) -> str:
    """Return a shape as a message has it."""
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
