"""a unit in -> the way to call it in which all its gradients are right, out."""

from collections.abc import Callable, Mapping
from typing import Any

from bpcli.gradcheck.foreign.convention import Convention
from bpcli.gradcheck.foreign.conventions import conventions, loss_of
from bpcli.gradcheck.foreign.discover import Unit
from bpcli.gradcheck.foreign.experiment import Experiment
from bpcli.gradcheck.foreign.state import MiscalledError
from bpcli.gradcheck.foreign.trial import SEEDS, compare

MOST = 1500  # ways that are tried


def find_way(
    unit: Unit,
    given: Mapping[str, Any],
    tolerance: float,
    may_be: Callable[[Convention], bool] = lambda _way: True,
) -> tuple[Convention | None, bool]:
    """Return how to call a unit, of the ways that may be, and whether its gradients are right then.

    Where they are right in none it is the first in which forward can be called, if there is one.
    """
    first: Convention | None = None
    tried = 0
    for group in conventions(loss_of(unit), given):
        for way in group:
            if not may_be(way):
                continue
            tried += 1
            if tried > MOST:
                return first, False
            try:
                outcome, _ = compare(way, SEEDS[0], tolerance)
            except MiscalledError:
                first = first or (way if _runs(way) else None)
                continue
            if outcome.complete:
                return way, True
            first = first or way
    return first, False


def _runs(way: Convention) -> bool:
    """Tell whether forward can be called so, whatever backward does."""
    try:
        return bool(Experiment(way, SEEDS[0]).leaves)
    except MiscalledError:
        return False
