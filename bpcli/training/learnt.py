"""a Run in -> what its model file says of the images that it has learnt from out, and that read."""

from typing import Any, cast, get_args

import numpy as np
import numpy.typing as npt

from bpcli.data.dataset import Rule
from bpcli.data.holdout import Digests
from bpcli.data.split import MNIST
from bpcli.errors import quote
from bpcli.training.config import DatasetConfig
from bpcli.training.run import Run

WITH_DIGESTS = 3  # the first that keeps them
LEARNT, UNUSED = "learnt", "unused"
# Where the digests of what a model has learnt from are.
IN_FILE, IN_DATA, UNKNOWN = "in the file", "in its data", "unknown"


def describe(run: Run) -> str:
    """Return where the digests of what a run has learnt from are."""
    if run.can_find_learnt:
        return IN_DATA
    return UNKNOWN if run.learnt is None else IN_FILE


def to_arrays(run: Run) -> dict[str, Digests]:
    """Return the digests that go into its file, by their names there."""
    found = {LEARNT: run.learnt, UNUSED: run.unused}
    return {name: digests for name, digests in found.items() if digests is not None}


def take_learnt(arrays: dict[str, Any], metadata: dict[str, Any]) -> tuple[Digests | None, str]:
    """Take the digests of what a model has learnt from out of the arrays, and say where they are.

    Raises ValueError if they are none.
    """
    learnt = arrays.pop(LEARNT, None)
    place = metadata[LEARNT] if metadata["format"] >= WITH_DIGESTS else IN_DATA
    if place not in (IN_FILE, IN_DATA, UNKNOWN) or (learnt is None) == (place == IN_FILE):
        raise ValueError("found no word on what it has learnt from, or no digests of it")
    if learnt is not None and not _are_digests(learnt):
        raise ValueError("found digests of what it has learnt from that are none")
    return learnt, place


def take_unused(arrays: dict[str, Any], dataset: DatasetConfig) -> Digests | None:
    """Take the digests of what was not to be learnt from out of the arrays, where there are any."""
    unused: Digests | None = arrays.pop(UNUSED, None)
    is_expected = bool(dataset.train) and dataset.source != MNIST
    if (unused is not None) != is_expected or not (unused is None or _are_digests(unused)):
        raise ValueError("found no digests of what dataset.train has left over, or others")
    return unused


def _are_digests(found: npt.NDArray[Any]) -> bool:
    """Tell whether an array is one of digests, in order and each once."""
    is_list = found.dtype == np.uint64 and found.ndim == 1
    return bool(is_list and (found[1:] > found[:-1]).all())


def read_rule(metadata: dict[str, Any]) -> Rule:
    """Return by what images were held out; older models do not say it."""
    rule = metadata["held_out_by"] if metadata["format"] >= WITH_DIGESTS else "last"
    if rule not in get_args(Rule):
        raise ValueError(f"found images held out by {quote(rule)}")
    return cast("Rule", rule)
