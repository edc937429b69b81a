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


def preparation(saved: Checkpoint, form: str) -> str:
    """Return what has to be done to images before a file of a form sees them, or ""."""
    dataset, steps = saved.config.dataset, []
    if dataset.transpose:
        steps.append(f"transposed, if they are of {dataset.source}, to stand upright")
    if form == ".safetensors":
        steps += ["deskewed"] * dataset.deskew
        steps.append(f"divided by {saved.white}")
    return f"images have to be {', then '.join(steps)}" if steps else ""
