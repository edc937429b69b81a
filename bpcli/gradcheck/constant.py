"""calls of a loss, of a batch and of each image in it, in -> what is right but for a constant, out.

The book's cross_entropy_error is -log(y + 1e-7), so that it stays finite, and its backward derives
-log(y): that is right but for the constant, and differs the more the smaller y is.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from bpcli.arrays import Array
from bpcli.gradcheck.comparer import Call
from bpcli.gradcheck.comparison import Comparison
from bpcli.gradcheck.elements import ROUNDINGS, Build, Comparer
from bpcli.gradcheck.numerical import STEP, Function, along, extrapolated_difference

LEAST, MOST = 1e-14, 1e-3  # of a constant that is told
IMAGES = 200  # that are called one by one
SEEN = 1e-6  # of a slope, beyond its noise

Images = Callable[[Call], Iterator[Call]]


def are_excusable(rows: Sequence[Comparison]) -> bool:
    """Tell whether gradients are wrong, and all of those by their numbers alone."""
    wrong = [row for row in rows if not row.passed]
    return bool(wrong) and all(row.worst_index is not None for row in wrong)


def excuse_constant(
    rows: Sequence[Comparison],
    calls: Sequence[Call],
    images: Images,
    comparer: Callable[[Build], Comparer],
    samples: int,
) -> tuple[Comparison, ...]:
    """Return comparisons of a loss; those that are right but for such a constant with a note.

    `images` makes the calls of each image of one of the `calls` alone, which are few. What is
    found is put right by the constant, and has to agree then in all its elements.
    """
    if not are_excusable(rows):
        return tuple(rows)
    try:
        corrected = [_correct(call, images) for call in calls]
    except Exception:  # noqa: BLE001 - one image alone may be less than it takes
        return tuple(rows)
    comparers = [comparer(call.build) for call in calls]
    return tuple(_excuse(row, corrected, comparers, samples) for row in rows)


def _excuse(
    row: Comparison,
    corrected: Sequence[tuple[float, dict[str, Array]]],
    comparers: Sequence[Comparer],
    samples: int,
) -> Comparison:
    """Return a comparison as it is of what has been put right, if that agrees in each call."""
    if row.passed:
        return row
    again = [
        comparer.compare(row.layer, row.name, gradients[row.name], samples)
        for comparer, (_, gradients) in zip(comparers, corrected, strict=True)
        if row.name in gradients
    ]
    if len(again) < len(comparers) or not all(found.passed for found in again):
        return row
    words = f"the loss has a constant in its logarithm, log(y + {corrected[0][0]:.1g})"
    return replace(again[0], note=f"{words}, which backward leaves out")


def _correct(call: Call, images: Images) -> tuple[float, dict[str, Array]]:
    """Return the constant of a loss, and the gradients as they are with it; none without one."""
    alone = list(itertools.islice(images(call), IMAGES + 1))
    c, weights = _find_constant(alone) if len(alone) <= IMAGES else (0.0, np.ones(0))
    if not c:
        return 0.0, {}
    corrected = {}
    for name, whole in call.found.items():
        gradients = [image.found[name] for image in alone]
        if gradients[0].shape == whole.shape and len(alone) > 1:
            total, mean = sum(gradients), sum(gradients) / len(alone)
            is_mean = np.abs(mean - whole).sum() < np.abs(total - whole).sum()
            right = sum(w * g for w, g in zip(weights, gradients, strict=True))
            corrected[name] = np.asarray(right / len(alone) if is_mean else right)
        else:  # a row for each image
            corrected[name] = np.asarray(whole * weights.reshape(-1, *[1] * (whole.ndim - 1)))
    return c, corrected


def _find_constant(images: Sequence[Call]) -> tuple[float, Array]:
    """Return the c for which a loss is -log(y + c), its backward of -log(y); 0 if there is none.

    Of one image the derivative of the first is y / (y + c) times that of the second, whatever it is
    taken by, and y + c is exp(-loss). Every image has to give the same c; these times are returned
    with it.
    """
    functions = [call.build(np.float64) for call in images]
    true = np.exp([-float(function.value()) for function in functions])  # y + c
    found = [_share(f, call) for f, call in zip(functions, images, strict=True)]
    shares, noise = np.array(found).T
    surest = np.argmin(noise * true)
    c = float((1 - shares[surest]) * true[surest])
    weights = 1 - c / true
    alike = np.ptp(shares) <= 10 * float(noise[np.isfinite(noise)].max(initial=0))
    if (
        not LEAST < c < MOST
        or (np.abs(shares - weights) > SEEN * weights + noise).any()
        or (alike and not _is_round(c))  # it may be a factor, and no constant
    ):
        return 0.0, weights
    return c, weights


def _is_round(c: float) -> bool:
    """Tell whether a constant is as people write it: a power of ten."""
    power = 10.0 ** round(np.log10(c))
    return bool(abs(c - power) < 1e-3 * power)


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
