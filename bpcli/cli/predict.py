"""a model and pictures, or data, in -> what they show, and why, out: `bpcli predict`."""

import re
from typing import TYPE_CHECKING

import click

from bpcli.cli.options import FILE, json_option, label_option, threads_option
from bpcli.cli.terminal import (
    can_print,
    complain,
    counter,
    is_terminal,
    read_standard_input,
    say,
)
from bpcli.errors import PictureError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bpcli.files.image import Picture
    from bpcli.training import Prediction, Reader
    from bpcli.training.prediction import Probabilities

    # What some images are called, and their probabilities, None where there is no answer.
    Answers = Iterator[tuple[Sequence[str | int], Probabilities | None]]

STDIN, STDOUT = "-", "-"
STANDARD_INPUT = "standard input"
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


@click.command("predict")
@click.argument("model", type=FILE)
@click.argument("pictures", metavar="PICTURE|SOURCE...", nargs=-1, required=True, type=FILE)
@click.option("--as-is", is_flag=True, help="Take it as it is: it has the net's own size already.")
@click.option("-o", "--output", type=FILE, help="Draw what was read where into this .png.")
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

    PICTURE may be a folder of them, or - for standard input.

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

    _check_addresses(words)
    given = [path for word in words for path in expand_pattern(word)]
    sources = [path for path in given if path != STDIN and is_source(path)]
    if len(sources) == len(given) == 1:
        return list_pictures(sources[0], split, BUNDLED, label)
    found: list[tuple[str, Path]] = []
    for path in given:
        if path in sources:
            inside = list_pictures(path, split, BUNDLED, label)
            if inside is None:
                raise click.UsageError(f"{path}: expected one SOURCE, or pictures alone")
            found += [(str(Path(path) / name), picture) for name, picture in inside]
        elif is_table and path != STDIN and not exists(path):
            raise PictureError(f"{path}: found nothing there, expected a picture, or data")
        else:
            found.append((STANDARD_INPUT if path == STDIN else path, Path(path)))
    return found


def _check_addresses(words: tuple[str, ...]) -> None:
    for word in words:
        if ADDRESS.match(word):
            raise PictureError(
                f"{word}: found an address, from which nothing is downloaded; save the picture and "
                f"name its file, or pipe it: curl -sL {word} | bpcli predict MODEL -"
            )


def _read_picture(
    reader: "Reader", name: str, path: "Path", *, as_is: bool
) -> "tuple[Picture, list[Prediction]]":
    """Return a picture and what it shows; say it where its file has several."""
    from pathlib import Path

    content = None
    if name == STANDARD_INPUT and str(path) == STDIN:
        content, path = read_standard_input(), Path(name)
    picture, digits = reader.read_file(path, content, as_is=as_is, name=name)
    if picture.frames > 1:
        complain(
            f"{name}: found {picture.frames} frames; number {picture.frame} is the first with ink"
        )
    return picture, digits


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
    """Say of each picture what it shows, and draw into the one what was read where."""
    from bpcli import show
    from bpcli.files.result import write_result

    failed = False
    for name, path in found:
        try:
            picture, digits = _read_picture(reader, name, path, as_is=as_is)
        except PictureError as error:
            complain(*error.lines)
            failed = True
            continue
        if output is not None:
            write_result(output, show.draw_seen(picture, digits, reader.saved.white))
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

    with counter(len(found)) as count:
        for name, path in found:
            try:
                _, digits = _read_picture(reader, name, path, as_is=as_is)
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
