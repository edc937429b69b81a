"""the Record of an evaluation during training in -> a line of text, or the fields of JSON, out."""

from typing import Any

from bpcli.errors import visible
from bpcli.training.checkpoint import digest
from bpcli.training.config import list_changes
from bpcli.training.record import Record
from bpcli.training.run import Run


def draw_record(record: Record) -> str:
    """Return one line on an evaluation during training."""
    return (
        f"iteration {record.iteration:6d}  epoch {record.epoch:6.2f}  loss {record.loss:.4f}  "
        f"train {record.train_accuracy:6.2%}  {record.split} {record.accuracy:6.2%}  "
        f"{record.images_per_second:9,.0f} images/s"
    )


def draw_progress(record: Record) -> str:
    """Return the few words on the last evaluation that stand beside a progress bar."""
    return f"loss {record.loss:.4f}, accuracy {record.accuracy:.2%}"


def draw_end(model: str, record: Record) -> str:
    """Return a line on the model of a finished run."""
    words = f"{record.split} accuracy {record.accuracy:.2%} after {record.seconds:.1f} s"
    return visible(f"{model}: {words}")


def end_fields(model: str, run: Run, record: Record) -> dict[str, Any]:
    """Return the fields of the last line of `bpcli train --json`."""
    return record.to_fields() | {
        "done": True,
        "model": model,
        "seed": run.config.seed,
        "digest": digest(run.network.arrays.values()),
        "changed": list_changes(run.config),
    }
