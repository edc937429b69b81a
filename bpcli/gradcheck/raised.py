"""what a layer has raised in -> words for it, and where it was, out."""

import traceback
from pathlib import Path

from bpcli.errors import BpcliError


def describe(error: BaseException) -> str:
    """Say what a layer raised, and where."""
    if isinstance(error, BpcliError):
        return str(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} raised at {Path(place.filename).name}:{place.lineno}: {error}"
