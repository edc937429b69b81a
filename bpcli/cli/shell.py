"""what a command raises in -> a message and an exit code out."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from typing import Any

import click

from bpcli.cli.options import THREADS_WARNING, hint_at_key
from bpcli.cli.terminal import COLUMNS, abandon_output, complain, terminal_width
from bpcli.errors import BpcliError, OutputError, Stopped, visible
from bpcli.machine import limit_threads, wanted_threads
from bpcli.memory import check_room_for_numpy, limited_memory

LONGEST = 500  # characters of what click has to say
SIGPIPE = 13  # Windows has no signal for a pipe that nobody reads, but the exit code is the same


@contextlib.contextmanager
def _written_out() -> Iterator[None]:
    """Let a usage error, which click prints, quote nothing that a terminal obeys, nor all of it."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:  # whose message is the help
        raise
    except click.UsageError as error:
        words = visible(error.format_message())
        short = words if len(words) <= LONGEST else f"{words[:LONGEST]}..."
        raise click.UsageError(short, error.ctx) from error


class Shell(click.Group):
    """The one place that turns an exception into a message and an exit code."""

    @_written_out()
    def make_context(self, *args: Any, **options: Any) -> click.Context:
        width = max(min(terminal_width(), COLUMNS) - 2, 50)  # as click has it
        try:
            return super().make_context(*args, terminal_width=width, **options)
        except BrokenPipeError:  # help that nobody reads, for which click would exit with 1
            abandon_output()
            sys.exit(Stopped(SIGPIPE).exit_code)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["arguments"] = [*args]  # which are used up by parsing
        return super().parse_args(ctx, args)

    @_written_out()
    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what is wrong becomes a message and the exit code of its kind."""
        ctx.meta[THREADS_WARNING] = limit_threads()  # before numpy is imported
        try:
            with limited_memory():
                check_room_for_numpy(wanted_threads())
                return super().invoke(ctx)
        except click.NoSuchOption as error:
            hint = hint_at_key(error, ctx.meta["arguments"])
            if hint:
                raise click.UsageError(
                    f"No such option '{error.option_name}'. {hint}", error.ctx
                ) from error
            raise
        except BpcliError as error:
            if error.lines:
                complain(*error.lines)
            ctx.exit(error.exit_code)
        except MemoryError as error:
            complain(
                f"out of memory: {str(error) or 'no more to be had'}; make network.hidden or "
                "training.batch_size smaller, or the data"
            )
            ctx.exit(BpcliError.exit_code)
        except BrokenPipeError:
            ctx.exit(Stopped(SIGPIPE).exit_code)
        except KeyboardInterrupt:  # before there is anything to show
            ctx.exit(Stopped(signal.SIGINT).exit_code)
        except SyntaxError as error:  # in a layer that somebody is writing
            complain(f"{error.filename}:{error.lineno}: Python cannot read it: {error.msg}")
            ctx.exit(BpcliError.exit_code)

    def main(self, *args: Any, **options: Any) -> Any:
        try:
            return super().main(*args, **options)
        except OSError as error:
            words = error.strerror or str(error)
            if _is_of_output(error):
                complain(f"standard output: could not be written: {words}")
                abandon_output()
                sys.exit(OutputError.exit_code)
            where = f"{error.filename}: " if error.filename else ""
            complain(f"{where}the system has refused what bpcli needs: {words}")
            sys.exit(BpcliError.exit_code)


def _is_of_output(error: OSError) -> bool:
    """Tell whether click has raised it as it wrote help or a version; results are ours to write."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    return place is not None and place.tb_frame.f_code is click.echo.__code__
