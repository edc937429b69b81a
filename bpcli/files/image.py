"""a picture of whatever format in -> its pixels out. Only here is Pillow known."""

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import WHITE, Bytes, to_bytes
from bpcli.errors import BpcliError, ExtraError, PictureError
from bpcli.files.other_picture import START, describe_other
from bpcli.files.path import open_file

if TYPE_CHECKING:
    from PIL import Image as Pillow

    Box = tuple[int, int, int, int]  # left, top, width and height

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
MOST_REDUCED = 150_000_000  # pixels of a JPEG of which only every second, or eighth, is decoded
FRAMES = 100  # of a file with several that are looked at
ENOUGH = 800  # pixels of the longer side, twice as many as are looked at
REDUCED = ("L", "RGB", "RGBA", "LA", "CMYK", "YCbCr")  # modes that can be averaged
STDERR = 2  # the descriptor that libraries write to
HALF = 128  # of the grey levels, and of what is transparent
LETTER = 18  # pixels that a text beside a box is high
TOGETHER = 1_000_000  # pixels that are worked on at a time


@dataclass(frozen=True)
class Picture:
    """The pixels (height, width, 3) of a picture, which has `reduced` times as many a side.

    It is frame, or page, number `frame` from 1 of so many `frames` of its file.
    """

    pixels: Bytes
    reduced: int = 1
    frame: int = 1
    frames: int = 1


def read_image(path: Path) -> Bytes:
    """Return the pixels (height, width, 3) of a picture: red, green and blue.

    It is turned as its camera was held; what is transparent lies on white paper, or on black where
    what is drawn is light; of 16 bits the upper eight are left. Raises PictureError, and ExtraError
    without Pillow.
    """
    return next(read_frames(path)).pixels


def read_frames(
    path: Path, content: bytes | None = None, *, is_reduced: bool = False
) -> Iterator[Picture]:
    """Yield the frames or pages of a picture, each when it is asked for, as of `read_image`.

    The file at `path` is read, unless its `content` is given. One that `is_reduced` has at least
    ENOUGH pixels on its longer side, if it has so many, and takes less memory. Raises as that does.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ExtraError(f"{path}: reading a picture", "Pillow", "image", error) from error
    start = b""
    try:
        with (
            open_file(path, PictureError) if content is None else BytesIO(content) as file,
            warnings.catch_warnings(action="ignore"),
        ):
            start = file.read(START)
            file.seek(0)
            with Image.open(file, formats=FORMATS) as image:
                frames = min(getattr(image, "n_frames", 1), FRAMES)
                for number in range(frames):
                    if number:
                        image.seek(number)
                    pixels, reduced = _decode(path, image, is_reduced=is_reduced and frames == 1)
                    yield Picture(pixels, reduced, number + 1, frames)
    except Image.DecompressionBombError as error:
        raise PictureError(f"{path}: found more pixels than {MOST:,}, expected fewer") from error
    except (MemoryError, BpcliError):
        raise
    except Exception as error:  # Pillow raises a dozen kinds for damage
        raise PictureError(f"{path}: found {describe_other(str(path), start)}") from error


def _decode(path: Path, image: "Pillow.Image", *, is_reduced: bool) -> tuple[Bytes, int]:
    """Return pixels (height, width, 3), and how many times as long a side of the picture is."""
    from PIL import Image

    size = image.size
    if is_reduced and image.format == "JPEG" and not image.info.get("progressive"):
        _check_size(path, *size, MOST_REDUCED)
        image.draft(image.mode, (ENOUGH, ENOUGH))
    _check_size(path, *image.size, MOST)
    with _unheard() if image.format == "TIFF" else contextlib.nullcontext():
        image.load()
    turned, times = _turned(image), max(image.size) // ENOUGH
    can_be_reduced = turned.mode in REDUCED and "transparency" not in turned.info
    if is_reduced and times > 1 and can_be_reduced:
        turned = turned.reduce(times)
    reduced = round(max(size) / max(turned.size)) if is_reduced else 1
    if turned.mode == "F" or turned.mode.startswith("I"):
        return _from_wide(np.asarray(turned)), reduced
    if turned.mode.endswith(("A", "a")) or "transparency" in turned.info:
        turned = turned.convert("RGBA")
        paper = Image.new("RGBA", turned.size, _paper(np.asarray(turned)))
        turned = Image.alpha_composite(paper, turned)
    return np.array(turned.convert("RGB")), reduced


def _turned(image: "Pillow.Image") -> "Pillow.Image":
    """Return a picture as its camera was held; where that cannot be read, as it is."""
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - as many kinds as there are ways to damage it
        return image


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


def _check_size(path: Path, width: int, height: int, most: int) -> None:
    if width * height > most:
        raise PictureError(
            f"{path}: found {width} x {height} pixels, expected at most {most:,} in all"
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


def draw_boxes(
    pixels: Bytes, boxes: "Sequence[tuple[Box, str, str]]", below: Bytes | None = None
) -> bytes:
    """Return the bytes of a PNG of pixels (height, width, 3) with boxes, each its text and colour.

    Grey levels (height, width) can be laid `below`. Raises ExtraError without Pillow.
    """
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise ExtraError("writing a picture", "Pillow", "image", error) from error
    height, width = pixels.shape[:2]
    high, wide = (0, 0) if below is None else below.shape
    image = Image.new("RGB", (max(width, wide), height + high), "white")
    image.paste(Image.fromarray(pixels), (0, 0))
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(LETTER)
    for (left, top, across, down), text, colour in boxes:
        pen.rectangle((left - 2, top - 2, left + across + 1, top + down + 1), None, colour, 2)
        pen.text((left, top - 4), text, colour, font, "ls" if top > LETTER else "la")
    if below is not None:
        image.paste(Image.fromarray(below), (0, height))
    file = BytesIO()
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
