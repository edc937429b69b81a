"""a loss whose gradients differ in -> whether they are right but for a constant in it, out.

The book's cross_entropy_error is -log(y + 1e-7), so that it stays finite, and its backward derives
-log(y): that is right but for the constant, and differs the more the smaller y is. The constant is
told from the numbers, put into what backward finds, and all has to agree then.
"""

import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Array
from bpcli.gradcheck.calls import Examination
from bpcli.gradcheck.comparer import Call
from bpcli.gradcheck.comparison import Comparison
from bpcli.gradcheck.elements import ROUNDINGS
from bpcli.gradcheck.foreign import tree
from bpcli.gradcheck.numerical import STEP, Function, along, extrapolated_difference
from bpcli.gradcheck.recognition import make_subject
from bpcli.gradcheck.subject import parameters

LEAST, MOST = 1e-14, 1e-3  # of a constant that is told
IMAGES = 200  # that are called one by one
SEEN = 1e-6  # of a slope, beyond its noise
ROUND = 1e-3  # relative; how near to a power of ten a constant is taken for one
CLASSES = 4  # of a loss layer alone


class CorrectedLoss:
    """A loss layer of somebody's, with the constant c of its forward in its backward, too.

    Of an image the derivative of -log(y + c) is y / (y + c) times that of -log(y), whatever it is
    taken by, and y + c is exp(-loss).
    """

    def __init__(self, layer: Any, c: float) -> None:
        self.layer, self.c = layer, c

    def forward(self, x: Array, t: npt.NDArray[Any]) -> Any:
        """Return the loss, as it is."""
        rows = ((x[i : i + 1], t[i : i + 1]) for i in range(len(x)))
        losses = [copy.deepcopy(self.layer).forward(*row) for row in rows]
        self.weights = 1 - self.c * np.exp(np.array(losses))
        return self.layer.forward(x, t)

    def backward(self, *dout: Any) -> Any:
        """Return the gradient, put right."""
        return self.layer.backward(*dout) * self.weights[:, np.newaxis]


def are_excusable(rows: Sequence[Comparison]) -> bool:
    """Tell whether gradients are wrong, and all of those by their numbers alone."""
    wrong = [row for row in rows if not row.passed]
    return bool(wrong) and all(row.worst_index is not None for row in wrong)


def excuse(
    rows: Sequence[Comparison], again: Sequence[Comparison], c: float
) -> tuple[Comparison, ...]:
    """Return the comparisons; those that agree with the constant put in have a note of it."""
    words = f"the loss has a constant in its logarithm, log(y + {c:.1g})"
    right = {row.name: row for row in again if row.passed}
    return tuple(
        row
        if row.passed or row.name not in right
        else replace(right[row.name], note=f"{words}, which backward leaves out")
        for row in rows
    )


def correct_loss(layer: Any) -> CorrectedLoss | None:
    """Return a loss layer with its constant put in, None if it has none, or is no loss layer."""
    if not all(callable(getattr(layer, name, None)) for name in ("forward", "backward")):
        return None
    if len([p for p in parameters(layer.forward) if p.default is p.empty]) != 2:
        return None
    x = 3 * np.random.default_rng(7).normal(size=(2 * CLASSES, CLASSES))
    t = np.arange(2 * CLASSES) % CLASSES
    for labels in (t, np.eye(CLASSES)[t]):
        rows = ((x[i : i + 1], labels[i : i + 1]) for i in range(len(x)))
        try:
            c, _ = find_constant([Examination(make_subject(layer, row)).calls[0] for row in rows])
        except Exception:  # noqa: BLE001, S112 - it may be no loss, or of other labels
            continue
        return CorrectedLoss(layer, c) if c else None
    return None


def correct_losses(owner: Any) -> tuple[Any, float]:
    """Return a copy of an object with the constant put into a loss layer in it, and the constant.

    None and 0 are for an object that has no such layer.
    """
    itself = correct_loss(owner)
    if itself:
        return itself, itself.c
    for path, part in tree.walk(owner):
        inner = correct_loss(part)
        if inner:
            twin = copy.deepcopy(owner)
            inner.layer = tree.get(twin, path)
            return (twin, inner.c) if tree.put(twin, path, inner) else (None, 0.0)
    return None, 0.0


def correct_calls(
    calls: Sequence[Call], images: Callable[[Call], Iterator[Call]]
) -> tuple[list[Call], float]:
    """Return calls of a loss with its constant put into the gradients, and it; 0 if there is none.

    `images` makes the calls of each image of one of the `calls` alone, which are few: all together,
    each by its part, they are what the gradient of the batch should be.
    """
    corrected, found = list[Call](), list[float]()
    for call in calls:
        alone = list(itertools.islice(images(call), IMAGES + 1))
        c, weights = find_constant(alone) if len(alone) <= IMAGES else (0.0, np.ones(0))
        found.append(c)
        gradients = {
            name: _add_up([image.found[name] for image in alone], whole, weights)
            for name, whole in call.found.items()
            if c
        }
        corrected.append(replace(call, gradients={**call.gradients, **gradients}))
    return corrected, min(found)


def _add_up(gradients: Sequence[Array], whole: Array, weights: Array) -> Array:
    """Return the sum or the mean of gradients, whichever `whole` is, by their weights."""
    if gradients[0].shape != whole.shape or len(gradients) == 1:  # a row for each image
        return np.asarray(whole * weights.reshape(-1, *[1] * (whole.ndim - 1)))
    every = np.array(gradients)
    share = 1 / len(every)
    is_mean = np.abs(every.mean(0) - whole).sum() < np.abs(every.sum(0) - whole).sum()
    return np.asarray(np.tensordot(weights, every, 1) * (share if is_mean else 1))


def find_constant(images: Sequence[Call]) -> tuple[float, Array]:
    """Return the c of a loss -log(y + c) whose backward is that of -log(y), 0 if there is none.

    Every image has to give the same c. Returned with it is by how much the gradient of each is to
    be multiplied.
    """
    functions = [call.build(np.float64) for call in images]
    true = np.exp([-float(function.value()) for function in functions])  # y + c
    found = [_share(f, call) for f, call in zip(functions, images, strict=True)]
    shares, noise = np.array(found).T
    surest = np.argmin(noise * true)
    c = float((1 - shares[surest]) * true[surest])
    if not LEAST < c < MOST:
        return 0.0, shares
    power = 10.0 ** round(np.log10(c))
    is_round = abs(c - power) < ROUND * power  # as people write it
    c = power if is_round else c
    weights = 1 - c / true
    alike = np.ptp(shares) <= 10 * float(noise[np.isfinite(noise)].max(initial=0))
    if (np.abs(shares - weights) > SEEN * weights + noise).any() or (alike and not is_round):
        return 0.0, weights  # it may be a factor, and no constant
    return c, weights


def _share(function: Function, call: Call) -> tuple[float, float]:
    """Return how many times its gradient one image's loss is as steep, and how far off that is."""
    norms = {name: float(np.linalg.norm(gradient)) for name, gradient in call.found.items()}
    name = max(norms, key=lambda name: norms[name])
    noise = ROUNDINGS * float(np.finfo(np.float64).eps) * function.magnitude / STEP
    if norms[name] <= noise:
        return 1.0, np.inf
    direction = np.asarray(call.found[name] / norms[name])
    slope = extrapolated_difference(function.value, along(function.arrays[name], direction))
    return slope / norms[name], noise / norms[name]
