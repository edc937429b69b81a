"""image and label files in -> a Dataset of arrays out."""

import gzip
import hashlib
import math
import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from bpcli.archive import DEFLATE_RATIO, open_file, read_arrays
from bpcli.errors import DatasetError
from bpcli.warp import Bytes, deskew_images

SplitName = Literal["train", "test", "validation"]

BUNDLED = Path(__file__).parent / "mnist"
WHITE = 255
PIXEL_SCALE = 1 / WHITE  # grey levels 0 to 255 become 0 to 1
UNSIGNED_BYTE = 0x08  # IDX's code for the element type
IMAGES, LABELS = 3, 1  # dimensions of the two kinds of IDX file


@dataclass(frozen=True)
class Split:
    """Images of one purpose: `images` (N, pixels) and `labels` (N,), both uint8.

    `size` is that of an image, (height, width), in pixels.
    """

    name: SplitName
    images: Bytes
    labels: Bytes
    source: str
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.images)

    def check_fits(self, pixels: int, classes: int) -> None:
        """Raise DatasetError if a network for so many pixels and classes cannot take the images."""
        if self.images.shape[1] != pixels:
            raise DatasetError(
                f"{self.source}: {self.name} images: found {self.images.shape[1]} pixels, "
                f"expected {pixels}, as the model was trained on"
            )
        if self.labels.max() >= classes:
            raise DatasetError(
                f"{self.source}: {self.name} labels: found {self.labels.max()}, "
                f"expected at most {classes - 1}, as the model was trained on"
            )


