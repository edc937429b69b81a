"""arguments in -> calls -> results out: the commands, a thin shell over all the rest.

What a command needs is imported inside it: `--help` stays quick, and the number of BLAS threads is
settled before numpy is imported.
"""

import contextlib
import math
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, NoReturn, cast

import click

from bpcli import __version__, blas
from bpcli.terminal import STOPPED, Shell, complain, say, signals

if TYPE_CHECKING:
    from pathlib import Path

    from bpcli.dataset import Split
    from bpcli.evaluation import Mistake
    from bpcli.graph import Graph
    from bpcli.layers import Array, Labels
    from bpcli.network import Network
    from bpcli.training import Record, Run

NOT_AS_ASKED = 1
BATCHES_TO_CHOOSE_FROM = 10  # for the gradient check: one that is far from the kinks of ReLU


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
    callback=lambda _context, _option, threads: blas.limit_threads(threads),
    help="BLAS threads; without it what OPENBLAS_NUM_THREADS or its like says, else 1.",
)


@click.group(cls=Shell, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="bpcli %(version)s")
def main() -> None:
    """Train a neural network on MNIST by backpropagation, and prove its gradients.

    \b
    bpcli train                    train the book's two-layer net
    bpcli eval model.npz           measure it
    bpcli gradcheck                compare its gradients with numerical ones
    bpcli graph 'x * x' x=3        see the chain rule at work
    """


