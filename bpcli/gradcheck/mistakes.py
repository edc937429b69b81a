"""a wrong gradient and the right one in -> what kind of mistake it is, out.

Each kind is a hypothesis, which is told only if the numbers that it predicts are those found. Some
need the derivatives of all outputs, and are passed over where these are not known.
"""

from collections.abc import Callable, Iterator

import numpy as np

from bpcli.arrays import Array
from bpcli.gradcheck.case import Case, DerivedCase
from bpcli.gradcheck.chain import next_step, no_transpose
from bpcli.gradcheck.closeness import CLOSE, close, find_factor
from bpcli.gradcheck.misshapen import (
    another_shape,
    not_turned,
    sum_is_missing,
    sum_of_everything,
)
from bpcli.gradcheck.windows import PICTURES, overwrites, pooled

MATRIX = 2  # axes

Mistake = Callable[[Case], str]


def explain(case: Case) -> str:
    """Say what kind of mistake a gradient shows, if it is one that is known.

    >>> explain(Case(np.array([2.0, -4.0]), np.array([1.0, -2.0]), images=3))
    'every element is 2 times what it should be'
    >>> explain(Case(np.array([3.0, -6.0]), np.array([1.0, -2.0]), images=3))
    'every element is 3 times what it should be: is the division by the 3 images missing?'
    >>> explain(Case(np.ones((4, 3)), np.ones((3, 4))))
    'found an array (4, 3), expected (3, 4): it is right, but transposed'
    """
    every = OF_SHAPE if case.found.shape != case.expected.shape else MISTAKES
    return next(filter(None, (mistake(case) for mistake in every)), "")


def explain_fused(found: Array, expected: Array, p: Array, t: Array | None) -> str:
    """Say with what a gradient by probabilities p is right that is c (p - t), or nothing.

    It is so of a cross-entropy, whose own gradient, `expected`, is -c t / p after softmax, and
    c (p - t) / (p (1 - p)) after sigmoid, with the same c.
    """
    if t is None or found.shape != p.shape:
        return ""
    hot = t
    if t.ndim == 1 and p.ndim == MATRIX and t.max() < p.shape[1]:
        hot = np.eye(p.shape[1])[t.astype(int)]
    if hot.shape != p.shape:
        return ""
    factor = find_factor(found, p - hot)
    for own, name in ((-hot / p, "softmax"), ((p - hot) / (p * (1 - p)), "sigmoid")):
        of_loss = find_factor(expected, own)
        if factor and of_loss and np.isclose(factor, of_loss, 1e-3):
            return name
    return ""


def _another_array(case: DerivedCase) -> str:
    for name, right in case.others.items():
        if case.found.shape == right.shape and right.size > 1 and close(case.found, right):
            return f"it is the gradient by {name}: are gradients swapped, or in another order?"
    return ""


def _not_finite(case: Case) -> str:
    wrong = np.count_nonzero(~np.isfinite(case.found))
    return f"{wrong:,} elements are not finite numbers" if wrong else ""


def _never_set(case: Case) -> str:
    return "" if case.found.any() else "zero everywhere: is it never set?"


def _ignores_dout(case: DerivedCase) -> str:
    if case.dout.size == 1 or case.other is None or not close(case.other, case.found):
        return ""
    plain = (case.jacobian @ np.ones_like(case.dout)).reshape(case.value.shape)
    if close(case.found, plain):
        return "dout is ignored: multiply by it"
    return "the same whatever dout is: is it used at all?"


def _one_image(case: DerivedCase) -> str:
    """Find a sum over the images that has only one of them."""
    if case.images < 2 or not case.output.ndim or case.is_input:
        return ""
    if case.output.size != case.dout.size:  # there are more outputs
        return ""
    axes = [a for a, size in enumerate(case.output.shape) if size == case.images]
    for axis in axes[:1]:
        for image in range(case.images):
            mask = np.zeros(case.output.shape)
            np.moveaxis(mask, axis, 0)[image] = 1
            one = (case.jacobian @ (case.dout * mask.ravel())).reshape(case.value.shape)
            if close(case.found, one):
                return f"that of image {image} alone: is it set where images should add up?"
    return ""


def _one_step(case: DerivedCase) -> str:
    """Find a sum over the steps of a sequence that has only one of them."""
    if case.output.ndim != 3 or case.is_input or case.output.size != case.dout.size:
        return ""
    for axis in (0, 1):
        for step in (0, case.output.shape[axis] - 1):
            mask = np.zeros(case.output.shape)
            np.moveaxis(mask, axis, 0)[step] = 1
            one = (case.jacobian @ (case.dout * mask.ravel())).reshape(case.value.shape)
            if close(case.found, one):
                return f"that of step {step} alone: is it set where steps should add up?"
    return ""


def _diagonal(case: DerivedCase) -> str:
    """Find the derivative of each output by its own input alone, where it has others."""
    if case.value.shape != case.output.shape or case.value.size != case.dout.size:
        return ""
    alone = (np.diag(case.jacobian) * case.dout).reshape(case.value.shape)
    if close(case.found, alone) and not close(alone, case.expected):
        return (
            "the derivative of each output by its own input alone, as y (1 - y): of softmax every "
            "output depends on every input, dx = y (dout - sum of dout y)"
        )
    return ""


