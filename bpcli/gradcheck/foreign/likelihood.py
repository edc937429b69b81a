"""what came of two conventions in -> whether the second may be meant in place of the first out."""

import linecache
import re

from bpcli.gradcheck.foreign import texts
from bpcli.gradcheck.foreign.discover import Unit, bound
from bpcli.gradcheck.foreign.trial import Outcome

SEQUENCE = 3  # axes
TWO_AXES = re.compile(r"axis\s*=\s*\(\s*0\s*,\s*1\s*\)")


def sums_over_two_axes(unit: Unit) -> bool:
    """Tell whether a file has sums over images and steps, and backward is for no other axes."""
    if texts.counts_axes(bound(unit.thing, unit.backward or unit.forward)):
        return False
    return TWO_AXES.search("".join(linecache.getlines(unit.file))) is not None


def is_as_likely(outcome: Outcome, first: Outcome) -> bool:
    """Tell whether a convention may be meant where one before it works in part.

    Of a layer that takes (N, D), and is right there in part, what needs more axes is not; one
    image at a time is only where images do not add up in what several leave; and single numbers
    are never, where there are arrays.
    """
    layout, before = outcome.convention.layout, first.convention.layout
    if outcome is first:
        return True
    if layout.single and not before.single and outcome.convention.labels:
        more = len(outcome.findings) > len(first.findings)  # that it returns gradients by
        return (outcome.complete and more) or not first.compared
    if layout.tier > before.tier:
        network = bool(outcome.convention.loss or outcome.convention.labels)
        alone = first.misfit and outcome.fits and layout.tier == 1
        return alone and (network or outcome.complete) and len(layout.x) >= 2
    if layout.symmetric and not before.symmetric and layout.name == before.name:
        return False
    if len(layout.x) == len(before.x) == SEQUENCE and layout.x[-1] == before.x[-1]:
        return not first.fits or outcome.notes  # else only a size differs, which may hide it
    if outcome.fits and not first.fits:
        return True  # the axes that backward sums over are those of a sequence
    if outcome.complete and sums_over_two_axes(outcome.convention.unit):
        return True
    return not (first.share and len(layout.x) > len(before.x))


def may_replace(outcome: Outcome, best: Outcome) -> bool:
    """Tell whether a convention in which more is right may be meant in place of another.

    In another layout some of it may be right by chance. Where nothing is right of what takes
    probabilities, they say more than numbers beyond 0 and 1, which are clipped.
    """
    if outcome.convention.layout.single and not best.compared:
        return True
    if outcome.rank <= best.rank:
        likelier = outcome.convention.likely and not best.convention.likely
        return likelier and not best.share
    same = outcome.convention.layout.name == best.convention.layout.name
    return same or not best.fits or bool(outcome.convention.loss)