def to_inputs(images: Bytes, out: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Turn grey levels (N, pixels) from 0 to 255 into inputs from 0 to 1, written to `out`."""
    np.copyto(out, images)  # faster than to convert and to multiply in one
    out *= PIXEL_SCALE
    return out


@dataclass(frozen=True)
class Dataset:
    """What to learn from (`train`) and what to report on (`held_out`: test, or validation)."""

    train: Split
    held_out: Split

    @property
    def pixels(self) -> int:
        """Number of pixels in each image."""
        return int(self.train.images.shape[1])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of each image, in pixels."""
        return self.train.size

    @property
    def classes(self) -> int:
        """Number of classes: one more than the largest label."""
        return int(max(self.train.labels.max(), self.held_out.labels.max())) + 1

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what is learnt from: sizes, labels and images."""
        digest = hashlib.sha256(repr(self.train.images.shape).encode())
        digest.update(self.train.labels.data)
        digest.update(self.train.images.data)
        return digest.hexdigest()


def load_dataset(source: str = "mnist", validation: int = 0, *, deskew: bool = False) -> Dataset:
    """Load the bundled MNIST (`mnist`), a folder of IDX files, or a Keras-style `.npz`.

    With `validation`, that many of the last training images are held out in place of the test
    images; with `deskew`, all images are made upright. IDX files that are not compressed are
    memory-mapped. Raises DatasetError, which names the file, what was found in it and what was
    expected.
    """
    train = load_split(source, "train", deskew=deskew)
    test = load_split(source, "test", deskew=deskew)
    if train.images.shape[1] != test.images.shape[1]:
        raise DatasetError(
            f"{source}: training images have {train.images.shape[1]} pixels and test images "
            f"{test.images.shape[1]}, expected the same"
        )
    if test.labels.max() > train.labels.max():
        raise DatasetError(
            f"{source}: a test label is {test.labels.max()}, expected at most "
            f"{train.labels.max()}, the largest training label"
        )
    if not validation:
        return Dataset(train, test)
    if validation >= len(train):
        raise DatasetError(
            f"dataset.validation: found {validation}, expected fewer than the {len(train)} "
            f"training images of {source}"
        )
    kept = len(train) - validation
    return Dataset(
        replace(train, images=train.images[:kept], labels=train.labels[:kept]),
        replace(train, name="validation", images=train.images[kept:], labels=train.labels[kept:]),
    )


def load_split(source: str, name: SplitName, *, deskew: bool = False) -> Split:
    """Load the training or the test images of a source, as `load_dataset` takes it."""
    try:
        path = BUNDLED if source == "mnist" else Path(source).expanduser()
        split = _load_split(path, name, source)
    except (OSError, RuntimeError) as error:  # no such home, no permission, too long a name
        raise DatasetError(f"{source}: cannot be read: {error}") from error
    return replace(split, images=deskew_images(split.images, split.size)) if deskew else split


def _load_split(path: Path, name: SplitName, source: str) -> Split:
    if path.is_dir():
        prefix = "train" if name == "train" else "t10k"
        image_path = _find(path, f"{prefix}-images", "idx3-ubyte")
        label_path = _find(path, f"{prefix}-labels", "idx1-ubyte")
        images, labels = read_idx(image_path, IMAGES), read_idx(label_path, LABELS)
    elif path.suffix == ".npz" and path.exists():
        image_path = label_path = path
        images, labels = _read_npz(path, f"x_{name}", 3), _read_npz(path, f"y_{name}", 1)
    else:
        found = "a file" if path.exists() else "nothing there"
        raise DatasetError(f"{path}: found {found}, expected mnist, a folder of IDX files or .npz")
    if len(images) != len(labels):
        raise DatasetError(
            f"{label_path}: found {len(labels)} labels, expected one for each of the "
            f"{len(images)} images in {image_path}"
        )
    n, height, width = images.shape
    images = images.reshape(n, height * width)
    # Labels are used to count with: a file that is changed meanwhile must not change them.
    return Split(name, images, labels.copy(), source, (height, width))


def _find(folder: Path, stem: str, kind: str) -> Path:
    names = [f"{stem}{mark}{kind}{end}" for end in ("", ".gz") for mark in "-."]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise DatasetError(f"{folder}: found none of {', '.join(names)}, expected one of them")


def read_idx(path: Path, dimensions: int) -> Bytes:
    """Read an IDX file of bytes with so many dimensions, plain (memory-mapped) or gzip.

    Layout: http://yann.lecun.com/exdb/mnist, big-endian: two zero bytes, 8 for unsigned byte, the
    number of dimensions, each dimension as four bytes, then the data.
    """
    try:
        if path.suffix == ".gz":
            return _inflate_idx(path, dimensions)
        with path.open("rb") as file:
            shape = _read_idx_header(file, path, dimensions)
        start = 4 + 4 * dimensions
        found = path.stat().st_size - start
        if found != math.prod(shape):
            raise _size_error(path, f"{found:,} bytes of data", shape)
        return np.asarray(np.memmap(path, np.uint8, "r", offset=start, shape=shape))
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error


def _inflate_idx(path: Path, dimensions: int) -> Bytes:
    size = path.stat().st_size
    with gzip.open(path) as file:
        shape = _read_idx_header(file, path, dimensions)
        expected = math.prod(shape)
        if expected > DEFLATE_RATIO * size:
            raise _size_error(path, f"a gzip file of {size:,} bytes, too few", shape)
        # One byte more than expected is enough to tell, however much there is to inflate.
        data = file.read(expected + 1)
    if len(data) != expected:
        more = "more than " if len(data) > expected else ""
        raise _size_error(path, f"{more}{min(len(data), expected):,} bytes of data", shape)
    return np.frombuffer(data, np.uint8).reshape(shape)


def _read_idx_header(
    file: BinaryIO | gzip.GzipFile, path: Path, dimensions: int
) -> tuple[int, ...]:
    header = file.read(4 + 4 * dimensions)
    magic = bytes([0, 0, UNSIGNED_BYTE, dimensions])
    if header[:4] != magic or len(header) != 4 + 4 * dimensions:
        raise DatasetError(
            f"{path}: starts with {header[:4].hex(' ') or 'nothing'}, expected {magic.hex(' ')} "
            f"and {dimensions} sizes: an IDX file of bytes with {dimensions} dimensions"
        )
    shape = tuple(int(size) for size in np.frombuffer(header, ">u4", offset=4))
    if 0 in shape:
        raise DatasetError(f"{path}: its header says {shape}, expected no size to be 0")
    return shape


def _size_error(path: Path, found: str, shape: tuple[int, ...]) -> DatasetError:
    sizes = " x ".join(map(str, shape))
    return DatasetError(
        f"{path}: found {found}, expected {math.prod(shape):,} bytes of data, {sizes} by its header"
    )


def _read_npz(path: Path, name: str, dimensions: int) -> Bytes:
    try:
        with open_file(path) as file:
            arrays = read_arrays(file, name, deflated=True)
    except ValueError as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error
    if name not in arrays:
        raise DatasetError(f"{path}: found no {name}, expected x_train, y_train, x_test and y_test")
    array = arrays[name]
    if array.ndim != dimensions or array.dtype.kind not in "ui" or not array.size:
        raise DatasetError(
            f"{path}: {name} has shape {array.shape} and type {array.dtype}, expected "
            f"{dimensions} dimensions of integers"
        )
    if array.min() < 0 or array.max() > WHITE:
        raise DatasetError(
            f"{path}: {name} goes from {array.min()} to {array.max()}, expected 0 to {WHITE}"
        )
    return np.ascontiguousarray(array, np.uint8)
