"""the evaluations of runs in -> charts of their losses and accuracies out."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bpcli.errors import PictureError, readable
from bpcli.show.chart.axis import linear, logarithmic
from bpcli.show.chart.chart import DASHES, NEUTRAL, Chart, Line, room, shorten
from bpcli.show.chart.draw import draw_picture
from bpcli.show.colours import AUTO, LIGHT
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.history import Point
from bpcli.training.losses import Losses

NO_HISTORY = "found no history: it has not been evaluated yet, or an older bpcli has written it"
FEW = 10  # evaluations, which are marks and no line: what was between them nobody has looked at
HIGH = 10  # a loss that is far above that of guessing, and drawn by its logarithm
TINY, TEN = 1e-9, 10.0  # the least height of a chart, in nats and in percent
MOST, COLUMNS = 10, 5  # runs in one chart, each of a colour; and small ones of more in a row
SMALL = (190.0, 70.0)  # their width, if names need no more, and the height of their plots
SUFFIX = ".npz"  # of models, which all names have
TITLE = "loss and accuracy over the iterations"
THIN = 1.2  # lines of what a net has learnt from, beside those of what it has not


@dataclass(frozen=True)
class Run:
    """What there is to draw of a run: its evaluations, and the losses of its mini-batches.

    `split` is what the second accuracy is of.
    """

    name: str
    history: Sequence[Point]
    split: str
    losses: Losses


def list_runs(models: Sequence[Checkpoint]) -> list[Run]:
    """Return the runs of models that have a history, with names that tell them apart.

    Raises PictureError where no model has one.
    """
    found = [saved for saved in models if saved.history]
    if not found:
        where = ", ".join(str(saved.path) for saved in models)
        raise PictureError(f"{where}: {NO_HISTORY}")
    names = [readable(saved.path.name) for saved in found]
    if len(set(names)) < len(names):
        names = [readable(str(saved.path)) for saved in found]
    return [
        Run(name, saved.history, saved.record.split if saved.record else "held-out", saved.losses)
        for name, saved in zip(names, found, strict=True)
    ]


def chart_runs(runs: Sequence[Run], iterations: int = 0) -> list[Chart]:
    """Return charts of the loss and of the accuracy of runs, by iteration.

    They go on to the last iteration of all, or to `iterations` if that is more.
    """
    last = max([iterations, 1, *(run.history[-1].iteration for run in runs)])
    losses = [line for i, run in enumerate(runs) for line in _losses(i, run, len(runs) == 1)]
    accuracies = [line for i, run in enumerate(runs) for line in _accuracies(i, run, len(runs))]
    heights = [y for line in losses for _, y in line.points]
    top = max([TINY, *heights])
    least = min([100 - TEN, *(y for line in accuracies for _, y in line.points)])
    loss = linear("loss", 0, top)
    if top > HIGH:
        loss = logarithmic("loss", heights)
    x = linear("iteration", 0, last, whole=True)
    percent = linear("accuracy in %", math.floor(least / TEN) * TEN, 100)
    return [
        Chart(_describe(runs, "loss"), x, loss, tuple(losses), key=_key(runs, "loss")),
        Chart(_describe(runs, "accuracy"), x, percent, tuple(accuracies), key=_key(runs, "")),
    ]


def draw_runs(models: Sequence[Checkpoint], form: str, theme: str) -> bytes:
    """Return loss and accuracies of models, side by side; of many, a small chart of each one.

    `form` is `svg`, `png` or `pdf`. Raises PictureError where no model has a history, and what
    `draw_picture` raises.
    """
    runs = list_runs(models)
    if len(runs) > MOST:
        return draw_picture(_small_charts(runs), COLUMNS, "accuracy of each model", form, theme)
    charts = chart_runs(runs)
    return draw_picture(charts, len(charts), TITLE, form, theme)


def _small_charts(runs: Sequence[Run]) -> list[Chart]:
    """Return a chart of the accuracies of each run, all on the same axes, under its name."""
    last = max(run.history[-1].iteration for run in runs)
    x = linear("iteration", 0, last, whole=True)
    charts = []
    heads = [f"{_own_name(r)}: {r.history[-1].accuracy:.1%} {r.split}" for r in runs]
    width = max([SMALL[0], *map(room, heads)])
    for run, reached in zip(runs, heads, strict=True):
        lines = (replace(line, name="") for line in _accuracies(0, run, 1))
        y = linear(reached, 0, 100)
        words = _describe([run], "accuracy")
        charts.append(Chart(words, x, y, tuple(lines), width=width, height=SMALL[1]))
    return charts


def curve_svg(history: Sequence[Point], split: str, iterations: int) -> str:
    """Return loss and accuracy over the iterations of a run as SVG that stands in a page.

    `split` is what the second accuracy is of. It is light or dark as the screen. Raises ExtraError
    without matplotlib.
    """
    charts = chart_runs([Run("", history, split, Losses())], iterations)
    return draw_picture(charts, len(charts), TITLE, "svg", AUTO).decode()


def _losses(i: int, run: Run, alone: bool) -> Iterable[Line]:
    """Return the lines of a run's losses: those of mini-batches, of `train` and held out."""
    train = _look(i, run, alone, is_train=True)
    if run.losses.means:
        pairs = zip(run.losses.iterations, run.losses.means, strict=True)
        yield Line(_finite(pairs), train.colour, width=1.0, is_light=True)
    held_out = [p for p in run.history if p.held_out_loss is not None]
    if run.split != "train" and held_out:
        yield replace(
            train, points=_finite((p.iteration, p.loss) for p in run.history), name="train" * alone
        )
        points = _finite((p.iteration, p.held_out_loss or 0.0) for p in held_out)
        yield replace(_look(i, run, alone), points=points, name=_name(run, alone))
    else:
        points = _finite((p.iteration, p.loss) for p in run.history)
        yield replace(train, points=points, name="train" if alone else _own_name(run))