@main.command()
@config_argument
@click.option(
    "-o", "--output", type=FILE, default="model.npz", show_default=True, help="The model file."
)
@set_option
@click.option("--resume", is_flag=True, help="Go on from MODEL.part, or extend a finished MODEL.")
@json_option
@click.option("-q", "--quiet", is_flag=True, help="Print the result only, and no progress bar.")
@threads_option
def train(
    config_file: str | None,
    output: str,
    overrides: tuple[str, ...],
    resume: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train the network that CONFIG, a YAML file, describes; without CONFIG, the book's.

    The state goes to MODEL.part at each evaluation; MODEL appears when training is done.

    \b
    bpcli train configs/fast.yaml -o fast.npz -s training.iterations=2000
    """
    from pathlib import Path

    from bpcli import checkpoint, report

    path = Path(output)
    with checkpoint.reserved(path):
        run = _prepare(path, config_file, overrides, resume=resume)
        with signals() as caught:
            with _progress(run, quiet=quiet) as steps:
                for record in steps:
                    if record and not run.complete:
                        checkpoint.save(checkpoint.part(path), run)
                        if not quiet:
                            show = report.record_fields if as_json else report.record_text
                            say(show(record))
                    if caught:
                        break
            if not run.complete:
                _stop(path, run, caught[0])
            checkpoint.finish(path, run)
    last = cast("Record", run.record)  # every run ends with an evaluation
    say(report.model_fields(output, last) if as_json else report.model_text(output, last))


def _prepare(
    path: "Path", config_file: str | None, overrides: tuple[str, ...], *, resume: bool
) -> "Run":
    """Set the run up; what can be known to be wrong before training is found here."""
    from bpcli import checkpoint
    from bpcli.config import Config, load_config
    from bpcli.training import set_up

    saved = checkpoint.find(path) if resume else None
    base = saved.config if saved and config_file is None else Config()
    config = load_config(config_file, overrides, base)
    run = set_up(config)
    part = checkpoint.part(path)
    if not saved and part.exists():
        complain(f"{part}: this run replaces an unfinished one; --resume would go on with that")
    if saved:
        saved.restore(run)
        iterations, before = config.training.iterations, saved.config.training.iterations
        if config.optimizer.schedule != "constant" and iterations != before:
            complain(
                f"the {config.optimizer.schedule} schedule now ends at iteration {iterations} and "
                f"not {before}: the result is not that of one uninterrupted run"
            )
    return run


@contextlib.contextmanager
def _progress(run: "Run", *, quiet: bool) -> Iterator[Iterator["Record | None"]]:
    """Train, with a progress bar on standard error if that is a terminal."""
    import numpy as np

    from bpcli.training import train as learn

    for name in [name for name in os.environ if name.startswith("TQDM_")]:
        del os.environ[name]  # tqdm fails on most values that it did not expect
    from tqdm import tqdm

    bar = tqdm(
        learn(run),
        total=run.config.training.iterations,
        initial=run.iteration,
        disable=quiet or sys.stderr is None or not sys.stderr.isatty(),
        unit="it",
        leave=False,
    )

    def steps() -> Iterator["Record | None"]:
        """Pass on what each iteration gave; the bar shows the last evaluation beside it."""
        for record in bar:
            if record:
                figures = f"loss {record.loss:.4f}, accuracy {record.accuracy:.2%}"
                bar.set_postfix_str(figures, refresh=False)
                bar.clear()
            yield record

    with bar, np.errstate(all="ignore"):  # a loss that overflows is reported, not warned of
        yield steps()


def _stop(path: "Path", run: "Run", number: int) -> NoReturn:
    """Save a run that signal `number` has interrupted, say how to go on, and exit."""
    import shlex

    from bpcli import checkpoint
    from bpcli.training import check_finite

    check_finite(run)
    checkpoint.save(checkpoint.part(path), run)
    command = shlex.join(["bpcli", "train", "-o", str(path), "--resume"])
    complain(
        f"stopped at iteration {run.iteration} and saved in {checkpoint.part(path)}; "
        f"go on with: {command}"
    )
    click.get_current_context().exit(STOPPED + number)


@main.command("eval")
@click.argument("model", type=FILE)
@click.option(
    "--data", type=FILE, metavar="SOURCE", help="Other data: a folder of IDX files, or an .npz."
)
@click.option("--split", type=click.Choice(("test", "train")), default="test", show_default=True)
@click.option(
    "--min-accuracy",
    type=Fraction(0, 1),
    metavar="FRACTION",
    help="Exit with 1 if the accuracy is below this fraction.",
)
@click.option(
    "--mistakes",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Show the N images that it gets wrong with the most confidence.",
)
@json_option
@threads_option
def evaluate(
    model: str,
    data: str | None,
    split: Literal["test", "train"],
    min_accuracy: float | None,
    mistakes: int,
    as_json: bool,
) -> None:
    """Measure MODEL: accuracy, loss, precision and recall of each class, confusion matrix.

    \b
    bpcli eval model.npz --min-accuracy 0.97
    """
    from pathlib import Path

    import numpy as np

    from bpcli import checkpoint, evaluation, report
    from bpcli.dataset import load_split

    saved = checkpoint.load(Path(model))
    source = saved.config.dataset.source if data is None else data
    images = load_split(source, split, deskew=saved.config.dataset.deskew)
    images.check_fits(saved.pixels, saved.classes)
    network = saved.network()
    with np.errstate(all="ignore"):  # of huge weights: what they give is reported as it is
        found = evaluation.evaluate(network, images)
        worst = evaluation.find_mistakes(network, images, mistakes) if mistakes else None
    if as_json:
        say(report.evaluation_fields(model, split, found, worst))
    else:
        say(report.evaluation_text(model, split, found))
        if worst:
            say("\n" + _pictures(worst, images))
    if min_accuracy is not None and found.accuracy < min_accuracy:
        complain(f"{model}: accuracy {found.accuracy:.4f} is below the {min_accuracy:g} asked for")
        click.get_current_context().exit(NOT_AS_ASKED)


def _pictures(mistakes: "list[Mistake]", split: "Split") -> str:
    import shutil

    from bpcli import picture, report

    width = shutil.get_terminal_size().columns
    return report.mistakes_text(mistakes, split, width, ascii_only=not _can_print(picture.HALVES))


@main.command()
@config_argument
@set_option
@click.option("--model", type=FILE, help="Check at the parameters of this model file.")
@click.option(
    "--samples", type=click.IntRange(1, 10_000), default=3, show_default=True, help="Real images."
)
@click.option(
    "--method",
    type=click.Choice(("central", "complex")),
    default="central",
    show_default=True,
    help="Central difference, or complex step.",
)
@click.option(
    "--tolerance",
    type=Fraction(1e-15, 1),
    default=1e-6,
    show_default=True,
    help="Largest relative error that passes.",
)
@json_option
@threads_option
def gradcheck(
    config_file: str | None,
    overrides: tuple[str, ...],
    model: str | None,
    samples: int,
    method: str,
    tolerance: float,
    as_json: bool,
) -> None:
    """Compare every gradient that backpropagation finds with a numerical one, in float64.

    Each layer is checked alone, then the whole network. What fails is named, with what kind of
    mistake it looks like.

    \b
    bpcli gradcheck configs/sigmoid.yaml --samples 5
    """
    import numpy as np

    from bpcli import report
    from bpcli.gradcheck import check_gradients

    network, x, t = _network_to_check(config_file, overrides, model, samples)
    rng = np.random.default_rng(0)
    found = check_gradients(network, x, t, rng, method=method, tolerance=tolerance)
    say(report.check_fields(found) if as_json else report.check_text(found))
    if not found.passed:
        click.get_current_context().exit(NOT_AS_ASKED)


def _network_to_check(
    config_file: str | None, overrides: tuple[str, ...], model: str | None, samples: int
) -> tuple["Network", "Array", "Labels"]:
    """Return a network in float64 and that of a few mini-batches which is best for a check."""
    from pathlib import Path

    import numpy as np

    from bpcli import checkpoint, gradcheck
    from bpcli.config import Config, load_config
    from bpcli.training import set_up

    if model is not None and (config_file or overrides):
        raise click.UsageError("--model brings its own configuration: give no CONFIG and no -s")
    saved = None if model is None else checkpoint.load(Path(model))
    base = saved.config if saved else Config()
    config = load_config(config_file, (*overrides, f"training.batch_size={samples}"), base)
    run = set_up(config, np.float64)
    network = run.network
    if saved:
        run.dataset.train.check_fits(saved.pixels, saved.classes)
        network = saved.network(np.float64)
    draws = map(run.mini_batches.draw, range(BATCHES_TO_CHOOSE_FROM))
    with np.errstate(all="ignore"):  # of huge weights: what they give is reported as it is
        x, t = gradcheck.clearest(network, ((x.copy(), t.copy()) for x, t in draws))
    return network, x, t


@main.command()
@click.argument("expression", required=False)
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--config", "config_file", type=FILE, metavar="CONFIG", help="Draw CONFIG's network.")
@json_option
@threads_option
@click.option("--dot", "as_dot", is_flag=True, help="Print text for Graphviz's dot.")
@click.option("--ascii", "as_ascii", is_flag=True, help="Draw with ASCII characters.")
def graph(
    expression: str | None,
    values: tuple[str, ...],
    config_file: str | None,
    as_json: bool,
    as_dot: bool,
    as_ascii: bool,
) -> None:
    """Draw the computational graph of EXPRESSION with its values and derivatives.

    Above each arrow stands the value, below it the derivative of the result by it. The language has
    + - * / ** and parentheses, exp, log, sigmoid, tanh, relu, max, numbers and names. Put -- before
    an expression that begins with a minus sign.

    \b
    bpcli graph 'apple * apple_count * tax' apple=100 apple_count=2 tax=1.1
    """
    import numpy as np

    from bpcli import drawing

    if (expression is None) == (config_file is None):
        raise click.UsageError("expected either an EXPRESSION or --config CONFIG")
    if as_json and as_dot:
        raise click.UsageError("expected either --json or --dot, not both")
    with np.errstate(all="ignore"):  # infinite derivatives are drawn as they are
        drawn = _network(config_file) if expression is None else _expression(expression, values)
        if as_json:
            say(drawing.to_fields(drawn))
        elif as_dot:
            say(drawing.to_dot(drawn))
        else:
            text = drawing.draw(drawn)
            say(text.translate(drawing.ASCII) if as_ascii or not _can_print(text) else text)


def _expression(text: str, values: tuple[str, ...]) -> "Graph":
    from bpcli.expression import Expression, parse_values

    return Expression(text, parse_values(values)).graph


def _network(config_file: str | None) -> "Network":
    from bpcli.config import load_config
    from bpcli.training import set_up

    return set_up(load_config(config_file)).network


def _can_print(text: str) -> bool:
    """Tell whether the encoding of standard output, which the locale sets, has these characters."""
    if sys.stdout is None:
        return True
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return False
    return True


@main.command()
@config_argument
@set_option
def config(config_file: str | None, overrides: tuple[str, ...]) -> None:
    """Print the complete configuration that CONFIG and -s amount to, as commented YAML.

    \b
    bpcli config configs/fast.yaml -s seed=1 > mine.yaml
    """
    from bpcli.config import load_config, to_yaml

    say(to_yaml(load_config(config_file, overrides)).rstrip())
