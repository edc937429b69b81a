"""models in -> one page, or the picture of their curves, to look at out: `bpcli report`."""

import click

from bpcli import __version__
from bpcli.cli.options import FILE, theme_option, threads_option
from bpcli.cli.terminal import complain

HEAD = b'<?xml version="1.0" encoding="utf-8"?>\n'  # of an SVG
FORMS = (".html", ".svg", ".png", ".pdf")


@click.command("report")
@click.argument("models", metavar="MODEL...", nargs=-1, required=True, type=FILE)
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    help="The page, an .html; or as .svg, .png or .pdf the curve alone.",
)
@click.option("--data", type=FILE, metavar="SOURCE", help="Measure on these test images.")
@click.option("--no-canvas", is_flag=True, help="Leave out the paper to draw on, and its script.")
@theme_option
@threads_option
def report_command(
    models: tuple[str, ...], output: str, data: str | None, no_canvas: bool, theme: str | None
) -> None:
    """Write one page on MODEL: curve, mistakes, hidden units, and a paper to draw a digit on.

    The page is one file and needs no network. Several models are laid side by side, and the first
    is looked at.

    \b
    bpcli report model.npz -o page.html
    """
    from bpcli.files.result import check_result, write_result
    from bpcli.training import analyze, load

    form = check_result(output, FORMS)
    saved = [load(model) for model in models]
    if form == ".html":
        from bpcli.show.page.report import draw_report

        analysis = analyze(saved[0], data)
        if analysis.measured.doubt:
            complain(f"{models[0]}: {analysis.measured.doubt}")
        page = draw_report(
            analysis, saved, __version__, canvas=not no_canvas, theme=theme or "auto"
        )
        content = page.encode(errors="backslashreplace")
    else:
        from bpcli.show.chart.runs import draw_runs
        from bpcli.training.side_by_side import put_in_order

        drawn = draw_runs(put_in_order(saved), form[1:], theme or "light")
        content = HEAD * (form == ".svg") + drawn
    write_result(output, content)
