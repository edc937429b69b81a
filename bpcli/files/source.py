"""what a user calls a source of data in -> its parts, and the images and labels of one, out."""

from pathlib import Path

from bpcli.errors import DatasetError, FileError, quote
from bpcli.files.describe import describe_file
from bpcli.files.folder import find_parts, read_folder
from bpcli.files.labels import PARTS, Labelled, Part
from bpcli.files.npz_dataset import list_parts, read_npz
from bpcli.files.path import expand, look, resolve, say_path
from bpcli.files.table import is_csv, read_csv

EXPECTED = "expected mnist, a folder of IDX files, CSV or pictures, or a file .npz or .csv"


def read_split(source: str, split: str, bundled: Path) -> Labelled:
    """Return as many images as labels, of `train` or `test`.

    The source is a folder, an .npz, or a CSV; `mnist` is the folder `bundled`. Raises DatasetError
    for whatever is wrong with it.
    """
    if split not in PARTS:
        raise DatasetError(f"{source}: found the split {quote(split)}, expected train or test")
    if not source:
        raise DatasetError(f"found no source of data, {EXPECTED}")
    path = _locate(source, bundled)
    there = _list_parts(path, bundled)
    if split not in _as_train(there):
        raise DatasetError(f"{source}: found one part alone, which is {there[0]} here")
    part = there[0] if len(there) == 1 else split
    standing = look(path, DatasetError)
    if standing == "folder":
        return read_folder(path, part)
    if path.suffix == ".npz" and standing != "nothing":
        found = read_npz(path, part)
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


def parts(source: str, bundled: Path) -> tuple[Part, ...]:
    """Return which parts a source has: `train`, and `test` or none.

    One part alone is `train`, whatever it is called. What is no source at all has a part, too: to
    read it says what is wrong. Raises DatasetError for what cannot be read.
    """
    return _as_train(_list_parts(_locate(source, bundled), bundled))


def _locate(source: str, bundled: Path) -> Path:
    return bundled if source == "mnist" else expand(source, DatasetError)


def _list_parts(path: Path, bundled: Path) -> tuple[Part, ...]:
    """Return what a source calls its parts."""
    if path == bundled:
        return PARTS
    found: tuple[Part, ...] = ()
    standing = look(path, DatasetError)
    if standing == "folder":
        found = find_parts(path)
    elif path.suffix == ".npz" and standing != "nothing":
        found = list_parts(path)
    return found or ("train",)


def _as_train(found: tuple[Part, ...]) -> tuple[Part, ...]:
    return found if len(found) > 1 else ("train",)
