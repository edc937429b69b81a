"""a model and pictures, or data, in -> what they show, and why, out: `bpcli predict`."""

from typing import TYPE_CHECKING

import click

from bpcli.cli.options import FILE, json_option, label_option, threads_option
from bpcli.cli.terminal import can_print, complain, counter, is_terminal, say
from bpcli.errors import PictureError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bpcli.training import Prediction, Reader
    from bpcli.training.prediction import Probabilities

    # What some images are called, and their probabilities, None where there is no answer.
    Answers = Iterator[tuple[Sequence[str | int], Probabilities | None]]

STDOUT = "-"


@click.command("predict")
@click.argument("model", type=FILE)
@click.argument("pictures", metavar="PICTURE|SOURCE...", nargs=-1, required=True, type=FILE)
@click.option("--as-is", is_flag=True, help="Take it as it is: it has the net's own size already.")
@click.option("-o", "--output", type=FILE, help="Write what the net sees as this .png.")
@click.option(
    "--csv", "table", type=FILE, help="Write a row for each image to this .csv; - is stdout."
)
@click.option("--probabilities", is_flag=True, help="Write those of all classes to it, too.")
@click.option(
    "--split",
    type=click.Choice(("test", "train", "validation")),
    help="Which part of SOURCE, where it has several.",
)
@label_option
@json_option
@threads_option
def predict_command(
    model: str,
    pictures: tuple[str, ...],
    as_is: bool,
    output: str | None,
    table: str | None,
    probabilities: bool,
    split: str | None,
    label: str | None,
    as_json: bool,
) -> None:
    """Say what PICTURE shows, a photograph or a drawing, and how it was prepared.

    Of a net for MNIST it is made what its images are: light on dark, within 20 x 20 pixels, its
    centre of mass at the middle of 28 x 28. It does not tell letters from digits.

    With --csv it answers for each image of SOURCE, with labels or without, in their order: data as
    `bpcli data` shows them are taken as the model's own were; pictures in a folder, or of a pattern
    like 'scans/*.png', as any PICTURE.

    \b
    bpcli predict model.npz my_seven.jpg
    bpcli predict model.npz kaggle/test.csv --csv answers.csv
    """
    from bpcli.training import Reader, load

    _check_table(table, probabilities=probabilities, as_json=as_json)
    saved = load(model)
    label = label or saved.config.dataset.label
    found = _find(pictures, split, label, is_table=table is not None)
    _check_output(output, found)
    reader = Reader(saved)
    if found is None:
        if table is None and not as_json:
            raise click.UsageError(
                f"{pictures[0]}: these are data and no picture; --csv answers.csv writes a row for "
                "each image"
            )
        _write(reader, _classify(reader, pictures[0], split, label), table, probabilities)
    elif table is None:
        _show(reader, found, output, as_is=as_is, as_json=as_json)
    else:
        failed: list[str] = []
        _write(reader, _read(reader, found, failed, as_is=as_is), table, probabilities)
        if failed:
            raise PictureError


def _check_table(table: str | None, *, probabilities: bool, as_json: bool) -> None:
    from bpcli.files.result import check_result

    if table is not None and as_json:
        raise click.UsageError("expected one of --csv and --json, not two")
    if probabilities and table is None:
        raise click.UsageError("--probabilities belongs to --csv")
    if table is not None and table != STDOUT:
        check_result(table, [".csv"])


def _find(
    words: tuple[str, ...], split: str | None, label: str, *, is_table: bool
) -> "list[tuple[str, Path]] | None":
    """Return pictures, with what they are called, or None if it is data that are named.

    Those that are to be in a table have to be there.
    """
    from pathlib import Path

    from bpcli.data.split import BUNDLED
    from bpcli.files.path import exists, expand_pattern
    from bpcli.files.source import is_source, list_pictures

    found = [path for word in words for path in expand_pattern(word)]
    sources = [path for path in found if is_source(path)]
    if len(sources) == len(found) == 1:
        return list_pictures(sources[0], split, BUNDLED, label)
    if sources:
        raise click.UsageError(f"{sources[0]}: expected one SOURCE, or pictures alone")
    missing = [path for path in found if is_table and not exists(path)]
    if missing:
        raise PictureError(f"{missing[0]}: found nothing there, expected a picture, or data")
    return [(path, Path(path)) for path in found]


