"""bytes that people will look at, and a path, in -> a file in its place, whole or not at all."""

import codecs
import re
from collections.abc import Iterable
from pathlib import Path

from bpcli.errors import PlaceError
from bpcli.files import atomic
from bpcli.files.path import read_start, say_path

# What a file of each kind begins with, in lower case.
BEGINNINGS = {
    ".svg": re.compile(rb"<.*<svg|<svg", re.DOTALL),
    ".html": re.compile(rb"(<!--.*-->\s*)?<(!doctype html|html)\b", re.DOTALL),
    ".onnx": re.compile(rb"\x08[\x03-\x1f]"),
    ".safetensors": re.compile(rb".{0,8}\{", re.DOTALL),
    ".png": re.compile(rb"\x89png"),
    ".pdf": re.compile(rb"%pdf"),
    ".csv": re.compile(rb"image,class,probability\b"),
    ".dot": re.compile(rb"(strict\s+)?(di)?graph\b[^{\n]*\{"),
}


def check_result(path: str | Path, suffixes: Iterable[str]) -> str:
    """Return the suffix, in lower case, of a file that may be written; an older one may be there.

    Raises PlaceError for another suffix, and where there is something of another kind.
    """
    given, path, expected = say_path(path), Path(path), list(suffixes)
    suffix = path.suffix.lower()
    if suffix not in expected:
        *others, last = expected
        names = f"{', '.join(others)} or {last}" if others else last
        raise PlaceError(f"{given}: expected a name that ends in {names}")
    if not atomic.check_place(path):
        return suffix
    start = read_start(path, 1024, PlaceError).removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if start and not BEGINNINGS[suffix].match(start):
        raise PlaceError(
            f"{path}: found a file that is no {suffix}, which is left as it is; choose another name"
        )
    return suffix


def write_result(path: str | Path, content: bytes) -> None:
    """Write a file that takes the place of an older one when it is whole. Raises SaveError."""
    with atomic.replacing(path) as file:
        file.write(content)
