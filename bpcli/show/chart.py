"""curves and counts in -> charts out: a picture of their own, or SVG for a page."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from bpcli.errors import PictureError, readable
from bpcli.files.document import to_scalar
from bpcli.show.colours import COLOURS
from bpcli.show.plot import draw_sheet
from bpcli.training.analysis import Analysis
from bpcli.training.checkpoint import Checkpoint
from bpcli.tuning.metric import Metric
from bpcli.tuning.results import TrialResult

NO_HISTORY = "found no history: it has not been evaluated yet, or an older bpcli has written it"
PAGE = (8.0, 3.2)  # inches
COLUMNS = 3  # of charts of keys, side by side
FEW = 10  # evaluations, which are dots and no line
LIGHT = 0.4  # of 1: how much of its colour a line in the background has
HIGH = 10  # a loss that is far above that of guessing, and drawn by its logarithm
DECADE = 10  # a key whose values go over more than that is drawn by its logarithm


def draw_curves(models: Sequence[Checkpoint], form: str) -> bytes:
    """Return loss and accuracies of runs, laid over one another, as `svg`, `png` or `pdf`.

    Raises PictureError where no model has a history.
    """
    curves = [(saved, saved.history) for saved in models if saved.history]
    if not curves:
        where = ", ".join(str(saved.path) for saved in models)
        raise PictureError(f"{where}: {NO_HISTORY}")

    names = [readable(saved.path.name) for saved, _ in curves]
    if len(set(names)) < len(names):
        names = [readable(str(saved.path)) for saved, _ in curves]

    def draw(sheet: Any) -> None:
        sheet.set_layout_engine("constrained")
        loss, accuracy = sheet.subplots(1, 2)
        for i, (saved, _) in enumerate(curves):
            # A name that begins with _ is hidden by matplotlib, but for the space.
            name = f" {names[i]} " if len(curves) > 1 else ""
            _draw_curve(loss, accuracy, saved, COLOURS[i % len(COLOURS)], name)
        if loss.get_ylim()[1] > HIGH:
            loss.set_yscale("log")
            show_plain_numbers(loss.yaxis)
        else:
            loss.set_ylim(0, None)
        loss.set(xlabel="iteration", ylabel="loss")
        accuracy.set(xlabel="iteration", ylabel="accuracy in %")
        for axes in (loss, accuracy):
            axes.legend(fontsize="small")

    return draw_sheet(draw, PAGE, form, "loss and accuracy of training")


def _draw_curve(loss: Any, accuracy: Any, saved: Checkpoint, colour: str, name: str) -> None:
    """Draw the losses and the accuracies of a run, by iteration."""
    history, losses = saved.history, saved.losses
    split = saved.record.split if saved.record else "held-out"
    x = [point.iteration for point in history]
    # A line between a few evaluations would tell of what nobody has looked at.
    few = {"linestyle": "", "marker": "o"}
    of_train = {"color": colour} | (few | {"fillstyle": "none"} if len(x) <= FEW else {"ls": ":"})
    of_split = {"color": colour} | (few if len(x) <= FEW else {})
    light = {"color": colour, "alpha": LIGHT, "linewidth": 1}
    if losses.means:
        loss.plot(losses.iterations, losses.means, label=f"{name}mini-batches", **light)
    loss.plot(x, [point.loss for point in history], label=f"{name}train", **of_train)
    train = [100 * point.train_accuracy for point in history]
    accuracy.plot(x, train, label=f"{name}train", **of_train)
    if split == "train":
        return
    known = [point for point in history if point.held_out_loss is not None]
    if known:
        own = [point.iteration for point in known], [point.held_out_loss for point in known]
        loss.plot(*own, label=f"{name}{split}", **of_split)
    accuracy.plot(x, [100 * p.accuracy for p in history], label=f"{name}{split}", **of_split)


def draw_doubt(analysis: Analysis) -> bytes:
    """Return how many answers are right and wrong at each probability, as SVG."""
    right, wrong, split = analysis.right, analysis.wrong, analysis.images.name

    def draw(sheet: Any) -> None:
        sheet.set_layout_engine("constrained")
        axes = sheet.subplots()
        edges = [100 * (i + 0.5) / len(right) for i in range(len(right))]
        width = 40 / len(right)
        shift = width / 2
        axes.bar([x - shift for x in edges], right, width, color=COLOURS[0], label="right")
        axes.bar([x + shift for x in edges], wrong, width, color=COLOURS[1], label="wrong")
        axes.set_yscale("symlog", linthresh=1)
        axes.set(xlabel="probability of the answer in %", ylabel=f"{split} images", xlim=(0, 100))
        axes.legend()

    return draw_sheet(draw, PAGE, "svg", "right and wrong answers by their probability")


def draw_trial_curve(trials: Sequence[TrialResult]) -> bytes:
    """Return the figure of each trial, and the best so far, as SVG."""
    metric = trials[0].metric

    def draw(sheet: Any) -> None:
        sheet.set_layout_engine("constrained")
        axes = sheet.subplots()
        x = [trial.slot for trial in trials]
        y, better = _figures(trials), min if metric.is_loss else max
        axes.plot(x, y, "o", color=COLOURS[0], label="trial")
        best = list(accumulate(y, better))
        axes.step(x, best, where="post", color=COLOURS[1], label="best so far")
        axes.set(xlabel="trial", ylabel=f"held-out {_name_axis(metric)}")
        axes.legend(fontsize="small", loc="lower right")

    return draw_sheet(draw, PAGE, "svg", f"{metric.name} of each trial")


def _figures(trials: Sequence[TrialResult]) -> list[float]:
    return [trial.mean if trial.metric.is_loss else 100 * trial.mean for trial in trials]


def _name_axis(metric: Metric) -> str:
    return metric.name.replace("_", " ") + ("" if metric.is_loss else " in %")


def draw_keys(trials: Sequence[TrialResult]) -> bytes:
    """Return the figure of trials over each searched key, side by side, as SVG."""
    keys = sorted(trials[0].values)
    columns = min(COLUMNS, len(keys))
    rows = -(-len(keys) // columns)

    def draw(sheet: Any) -> None:
        sheet.set_layout_engine("constrained")
        charts = list(sheet.subplots(rows, columns, squeeze=False).flat)
        for axes, key in zip(charts, keys, strict=False):
            _draw_key(axes, key, trials)
        for axes in charts[len(keys) :]:
            axes.set_axis_off()

    return draw_sheet(draw, (PAGE[0], 2.6 * rows), "svg", f"{trials[0].metric.name} by each key")


def show_plain_numbers(axis: Any) -> None:
    """Write the numbers of a logarithmic axis as people do, and not as formulas."""
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("")


def _draw_key(axes: Any, key: str, trials: Sequence[TrialResult]) -> None:
    values = [trial.values[key] for trial in trials]
    y = _figures(trials)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        if min(values) > 0 and max(values) > DECADE * min(values):
            axes.set_xscale("log")
            show_plain_numbers(axes.xaxis)
        axes.plot(values, y, "o", color=COLOURS[0])
    else:
        names = [to_scalar(value) for value in values]
        places = sorted(set(names), key=lambda name: (len(name), name))
        axes.plot([places.index(name) for name in names], y, "o", color=COLOURS[0])
        axes.set_xticks(range(len(places)), places)
        axes.margins(x=0.2)
    axes.set(xlabel=key, ylabel=_name_axis(trials[0].metric))