def _accuracies(i: int, run: Run, count: int) -> Iterable[Line]:
    alone = count == 1
    points = _finite((p.iteration, 100 * p.train_accuracy) for p in run.history)
    is_all = run.split == "train"
    name = "train" if alone else _own_name(run) * is_all
    yield replace(_look(i, run, alone, is_train=True), points=points, name=name)
    if not is_all:
        points = _finite((p.iteration, 100 * p.accuracy) for p in run.history)
        yield replace(_look(i, run, alone), points=points, name=_name(run, alone))


def _name(run: Run, alone: bool) -> str:
    return run.split if alone else _own_name(run)


def _own_name(run: Run) -> str:
    return shorten(run.name.removesuffix(SUFFIX))


def _look(i: int, run: Run, alone: bool, *, is_train: bool = False) -> Line:
    """Return how a line of a run looks: of one run train and test have colours of their own."""
    colour = (not is_train) * 1 if alone else i % len(LIGHT.lines)
    is_few = len(run.history) <= FEW
    return Line(
        (),
        colour,
        width=THIN if is_train else 2.0,
        dash=DASHES[1] if alone and is_train else () if alone else DASHES[i % len(DASHES)],
        is_joined=not is_few,
        is_marked=is_few,
        is_hollow=is_train,
    )


def _key(runs: Sequence[Run], of: str) -> tuple[Line, ...]:
    """Return what looks mean that no name at the end of a line tells."""
    found = []
    if of == "loss" and any(run.losses.means for run in runs):
        own = 0 if len(runs) == 1 else NEUTRAL
        found.append(Line((), own, "mini-batches", width=1.0, is_light=True))
    splits = sorted({run.split for run in runs} - {"train"})
    has_two = of != "loss" or any(p.held_out_loss is not None for r in runs for p in r.history)
    if len(runs) > 1 and splits and has_two:
        disc = Line((), NEUTRAL, is_joined=False, is_marked=True)
        found.append(replace(disc, name="train", is_hollow=True))
        found += [replace(disc, name=split) for split in splits]
    return tuple(found)


def _finite(pairs: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    return tuple((x, y) for x, y in pairs if math.isfinite(y))


def _describe(runs: Sequence[Run], of: str) -> str:
    """Return what a chart shows in words, for those who do not see it."""
    parts = []
    for run in runs:
        first, last = run.history[0], run.history[-1]
        ends = (
            f"the loss goes from {first.loss:.3g} to {last.loss:.3g}"
            if of == "loss"
            else f"the {run.split} accuracy goes from {first.accuracy:.1%} to {last.accuracy:.1%}"
        )
        parts.append(
            f"line chart{f' of {run.name}' if run.name else ''}: from iteration "
            f"{first.iteration:,} to {last.iteration:,} {ends}"
        )
    return "; ".join(parts)
