"""a wrong gradient, and the derivatives of all outputs, in -> what kind of mistake it is, out.

Each kind is a hypothesis, which is told only if the numbers that it predicts are those found.
"""

from collections.abc import Callable, Iterator

import numpy as np

from bpcli.arrays import Array, Shape
from bpcli.gradcheck.diagnosis import CLOSE, close, find_factor
from bpcli.gradcheck.foreign.case import Case
from bpcli.gradcheck.foreign.chain import next_step, no_transpose
from bpcli.gradcheck.foreign.misshapen import (
    another_shape,
    not_turned,
    shapes,
    sum_is_missing,
    sum_of_everything,
)

WINDOWS = ((1,), (-1,), (1, -1), ())  # axes of an output that belong to one window: its channels
MATRIX, PICTURES = 2, 4  # axes


def explain(case: Case) -> str:
    """Say what kind of mistake a gradient shows, if it is one that is known."""
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


def _another_array(case: Case) -> str:
    for name, right in case.others.items():
        if case.found.shape == right.shape and right.size > 1 and close(case.found, right):
            return f"it is the gradient by {name}: are gradients swapped, or in another order?"
    return ""


def _not_finite(case: Case) -> str:
    wrong = np.count_nonzero(~np.isfinite(case.found))
    return f"{wrong:,} elements are not finite numbers" if wrong else ""


def _never_set(case: Case) -> str:
    return "" if case.found.any() else "zero everywhere: is it never set?"


def _ignores_dout(case: Case) -> str:
    if case.dout.size == 1 or case.other is None or not close(case.other, case.found):
        return ""
    plain = (case.jacobian @ np.ones_like(case.dout)).reshape(case.value.shape)
    if close(case.found, plain):
        return "dout is ignored: multiply by it"
    return "the same whatever dout is: is it used at all?"


def _one_image(case: Case) -> str:
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


def _one_step(case: Case) -> str:
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


def _overwrites(case: Case) -> str:
    """Find windows that overlap, of which only the last one has been kept."""
    if not case.indices and case.output.ndim < PICTURES:
        return ""
    if case.output.size != case.dout.size:
        return ""
    expected, terms = case.expected, case.jacobian * case.dout
    for axes in WINDOWS:
        for last in (True, False):
            kept = _keep_one(terms, case.output.shape, axes, last=last).reshape(expected.shape)
            if close(case.found, kept) and not close(kept, expected):
                if case.indices:
                    return "rows that are taken twice count once: np.add.at(dW, idx, dout)"
                which = "last" if last else "first"
                return f"where windows overlap only the {which} one counts: += in place of ="
    return ""


def _keep_one(terms: Array, shape: Shape, axes: tuple[int, ...], *, last: bool) -> Array:
    """Return for each element the contribution of one window alone, of all that it is in."""
    summed = terms.reshape(len(terms), *shape)
    where = tuple({(1 + a) if a >= 0 else summed.ndim + a for a in axes if abs(a) < len(shape)})
    windows = summed.sum(axis=where).reshape(len(terms), -1)
    order = np.arange(1, windows.shape[1] + 1)
    touched = np.where(windows != 0, order, 0)
    pick = touched.argmax(axis=1) if last else (windows != 0).argmax(axis=1)
    kept: Array = windows[np.arange(len(windows)), pick]
    return kept


def _pooled(case: Case) -> str:
    """Find what max pooling does where windows overlap, if each output has one element of x.

    An element has then one dout where others should add up to it, or none, as what came last set
    0 there; or those of windows besides in which it is not the largest.
    """
    if case.output.ndim < PICTURES or case.output.size != case.dout.size or not case.is_input:
        return ""
    jacobian, found, expected = np.abs(case.jacobian), case.found.ravel(), case.expected.ravel()
    chosen = np.all((jacobian < CLOSE) | (np.abs(jacobian - 1) < CLOSE))
    right = np.isclose(found, expected, CLOSE, CLOSE)
    if not chosen or found[expected == 0].any() or not right[expected != 0].any():
        return ""
    wrong = np.flatnonzero(~right)
    terms = np.pad(case.jacobian * case.dout, ((0, 0), (0, 1)))  # or 0
    if all(np.isclose(found[i], terms[i], CLOSE, CLOSE).any() for i in wrong):
        return "where windows overlap only the last one counts: += in place of ="
    others = case.dout[:, None] + np.append(case.dout, 0)
    sums = np.append(others.ravel(), case.dout)
    if all(np.isclose(found[i] - expected[i], sums, CLOSE, CLOSE).any() for i in wrong):
        return "where windows overlap: is one mask kept for all of them, and not one for each?"
    return ""


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


def _decay(case: Case) -> str:
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
    if factor is None or case.value.size == 1:
        return ""
    if abs(factor + 1) < CLOSE:
        return "the sign is wrong"
    words = f"every element is {abs(factor):.4g} times what it should be"
    return "the sign is wrong, and " * (factor < 0) + words + _number(case, abs(factor))


def _number(case: Case, factor: float) -> str:
    """Say what number a factor is: of images, of outputs, or of inputs."""
    images, outputs = case.images, case.output.size // max(1, case.images)
    if case.is_input and case.output.ndim == PICTURES:
        images = 1  # which nobody divides dx of pictures by; their windows may be as large
    if images > 1 and np.isclose(factor, images, CLOSE):
        return f": is the division by the {images} images missing?"
    if images > 1 and np.isclose(factor, 1 / images, CLOSE):
        return f": is it divided by the {images} images twice?"
    inputs = case.inputs.size // max(1, images)
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
    same = close(found[~zero], expected[~zero])
    return "not zero where it should be: is a mask missing?" * same


def _softmax_over_all(case: Case) -> str:
    """Find probabilities that add up to 1 over all images."""
    for array in case.kept:
        rows = array.ndim == MATRIX and case.images in array.shape and case.images > 1
        if rows and (array > 0).all() and np.isclose(array.sum(), 1):
            return "softmax is taken over the whole batch: its sum needs axis=1, keepdims=True"
    return ""


def count_wrong(case: Case) -> str:
    """Say how much is wrong, and where it is most, where its kind says nothing."""
    if case.found.shape != case.value.shape:
        return shapes(case)
    found, expected = case.found, case.expected
    largest = float(np.abs(expected).max(initial=0))
    wrong = np.count_nonzero(~np.isclose(found, expected, CLOSE, CLOSE * largest))
    words = f"{wrong:,} of {found.size:,} elements are wrong"
    if wrong == 0:
        words = "close, but not within the tolerance: is a small term missing?"
    elif wrong == found.size:
        words = "every element is wrong, with no pattern"
    at = np.unravel_index(np.argmax(np.abs(found - expected)), found.shape)
    place = ", ".join(str(i) for i in at)
    return f"{words}; worst at [{place}]: found {found[at]:.4g}, expected {expected[at]:.4g}"


OF_SHAPE = (not_turned, sum_is_missing, sum_of_everything, another_shape, _another_array)
MISTAKES = (
    _not_finite, _never_set, _ignores_dout, _another_array, _one_image, _one_step, _overwrites,
    _pooled, next_step, _diagonal, _activation, _decay, _factor, _transposed, no_transpose, _mask,
    _softmax_over_all,
)  # fmt: skip
