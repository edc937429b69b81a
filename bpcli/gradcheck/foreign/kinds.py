"""a wrong gradient, and the derivatives of all outputs, in -> what kind of mistake it is, out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bpcli.arrays import Array, Shape
from bpcli.gradcheck.diagnosis import close, diagnose, find_factor

AXES = ((1,), (-1,), (1, -1), ())  # of an output that belong to one window: channels, last or first


@dataclass(frozen=True)
class Case:
    """A gradient that is wrong, and what is known about it.

    `jacobian` (elements, outputs) has the derivative of each output, raveled, by each element of
    the array, which is `value`; `dout` (outputs,) came from the right. `inputs` and `output` are
    the layer's, `images` how many there are, and `other` the gradient for another dout.
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

    @property
    def expected(self) -> Array:
        """The gradient as it should be."""
        right: Array = (self.jacobian @ self.dout).reshape(self.value.shape)
        return right


def explain(case: Case) -> str:
    """Say what kind of mistake a gradient shows."""
    expected = case.expected
    if case.found.shape != expected.shape:
        return _explain_shape(case)
    for kind in (_ignores_dout, _forgets_images, _overwrites, _diagonal, _activation, _decay):
        words = kind(case)
        if words:
            return words
    outputs = case.output.size // max(1, case.images)
    factor = find_factor(case.found, expected)
    if factor and factor > 0 and case.output.ndim > 1 and outputs not in (1, case.images):
        for size, what in ((outputs, "outputs"), (case.output.size, "outputs of all images")):
            if np.isclose(factor, size, 1e-4):
                return f"every element is {size} times what it should be: the number of {what}"
            if np.isclose(factor, 1 / size, 1e-4):
                return f"divided by {size}, the number of {what}: is mean meant to be sum?"
    words = diagnose(case.found, expected, case.images)
    return words + _worst(case) if " wrong" in words else words


def _worst(case: Case) -> str:
    """Say where the mistake is largest, where its kind says too little."""
    at = np.unravel_index(np.argmax(np.abs(case.found - case.expected)), case.value.shape)
    place = ", ".join(str(i) for i in at)
    found, expected = (float(array[at]) for array in (case.found, case.expected))
    return f"; worst at [{place}]: found {found:.4g}, expected {expected:.4g}"


def explain_fused(found: Array, expected: Array, p: Array, t: Array | None) -> str:
    """Say with what a gradient by probabilities p is right that is c (p - t), or nothing.

    It is so of a cross-entropy, whose own gradient, `expected`, is -c t / p after softmax, and
    c (p - t) / (p (1 - p)) after sigmoid, with the same c.
    """
    if t is None or found.shape != p.shape:
        return ""
    hot = t
    if t.ndim == 1 and p.ndim == 2 and t.max() < p.shape[1]:  # rows and columns
        hot = np.eye(p.shape[1])[t.astype(int)]
    if hot.shape != p.shape:
        return ""
    factor = find_factor(found, p - hot)
    for own, name in ((-hot / p, "softmax"), ((p - hot) / (p * (1 - p)), "sigmoid")):
        of_loss = find_factor(expected, own)
        if factor and of_loss and np.isclose(factor, of_loss, 1e-3):
            return name
    return ""


def _explain_shape(case: Case) -> str:
    shape, expected = case.found.shape, case.expected
    words = f"found an array of {spell(shape)}, expected one of {spell(expected.shape)}"
    if shape == expected.T.shape and close(case.found, expected.T):
        return f"{words}: it is right, but transposed"
    for axis in range(case.found.ndim):
        summed = case.found.sum(axis=axis)
        if summed.shape == expected.shape and close(summed, expected):
            return f"{words}: is the sum over the images missing, as np.sum(dout, axis={axis})?"
    if case.found.size == expected.size and close(case.found.ravel(), expected.ravel()):
        return f"{words}: it is right but for its shape"
    return words


def _ignores_dout(case: Case) -> str:
    scalar = case.dout.size == 1
    if scalar or case.other is None or not close(case.other, case.found):
        return ""
    if not case.found.any():
        return ""
    plain = (case.jacobian @ np.ones_like(case.dout)).reshape(case.value.shape)
    if close(case.found, plain):
        return "dout is ignored: multiply by it"
    return "the same whatever dout is: is it used at all?"


def _forgets_images(case: Case) -> str:
    """Find a sum over the images that has only one of them."""
    if case.images < 2 or not case.output.ndim or case.is_input:  # images
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


def _overwrites(case: Case) -> str:
    """Find windows that overlap, of which only the last one has been kept."""
    expected, terms = case.expected, case.jacobian * case.dout
    if case.output.ndim < 2 or close(case.found, expected):  # rows and columns
        return ""
    for axes in AXES:
        for last in (True, False):
            kept = _keep_one(terms, case.output.shape, axes, last=last)
            if close(case.found, kept.reshape(expected.shape)) and not close(
                kept.reshape(expected.shape), expected
            ):
                if case.indices:
                    return "rows that are taken twice count once: np.add.at(dW, idx, dout)"
                which = "last" if last else "first"
                return f"where windows overlap only the {which} one counts: += in place of ="
    return ""


def _keep_one(terms: Array, shape: Shape, axes: tuple[int, ...], *, last: bool) -> Array:
    """Return for each element the contribution of one window alone, of all that it is in."""
    try:
        summed = terms.reshape(len(terms), *shape)
        where = tuple(1 + a if a >= 0 else a for a in axes)
        windows = summed.sum(axis=where).reshape(len(terms), -1)
    except (ValueError, np.exceptions.AxisError):
        whole: Array = terms.sum(axis=1)
        return whole
    order = np.arange(1, windows.shape[1] + 1)
    touched = np.where(windows != 0, order, 0)
    pick = touched.argmax(axis=1) if last else (windows != 0).argmax(axis=1)
    kept: Array = windows[np.arange(len(windows)), pick]
    return kept


def _diagonal(case: Case) -> str:
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


def _activation(case: Case) -> str:
    """Find a derivative that is taken at the wrong side of the activation."""
    if case.value.shape != case.output.shape or case.value.size != case.dout.size:
        return ""
    slope = case.found.ravel() / case.dout
    for at, name in ((case.inputs, "x"), (case.output, "y")):
        if at.shape == case.value.shape:
            for formula, words in _formulas():
                right = formula(at).ravel()
                if close(slope, right):
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


def _decay(case: Case) -> str:
    """Find a difference that is a multiple of the array itself."""
    if case.value.size < 2 or case.is_input:  # of one number everything is
        return ""
    factor = find_factor(case.found - case.expected, case.value)
    if factor is None:
        return ""
    twice = "counted twice, or not in the loss" if factor > 0 else "missing, or its sign is wrong"
    return f"off by {factor:.4g} times the array itself: is its weight decay {twice}?"


def spell(shape: Shape) -> str:
    """Return a shape as a message has it."""
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
