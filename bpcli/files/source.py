"""what a user calls a source of data in -> the images and labels of one of its splits out."""

from pathlib import Path

from bpcli.arrays import Bytes
from bpcli.errors import DatasetError
from bpcli.files.idx import read_folder
from bpcli.files.keras import read_keras


def read_split(source: str, split: str, bundled: Path) -> tuple[Bytes, Bytes]:
    """Return images (N, height, width) and labels (N,), as many, of `train` or `test`.

    The source is a folder of IDX files or a Keras-style `.npz`; `mnist` is the folder `bundled`.
    Raises DatasetError for whatever is wrong with it.
    """
    if split not in ("train", "test"):
        raise DatasetError(f"{source}: found the split {split!r}, expected train or test")
    try:
        path = bundled if source == "mnist" else Path(source).expanduser()
        if path.is_dir():
            return read_folder(path, split)
        if path.suffix == ".npz" and path.exists():
            return read_keras(path, split)
        found = "a file" if path.exists() else "nothing there"
    except (OSError, RuntimeError) as error:  # no such home, no permission, too long a name
        raise DatasetError(f"{source}: cannot be read: {error}") from error
    raise DatasetError(f"{path}: found {found}, expected mnist, a folder of IDX files or .npz")
