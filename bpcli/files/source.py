"""what a user calls a source of data in -> the images and labels of one of its splits out."""

from pathlib import Path

from bpcli.arrays import Bytes
from bpcli.errors import DatasetError
from bpcli.files.folder import read_folder
from bpcli.files.keras import read_keras
from bpcli.files.kind import describe_file
from bpcli.files.table import is_csv, read_csv

EXPECTED = "expected mnist, a folder of IDX files or CSV, or a file .npz or .csv"


def read_split(source: str, split: str, bundled: Path) -> tuple[Bytes, Bytes]:
    """Return images (N, height, width) and labels (N,), as many, of `train` or `test`.

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
            images, labels = read_keras(path, split)
        elif is_csv(path) and path.is_file():
            images, labels = read_csv(path)
        else:
            found = describe_file(path)
            relative = not (path.exists() or path.is_absolute())
            where = f" (looked for in {Path.cwd()})" if relative else ""
            raise DatasetError(f"{path}: found {found}{where}; {EXPECTED}")
    except (OSError, RuntimeError) as error:  # no such home, no permission, too long a name
        raise DatasetError(f"{source}: cannot be read: {error}") from error
    if len(images) != len(labels):
        raise DatasetError(
            f"{path}: found {len(labels)} labels, expected one for each of the {len(images)} images"
        )
    return images, labels


def has_splits(source: str) -> bool:
    """Tell whether a source has training and test images, and is no CSV file by itself."""
    try:
        path = Path(source).expanduser()
        return source == "mnist" or not (is_csv(path) and path.is_file())
    except (OSError, RuntimeError):  # which `read_split` says in words
        return True
