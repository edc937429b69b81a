"""results, errors and signals in -> text on the two streams and an exit code out."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from bpcli.cli.options import THREADS_WARNING, hint_at_key
from bpcli.errors import BpcliError, OutputError, Stopped
from bpcli.machine import limit_threads, limited_memory

if TYPE_CHECKING:
    from tqdm import tqdm

Item = TypeVar("Item")

SIGPIPE = 13  # Windows has no signal for a pipe that nobody reads, but the exit code is the same
STOPPING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # those of them that the system has


class Shell(click.Group):
    """The one place that turns an exception into a message and an exit code."""

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        try:
            return super().make_context(*args, **options)
        except BrokenPipeError:  # help that nobody reads, for which click would exit with 1
            _abandon_output()
            sys.exit(Stopped(SIGPIPE).exit_code)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["arguments"] = [*args]  # which are used up by parsing
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what is wrong becomes a message and the exit code of its kind."""
        ctx.meta[THREADS_WARNING] = limit_threads()  # before numpy is imported
        try:
            with limited_memory():
                return super().invoke(ctx)
        except click.NoSuchOption as error:
            hint = hint_at_key(error, ctx.meta["arguments"])
            if hint:
                raise click.UsageError(
                    f"No such option '{error.option_name}'. {hint}", error.ctx
                ) from error
            raise
        except BpcliError as error:
            if str(error):
                complain(str(error))
            ctx.exit(error.exit_code)
        except MemoryError as error:
            complain(
                f"out of memory: {str(error) or 'no more to be had'}; make network.hidden or "
                "training.batch_size smaller, or the data"
            )
            ctx.exit(BpcliError.exit_code)
        except BrokenPipeError:
            ctx.exit(Stopped(SIGPIPE).exit_code)
        except SyntaxError as error:  # in a layer that somebody is writing
            complain(f"{error.filename}:{error.lineno}: Python cannot read it: {error.msg}")
            ctx.exit(BpcliError.exit_code)

    def main(self, *args: Any, **options: Any) -> Any:
        try:
            return super().main(*args, **options)
        except OSError as error:
            words = error.strerror or str(error)
            if _output_fails():  # with help; results are written by `say`
                complain(f"standard output: could not be written: {words}")
                _abandon_output()
                sys.exit(OutputError.exit_code)
            where = f"{error.filename}: " if error.filename else ""
            complain(f"{where}the system has refused what bpcli needs: {words}")
            sys.exit(BpcliError.exit_code)


def say(result: str | dict[str, Any]) -> None:
    """Write a result, text or the fields of a JSON object, to standard output at once."""
    import json

    text = result if isinstance(result, str) else json.dumps(result, allow_nan=False)
    if sys.stdout is None:
        raise OutputError("standard output: could not be written: it is closed")
    encoding = sys.stdout.encoding or "utf-8"  # file names can have characters that it has not
    try:
        click.echo(text.encode(encoding, "backslashreplace").decode(encoding))
    except OSError as error:
        _abandon_output()
        if isinstance(error, BrokenPipeError):
            raise
        raise OutputError(f"standard output: could not be written: {error.strerror}") from error


def _output_fails() -> bool:
    """Tell whether standard output still keeps what could not be written to it."""
    try:
        sys.stdout.flush()
    except OSError:
        return True
    return False


def _abandon_output() -> None:
    """See to it that what could not be written is not tried again when Python exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def own_command() -> list[str]:
    """Return how this program can be called again from here."""
    import shutil

    program = sys.argv[0]
    if program.endswith("__main__.py"):
        return [sys.executable, "-m", "bpcli"]
    return ["bpcli" if shutil.which("bpcli") else program]


def exit_as(error: BpcliError) -> NoReturn:
    """End a process of its own as the command would end: with a message and an exit code."""
    complain(str(error))
    sys.exit(error.exit_code)


def complain(message: str) -> None:
    """Write a message to standard error, if anybody listens: the exit code says it too."""
    with contextlib.suppress(OSError):
        click.echo(message, err=True)


def is_terminal() -> bool:
    """Tell whether somebody looks at standard output, and not a file or another program."""
    return sys.stdout is not None and sys.stdout.isatty()


def terminal_width() -> int:
    """Return how many columns there are to write in: of the terminal, else 80."""
    import shutil

    return shutil.get_terminal_size().columns


def can_print(text: str) -> bool:
    """Tell whether the encoding of standard output, which the locale sets, has these characters."""
    if sys.stdout is None:
        return True
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def progress(items: Iterable[Item], *, done: int, total: int, quiet: bool) -> "tqdm[Item]":
    """Return the items with a progress bar on standard error, if that is a terminal for one."""
    return _make_bar(items, done=done, total=total, quiet=quiet)


def _make_bar(
    items: Iterable[Any] | None, *, done: int, total: int | None, quiet: bool
) -> "tqdm[Any]":
    tqdm = _import_tqdm()
    tqdm.set_lock(threading.RLock())  # its own starts a process, to be shared with others
    return tqdm(
        items,
        total=total,
        initial=done,
        disable=quiet or not _has_room_for_a_bar(),
        unit="it",
        leave=False,
    )


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt, for work that has something to show by then."""
    previous = signal.getsignal(signal.SIGINT)
    if previous is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


@contextlib.contextmanager
def counter(total: int | None = None) -> Iterator[Callable[..., None]]:
    """Show a progress bar on standard error; what it gives is called with how much more is done.

    It takes words to show behind the bar, too.
    """
    with _make_bar(None, done=0, total=total, quiet=False) as bar:

        def count(more: int, words: str = "") -> None:
            if words:
                bar.set_postfix_str(words, refresh=False)
            bar.update(more)

        yield count


def _has_room_for_a_bar() -> bool:
    if os.environ.get("TQDM_DISABLE", "0") not in ("", "0") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stderr is not None and sys.stderr.isatty()


def _import_tqdm() -> "type[tqdm[Any]]":
    """Import tqdm with its variables hidden: it fails on most values that it did not expect."""
    hidden = {name: os.environ.pop(name) for name in [*os.environ] if name.startswith("TQDM_")}
    try:
        from tqdm import tqdm
    finally:
        os.environ.update(hidden)
    return tqdm


@contextlib.contextmanager
def signals() -> Iterator[list[int]]:
    """Collect the first signal that asks to stop; a second one does not wait, nor save."""
    caught: list[int] = []

    def catch(number: int, _frame: object) -> None:
        if caught:
            raise Stopped(number)
        caught.append(number)

    signals = [getattr(signal, name) for name in STOPPING if hasattr(signal, name)]
    previous = {number: signal.getsignal(number) for number in signals}
    for number, handler in previous.items():
        if handler is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, catch)
    try:
        yield caught
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
