"""a folder for each class, with pictures in it, in -> their images and labels out."""

import hashlib
import re
from pathlib import Path

import numpy as np

from bpcli.errors import DatasetError
from bpcli.files.describe import describe_file
from bpcli.files.image import is_image, read_image, to_grey
from bpcli.files.labels import Labelled, number_words
from bpcli.files.path import list_folder, look

# What a folder of folders is called that has only the training, or only the test images.
NAMES = {
    "train": re.compile(r"train(ing)?([-_ ]?(set|images|data))?", re.IGNORECASE),
    "test": re.compile(r"(test(ing)?|t10k)([-_ ]?(set|images|data))?", re.IGNORECASE),
}


def find_classes(folder: Path, split: str) -> list[Path]:
    """Return the folders for each class of `train` or `test`, in any order; none without pictures.

    They are in a folder named after the split, or, where there is none for any, in the folder
    itself, which may be in another one alone.
    """
    folder = _unpack(folder)
    places = [path for path in _folders(folder) if NAMES[split].fullmatch(path.name)]
    if has_splits(folder):
        return [path for place in places[:1] for path in _folders(place) if _has_images(path)]
    return [path for path in _folders(folder) if _has_images(path)]


def has_splits(folder: Path) -> bool:
    """Tell whether there is a folder that is named after a split."""
    names = [path.name for path in _folders(_unpack(folder))]
    return any(pattern.fullmatch(name) for pattern in NAMES.values() for name in names)


def read_classes(folders: list[Path]) -> Labelled:
    """Return the images of folders, in grey, with the folders' names for labels.

    The images are shuffled, alike on every machine, so that any part of them is of all classes.
    Raises DatasetError if they differ in size, PictureError and ExtraError.
    """
    _check_links(folders[0].parent)
    paths = [p for folder in folders for p in list_folder(folder, DatasetError) if is_image(p)]
    paths.sort(key=_shuffle)
    first = to_grey(read_image(paths[0]))
    images = np.empty((len(paths), *first.shape), np.uint8)
    for path, image in zip(paths, images, strict=True):
        grey = to_grey(read_image(path))
        if grey.shape != image.shape:
            height, width = grey.shape
            raise DatasetError(
                f"{path}: found {height} x {width} pixels, expected {image.shape[0]} x "
                f"{image.shape[1]}, as {paths[0]} has: make all pictures of one size"
            )
        image[...] = grey
    return Labelled(images, *number_words([path.parent.name for path in paths], str(paths[0])))


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
