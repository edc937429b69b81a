"""what a user calls a source of data in -> which parts it has, and the images of one, out."""

from pathlib import Path

from bpcli.errors import DatasetError
from bpcli.files.describe import describe_file
from bpcli.files.folder import find_parts, read_folder
from bpcli.files.labels import PARTS, Labelled, Part
from bpcli.files.npz_dataset import list_parts, read_npz
from bpcli.files.table import is_csv, read_csv

EXPECTED = "expected mnist, a folder of IDX files, CSV or pictures, or a file .npz or .csv"


def read_split(source: str, split: str, bundled: Path) -> Labelled:
    """Return as many images as labels, of one of the `parts` of a source.

    The source is a folder, an .npz, or a CSV; `mnist` is the folder `bundled`. Raises DatasetError
    for whatever is wrong with it.
    """
    if split not in PARTS:
        raise DatasetError(f"{source}: found the split {split!r}, expected train or test")
    if not source:
        raise DatasetError(f"found no source of data, {EXPECTED}")
    try:
        path = _locate(source, bundled)
        there = _list_parts(path, bundled)
        if split not in _as_train(there):
            raise DatasetError(f"{source}: found one part alone, which is {there[0]} here")
        split = there[0] if len(there) == 1 else split
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


def parts(source: str, bundled: Path) -> tuple[Part, ...]:
    """Return which parts a source has: `train`, and `test` or none.

    One part alone is `train`, whatever it is called. What is no source at all has a part, too: to
    read it says what is wrong. Raises DatasetError for what cannot be read.
    """
    try:
        return _as_train(_list_parts(_locate(source, bundled), bundled))
    except (OSError, RuntimeError) as error:
        raise DatasetError(f"{source}: cannot be read: {error}") from error


def _locate(source: str, bundled: Path) -> Path:
    return bundled if source == "mnist" else Path(source).expanduser()


def _list_parts(path: Path, bundled: Path) -> tuple[Part, ...]:
    """Return what a source calls its parts."""
    if path == bundled:
        return PARTS
    found: tuple[Part, ...] = ()
    if path.is_dir():
        found = find_parts(path)
    elif path.suffix == ".npz" and path.exists():
        found = list_parts(path)
    return found or ("train",)


def _as_train(found: tuple[Part, ...]) -> tuple[Part, ...]:
    return found if len(found) > 1 else ("train",)