def _activation(case: DerivedCase) -> str:
    """Find a derivative that is taken at the wrong side of the activation."""
    if case.value.shape != case.output.shape or case.value.size != case.dout.size:
        return ""
    slope, right = (g.ravel() / case.dout for g in (case.found, case.expected))
    sides = ((case.inputs, case.output, "x"), (case.output, case.inputs, "y"))
    for at, other, name in sides:
        if at.shape == other.shape == case.value.shape:
            for formula, words in _formulas():
                if close(slope, formula(at).ravel()) and close(right, formula(other).ravel()):
                    side = "before" if name == "x" else "after"
                    return f"{words} at {name}, the value {side} the activation: take the other"
    return ""


def _formulas() -> Iterator[tuple[Callable[[Array], Array], str]]:
    def sigmoid(x: Array) -> Array:
        return np.asarray(1 / (1 + np.exp(-x)))

    yield (lambda v: v * (1 - v)), "y (1 - y)"
    yield (lambda v: 1 - v * v), "1 - y^2"
    yield (lambda v: sigmoid(v) * (1 - sigmoid(v))), "the derivative of sigmoid"
    yield (lambda v: 1 - np.tanh(v) ** 2), "the derivative of tanh"


def _decay(case: DerivedCase) -> str:
    """Find a difference that is a multiple of the array itself."""
    if case.value.size < 2 or case.is_input:  # of one number everything is
        return ""
    factor = find_factor(case.found - case.expected, case.value)
    if factor is None:
        return ""
    twice = "counted twice, or not in the loss" if factor > 0 else "missing, or its sign is wrong"
    return f"off by {factor:.4g} times the array itself: is its weight decay {twice}?"


def _factor(case: Case) -> str:
    """Find a gradient that is right but for a factor, and say what number that is."""
    factor = find_factor(case.found, case.expected)
    alone = isinstance(case, DerivedCase) and case.value.size == 1  # of one number everything is
    if factor is None or alone or abs(factor - 1) <= CLOSE:
        return ""
    if abs(factor + 1) < CLOSE:
        return "the sign is wrong"
    words = f"every element is {abs(factor):.4g} times what it should be"
    return "the sign is wrong, and " * (factor < 0) + words + _number(case, abs(factor))


def _number(case: Case, factor: float) -> str:
    """Say what number a factor is: of images, of outputs, or of inputs."""
    derived = case if isinstance(case, DerivedCase) else None
    images = case.images
    if derived and derived.is_input and derived.output.ndim == PICTURES:
        images = 1  # which nobody divides dx of pictures by; their windows may be as large
    if images > 1 and np.isclose(factor, images, CLOSE):
        return f": is the division by the {images} images missing?"
    if images > 1 and np.isclose(factor, 1 / images, CLOSE):
        return f": is it divided by the {images} images twice?"
    return _size(derived, factor, images) if derived else ""


def _size(case: DerivedCase, factor: float, images: int) -> str:
    """Say what a layer has as many of as a factor is, or as its inverse."""
    inputs, outputs = case.inputs.size // max(1, images), case.output.size // max(1, case.images)
    if case.output.ndim == 0 and inputs > 1 and np.isclose(factor, inputs, CLOSE):
        return f": forward's mean is over all elements, {inputs} of each image"
    sizes = [(outputs, "outputs"), (case.output.size, "outputs of all images")]
    sizes += [(inputs, "inputs of an image"), (case.inputs.size, "inputs of all images")]
    for size, what in sizes:
        if size > 1 and np.isclose(factor, size, CLOSE):
            return f": the number of {what}"
        if size > 1 and np.isclose(factor, 1 / size, CLOSE):
            return f": divided by {size}, the number of {what}: is mean meant to be sum?"
    return ""


def _transposed(case: Case) -> str:
    square = case.found.ndim == MATRIX and case.found.shape[0] == case.found.shape[1]
    return "transposed" if square and close(case.found, case.expected.T) else ""


def _mask(case: Case) -> str:
    """Find what is right where it should not be zero, or is so only where it should."""
    found, expected = case.found, case.expected
    zero = np.abs(expected) <= CLOSE * np.abs(expected).max(initial=0)
    if zero.all():
        return (
            "not zero, though the output does not change with it: does forward use another array?"
        )
    if not zero.any() or not found[zero].any():
        return ""
    if not found[~zero].any():
        return "zero where it should not be, not zero where it should: is a mask inverted?"
    same = find_factor(found[~zero], expected[~zero]) is not None
    return "not zero where it should be: is a mask missing?" * same


def _softmax_over_all(case: DerivedCase) -> str:
    """Find probabilities that add up to 1 over all images."""
    for array in case.kept:
        rows = array.ndim == MATRIX and case.images in array.shape and case.images > 1
        if rows and (array > 0).all() and np.isclose(array.sum(), 1):
            return "softmax is taken over the whole batch: its sum needs axis=1, keepdims=True"
    return ""


def _derived(mistake: Callable[[DerivedCase], str]) -> Mistake:
    """Return a mistake that is only told where the derivatives of all outputs are known."""
    return lambda case: mistake(case) if isinstance(case, DerivedCase) else ""


OF_SHAPE = (
    not_turned, another_shape, sum_is_missing, sum_of_everything, _derived(_another_array)
)  # fmt: skip
MISTAKES: tuple[Mistake, ...] = (
    _not_finite, _never_set,
    *map(_derived, (
        _ignores_dout, _another_array, _one_image, _one_step, overwrites, pooled, next_step,
        _diagonal, _activation, _decay,
    )),
    _factor, _transposed, _derived(no_transpose), _mask, _derived(_softmax_over_all),
)  # fmt: skip
