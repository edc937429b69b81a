"""a folder of pictures, in a folder for each class or without classes, in -> parts out."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bpcli.arrays import Bytes, to_bytes
from bpcli.errors import DatasetError
from bpcli.files.describe import describe_file
from bpcli.files.image import is_image, read_image, to_grey
from bpcli.files.labels import number_words
from bpcli.files.naming import PartName, read_folder_name
from bpcli.files.part import Images, Labelled, Reading
from bpcli.files.path import list_folder, look
from bpcli.files.pixels import GREY
from bpcli.files.scaling import resize


@dataclass(frozen=True)
class PictureMember:
    """Pictures in the folders of `classes` or, where there are none, in `folder` itself."""

    folder: Path
    part: PartName
    classes: tuple[Path, ...] = ()

    @property
    def place(self) -> str:
        """What messages call it."""
        return str(self.folder)

    @property
    def is_labelled(self) -> bool:
        """Whether folders say which classes they are of."""
        return bool(self.classes)

    def list_pictures(self) -> list[Path]:
        """Return the pictures in the order of their names. Raises DatasetError."""
        folders = self.classes or (self.folder,)
        return [p for folder in folders for p in list_folder(folder, DatasetError) if is_image(p)]

    def read(self, reading: Reading) -> Labelled:
        """Return the images, with the folders' names for labels.

        They are shuffled, alike on every machine, so that any part of them is of all classes.
        Raises DatasetError if they differ in size, PictureError and ExtraError.
        """
        _check_links(self.folder)
        paths = sorted(self.list_pictures(), key=_shuffle)
        images = self._read(paths, reading)
        labels, names = number_words([path.parent.name for path in paths], str(paths[0]))
        return Labelled(**vars(images), labels=labels, names=names)

    def read_images(self, reading: Reading) -> Images:
        """Return the images in the order of their names. Raises as `read` does."""
        return self._read(self.list_pictures(), reading)

    def _read(self, paths: list[Path], reading: Reading) -> Images:
        first, _ = _read_grey(paths[0], reading.size)
        images, colours = np.empty((len(paths), *first.shape), np.uint8), 0
        for path, image in zip(paths, images, strict=True):
            grey, has_colours = _read_grey(path, reading.size)
            if grey.shape != image.shape:
                height, width = grey.shape
                raise DatasetError(
                    f"{path}: found {height} x {width} pixels, expected {image.shape[0]} x "
                    f"{image.shape[1]}, as {paths[0]} has: make all pictures of one size, or set "
                    "dataset.size, as -s dataset.size=28"
                )
            image[...] = grey
            colours += has_colours
        remark = f"{self.folder}: {colours:,} of {len(paths):,} pictures in colour, {GREY}"
        called = tuple(str(path.relative_to(self.folder)) for path in paths)
        return Images(images=images, called=called, remarks=(remark,) * bool(colours))


def find_pictures(folder: Path) -> list[PictureMember]:
    """Return the parts of a folder of pictures, none if there are no pictures.

    Parts are folders that are called so; without any, the folder itself is one, which may be in
    another one alone. Raises DatasetError for a part that is there twice.
    """
    folder = _unpack(folder)
    inside = _folders(folder)
    parts = [(path, part) for path in inside if (part := read_folder_name(path.name))]
    others = [path for path in inside if path not in dict(parts) and _has_images(path)]
    # Of train, plane and car, all with pictures in them, the first is a class, too.
    if others and all(_has_images(path) and not _folders(path) for path, _ in parts):
        parts, others = [], inside
    found = [member for path, part in parts if (member := _find_member(path, part))]
    whole = _find_member(folder, "", others)
    if whole and (others or not parts):
        found.append(whole)
    twice = [m for m in found if m.part in [other.part for other in found if other is not m]]
    if twice:
        names = " and ".join(member.folder.name for member in twice)
        raise DatasetError(f"{folder}: found {names}, expected one of them alone")
    return found


def _find_member(
    folder: Path, part: PartName, inside: Sequence[Path] | None = None
) -> PictureMember | None:
    """Return the pictures of a folder, in those inside it that are classes, or in itself."""
    folders = _folders(folder) if inside is None else inside
    classes = tuple(path for path in folders if _has_images(path))
    if classes or _has_images(folder):
        return PictureMember(folder, part, classes)
    return None


def _read_grey(path: Path, size: int) -> tuple[Bytes, bool]:
    """Return a picture in grey, of a size if one is given, and whether it has had colours."""
    picture = read_image(path)
    has_colours = bool((picture != picture[..., :1]).any())
    grey = to_grey(picture)
    if size and grey.shape != (size, size):
        grey = to_bytes(resize(grey, (size, size)))
    return grey, has_colours


def _check_links(folder: Path) -> None:
    """Raise DatasetError if a link among the classes leads nowhere: a class may be missing."""
    for path in list_folder(folder, DatasetError):
        if path.name[0] != "." and look(path, DatasetError) == "nothing":
            raise DatasetError(
                f"{path}: found {describe_file(path)}, expected a folder of pictures; mend the "
                "link, or remove it if no class is missing"
            )


def _shuffle(path: Path) -> bytes:
    """Return where a picture comes among all, as chance would have it; names need be no UTF-8."""
    name = f"{path.parent.name}/{path.name}".encode(errors="surrogatepass")
    return hashlib.sha256(name).digest()


def _unpack(folder: Path) -> Path:
    """Return the folder, or the one inside it that has all of it, as unpacking makes them."""
    inside = _folders(folder)
    if len(inside) == 1 and not _has_images(inside[0]) and _folders(inside[0]):
        return _unpack(inside[0])
    return folder


def _folders(folder: Path) -> list[Path]:
    return [
        path
        for path in list_folder(folder, DatasetError)
        if path.name[0] != "." and look(path, DatasetError) == "folder"
    ]


def _has_images(folder: Path) -> bool:
    return any(map(is_image, list_folder(folder, DatasetError)))
