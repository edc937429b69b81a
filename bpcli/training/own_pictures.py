"""a model, and pictures in a folder for each class, in -> these as it would be shown them, out.

Each is prepared as `predict` does, one digit from each picture, whatever its size and paper.
"""

from pathlib import Path

import numpy as np

from bpcli.arrays import Bytes
from bpcli.data.split import Split
from bpcli.data.warp import deskew_images
from bpcli.errors import DatasetError, PictureError, readable
from bpcli.files.image import read_image
from bpcli.files.image_folder import find_pictures
from bpcli.files.labels import list_names
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.prediction import Reader
from bpcli.training.unseen import Measured

SHOWN = 5  # pictures that are left out, and named


def prepare_pictures(saved: Checkpoint, folder: str) -> Measured:
    """Return pictures of a folder as images to measure a model on; their folders are their classes.

    A picture on which not one digit is found is left out, and named. Raises DatasetError where no
    picture has a class, or one that the model has not, or none is left.
    """
    classes = [path for member in find_pictures(Path(folder)) for path in member.classes]
    paths = [p for member in find_pictures(Path(folder)) for p in member.list_pictures()]
    paths = [path for path in paths if path.parent in classes]
    if not paths:
        raise DatasetError(f"{folder}: found no pictures in folders, expected one for each class")
    reader, left_out = Reader(saved), list[str]()
    images, labels = list[Bytes](), list[int]()
    for path in paths:
        label = _find_class(saved, path)
        try:
            found = reader.read(read_image(path), name=str(path))
        except PictureError as error:
            left_out.append(str(error))
            continue
        if len(found) != 1:
            left_out.append(f"{path}: found {len(found)} digits, expected one")
            continue
        images.append(found[0].seen.image)
        labels.append(label)
    if not images:
        raise DatasetError(f"{folder}: no picture is left: {left_out[0]}")
    split = Split(
        name="test",
        images=_as_learnt(saved, np.stack(images)),
        labels=np.array(labels, np.uint8),
        names=saved.names,
        source=folder,
        size=saved.size,
        white=saved.white,
        remarks=tuple(_tell(folder, left_out, len(paths))),
    )
    return Measured(split, left_out=0)


def _find_class(saved: Checkpoint, path: Path) -> int:
    name = path.parent.name
    if name not in saved.names:
        raise DatasetError(
            f"{path.parent}: found the class {readable(name)}, expected one of "
            f"{list_names(saved.names)}, which the model knows"
        )
    return saved.names.index(name)


def _as_learnt(saved: Checkpoint, images: Bytes) -> Bytes:
    """Return images (N, height, width) as rows (N, pixels), turned and made upright as its own."""
    dataset = saved.config.dataset
    if dataset.source == "mnist" and dataset.transpose:
        images = images.transpose(0, 2, 1)
    flat = np.ascontiguousarray(images).reshape(len(images), -1)
    return deskew_images(flat, saved.size) if dataset.deskew else flat


def _tell(folder: str, left_out: list[str], count: int) -> list[str]:
    """Return what to say of pictures that are left out, a few of them by their names."""
    if not left_out:
        return []
    more = f"; and {len(left_out) - SHOWN} more" if len(left_out) > SHOWN else ""
    return [f"{folder}: {len(left_out)} of {count} pictures are left out{more}", *left_out[:SHOWN]]
