"""what a class has handed in -> a row of marks for each file out: `bpcli gradcheck --require`."""

import re
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bpcli.cli.options import FILE
from bpcli.cli.terminal import counter, interruptible, say
from bpcli.errors import NotAsAsked, PlaceError, Stopped

if TYPE_CHECKING:
    from bpcli.teaching import Marks

Function = TypeVar("Function", bound=Callable[..., Any])

HINTS, LANGUAGES = ("none", "where", "kind", "full"), ("en", "zh", "ja")
DEFAULTS = {"against": None, "csv": None, "jobs": 1, "hints": "kind", "language": "en"}


class Layers(click.ParamType):  # type: ignore[type-arg]  # click 8.2.2 has no argument
    """Names of layers, with commas between them."""

    name = "NAMES"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        names = [name.strip() for name in value.split(",")] if isinstance(value, str) else value
        wrong = [name for name in names if not name.isidentifier()]
        if wrong:
            self.fail(f"found {wrong[0]!r}, expected names as in Affine,Relu", param, ctx)
        return tuple(dict.fromkeys(names))


def marking_options(function: Function) -> Function:
    """Add the options with which `bpcli gradcheck` marks a class."""
    options = [
        click.option(
            "--require", type=Layers(), help="Mark these layers of each file: Affine,Relu."
        ),
        click.option("--against", type=FILE, help="A solution, to compare each forward with."),
        click.option(
            "--csv", type=FILE, metavar="MARKS", help="Write marks; check what has changed since."
        ),
        click.option("--jobs", type=click.IntRange(1, 64), help="Files at a time, else 1."),
        click.option("--hints", type=click.Choice(HINTS), help="How much is told, else kind."),
        click.option("--language", type=click.Choice(LANGUAGES), help="Of marks, else en."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def is_marking(options: Mapping[str, Any]) -> bool:
    """Tell whether layers are required. Raises UsageError for an option that needs some."""
    for name in DEFAULTS:
        if options[name] is not None and not options["require"]:
            raise click.UsageError(f"--{name} goes with --require, the layers to mark")
    return bool(options["require"])


def mark(
    paths: tuple[str, ...],
    given: Mapping[str, str],
    tolerance: float,
    options: Mapping[str, Any],
    *,
    as_json: bool,
) -> None:
    """Mark files, print a row for each, and raise NotAsAsked unless all have passed."""
    from bpcli.files.result import write_result
    from bpcli.show import draw_marks, mark_fields, marks_csv
    from bpcli.teaching import Terms, add_others, mark_class

    chosen: dict[str, Any] = {name: options[name] or default for name, default in DEFAULTS.items()}
    if not paths:
        raise click.UsageError("found no files, expected those that were handed in")
    terms = Terms(options["require"], tuple(given.items()), tolerance, chosen["against"] or "")
    before = _read_marks(chosen["csv"], terms.layers) if chosen["csv"] else []
    known = {marks.digest: marks for marks in before}
    with interruptible(), counter(len(dict.fromkeys(paths))) as watch:
        found = mark_class(paths, terms, known, jobs=chosen["jobs"], watch=watch)
    if chosen["csv"]:
        table = marks_csv(add_others(found, before))
        write_result(chosen["csv"], table.encode(errors="backslashreplace"))
    told = {"hints": chosen["hints"], "language": chosen["language"]}
    if as_json:
        for marks in found.files:
            say(mark_fields(found, marks, **told))
    else:
        say(draw_marks(found, chosen["csv"] or "", **told))
    if found.stopped:
        raise Stopped(signal.SIGINT)
    if not found.passed:
        raise NotAsAsked


def _read_marks(path: str, layers: tuple[str, ...]) -> "list[Marks]":
    """Return the marks of these layers that a table has. Raises PlaceError for another file."""
    from bpcli.files.atomic import check_place
    from bpcli.files.rows import read_rows
    from bpcli.teaching.record import columns_of, from_row

    if not re.search(r"\.csv$", path, re.IGNORECASE):
        raise PlaceError(f"{path}: expected a name that ends in .csv")
    if not check_place(path):
        return []
    rows = read_rows(Path(path), columns_of(()), PlaceError)
    read = (from_row(row, layers) for row in rows if set(columns_of(layers)) <= row.keys())
    return [marks for marks in read if marks]
