"""the chapter in -> a sheet, an exam or a layer with a mistake out: `bpcli exercise`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bpcli.cli.drawing import BLANKS, FORMS, draw_for_terminal, encode
from bpcli.cli.marking import Layers
from bpcli.cli.options import FILE, json_option, scale_option
from bpcli.cli.terminal import say

if TYPE_CHECKING:
    from bpcli.teaching.exam import Question
    from bpcli.teaching.sheet import Part

STYLES = ("book", "functions")


@click.command("exercise")
@click.option(
    "-o", "--output", type=FILE, help="Write this .py or .ipynb; of graphs .svg, .png, .pdf, .dot."
)
@click.option("--layers", type=Layers(), help="Of the sheet, else all: Affine,Relu.")
@click.option("--style", type=click.Choice(STYLES), help="Classes as in the book, or functions.")
@click.option(
    "--random", "count", type=click.IntRange(1, 1000), help="Draw so many different graphs."
)
@click.option(
    "--blank", type=click.Choice(BLANKS), help="What of graphs is to be found, else both."
)
@click.option("--mistake", is_flag=True, help="Give a layer of which one line is wrong.")
@click.option(
    "--seed", type=click.IntRange(min=0), help="Of the graphs, or of the mistake, else 0."
)
@click.option(
    "--answers", type=FILE, metavar="KEY", help="Draw the keys of graphs into these files."
)
@scale_option
@click.option("--solution", is_flag=True, help="Give the solution, or the key.")
@json_option
def exercise_command(
    output: str | None,
    layers: tuple[str, ...] | None,
    style: str | None,
    count: int | None,
    blank: str | None,
    mistake: bool,
    seed: int | None,
    answers: str | None,
    scale: float | None,
    solution: bool,
    as_json: bool,
) -> None:
    """Make a sheet of the chapter's layers, an exam of graphs, or a layer with a mistake.

    A sheet has each layer's forward, its section and a check; its backward is to be written, and
    `bpcli gradcheck FILE --require ...` marks it. With --random each graph is another one, of two
    to five nodes; with --solution the same seed gives the keys. Files are numbered.

    \b
    bpcli exercise -o sheet.ipynb --layers Affine,Relu
    bpcli exercise --random 30 --seed 1 -o exam.svg
    bpcli exercise --mistake --seed 7
    """
    if (layers or style) and (count is not None or mistake):
        raise click.UsageError("--layers and --style go with a sheet alone")
    if count is not None and mistake:
        raise click.UsageError("expected one of --random and --mistake, not two")
    if seed is not None and count is None and not mistake:
        raise click.UsageError("--seed goes with --random or --mistake")
    if (blank or answers or scale or as_json) and count is None:
        raise click.UsageError("--blank, --answers, --scale and --json go with --random")
    if count is not None:
        shown = None if solution else blank or "both"
        _make_exam(count, seed or 0, shown, (output, answers), scale, as_json=as_json)
        return
    _write_sheet(_find_parts(layers or (), style, mistake, seed or 0, solved=solution), output)


def _find_parts(
    layers: Sequence[str], style: str | None, mistake: bool, seed: int, *, solved: bool
) -> "list[Part]":
    import numpy as np

    from bpcli.teaching.sheet import make_mistake, make_sheet

    if mistake:
        return make_mistake(np.random.default_rng(seed)).parts(solved=solved)
    return make_sheet(layers, style or STYLES[0], solved=solved)


def _write_sheet(parts: "Sequence[Part]", output: str | None) -> None:
    """Write a sheet where no file is yet, as one that somebody has filled in is not to be lost."""
    from bpcli.errors import PlaceError
    from bpcli.files.atomic import check_free
    from bpcli.files.result import write_result
    from bpcli.show.sheet import sheet_notebook, sheet_python

    if output is None:
        say(sheet_python(parts).rstrip("\n"))
        return
    forms = {".py": sheet_python, ".ipynb": sheet_notebook}
    form = Path(output).suffix.lower()
    if form not in forms:
        raise PlaceError(f"{output}: expected a name that ends in {' or '.join(forms)}")
    check_free(output)
    write_result(output, forms[form](parts).encode())


def _make_exam(
    count: int,
    seed: int,
    blank: str | None,
    places: tuple[str | None, str | None],
    scale: float | None,
    *,
    as_json: bool,
) -> None:
    """Draw questions, each into a file of its own or one below the other; solved, with no blank."""
    import numpy as np

    from bpcli.files.result import check_result, write_result
    from bpcli.show import entitle, graph_figure
    from bpcli.show.blank import blank_figure
    from bpcli.teaching.exam import draw_questions

    asked, keys = (
        [(path, check_result(path, FORMS)) for path in _numbered(name, count)] for name in places
    )
    for i, question in enumerate(draw_questions(count, np.random.default_rng(seed))):
        figure = entitle(graph_figure(question.solve().graph), question.text)
        shown = blank_figure(figure, blank) if blank else figure
        for files, drawn in ((asked, shown), (keys, figure)):
            for path, form in files[i : i + 1]:
                write_result(path, encode(drawn, form, scale=scale))
        if as_json:
            say(_fields(i + 1, question, solved=not blank))
        elif not asked:
            say(f"{i + 1}. {_describe(question)}\n\n{draw_for_terminal(shown)}\n")


def _numbered(name: str | None, count: int) -> list[Path]:
    """Return exam-01.svg to exam-30.svg of exam.svg, with as many digits as the last one has."""
    path = Path(name or "")
    numbers = (f"{number:0{len(str(count))}}" for number in range(1, count + 1) if name)
    return [path.with_stem(f"{path.stem}-{number}") for number in numbers]


def _describe(question: "Question") -> str:
    from bpcli.show.number import draw_number

    values = " ".join(f"{name}={draw_number(value)}" for name, value in question.values)
    return f"{question.text}, {values}"


def _fields(number: int, question: "Question", *, solved: bool) -> dict[str, Any]:
    from bpcli.show import graph_fields

    asked = {"number": number, "expression": question.text, "values": dict(question.values)}
    return asked | (graph_fields(question.solve().graph) if solved else {})
