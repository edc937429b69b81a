"""a source of data in -> what it holds out, or all of it as an .npz: `bpcli data`."""

from typing import TYPE_CHECKING

import click

from bpcli.cli.options import FILE, json_option, label_option, size_option
from bpcli.cli.terminal import can_print, complain, say, terminal_width

if TYPE_CHECKING:
    from bpcli.data import Split


@click.command("data")
@click.argument("source", default="mnist", type=FILE)
@click.option("-o", "--output", type=FILE, help="Write all of it to this .npz, as Keras has it.")
@label_option
@size_option
@json_option
def data_command(
    source: str, output: str | None, label: str | None, size: int, as_json: bool
) -> None:
    """Show what SOURCE holds: classes, rare, equal and empty images, and some pictures.

    SOURCE is what dataset.source may be, told by its content: a folder of IDX files as MNIST,
    Fashion-MNIST, EMNIST, QMNIST, KMNIST or torchvision have them, packed or not; an .npz as Keras,
    MedMNIST or scikit-learn have it; CSV with a label and the pixels in each row, as Kaggle has it;
    or pictures in a folder for each class. Without SOURCE, and as mnist, it is the MNIST that comes
    with bpcli (./mnist is a folder of that name).

    One part alone is what is learnt from. Two are called train and test (or tr, t10k, val, ...) in
    the names of files, folders or arrays; images without labels are left alone. Sizes, classes and
    what is black and white are read from the data, and what was taken for what is said; labels keep
    their names, be they 1 to 26 or words.

    \b
    bpcli data fashion/ -o fashion.npz
    """
    from bpcli import show
    from bpcli.data import look_into
    from bpcli.files.atomic import check_free
    from bpcli.files.npz_dataset import write_npz
    from bpcli.files.part import Labelled
    from bpcli.show.picture import HALVES

    if output is not None:
        check_free(output)
    splits = _load(source, label, size)
    found = look_into(splits)
    if as_json:
        say(show.contents_fields(source, found))
    else:
        ascii_only = not can_print(HALVES)
        say(show.draw_contents(source, found, terminal_width(), ascii_only=ascii_only))
    if output is not None:
        write_npz(
            output,
            {
                s.name: Labelled(
                    images=s.images.reshape(-1, *s.size), labels=s.labels, names=s.names
                )
                for s in splits
            },
        )


def _load(source: str, label: str | None, size: int) -> "list[Split]":
    """Return the parts that a source has, and say what was taken for what.

    What is wrong with one of two is only told.
    """
    from bpcli.data import load_split
    from bpcli.data.split import BUNDLED
    from bpcli.errors import DatasetError
    from bpcli.files.part import FOUND, Reading
    from bpcli.files.source import parts

    reading = Reading(label or FOUND, size)
    splits: list[Split] = []
    errors: list[DatasetError] = []
    for name in parts(source, BUNDLED, reading.label):
        try:
            splits.append(load_split(source, name, splits[0].reading if splits else reading))
        except DatasetError as error:
            errors.append(error)
    if not splits:
        raise errors[0]
    for missing in errors:
        complain(*missing.lines)
    complain(*(remark for split in splits for remark in split.remarks))
    return splits
