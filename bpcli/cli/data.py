"""a source of data in -> what it holds out, or all of it as an .npz: `bpcli data`."""

from typing import TYPE_CHECKING

import click

from bpcli.cli.options import FILE, json_option
from bpcli.cli.terminal import can_print, complain, say, terminal_width

if TYPE_CHECKING:
    from bpcli.data import Split


@click.command("data")
@click.argument("source", default="mnist", type=FILE)
@click.option("-o", "--output", type=FILE, help="Write all of it to this .npz, as Keras has it.")
@json_option
def data_command(source: str, output: str | None, as_json: bool) -> None:
    """Show what SOURCE holds: images, classes, grey levels, and some pictures.

    SOURCE is what dataset.source may be, told by its content: a folder of IDX files as MNIST,
    Fashion-MNIST, EMNIST, QMNIST, KMNIST or torchvision have them, packed or not; an .npz as Keras
    or MedMNIST have it; CSV with the label first, as Kaggle has it (a folder with train.csv and
    test.csv, or one file to measure on); or pictures of one size in a folder for each class, under
    train/ and test/ or to measure on. Without it, and as mnist, it is the MNIST that comes with
    bpcli (./mnist is a folder of that name). Size, classes and the grey level that becomes 1 are
    read from the data; labels keep their names, be they 1 to 26 or words.

    \b
    bpcli data fashion/ -o fashion.npz
    """
    from bpcli import show
    from bpcli.data import look_into
    from bpcli.files.labels import Labelled
    from bpcli.files.npz_dataset import check_free, write_npz
    from bpcli.show.picture import HALVES

    if output is not None:
        check_free(output)
    splits = _load(source)
    found = [look_into(split) for split in splits]
    if as_json:
        say(show.contents_fields(source, found))
    else:
        ascii_only = not can_print(HALVES)
        say(show.draw_contents(source, found, terminal_width(), ascii_only=ascii_only))
    if output is not None:
        write_npz(
            output,
            {s.name: Labelled(s.images.reshape(-1, *s.size), s.labels, s.names) for s in splits},
        )


def _load(source: str) -> "list[Split]":
    """Return the splits that a source has; what is wrong with one of two is only told."""
    from bpcli.data import load_split
    from bpcli.data.split import BUNDLED
    from bpcli.errors import DatasetError
    from bpcli.files.source import parts

    splits: list[Split] = []
    errors: list[DatasetError] = []
    for name in parts(source, BUNDLED):
        try:
            splits.append(load_split(source, name))
        except DatasetError as error:
            errors.append(error)
    if not splits:
        raise errors[0]
    for missing in errors:
        complain(*missing.lines)
    return splits
