"""an expression, or a configuration, in -> its computational graph out: `bpcli graph`."""

from dataclasses import asdict
from typing import Any

import click

from bpcli.cli.options import FILE, json_option, threads_option
from bpcli.cli.terminal import can_print, say


@click.command("graph")
@click.argument("expression", required=False)
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--expand", is_flag=True, help="Draw affine, softmax and the like as simple nodes.")
@click.option("--explain", "explained", is_flag=True, help="Tell what happens, step by step.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Of W='normal(2, 3)'.")
@click.option("--config", "config_file", type=FILE, metavar="CONFIG", help="Draw CONFIG's network.")
@json_option
@threads_option
@click.option("--dot", "as_dot", is_flag=True, help="Print text for Graphviz's dot.")
@click.option("--ascii", "as_ascii", is_flag=True, help="Draw with ASCII characters.")
def graph_command(
    expression: str | None,
    values: tuple[str, ...],
    expand: bool,
    explained: bool,
    seed: int,
    config_file: str | None,
    as_json: bool,
    as_dot: bool,
    as_ascii: bool,
) -> None:
    """Draw the computational graph of EXPRESSION with its values and derivatives.

    Above each arrow stands the value, below it the derivative of the result by it. The language has
    + - * / ** @ and parentheses, exp, log, sigmoid, tanh, relu, max, sum, mean, dot, T, affine,
    softmax, cross_entropy, softmax_with_loss, numbers and names. A value is a number, lists as
    x='[[1, 2], [3, 4]]' or random, as W='normal(2, 3)'. A result that is an array is summed. Put --
    before an expression that begins with a minus sign.

    \b
    bpcli graph 'apple * apple_count * tax' apple=100 apple_count=2 tax=1.1
    """
    if as_json + as_dot + as_ascii > 1:
        raise click.UsageError("expected one of --json, --dot and --ascii, not two")
    form = "json" if as_json else "dot" if as_dot else "text"
    if expression is not None and config_file is None:
        drawn = _draw_expression(
            expression, values, form, expand=expand, seed=seed, explained=explained
        )
    elif expression is None and config_file is not None:
        drawn = _draw_network(config_file, form)
    else:
        raise click.UsageError("expected either an EXPRESSION or --config CONFIG")
    if form == "text" and (as_ascii or not can_print(drawn)):
        from bpcli.show.block import ASCII

        drawn = drawn.translate(ASCII)
    say(drawn)


def _draw_expression(
    text: str, values: tuple[str, ...], form: str, *, expand: bool, explained: bool, seed: int
) -> Any:
    from bpcli.backprop.expression import Expression
    from bpcli.files.assignment import parse_values
    from bpcli.show.graph import draw_graph, graph_dot, graph_fields
    from bpcli.show.steps import draw_steps, explain

    graph = Expression(text, parse_values(values, seed), expand=expand).graph
    if form == "dot":
        return graph_dot(graph)
    steps = explain(graph) if explained else []
    if form == "json":
        told = {"steps": [asdict(step) for step in steps]} if explained else {}
        return graph_fields(graph) | told
    return "\n\n".join([draw_graph(graph), *([draw_steps(steps)] if explained else [])])


def _draw_network(config_file: str, form: str) -> Any:
    from bpcli.show.network import draw_network, network_dot, network_fields
    from bpcli.training.config import load_config
    from bpcli.training.run import outline_network

    stages = outline_network(load_config(config_file))
    return {"json": network_fields, "dot": network_dot, "text": draw_network}[form](stages)
