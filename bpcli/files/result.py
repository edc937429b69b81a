"""bytes that people will look at, and a path, in -> a file in its place, whole or not at all."""

import codecs
import re
from collections.abc import Iterable
from pathlib import Path

from bpcli.errors import ResultError
from bpcli.files import atomic

# What a file of each kind begins with, in lower case.
BEGINNINGS = {
    ".svg": re.compile(rb"<.*<svg|<svg", re.DOTALL),
    ".html": re.compile(rb"(<!--.*-->\s*)?<(!doctype html|html)\b", re.DOTALL),
    ".onnx": re.compile(rb"\x08[\x03-\x1f]"),
    ".safetensors": re.compile(rb".{0,8}\{", re.DOTALL),
    ".png": re.compile(rb"\x89png"),
    ".pdf": re.compile(rb"%pdf"),
    ".dot": re.compile(rb"(strict\s+)?(di)?graph\b[^{\n]*\{"),
}


def check_result(path: str | Path, suffixes: Iterable[str]) -> str:
    """Return the suffix, in lower case, of a file that may be written; an older one may be there.

    Raises ResultError for another suffix, and where there is something of another kind.
    """
    given, path, expected = path, Path(path), list(suffixes)
    suffix = path.suffix.lower()
    if suffix not in expected:
        *others, last = expected
        names = f"{', '.join(others)} or {last}" if others else last
        raise ResultError(f"{given}: expected a name that ends in {names}")
    if not path.exists():
        if not path.parent.is_dir():
            raise ResultError(f"{path}: found no folder {path.parent}, expected one to write into")
        return suffix
    if not path.is_file():
        raise ResultError(f"{path}: found a folder or a device, expected a file or nothing there")
    try:
        with path.open("rb") as file:
            start = file.read(1024).removeprefix(codecs.BOM_UTF8).lstrip().lower()
    except OSError as error:
        raise ResultError(f"{path}: cannot be replaced: {error.strerror}") from error
    if start and not BEGINNINGS[suffix].match(start):
        raise ResultError(
            f"{path}: found a file that is no {suffix}, which is left as it is; choose another name"
        )
    return suffix


def write_result(path: str | Path, content: bytes) -> None:
    """Write a file that takes the place of an older one when it is whole. Raises SaveError."""
    with atomic.replacing(path) as file:
        file.write(content)
