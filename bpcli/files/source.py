"""what a user calls a source of data in -> its parts, and the images and labels of one, out.

There is one rule for all containers: one part alone is what is learnt from, whatever it is called;
of several, they say by their names what they are for; and images without labels are left alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bpcli.arrays import Bytes
from bpcli.errors import DatasetError, FileError, quote, readable
from bpcli.files.describe import describe_file
from bpcli.files.folder import MOST, find_members, list_entries
from bpcli.files.idx import is_idx
from bpcli.files.image_folder import PictureMember
from bpcli.files.npz_dataset import list_names_of
from bpcli.files.part import AS_FOUND, FOUND, PARTS, Images, Labelled, Member, Part, Reading
from bpcli.files.path import expand, list_folder, look, resolve, say_path
from bpcli.files.scaling import resize_all
from bpcli.files.stored import Stored, StoredMember, find_arrays
from bpcli.files.table import TableMember, is_csv

EXPECTED = "expected mnist, a folder of IDX files, CSV or pictures, or a file .npz or .csv"
CONVERTED = ("a Parquet file", "a pickle")  # what may be in files that are not read
NAMES = "train and test, as x_train, train-images, train.csv or a folder train"


@dataclass(frozen=True)
class Parts:
    """What a source has to learn from and, or None, to measure on; `remarks` say what is not so."""

    train: Member
    test: Member | None
    remarks: tuple[str, ...]


def is_source(word: str) -> bool:
    """Tell whether a word that may be a picture is the name of data, read or not."""
    path = expand(word, DatasetError)
    standing = look(path, DatasetError)
    if word == "mnist" or path.suffix == ".npz" or is_csv(path):
        return True
    if standing != "file":
        return standing == "folder"
    return is_idx(path) or describe_file(path).startswith(CONVERTED)


def find_again(source: str, beside: Path) -> str:
    """Return where a source of a model is: as it was called, or from a folder that the model is in.

    Of these it is the innermost that has it. Raises DatasetError where it is in none.
    """
    path = expand(source, DatasetError)
    if source == "mnist" or look(path, DatasetError) != "nothing":
        return source
    if not path.is_absolute():
        start = resolve(beside.parent, DatasetError)
        for folder in (start, *start.parents):
            if look(folder / path, DatasetError) != "nothing":
                return str(folder / path)
    where = (
        "" if path.is_absolute() else f"{_working_folder()}, nor in a folder that the model is in"
    )
    raise DatasetError(
        f"{beside}: its data {say_path(path)}: found {describe_file(path)}{where}; put them back, "
        "or name them by --data, where a command takes it"
    )


def parts(source: str, bundled: Path, label: str = FOUND) -> tuple[Part, ...]:
    """Return which parts a source has: `train`, and `test` or none.

    `mnist` is the folder `bundled`; `label` is as in a `Reading`. Raises DatasetError for what is
    no source, or cannot be read.
    """
    if source == "mnist":
        return PARTS
    return PARTS if _assign(source, _find(source, bundled, label)).test else PARTS[:1]


def read_split(source: str, split: str, bundled: Path, reading: Reading = AS_FOUND) -> Labelled:
    """Return as many images as labels, of `train` or `test`.

    The source is a folder, an .npz, or a CSV; `mnist` is the folder `bundled`. Raises DatasetError
    for whatever is wrong with it.
    """
    if split not in PARTS:
        raise DatasetError(f"{source}: found the split {quote(split)}, expected train or test")
    found = _assign(source, _find(source, bundled, reading.label))
    member = found.train if split == "train" else found.test
    if not member:
        raise DatasetError(f"{source}: found one part alone, which is {found.train.place} here")
    read = member.read(reading)
    remarks = [*(found.remarks if split == "train" else ()), *read.remarks]
    if reading.label != FOUND and read.label == FOUND:
        remarks.append(
            f"{member.place}: the label {quote(reading.label)} is not looked for: that is for "
            "tables, and for an .npz in which each image has several"
        )
    return replace(read, images=_scale(read, reading), remarks=tuple(remarks))


def read_images(
    source: str, split: str | None, bundled: Path, reading: Reading = AS_FOUND
) -> Images:
    """Return the images of a part, whether it has labels or not, in its order.

    Without a split it is the only one that the source has. Raises DatasetError if there are others.
    """
    read = find_images(source, split, bundled, reading.label).read_images(reading)
    return replace(read, images=_scale(read, reading))


def list_pictures(
    source: str, split: str | None, bundled: Path, label: str = FOUND
) -> list[tuple[str, Path]] | None:
    """Return the pictures of a folder, with what they are called in it; None of data."""
    member = find_images(source, split, bundled, label)
    if not isinstance(member, PictureMember):
        return None
    return [(str(path.relative_to(member.folder)), path) for path in member.list_pictures()]


def find_images(source: str, split: str | None, bundled: Path, label: str = FOUND) -> Member:
    """Return the part that `read_images` reads. Raises DatasetError."""
    members = _find(source, bundled, label)
    chosen = members if split is None else [m for m in members if m.part == split]
    if len(chosen) == 1:
        return chosen[0]
    there = " and ".join(member.part or member.place for member in members)
    if split is None:
        raise DatasetError(
            f"{source}: found {there or 'no images'}, expected one part; --split says which"
        )
    raise DatasetError(f"{source}: found {there or 'no images'}, expected {split} once")


def _scale(read: Images, reading: Reading) -> Bytes:
    size = (reading.size, reading.size)
    return resize_all(read.images, size) if reading.size else read.images


def _find(source: str, bundled: Path, label: str) -> list[Member]:
    """Return all parts of a source, under the names that it has for them. Raises DatasetError."""
    if not source:
        raise DatasetError(f"found no source of data, {EXPECTED}")
    path = bundled if source == "mnist" else expand(source, DatasetError)
    standing = look(path, DatasetError)
    found: list[Member] = []
    if standing == "folder":
        found = find_members(path, label)
        if not found:
            raise DatasetError(
                f"{path}: found {list_entries(path)}, expected train-images-idx3-ubyte and "
                "train-labels-idx1-ubyte or the like, train.csv, or a folder of pictures for each "
                f"class, under train or not{_describe_other(path)}"
            )
    elif path.suffix == ".npz" and standing != "nothing":
        found = [*find_arrays(path)]
        if not found:
            names = ", ".join(map(readable, list_names_of(path))) or "nothing"
            raise DatasetError(f"{path}: found {names[:200]}, expected x_train and y_train")
    elif is_csv(path) and standing != "nothing":
        found = [TableMember(path, "", label)]
    elif standing == "file" and is_idx(path):
        found = [StoredMember("", (Stored(path),), ())]
    if not found:
        what = describe_file(path)
        where = "" if standing != "nothing" or path.is_absolute() else _working_folder()
        raise DatasetError(f"{say_path(path)}: found {what}{where}; {EXPECTED}")
    has_train = any(member.part == "train" for member in found)
    return [member for member in found if member.part or not has_train]


def _assign(source: str, members: Sequence[Member]) -> Parts:
    """Return what is learnt from and measured on. Raises DatasetError where that cannot be told."""
    labelled = [member for member in members if member.is_labelled]
    others = [
        f"{member.place}: images without labels, which are left alone"
        for member in members
        if not member.is_labelled
    ]
    named = {member.part: member for member in labelled}
    if not labelled:
        raise DatasetError(
            f"{members[0].place}: found images without labels, expected a label for each, of "
            "pictures a folder for each class; bpcli predict MODEL SOURCE --csv FILE says what "
            "they show"
        )
    if len(labelled) == 1:
        return Parts(labelled[0], None, tuple(others))
    if "train" not in named or len(named) < len(labelled):
        found = " and ".join(member.place for member in labelled)
        raise DatasetError(f"{source}: found {found}, expected {NAMES}")
    test, validation = named.get("test"), named.get("validation")
    if validation and test:
        others.append(f"{validation.place}: left alone; dataset.validation holds images out")
    elif validation:
        others.append(f"{validation.place}: these are the test images here")
    return Parts(named["train"], test or validation, tuple(others))


def _describe_other(folder: Path) -> str:
    """Say what the first file of a folder is that holds data in a form that is not read."""
    for path in list_folder(folder, DatasetError)[:MOST]:
        what = describe_file(path)
        if look(path, DatasetError) == "file" and what not in ("a file", "an empty file"):
            return f"; {readable(path.name)} is {what}"
    return ""


def _working_folder() -> str:
    """Say where names without a folder are looked for."""
    try:
        return f" (looked for in {resolve('.')})"
    except FileError:
        return " (looked for in a folder that is gone)"
