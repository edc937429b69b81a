"""a folder of data files, called and nested as people have them, in -> the parts in it out."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bpcli.errors import DatasetError, readable
from bpcli.files.columns import is_pixels, read_header
from bpcli.files.idx import is_idx
from bpcli.files.image import SUFFIXES
from bpcli.files.image_folder import find_pictures
from bpcli.files.naming import PartName, Role, read_name
from bpcli.files.npz_dataset import ONE
from bpcli.files.part import FOUND, Member
from bpcli.files.path import link_target, list_folder, look, say_path
from bpcli.files.stored import Stored, StoredMember, join
from bpcli.files.table import TableMember, is_csv

DEPTH = 2  # of folders inside the folder: MNIST/raw, or one for each file
MOST = 1000  # entries that are looked at, in all
SHOWN = 8  # entries that a message lists
OTHER = (".txt", ".md", ".md5", ".html", ".zip", ".tar", ".part", ".csv", ".csv.gz", *SUFFIXES)

Kind = tuple[PartName, Role]


def find_members(folder: Path, label: str = FOUND) -> list[Member]:
    """Return the parts that a folder has, of the first kind of which there are any.

    The kinds are IDX files, or .npz of one array each, for images and labels; a CSV for both; and
    pictures. What has no part's name counts where nothing has one. Raises DatasetError where two
    files might be meant.
    """
    levels = list(_levels(folder))
    found: list[Member] = [*_find_arrays(folder, levels)]
    if not any(member.is_labelled for member in found):
        found = [*_find_tables(folder, levels, label)] or found
    return found or [*find_pictures(folder)]


def list_entries(folder: Path) -> str:
    """Return what is in a folder, as messages list it."""
    paths = list_folder(folder, DatasetError)
    shown = ", ".join(map(_name, paths[:SHOWN]))
    return (shown + ", ..." * (len(paths) > SHOWN)) or "nothing in it"


def _find_arrays(folder: Path, levels: Sequence[list[Path]]) -> list[StoredMember]:
    """Return the parts that are IDX files: train-images-idx3-ubyte, kmnist-test-labels.npz, ..."""
    found = _find(folder, levels, _kind_of_array, is_idx)
    return join(
        (part, role, Stored(path, ONE if path.suffix == ".npz" else ""))
        for (part, role), path in found.items()
    )


def _find_tables(folder: Path, levels: Sequence[list[Path]], label: str) -> list[TableMember]:
    found = _find(folder, levels, _kind_of_table, lambda _: True)
    return [TableMember(path, part, label) for (part, _), path in found.items()]


def _kind_of_array(path: Path) -> Kind | None:
    part, role = read_name(path.name)
    if not role or path.name.lower().endswith(OTHER):
        return None
    is_sure = part or path.suffix == ".npz" or is_idx(path)  # of a name like images or labels
    return (part, role) if is_sure else None


def _kind_of_table(path: Path) -> Kind | None:
    if not is_csv(path) or look(path, DatasetError) != "file" or not is_pixels(read_header(path)):
        return None
    return read_name(path.name)[0], ""


def _find(
    folder: Path,
    levels: Sequence[list[Path]],
    kind_of: Callable[[Path], Kind | None],
    is_surely: Callable[[Path], bool],
) -> dict[Kind, Path]:
    """Return the file of each kind that is nearest to the top of the folder.

    Where several are, those count that surely are such files. What is of no part is left out beside
    training images. Raises DatasetError where there are two.
    """
    found: dict[Kind, list[Path]] = {}
    for level in levels:
        kinds: dict[Kind, list[Path]] = defaultdict(list)
        for path in level:
            kind = kind_of(path)
            if kind:
                kinds[kind].append(path)
        found = kinds | found
    has_train = any(part == "train" for part, _ in found)
    return {
        kind: _only(folder, paths, is_surely)
        for kind, paths in found.items()
        if kind[0] or not has_train
    }


def _only(folder: Path, paths: list[Path], is_surely: Callable[[Path], bool]) -> Path:
    # A file beside its own .gz is the same file, and needs no unpacking.
    named = [p for p in paths if p.suffix != ".gz" or p.with_suffix("") not in paths]
    if len(named) > 1:
        named = [path for path in named if is_surely(path)] or named
    if len(named) > 1:
        names = " and ".join(str(path.relative_to(folder)) for path in sorted(named)[:SHOWN])
        raise DatasetError(f"{folder}: found {names}, expected one of them alone")
    return named[0]


def _levels(folder: Path) -> Iterator[list[Path]]:
    """Yield the files in the folder, then those in its folders, and so on."""
    level, left = [folder], MOST
    for _ in range(DEPTH + 1):
        entries: list[Path] = []
        for place in level:
            entries += list_folder(place, DatasetError)[: left - len(entries)]
        left -= len(entries)
        level = [path for path in entries if look(path, DatasetError) == "folder"]
        yield [path for path in entries if path not in level] if level else entries


def _name(path: Path) -> str:
    """Return what messages call an entry of a folder: a folder, or a link that leads nowhere."""
    found, target = look(path, DatasetError), link_target(path)
    if found == "nothing" and target:
        return f"{readable(path.name)} (a link to {say_path(target)}, where nothing is)"
    return readable(path.name) + "/" * (found == "folder")
