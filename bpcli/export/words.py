"""a model in -> what a file of it says about itself, and what it cannot say, out."""

import json

from bpcli import __version__
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.config import flatten


def describe(saved: Checkpoint) -> dict[str, str]:
    """Return what goes with the weights into a file: texts by name."""
    record = saved.record
    reached = {} if record is None else {f"{record.split}_accuracy": f"{record.accuracy}"}
    return {
        "bpcli": __version__,
        "digest": saved.digest,
        "config": json.dumps(flatten(saved.config)),
        "classes": json.dumps(saved.names),
        "white": str(saved.white),
        **reached,
    }


def preparation(saved: Checkpoint) -> str:
    """Return what has to be done to upright images before weights alone see them."""
    deskewed = "deskewed and " if saved.config.dataset.deskew else ""
    return f"it holds the weights alone: images have to be {deskewed}divided by {saved.white}"
