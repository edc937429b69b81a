"""the file of a person's layers and a run in -> the run learns with them, or why not, out."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bpcli.cli.terminal import complain, counter, say
from bpcli.errors import NotAsAsked, SourceError

if TYPE_CHECKING:
    from bpcli.training import Output, Run
    from bpcli.training.own import Lender


@contextlib.contextmanager
def lent_layers(
    run: "Run", file: str | None, *, unchecked: bool, as_json: bool, quiet: bool
) -> Iterator[None]:
    """Let the run learn with the layers of a file, if there is one, as long as this is entered.

    They are checked first, unless that is not wanted. Raises SourceError, and NotAsAsked where one
    is wrong, or was not checked.
    """
    if file is None:
        yield
        return
    from bpcli.training.learnt_with import LearntWith
    from bpcli.training.own import LentNetwork, describe, lend

    with lend(file, run) as lender:
        if not unchecked:
            _check(file, lender, as_json=as_json)
        lender.build(run.network.parameters)
        complain(*lender.doubts, *_foresee(file, lender, run))
        words = describe(run.network, lender.roles, Path(file).name)
        if not quiet:
            complain(words)
        run.network, run.learnt_with = LentNetwork(run.network, lender), LearntWith(words)
        yield


@contextlib.contextmanager
def kept_if_layers_fail(place: "Output", run: "Run") -> Iterator[None]:
    """Save a run whose layers fail, as if it had been stopped. Raises what they have raised."""
    try:
        yield
    except SourceError as error:
        if not run.iteration:
            raise
        place.save(run)
        words = f"what was learnt until iteration {run.iteration:,} is in {place.part}"
        raise SourceError(f"{error}; {words}") from error


def _check(file: str, lender: "Lender", *, as_json: bool) -> None:
    """Check the layers that take places, and say what is wrong with them as gradcheck says it."""
    from bpcli import show
    from bpcli.gradcheck import check_file

    with counter(len(lender.roles)) as watch:
        found = check_file(file, list(lender.roles.values()), watch=watch)
    if found.stopped or not all(unit.right for unit in found.units):
        say(show.file_check_fields(found) if as_json else show.draw_file_check(found))
        raise NotAsAsked(f"{file}: nothing is trained with it; --unchecked trains all the same")


def _foresee(file: str, lender: "Lender", run: "Run") -> list[str]:
    """Say of which layers it is clear before learning that ours would not predict as they do."""
    from bpcli.training.own import TOLERANCE

    x, _ = run.mini_batches.draw(0)
    return [
        f"{file}: {found.layer}: its forward is not ours: numbers differ by up to "
        f"{found.share:.2g} times the largest; no model will be written of what is learnt"
        for found in lender.differences(x)
        if found.share > TOLERANCE
    ]


def check_agreement(file: str, place: "Output", run: "Run") -> None:
    """See that the model of a run predicts as the layers of the file do. Raises NotAsAsked."""
    from bpcli import show
    from bpcli.training.own import compare

    found = compare(run)
    if found.agrees:
        return
    place.save(run)
    raise NotAsAsked(
        f"{file}: its forward is not ours: {show.describe_difference(found)}; no model is written, "
        f"as it would predict otherwise; the run is in {place.part}"
    )
