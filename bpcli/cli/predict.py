"""a model and pictures in -> the digits that they show, and why, out: `bpcli predict`."""

from typing import TYPE_CHECKING

import click

from bpcli.cli.options import FILE, json_option, threads_option
from bpcli.cli.terminal import can_print, complain, is_terminal, say
from bpcli.errors import PictureError

if TYPE_CHECKING:
    from bpcli.training import Prediction, Reader


@click.command("predict")
@click.argument("model", type=FILE)
@click.argument("pictures", metavar="PICTURE...", nargs=-1, required=True, type=FILE)
@click.option("--as-is", is_flag=True, help="Take it as it is: it has the net's own size already.")
@click.option("-o", "--output", type=FILE, help="Write what the net sees as this .png.")
@json_option
@threads_option
def predict_command(
    model: str, pictures: tuple[str, ...], as_is: bool, output: str | None, as_json: bool
) -> None:
    """Say which digits PICTURE shows, a photograph or a drawing, and how it was prepared.

    It is made what MNIST's images are: light on dark, within 20 x 20 pixels, its centre of mass at
    the middle of 28 x 28. It does not tell letters from digits.

    \b
    bpcli predict model.npz my_seven.jpg
    """
    from pathlib import Path

    import numpy as np

    from bpcli.files.image import encode_png, read_image
    from bpcli.files.path import is_same_file
    from bpcli.files.result import check_result, write_result
    from bpcli.training import Reader, load

    if output is not None:
        if len(pictures) > 1:
            raise click.UsageError(f"-o is for one picture, found {len(pictures)}")
        check_result(output, [".png"])
        if is_same_file(output, pictures[0]):
            raise click.UsageError(f"-o {output}: that is the picture itself; choose another name")
    reader, failed = Reader(load(model)), False
    for picture in pictures:
        try:
            found = reader.read(read_image(Path(picture)), as_is=as_is, name=picture)
        except PictureError as error:
            complain(*error.lines)
            failed = True
            continue
        if output is not None:
            write_result(output, encode_png(np.hstack([one.seen.image for one in found])))
        _say(reader, picture, found, as_json=as_json)
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