def _check_output(output: str | None, found: "list[tuple[str, Path]] | None") -> None:
    from bpcli.files.path import is_same_file
    from bpcli.files.result import check_result

    if output is None:
        return
    if found is None or len(found) > 1:
        count = "data" if found is None else len(found)
        raise click.UsageError(f"-o is for one picture, found {count}")
    check_result(output, [".png"])
    if any(is_same_file(output, path) for _, path in found):
        raise click.UsageError(f"-o {output}: that is the picture itself; choose another name")


def _show(
    reader: "Reader",
    found: "list[tuple[str, Path]]",
    output: str | None,
    *,
    as_is: bool,
    as_json: bool,
) -> None:
    """Say of each picture what it shows, and write the one as the net sees it."""
    import numpy as np

    from bpcli.files.image import encode_png, read_image
    from bpcli.files.result import write_result

    failed = False
    for name, path in found:
        try:
            digits = reader.read(read_image(path), as_is=as_is, name=name)
        except PictureError as error:
            complain(*error.lines)
            failed = True
            continue
        if output is not None:
            write_result(output, encode_png(np.hstack([one.seen.image for one in digits])))
        _say(reader, name, digits, as_json=as_json)
    if failed:
        raise PictureError


def _say(reader: "Reader", picture: str, found: "list[Prediction]", *, as_json: bool) -> None:
    from bpcli import show
    from bpcli.show.picture import HALVES

    if as_json:
        say(show.prediction_fields(reader.saved, picture, found))
    else:
        ascii_only = not can_print(HALVES)
        say(show.draw_prediction(picture, found, pictures=is_terminal(), ascii_only=ascii_only))


def _read(
    reader: "Reader", found: "list[tuple[str, Path]]", failed: list[str], *, as_is: bool
) -> "Answers":
    """Yield answers for the digits on each picture, and none for one that shows nothing."""
    import numpy as np

    from bpcli.files.image import read_image

    with counter(len(found)) as count:
        for name, path in found:
            try:
                digits = reader.read(read_image(path), as_is=as_is, name=name)
            except PictureError as error:
                complain(*error.lines)
                failed.append(name)
                yield [name], None
            else:
                yield [name] * len(digits), np.array([digit.chances for digit in digits])
            count(1)


def _classify(reader: "Reader", source: str, split: str | None, label: str) -> "Answers":
    """Yield answers for the images of data, some at a time."""
    from bpcli.data.split import BUNDLED
    from bpcli.files.part import Reading
    from bpcli.files.source import read_images
    from bpcli.show import doubt_brightness

    saved = reader.saved
    reading = Reading(label, saved.config.dataset.size, saved.levels)
    data = read_images(source, split, BUNDLED, reading)
    complain(*data.remarks, *doubt_brightness(source, data.images, saved.white))
    called = data.called or range(len(data.images))
    done = 0
    with counter(len(called)) as count:
        for chances in reader.classify(data.images, source):
            yield called[done : done + len(chances)], chances
            done += len(chances)
            count(len(chances))


def _write(reader: "Reader", answers: "Answers", table: str | None, with_all: bool) -> None:
    """Write answers as CSV, or as JSON without a file for it."""
    from bpcli import show
    from bpcli.files.result import write_result

    if table is None:
        for fields in show.answer_fields(reader.saved, answers):
            say(fields)
        return
    text = show.answers_csv(reader.saved.names, answers, with_all=with_all)
    if table == STDOUT:
        say(text)
    else:
        write_result(table, f"{text}\n".encode(errors="backslashreplace"))
