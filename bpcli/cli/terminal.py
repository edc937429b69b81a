"""results, messages and signals in -> text on the two streams, and what has to stop, out."""

import contextlib
import os
import re
import signal
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from bpcli.errors import BpcliError, OutputError, visible

if TYPE_CHECKING:
    from tqdm import tqdm

Item = TypeVar("Item")

ALARM = re.compile(r"\b(?:WRONG|FAILED)\b")
DOUBT = re.compile(r"^ *in doubt:")
# Without a rate of its own: what is told behind it is in images.
BAR = "{percentage:3.0f}%|{bar}| {n:,}/{total:,} [{elapsed}<{remaining}{postfix}]"
COUNT = "{n:,} [{elapsed}{postfix}]"  # of what nobody knows how many there are
COLUMNS = 80  # where no terminal says how many
WHOLE = 100_000  # columns that no line needs


def say(result: str | dict[str, Any], best: Collection[int] = ()) -> None:
    """Write a result, text or the fields of a JSON object, to standard output at once.

    Characters that a terminal would obey are written out, but the ends of the text's own lines.
    Where people look on, and want colours, they see what is wrong or in doubt, and which lines,
    by their numbers from 0, are the `best`.
    """
    text = visible(result, keep="\n\t") if isinstance(result, str) else _to_json(result)
    if isinstance(result, str) and _has_colours():
        lines = ALARM.sub(lambda word: click.style(word[0], fg="red", bold=True), text).split("\n")
        lines = [DOUBT.sub(lambda word: click.style(word[0], fg="yellow"), line) for line in lines]
        marked = (click.style(s, bold=True) if i in best else s for i, s in enumerate(lines))
        text = "\n".join(marked)
    if sys.stdout is None:
        raise OutputError("standard output: could not be written: it is closed")
    encoding = sys.stdout.encoding or "utf-8"  # file names can have characters that it has not
    try:
        click.echo(text.encode(encoding, "backslashreplace").decode(encoding))
    except OSError as error:
        abandon_output()
        if isinstance(error, BrokenPipeError):
            raise
        raise OutputError(f"standard output: could not be written: {error.strerror}") from error


def _has_colours() -> bool:
    """Tell whether standard output shows colours, and the user has not asked for none."""
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return is_terminal() and not is_plain


def _to_json(fields: dict[str, Any]) -> str:
    import json

    return json.dumps(fields, allow_nan=False).replace("\x7f", r"\u007f")  # the one it leaves


def abandon_output() -> None:
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
    complain(*error.lines)
    sys.exit(error.exit_code)


def complain(*lines: str) -> None:
    """Write a message to standard error, if anybody listens: the exit code says it too.

    An end of a line within one is somebody else's, and written out.
    """
    with contextlib.suppress(OSError):
        click.echo("".join(f"{visible(line)}\n" for line in lines), nl=False, err=True)


def read_standard_input() -> bytes:
    """Return all that another program, or somebody, hands over, nothing if that is closed."""
    return sys.stdin.buffer.read() if sys.stdin is not None else b""


def is_terminal() -> bool:
    """Tell whether somebody looks at standard output, and not a file or another program."""
    return sys.stdout is not None and sys.stdout.isatty()


def line_width() -> int:
    """Return how wide a line of a result may be.

    What goes to a file or another program, and COLUMNS says nothing, is whole.
    """
    return terminal_width(otherwise=WHOLE)


def terminal_width(otherwise: int = COLUMNS) -> int:
    """Return how many columns there are to write in: what COLUMNS or the terminal says, else 80.

    It is what shutil has, which imports three kinds of compression, and help is to be quick.
    """
    with contextlib.suppress(ValueError):
        said = int(os.environ.get("COLUMNS", ""))
        if said > 0:
            return said
    with contextlib.suppress(AttributeError, ValueError, OSError):  # closed, or no terminal
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or otherwise  # type: ignore[union-attr]
    return otherwise


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
    import threading

    tqdm = _import_tqdm()
    tqdm.set_lock(threading.RLock())  # its own starts a process, to be shared with others
    return tqdm(
        items,
        total=total,
        initial=done,
        disable=quiet or not _has_room_for_a_bar(),
        bar_format=BAR if total else COUNT,
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
