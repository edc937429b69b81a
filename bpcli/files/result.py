"""bytes that people will look at, and a path, in -> a file in its place, whole or not at all."""

from collections.abc import Iterable
from pathlib import Path

from bpcli.errors import ResultError, SaveError
from bpcli.files import atomic

# What a file of each kind begins with, in lower case.
BEGINNINGS = {
    ".svg": (b"<svg", b"<?xml"),
    ".png": (b"\x89png",),
    ".pdf": (b"%pdf",),
    ".dot": (b"digraph", b"graph", b"strict"),
}


def check_result(path: str | Path, suffixes: Iterable[str]) -> str:
    """Return the suffix, in lower case, of a file that may be written; an older one may be there.

    Raises ResultError for another suffix, and where there is something of another kind.
    """
    path, expected = Path(path), list(suffixes)
    suffix = path.suffix.lower()
    if suffix not in expected:
        *others, last = expected
        names = f"{', '.join(others)} or {last}" if others else last
        raise ResultError(f"{path}: expected a name that ends in {names}")
    try:
        with path.open("rb") as file:
            start = file.read(64).lstrip().lower()
    except FileNotFoundError:
        return suffix
    except OSError as error:
        raise ResultError(f"{path}: cannot be replaced: {error.strerror}") from error
    if start and not start.startswith(BEGINNINGS[suffix]):
        raise ResultError(
            f"{path}: found a file that is no {suffix}, which is left as it is; choose another name"
        )
    return suffix


def write_result(path: str | Path, content: bytes) -> None:
    """Write a file that takes the place of an older one when it is whole. Raises SaveError."""
    try:
        with atomic.replacing(Path(path)) as file:
            file.write(content)
    except OSError as error:
        raise SaveError(f"{path}: could not be written: {error.strerror}") from error
