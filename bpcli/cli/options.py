"""nothing in -> the options and arguments that several commands have."""

import math
from typing import Any

import click

from bpcli.machine import limit_threads


class Fraction(click.FloatRange):
    """A number in a range, and so no NaN."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        number = super().convert(value, param, ctx)
        return self.fail(f"{value!r} is not a number", param, ctx) if math.isnan(number) else number


FILE = click.Path()  # for completion; what is wrong with a file is said where it is read
config_argument = click.argument("config_file", metavar="[CONFIG]", required=False, type=FILE)
set_option = click.option(
    "-s",
    "--set",
    "overrides",
    multiple=True,
    metavar="SECTION.KEY=VALUE",
    help="Override a key of the configuration; may be repeated.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1),
    expose_value=False,
    is_eager=True,
    callback=lambda _context, _option, threads: limit_threads(threads),
    help="BLAS threads; without it what OPENBLAS_NUM_THREADS or its like says, else 1.",
)
