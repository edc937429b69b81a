"""what a model has made of the digits on a picture in -> what speaks against each, in words, out.

The limits were chosen on pictures as the tests draw them; CONTRIBUTING.md has the figures.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bpcli.data.preparation import Prepared

# A probability below which an answer is in doubt, and one of several: each of them might be so, and
# what is doubted is the whole.
UNSURE, UNSURE_OF_SEVERAL = 0.85, 0.75
FAINT = 30.0  # grey levels of contrast, below which paper may have been taken for ink
WIDE = 1.6  # times as wide as high is hardly any digit
THIN = 4  # times as high as wide are bars, or letters, where most of several are so


def find_doubts(
    digits: Sequence[Prepared | None],
    highest: npt.NDArray[np.float64],
    are_strange: npt.NDArray[np.bool_],
) -> list[list[str]]:
    """Return doubts of each digit on a picture, of which it is known how it was prepared, or not.

    `highest` (N,) has the highest probability of each; `are_strange` (N,) tells whether its logits
    are lower than those of nearly all images of MNIST.
    """
    thin = [d is not None and d.ink[3] > THIN * d.ink[2] for d in digits]
    are_bars = len(digits) > 1 and 2 * sum(thin) > len(digits)
    least = UNSURE if len(digits) == 1 else UNSURE_OF_SEVERAL
    doubts: list[list[str]] = []
    for digit, chance, is_strange in zip(digits, highest.tolist(), are_strange, strict=True):
        found = []
        if digit and digit.contrast < FAINT:
            found.append("there is hardly any contrast")
        if chance < least:
            found.append(f"the probability is only {chance:.0%}")
        if is_strange:
            found.append("it looks like no digit that the net knows")
        if digit and digit.ink[2] > WIDE * digit.ink[3]:
            found.append(f"it is {digit.ink[2] / digit.ink[3]:.1f} times as wide as high")
        if are_bars:
            found.append("most of what is beside it are bars")
        doubts.append(found)
    return doubts
