"""calls of a loss, of a batch and of each image in it, in -> the constant in its logarithm out.

The book's cross_entropy_error is -log(y + 1e-7), so that it stays finite, and its backward derives
-log(y): that is right but for the constant, and differs from 1e-7 on, the more the smaller y is.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from bpcli.arrays import Array
from bpcli.gradcheck.comparer import Call
from bpcli.gradcheck.comparison import Comparison
from bpcli.gradcheck.elements import ROUNDINGS
from bpcli.gradcheck.numerical import STEP, Function, along, extrapolated_difference

STEPS = STEP, STEP / 10  # where a kink lies within the first, the second may do
LEAST, MOST = 1e-14, 1e-3  # of a constant that is told
IMAGES = 200  # that are called one by one


def are_excusable(rows: Sequence[Comparison]) -> bool:
    """Tell whether gradients are wrong, and all of those by their numbers alone."""
    wrong = [row for row in rows if not row.passed]
    return bool(wrong) and all(row.worst_index is not None for row in wrong)


def excuse_constant(
    rows: Sequence[Comparison],
    calls: Sequence[Call],
    images: Callable[[Call], Iterator[Call]],
    tolerance: float,
) -> tuple[Comparison, ...]:
    """Return comparisons of a loss; those that are right but for such a constant with a note.

    `images` makes the calls of each image of one of the `calls` alone, which are few.
    """
    if not are_excusable(rows):
        return tuple(rows)
    try:
        found = [_find(call, images, tolerance) for call in calls]
    except Exception:  # noqa: BLE001 - one image alone may be less than it takes
        found = [None]
    if None in found:
        return tuple(rows)
    words = f"the loss has a constant in its logarithm, log(y + {found[0]:.1g})"
    note = f"{words}, which backward leaves out"
    return tuple(row if row.passed else replace(row, problem="", note=note) for row in rows)


def _find(call: Call, images: Callable[[Call], Iterator[Call]], tolerance: float) -> float | None:
    alone = list(itertools.islice(images(call), IMAGES + 1))
    return find_log_constant(call, alone, tolerance) if len(alone) <= IMAGES else None


def find_log_constant(batch: Call, images: Sequence[Call], tolerance: float) -> float | None:
    """Return the c for which a loss is -log(y + c), and its backward of -log(y), if there is one.

    Of one image the derivative of the first is y / (y + c) times that of the second, whatever it is
    taken by, and y + c is exp(-loss). Every image has to give the same c, and all together, each so
    much smaller, what is found for the batch, to the `tolerance`.
    """
    functions = [call.build(np.float64) for call in images]
    true = np.exp([-float(function.value()) for function in functions])  # y + c
    found = [_share(f, call) for f, call in zip(functions, images, strict=True)]
    shares, noise = np.array(found).T
    surest = np.argmin(noise * true)
    c = float((1 - shares[surest]) * true[surest])
    weights = 1 - c / true
    if not LEAST < c < MOST or (np.abs(shares - weights) > tolerance * weights + noise).any():
        return None
    if np.ptp(shares) <= 10 * float(noise.max()) and not _is_round(c):
        return None  # of images that are all alike it may be a factor, and no constant
    function, rng = batch.build(np.float64), np.random.default_rng(5)
    for name, whole in batch.found.items():
        direction = rng.normal(size=np.shape(whole))
        terms = np.array([_term(call, name, direction, i) for i, call in enumerate(images)])
        total = float((whole * direction).sum())
        mean = abs(terms.mean() - total) < abs(terms.sum() - total)
        expected = (weights * terms).mean() if mean else (weights * terms).sum()
        size = max(
            float(np.linalg.norm(whole * direction)), abs(total), _noise(function) / tolerance
        )
        move = along(function.arrays[name], direction)
        slopes = (extrapolated_difference(function.value, move, step) for step in STEPS)
        if not any(abs(slope - expected) <= tolerance * size for slope in slopes):
            return None
    return c


def _is_round(c: float) -> bool:
    """Tell whether a constant is as people write it: a power of ten."""
    power = 10.0 ** round(np.log10(c))
    return bool(abs(c - power) < 1e-3 * power)


def _term(call: Call, name: str, direction: Array, image: int) -> float:
    """Return the slope of one image's loss along a direction, by its gradient."""
    gradient = call.found[name]
    along_it = direction if gradient.shape == direction.shape else direction[image : image + 1]
    return float((gradient * along_it).sum())


def _share(function: Function, call: Call) -> tuple[float, float]:
    """Return how many times its gradient one image's loss is as steep, and how far off that is."""
    norms = {name: float(np.linalg.norm(gradient)) for name, gradient in call.found.items()}
    name = max(norms, key=lambda name: norms[name])
    if norms[name] <= _noise(function):
        return 1.0, np.inf
    direction = np.asarray(call.found[name] / norms[name])
    slope = extrapolated_difference(function.value, along(function.arrays[name], direction))
    return slope / norms[name], _noise(function) / norms[name]


def _noise(function: Function) -> float:
    """Return what rounding makes of a slope."""
    return ROUNDINGS * float(np.finfo(np.float64).eps) * function.magnitude / STEP
