"""nothing in -> the options and arguments that several commands have."""

import math
from typing import TYPE_CHECKING, Any

import click

from bpcli.cli.misplaced import take_configuration
from bpcli.cli.terminal import complain
from bpcli.errors import quote, readable
from bpcli.machine import limit_threads, wanted_threads
from bpcli.memory import check_room_for_numpy

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

PER_CENT = 100
THREADS_WARNING = "threads"  # where a command finds what is wrong with those of the environment
CONFIGURATION = ("config", "conf", "cfg", "c", "yaml", "file", "configuration", "config_file")


class Fraction(click.FloatRange):
    """A number in a range, and so no NaN."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        self._refuse_per_cent(value, param, ctx)
        number = super().convert(value, param, ctx)
        return (
            self.fail(f"{quote(value)} is not a number", param, ctx)
            if math.isnan(number)
            else number
        )

    def _refuse_per_cent(self, value: Any, param: Any, ctx: Any) -> None:
        try:
            number = float(str(value).rstrip(" %"))
        except ValueError:
            return
        if 1 < number <= PER_CENT or (number <= 1 and str(value).endswith("%")):
            self.fail(f"{quote(value)} is in per cent; write {number / PER_CENT:g}", param, ctx)


class Configuration(click.Path):
    """A file; where completion is asked for, a configuration that comes with bpcli, too."""

    def shell_complete(self, ctx: Any, param: Any, incomplete: str) -> "list[CompletionItem]":
        from click.shell_completion import CompletionItem

        from bpcli.files.settings import list_beside, list_own

        own = [name for name in list_own() if name.startswith(incomplete)]
        if not own:  # the shell itself completes the names of files
            return super().shell_complete(ctx, param, incomplete)
        return [CompletionItem(name) for name in [*own, *list_beside(incomplete)]]


def complete_key(_context: Any, _parameter: Any, incomplete: str) -> "list[CompletionItem]":
    """Return the keys of the configuration that begin so, with the sign that a value follows."""
    from click.shell_completion import CompletionItem

    from bpcli.training.config import KEYS

    return [
        CompletionItem(f"{key}=", help=item.metadata["comment"])
        for key, item in KEYS.items()
        if key.startswith(incomplete)
    ]


FILE = click.Path()  # for completion; what is wrong with a file is said where it is read
config_argument = click.argument(
    "config_file", metavar="[CONFIG]", nargs=-1, type=Configuration(), callback=take_configuration
)
set_option = click.option(
    "-s",
    "--set",
    "overrides",
    multiple=True,
    metavar="SECTION.KEY=VALUE",
    shell_complete=complete_key,
    help="Override a key of the configuration; may be repeated.",
)
label_option = click.option(
    "--label",
    metavar="COLUMN",
    help="Where the labels of a CSV are: first, last or the name; of an .npz the array's name.",
)
size_option = click.option(
    "--size",
    type=click.IntRange(0, 1000),
    default=0,
    help="Scale images to so many pixels, high and wide; 0 leaves them as they are.",
)
theme_option = click.option(
    "--theme",
    type=click.Choice(["auto", "light", "dark"]),
    help="Of a picture: light unless asked otherwise; auto is dark on a dark screen.",
)
scale_option = click.option(
    "--scale",
    type=click.FloatRange(0.1, 20),
    help="So many times as large a picture, an .svg or .png, as for a beamer.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1),
    expose_value=False,
    is_eager=True,
    callback=lambda context, _option, threads: _settle_threads(context, threads),
    help="BLAS threads; without it what OPENBLAS_NUM_THREADS or its like says, else 1.",
)


def _settle_threads(context: click.Context, threads: int | None) -> None:
    """Give BLAS its threads, and say what is wrong with the number that the user has named."""
    warning = context.meta[THREADS_WARNING]
    if threads is not None:
        warning = limit_threads(threads)
        check_room_for_numpy(wanted_threads())
    if warning:
        complain(warning)


def hint_at_key(error: click.NoSuchOption, arguments: list[str]) -> str:
    """Say how to set a key of the configuration that somebody takes for an option."""
    if error.ctx and error.ctx.command.name == "graph" and error.option_name[:2] != "--":
        return "Put -- before an expression that begins with a minus sign."
    if not (error.ctx and any(option.name == "overrides" for option in error.ctx.command.params)):
        return ""
    from bpcli.training.config import KEYS, Config, flatten
    from bpcli.training.synonyms import explain_name, find_name

    option, name = error.option_name, error.option_name.lstrip("-").replace("-", "_")
    values = [a.partition("=")[2] for a in arguments if a.startswith(f"{option}=")]
    values += arguments[arguments.index(option) + 1 :] if option in arguments else []
    value = values[0] if values else "VALUE"
    if name in CONFIGURATION:
        return f"The configuration is named without an option: {error.ctx.command_path} {value}"
    same = [key for key in KEYS if name in (key, key.rpartition(".")[2])]
    key = same[0] if len(same) == 1 else find_name(name)
    if key:
        return f"That is a key of the configuration: -s {key}={readable(value)}"
    number = float(value) if value.isdigit() else value
    return explain_name(name, number, flatten(Config())).capitalize()
