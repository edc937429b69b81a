"""a model in -> how well it does out, and a guard on that: `bpcli eval`."""

from typing import TYPE_CHECKING, Literal

import click

from bpcli.cli.options import FILE, Fraction, json_option, label_option, threads_option
from bpcli.cli.terminal import can_print, complain, line_width, say, terminal_width
from bpcli.errors import NotAsAsked

if TYPE_CHECKING:
    from bpcli.backprop import Network
    from bpcli.data import Split
    from bpcli.training import Evaluation, Mistake

NEARLY_NOTHING = 0.4  # an accuracy below which something may be wrong with the images


@click.command("eval")
@click.argument("model", type=FILE)
@click.option(
    "--data", type=FILE, metavar="SOURCE", help="Other data: a folder, an .npz or a .csv."
)
@click.option(
    "--split",
    type=click.Choice(("test", "train", "validation")),
    help="Without it what the model has not learnt from: test images, or else those held out.",
)
@click.option("--prepare", is_flag=True, help="Pictures of your own: prepare them as predict does.")
@label_option
@click.option("--transpose", is_flag=True, help="Take rows for columns, as EMNIST's images want.")
@click.option(
    "--min-accuracy",
    type=Fraction(0, 1),
    metavar="FRACTION",
    help="Exit with 1 if the accuracy is below this fraction.",
)
@click.option(
    "--min-balanced-accuracy",
    type=Fraction(0, 1),
    metavar="FRACTION",
    help="The same of the mean recall of classes, of which each counts as much.",
)
@click.option(
    "--mistakes",
    "most",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Show the N images that it gets wrong with the most confidence.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV: a line for each class.")
@json_option
@threads_option
def eval_command(
    model: str,
    data: str | None,
    split: Literal["test", "train", "validation"] | None,
    prepare: bool,
    label: str | None,
    transpose: bool,
    min_accuracy: float | None,
    min_balanced_accuracy: float | None,
    most: int,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Measure MODEL on images that it has not learnt from: accuracy, loss, F1, confusion matrix.

    \b
    bpcli eval model.npz --min-accuracy 0.97
    bpcli eval model.npz --data pictures/ --prepare
    """
    if as_csv and as_json:
        raise click.UsageError("expected one of --csv and --json, not two")
    from bpcli import show
    from bpcli.training import evaluate, find_images, find_mistakes, load, prepare_pictures

    _check_prepare(data, is_asked=prepare, is_alone=not (split or label or transpose))
    saved = load(model)
    if prepare and data:
        measured = prepare_pictures(saved, data)
    else:
        measured = find_images(saved, split, data, transpose=transpose, label=label)
    images, network = measured.images, saved.network()
    found = evaluate(network, images)
    if measured.doubt:
        complain(f"{model}: {measured.doubt}")
    if data:
        complain(*images.remarks, *show.doubt_brightness(data, images.images, saved.white))
        _warn_of_transposed_images(network, images, found)
    mistakes = find_mistakes(network, images, most) if most else None
    if as_json:
        say(show.evaluation_fields(saved, measured, found, mistakes))
    elif as_csv:
        say(show.evaluation_csv(found, saved.names))
    else:
        say(show.draw_evaluation(saved, measured, found, line_width()))
        if mistakes:
            say("\n" + _draw(mistakes, images))
    _expect(model, "accuracy", found.accuracy, min_accuracy)
    _expect(model, "balanced accuracy", found.balanced_accuracy, min_balanced_accuracy)


def _expect(model: str, name: str, reached: float, least: float | None) -> None:
    if least is not None and reached < least:
        raise NotAsAsked(f"{model}: {name} {reached:.4f} is below the {least:g} asked for")


def _check_prepare(data: str | None, *, is_asked: bool, is_alone: bool) -> None:
    if is_asked and not (data and is_alone):
        raise click.UsageError("--prepare goes with --data, a folder of pictures, alone")


def _warn_of_transposed_images(network: "Network", images: "Split", found: "Evaluation") -> None:
    """Say so where images are recognised far better when their rows are taken for columns."""
    from bpcli.training import evaluate

    height, width = images.size
    if found.accuracy > NEARLY_NOTHING or height != width:
        return
    turned = evaluate(network, images.transposed())
    if turned.accuracy > 2 * found.accuracy:
        complain(
            f"{images.source}: with rows taken for columns, as EMNIST's images want, the accuracy "
            f"would be {turned.accuracy:.2%}: try --transpose, or dataset.transpose: true to train"
        )


def _draw(mistakes: "list[Mistake]", images: "Split") -> str:
    from bpcli.show import draw_mistakes
    from bpcli.show.picture import HALVES

    return draw_mistakes(mistakes, images, terminal_width(), ascii_only=not can_print(HALVES))
