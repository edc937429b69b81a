"""an expression, a configuration or a model in -> its graph, drawn, out: `bpcli graph`."""

from typing import TYPE_CHECKING, Any

import click

from bpcli.cli.drawing import BLANKS, FORMS, draw_for_terminal, encode
from bpcli.cli.options import FILE, json_option, scale_option, theme_option, threads_option
from bpcli.cli.terminal import line_width, say, terminal_width
from bpcli.errors import readable

if TYPE_CHECKING:
    from bpcli.show.figure import Figure


class GraphCommand(click.Command):
    """A command whose expression may begin with a minus sign, behind -- and before options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            i = args.index("--")  # a space before an expression makes it no option
            args = [*args[:i], *(f" {word}" for word in args[i + 1 : i + 2]), *args[i + 2 :]]
        return super().parse_args(ctx, args)


@click.command("graph", cls=GraphCommand)
@click.argument("expression", required=False)
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--expand", is_flag=True, help="Draw affine, softmax and the like as simple nodes.")
@click.option("--explain", "explained", is_flag=True, help="Tell what happens, step by step.")
@click.option("--seed", type=click.IntRange(min=0), help="Of W='normal(2, 3)', else 0.")
@click.option("--config", "config_file", type=FILE, metavar="CONFIG", help="Draw CONFIG's network.")
@click.option("--model", type=FILE, help="Draw the network of this model.")
@click.option(
    "-o", "--output", type=FILE, help="Draw into this file: .svg, .png, .pdf, or .dot for Graphviz."
)
@click.option("--blank", type=click.Choice(BLANKS), help="Leave these to be found by hand.")
@click.option("--answers", type=FILE, metavar="KEY", help="Draw what --blank hides into this file.")
@theme_option
@scale_option
@click.option("--animate", is_flag=True, help="Let values and derivatives move in an .svg.")
@json_option
@threads_option
@click.option("--ascii", "as_ascii", is_flag=True, help="Draw with ASCII characters.")
def graph_command(
    expression: str | None,
    values: tuple[str, ...],
    expand: bool,
    explained: bool,
    seed: int | None,
    config_file: str | None,
    model: str | None,
    output: str | None,
    blank: str | None,
    answers: str | None,
    theme: str | None,
    scale: float | None,
    animate: bool,
    as_json: bool,
    as_ascii: bool,
) -> None:
    """Draw the computational graph of EXPRESSION with its values and derivatives.

    Above each arrow stands the value, below it the derivative of the result by it. The language has
    + - * / ** @ and parentheses, exp, log, sigmoid, tanh, relu, max, sum, mean, dot, T, affine,
    batch_norm, softmax, cross_entropy, softmax_with_loss, numbers and names. A value is a number,
    lists as x='[[1, 2], [3, 4]]' or random, as W='normal(2, 3)'. A result that is an array is
    summed. Several steps are 't = x + y; t ** 2'. Put -- before an expression that begins with a
    minus sign.

    \b
    bpcli graph 'apple * apple_count * tax' apple=100 apple_count=2 tax=1.1 -o apples.svg
    """
    _expect_one("EXPRESSION, --config CONFIG and --model MODEL", expression, config_file, model)
    _expect_one_at_most("--json and --ascii", as_json, as_ascii)
    if expression is None and (expand or explained or seed is not None):
        raise click.UsageError("--expand, --explain and --seed go with an EXPRESSION")
    _check_blank(blank, answers, is_fit=expression is not None and not (explained or as_json))
    from bpcli.files.result import write_result

    form, key_form = _forms(output, answers, theme, scale, animate=animate)  # before the work
    if expression is None:
        figure, fields, steps = _of_network(config_file, model)
    else:
        figure, fields, steps = _of_expression(expression, values, expand, explained, seed or 0)
    if answers is not None:
        write_result(answers, encode(figure, key_form, theme, scale))
    figure = _blank(figure, blank)
    if output is not None:
        write_result(output, encode(figure, form, theme, scale, moves=animate))
    if as_json:
        say(fields)
    elif output is None or steps:
        say(draw_for_terminal(figure if output is None else None, steps, as_ascii=as_ascii))


def _forms(
    output: str | None,
    answers: str | None,
    theme: str | None,
    scale: float | None,
    *,
    animate: bool,
) -> tuple[str, str]:
    """Return of which of FORMS the two files are to be, "" where there is none."""
    from bpcli.files.result import check_result

    form, key_form = (
        check_result(one, FORMS) if one is not None else "" for one in (output, answers)
    )
    if animate and form != ".svg":
        raise click.UsageError("--animate goes with -o FILE.svg")
    if theme and output is None:
        raise click.UsageError("--theme goes with -o")
    if scale and not {form, key_form} & {".svg", ".png"}:
        raise click.UsageError("--scale goes with -o FILE.svg or FILE.png")
    return form, key_form


def _expect_one(what: str, *given: str | None) -> None:
    if sum(one is not None for one in given) != 1:
        raise click.UsageError(f"expected one of {what}")


def _expect_one_at_most(what: str, *given: bool) -> None:
    if sum(given) > 1:
        raise click.UsageError(f"expected one of {what}, not two")


def _check_blank(blank: str | None, answers: str | None, *, is_fit: bool) -> None:
    """Refuse what would tell what is to be found by hand, and a key of nothing."""
    if blank and not is_fit:
        raise click.UsageError("--blank goes with an EXPRESSION, not with --explain or --json")
    if answers and not blank:
        raise click.UsageError("--answers goes with --blank")


def _blank(figure: "Figure", blank: str | None) -> "Figure":
    if blank is None:
        return figure
    from bpcli.show.blank import blank_figure

    return blank_figure(figure, blank)


def _of_expression(
    text: str, values: tuple[str, ...], expand: bool, explained: bool, seed: int
) -> "tuple[Figure, dict[str, Any], str]":
    """Return the figure of an expression, its JSON, and its steps in words if they are wanted."""
    from bpcli.backprop.expression import Expression
    from bpcli.files.assignment import is_assignment, parse_values
    from bpcli.show import entitle, graph_fields, graph_figure
    from bpcli.show.steps import NO_DERIVATIVE, draw_steps, explain, steps_fields

    is_expression_later = "=" in text and not all("=" in value for value in values)
    if is_assignment(text) or is_expression_later:
        words = readable(text)
        raise click.UsageError(f"{words}: expected the EXPRESSION first, and {words} after it")
    found = Expression(text, parse_values(values, seed), expand=expand)
    graph = found.graph
    steps = explain(graph) if explained else []
    told = steps_fields(steps) if explained else {}
    notes = ["The result is an array: what is derived is its sum."] if found.summed else []
    notes += [f"{readable(name)}: {NO_DERIVATIVE}" for name in found.underived]
    figure = graph_figure(
        graph, *notes, numbered=explained or expand, complete=expand and not explained
    )
    return (
        entitle(figure, text),
        graph_fields(graph) | told,
        draw_steps(steps, terminal_width(), line_width()),
    )


def _of_network(config_file: str | None, model: str | None) -> "tuple[Figure, dict[str, Any], str]":
    from bpcli.show import network_fields, network_figure
    from bpcli.training import load, load_config
    from bpcli.training.run import outline_network

    specs = load(model).network().specs if model else outline_network(load_config(config_file))
    return network_figure(specs), network_fields(specs), ""
