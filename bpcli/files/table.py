"""a CSV file with a row for each image in -> its images and labels out."""

import io
import math
import warnings
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bpcli.errors import DatasetError
from bpcli.files.idx import open_unpacked
from bpcli.files.labels import Labelled, to_classes
from bpcli.files.pixels import to_images

LABEL = ("label", "class", "target", "y")  # what a header calls the column of labels


def is_csv(path: Path) -> bool:
    """Tell whether the name of a file is that of a CSV, packed or not."""
    return path.name.lower().endswith((".csv", ".csv.gz"))


def read_csv(path: Path) -> Labelled:
    """Return images and labels; rows are of a label and square images.

    A header may name the column of labels (`label`, say), which is the first one otherwise. Raises
    DatasetError.
    """
    try:
        text = io.TextIOWrapper(open_unpacked(path), encoding="utf-8-sig")  # Excel's begins so
        with text as file, warnings.catch_warnings(action="ignore"):  # of no rows
            start = file.readline()
            delimiter = max(",;\t", key=start.count)
            names = [word.strip(' "\n').lower() for word in start.split(delimiter)]
            has_header = not all(map(_is_number, names))
            if not has_header:
                file.seek(0)
            rows = np.loadtxt(file, np.float32, delimiter=delimiter, ndmin=2, quotechar='"')
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error
    except ValueError as error:  # which names row and column, counted without the header
        raise DatasetError(f"{path}: {error}, expected numbers, as many in each row") from error
    if not rows.size:
        raise DatasetError(f"{path}: found no rows, expected a label and pixels in each")
    column = next((names.index(word) for word in LABEL if has_header and word in names), 0)
    return _split(path, rows, column)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return not word
    return True


def _split(path: Path, rows: npt.NDArray[np.float32], column: int) -> Labelled:
    pixels = rows.shape[1] - 1
    if math.isqrt(pixels) ** 2 != pixels or not pixels:
        hint = "; are the labels missing?" if math.isqrt(pixels + 1) ** 2 == pixels + 1 else ""
        raise DatasetError(
            f"{path}: found {pixels + 1} columns, expected a label and the pixels of a square "
            f"image, as 785{hint}"
        )
    images = to_images(np.delete(rows, column, axis=1), f"{path}: pixels")
    return Labelled(images, *to_classes(rows[:, column], f"{path}: labels"))
