"""what a user calls a source of data in -> the images and labels of one of its splits out."""

from pathlib import Path

from bpcli.errors import DatasetError
from bpcli.files import image_folder
from bpcli.files.describe import describe_file
from bpcli.files.folder import read_folder
from bpcli.files.labels import Labelled
from bpcli.files.npz_dataset import read_npz
from bpcli.files.table import is_csv, read_csv

EXPECTED = "expected mnist, a folder of IDX files, CSV or pictures, or a file .npz or .csv"


def read_split(source: str, split: str, bundled: Path) -> Labelled:
    """Return as many images as labels, of `train` or `test`.

    The source is a folder, an .npz, or a CSV; `mnist` is the folder `bundled`. Raises DatasetError
    for whatever is wrong with it.
    """
    if split not in ("train", "test"):
        raise DatasetError(f"{source}: found the split {split!r}, expected train or test")
    if not source:
        raise DatasetError(f"found no source of data, {EXPECTED}")
    try:
        path = bundled if source == "mnist" else Path(source).expanduser()
        if path.is_dir():
            return read_folder(path, split)
        if path.suffix == ".npz" and path.exists():
            found = read_npz(path, split)
        elif is_csv(path) and path.is_file():
            found = read_csv(path)
        else:
            what = describe_file(path)
            relative = not (path.exists() or path.is_absolute())
            where = f" (looked for in {Path.cwd()})" if relative else ""
            raise DatasetError(f"{path}: found {what}{where}; {EXPECTED}")
    except (OSError, RuntimeError) as error:  # no such home, no permission, too long a name
        raise DatasetError(f"{source}: cannot be read: {error}") from error
    if len(found.images) != len(found.labels):
        raise DatasetError(
            f"{path}: found {len(found.labels)} labels, expected one for each of the "
            f"{len(found.images)} images"
        )
    return found


def has_splits(source: str) -> bool:
    """Tell whether a source has training images apart from test images.

    A CSV file has not, nor have folders of pictures for each class, unless they are in two others.
    """
    if source == "mnist":
        return True
    try:
        path = Path(source).expanduser()
        if path.is_dir():
            return image_folder.has_splits(path) or not image_folder.find_classes(path, "test")
        return not (is_csv(path) and path.is_file())
    except (OSError, RuntimeError):  # which `read_split` says in words
        return True
