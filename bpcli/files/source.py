"""what a user calls a source of data in -> the images and labels of one of its splits out."""

from pathlib import Path

from bpcli.errors import DatasetError, FileError, quote
from bpcli.files import image_folder
from bpcli.files.describe import describe_file
from bpcli.files.folder import read_folder
from bpcli.files.labels import Labelled
from bpcli.files.npz_dataset import read_npz
from bpcli.files.path import expand, look, resolve, say_path
from bpcli.files.table import is_csv, read_csv

EXPECTED = "expected mnist, a folder of IDX files, CSV or pictures, or a file .npz or .csv"


def read_split(source: str, split: str, bundled: Path) -> Labelled:
    """Return as many images as labels, of `train` or `test`.

    The source is a folder, an .npz, or a CSV; `mnist` is the folder `bundled`. Raises DatasetError
    for whatever is wrong with it.
    """
    if split not in ("train", "test"):
        raise DatasetError(f"{source}: found the split {quote(split)}, expected train or test")
    if not source:
        raise DatasetError(f"found no source of data, {EXPECTED}")
    path = bundled if source == "mnist" else expand(source, DatasetError)
    standing = look(path, DatasetError)
    if standing == "folder":
        return read_folder(path, split)
    if path.suffix == ".npz" and standing != "nothing":
        found = read_npz(path, split)
    elif is_csv(path) and standing != "nothing":
        found = read_csv(path)
    else:
        what = describe_file(path)
        where = "" if standing != "nothing" or path.is_absolute() else _working_folder()
        raise DatasetError(f"{say_path(path)}: found {what}{where}; {EXPECTED}")
    if len(found.images) != len(found.labels):
        raise DatasetError(
            f"{path}: found {len(found.labels)} labels, expected one for each of the "
            f"{len(found.images)} images"
        )
    return found


def _working_folder() -> str:
    """Say where names without a folder are looked for."""
    try:
        return f" (looked for in {resolve('.')})"
    except FileError:
        return " (looked for in a folder that is gone)"


def has_splits(source: str) -> bool:
    """Tell whether a source has training images apart from test images.

    A CSV file has not, nor have folders of pictures for each class, unless they are in two others.
    Raises DatasetError where that cannot be known.
    """
    if source == "mnist":
        return True
    path = expand(source, DatasetError)
    if look(path, DatasetError) == "folder":
        return image_folder.has_splits(path) or not image_folder.find_classes(path, "test")
    return not (is_csv(path) and look(path, DatasetError) == "file")
