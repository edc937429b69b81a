"""a picture of whatever format in -> its pixels out. Only here is Pillow known."""

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import WHITE, Bytes, to_bytes
from bpcli.errors import BpcliError, ExtraError, PictureError
from bpcli.files.path import open_file

# Formats that Pillow reads by itself; for others it starts programs, or makes many pages of one.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".bmp",
    ".gif",
    ".tif",
    ".tiff",
    ".webp",
    ".ppm",
    ".pgm",
)
MOST = 50_000_000  # pixels; a camera's largest picture has fewer
STDERR = 2  # the descriptor that libraries write to
HALF = 128  # of the grey levels, and of what is transparent
TOGETHER = 1_000_000  # pixels that are worked on at a time


def read_image(path: Path) -> Bytes:
    """Return the pixels (height, width, 3) of a picture: red, green and blue.

    It is turned as its camera was held; what is transparent lies on white paper, or on black where
    what is drawn is light; of 16 bits the upper eight are left. Raises PictureError, and ExtraError
    without Pillow.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise ExtraError(f"{path}: reading a picture", "Pillow", "image", error) from error
    try:
        with (
            open_file(path, PictureError) as file,
            warnings.catch_warnings(action="ignore"),
            Image.open(file, formats=FORMATS) as image,
        ):
            _check_size(path, image.width, image.height)
            with _unheard() if image.format == "TIFF" else contextlib.nullcontext():
                image.load()
            turned = ImageOps.exif_transpose(image)
            if turned.mode == "F" or turned.mode.startswith("I"):
                return _from_wide(np.asarray(turned))
            if turned.mode.endswith(("A", "a")) or "transparency" in turned.info:
                turned = turned.convert("RGBA")
                paper = Image.new("RGBA", turned.size, _paper(np.asarray(turned)))
                turned = Image.alpha_composite(paper, turned)
            return np.array(turned.convert("RGB"))
    except Image.DecompressionBombError as error:
        raise PictureError(f"{path}: found more pixels than {MOST:,}, expected fewer") from error
    except (MemoryError, BpcliError):
        raise
    except Exception as error:  # Pillow raises a dozen kinds for damage
        raise PictureError(
            f"{path}: found no picture that can be read, or a damaged one, expected a PNG, a JPEG "
            "or the like"
        ) from error


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Let nothing reach standard error: libtiff says there, line by line, what is damaged."""
    if sys.stderr is None:  # its descriptor may be that of the picture
        yield
        return
    kept, silence = os.dup(STDERR), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(silence, STDERR)
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
        os.close(silence)


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > MOST:
        raise PictureError(
            f"{path}: found {width} x {height} pixels, expected at most {MOST:,} in all"
        )


def _paper(pixels: Bytes) -> str:
    """Return the paper on which the opaque ones of pixels (height, width, 4) can be seen."""
    opaque = pixels[pixels[..., 3] > HALF]
    return "black" if len(opaque) and to_grey(opaque[:, :3]).mean() > HALF else "white"


def encode_png(pixels: Bytes, palette: Bytes | None = None) -> bytes:
    """Return the bytes of a PNG of grey levels (height, width), or of numbers of colours.

    The palette (colours, 3) has their red, green and blue. Raises ExtraError without Pillow.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ExtraError("writing a picture", "Pillow", "image", error) from error
    file, image = BytesIO(), Image.fromarray(pixels)
    if palette is not None:
        image.putpalette(palette.tobytes())
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def is_image(path: Path) -> bool:
    """Tell whether the name of a file is that of a picture, and not of a system's own."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def to_grey(image: Bytes) -> Bytes:
    """Return the brightness (height, width) of pixels (height, width, 3), by ITU-R BT.601."""
    shares = np.array([0.299, 0.587, 0.114])
    grey = _part_by_part(image.reshape(-1, 3), lambda part: to_bytes(part @ shares))
    return grey.reshape(image.shape[:-1])


def _from_wide(grey: npt.NDArray[Any]) -> Bytes:
    """Return pixels of grey levels that may need more than 8 bits."""
    scale = WHITE if 0 < grey.max() <= 1 else 1  # as some programs write floating point
    wide = grey.max() >= WHITE + 1

    def narrow(part: npt.NDArray[Any]) -> npt.NDArray[Any]:
        part = part * float(scale)
        return np.clip(part // (WHITE + 1) if wide else part, 0, WHITE)

    levels = _part_by_part(grey.reshape(-1), narrow).reshape(grey.shape)
    return np.repeat(levels[..., np.newaxis], 3, axis=-1)


def _part_by_part(
    array: npt.NDArray[Any], turn: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
) -> Bytes:
    """Return (n,) bytes of an array (n, ...): numbers between take eight times as much memory."""
    made = np.empty(len(array), np.uint8)
    count = 1 + len(array) // TOGETHER
    for part, out in zip(np.array_split(array, count), np.array_split(made, count), strict=True):
        out[...] = turn(part)
    return made
