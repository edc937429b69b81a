"""what was compared of one array in -> the verdict on the gradient by it out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """The verdict on the gradient by one array: `ok`, `note` (ok, but), `WRONG` or `not checked`.

    `array` is what the person calls it; `words` say what is to be said; `error` is relative.
    """

    array: str
    verdict: str
    words: str = ""
    error: float | None = None
