"""curves and counts in -> charts out: a picture of their own, or SVG for a page."""

from collections.abc import Sequence
from typing import Any

from bpcli.errors import PictureError
from bpcli.files.document import readable
from bpcli.show.plot import draw_sheet
from bpcli.training.checkpoint import Checkpoint

# Colours that stand out from light and dark paper, and from one another for everybody (Okabe & Ito
# 2008, two of them darker).
COLOURS = ("#2a78b5", "#d55e00", "#009e73", "#b5609a", "#b8860b", "#4d4d9a")
NO_HISTORY = "found no history: it has not been evaluated yet, or an older bpcli has written it"
PAGE = (8.0, 3.2)  # inches


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
        for i, (saved, history) in enumerate(curves):
            colour, split = (
                COLOURS[i % len(COLOURS)],
                saved.record.split if saved.record else "test",
            )
            # A name that begins with _ is hidden by matplotlib, but for the space.
            name = f" {names[i]} " if len(curves) > 1 else ""
            x = [point.iteration for point in history]
            marker = "o" if len(x) == 1 else ""
            options = {"color": colour, "marker": marker}
            loss.plot(x, [point.loss for point in history], label=f"{name}train", **options)
            train = [100 * point.train_accuracy for point in history]
            held_out = [100 * point.accuracy for point in history]
            accuracy.plot(x, train, linestyle=":", label=f"{name}train", **options)
            accuracy.plot(x, held_out, label=f"{name}{split}", **options)
        loss.set(xlabel="iteration", ylabel="loss", ylim=(0, None))
        accuracy.set(xlabel="iteration", ylabel="accuracy in %")
        for axes in (loss, accuracy):
            axes.legend(fontsize="small")

    return draw_sheet(draw, PAGE, form, "loss and accuracy of training")


def draw_doubt(right: Sequence[int], wrong: Sequence[int]) -> bytes:
    """Return how many answers are right and wrong at each probability, as SVG."""

    def draw(sheet: Any) -> None:
        sheet.set_layout_engine("constrained")
        axes = sheet.subplots()
        edges = [100 * (i + 0.5) / len(right) for i in range(len(right))]
        width = 40 / len(right)
        shift = width / 2
        axes.bar([x - shift for x in edges], right, width, color=COLOURS[0], label="right")
        axes.bar([x + shift for x in edges], wrong, width, color=COLOURS[1], label="wrong")
        axes.set_yscale("symlog", linthresh=1)
        axes.set(xlabel="probability of the answer in %", ylabel="test images", xlim=(0, 100))
        axes.legend()

    return draw_sheet(draw, PAGE, "svg", "right and wrong answers by their probability")
