"""the Record of an evaluation during training in -> a line of text, or the fields of JSON, out."""

from typing import TYPE_CHECKING, Any

from bpcli.errors import visible
from bpcli.show.text import text_width
from bpcli.training.checkpoint import digest
from bpcli.training.config import list_changes
from bpcli.training.record import Record
from bpcli.training.run import Run

if TYPE_CHECKING:  # training needs nothing of it
    from bpcli.training.own import Agreement


# What a line on an evaluation does without first where there is no room for all of it.
LEAST_FIRST = ("speed", "epoch", "train")


def draw_record(record: Record, width: int) -> str:
    """Return one line on an evaluation during training, with what `width` columns have room for."""
    figures = {
        "iteration": f"iteration {record.iteration:7,}",
        "epoch": f"epoch {record.epoch:6.2f}",
        "loss": f"loss {record.loss:.4f}",
        "train": f"train {record.train_accuracy:6.2%}",
    }
    if record.split != "train":
        figures["held out"] = f"{record.split} {record.accuracy:6.2%}"
    figures["speed"] = f"{record.images_per_second:9,.0f} images/s"
    for least in LEAST_FIRST:
        if text_width("  ".join(figures.values())) > width:
            del figures[least]
    return "  ".join(figures.values())


def draw_progress(record: Record) -> str:
    """Return the few words on the last evaluation that stand beside a progress bar."""
    return (
        f"loss {record.loss:.4f}, {record.split} accuracy {record.accuracy:.2%}, "
        f"{record.images_per_second:,.0f} images/s"
    )


def describe_difference(found: "Agreement") -> str:
    """Say how far the answers of a person's layers are from those of ours, and where it begins."""
    first = found.first
    where = f"; {first.layer} is the first, by {first.share:.2g} times" if first else ""
    return (
        f"logits of the {found.split} images differ by up to {found.difference:.2g} times the "
        f"largest{where}"
    )


def draw_end(model: str, run: Run) -> str:
    """Return a line on the model of a finished run."""
    kept, last = run.kept.record, run.record
    assert kept  # noqa: S101 - every run ends with an evaluation
    assert last  # noqa: S101 - and so has a last one
    best = f", of iteration {kept.iteration:,}, the best of {run.evaluations} evaluations"
    early = f"; training.patience has ended it at iteration {run.iteration:,}"
    return visible(
        f"{model}: {kept.split} accuracy {kept.accuracy:.2%} after {last.seconds:.1f} s"
        f"{best if run.best else ''}{early if run.is_out_of_patience else ''}"
        f"{_draw_layers(run)}"
    )


def _draw_layers(run: Run) -> str:
    """Say how a model that has learnt with a person's layers compares with one of ours."""
    found = run.learnt_with
    return (
        f"; as with our layers; {found.times:.1f} times the time" if found and found.times else ""
    )


def end_fields(model: str, run: Run) -> dict[str, Any]:
    """Return the fields of the last line of `bpcli train --json`: those of what is kept."""
    kept = run.kept
    assert kept.record  # noqa: S101 - every run ends with an evaluation
    return kept.record.to_fields() | {
        "done": True,
        "model": model,
        "seed": run.config.seed,
        "digest": digest(kept.arrays.values()),
        "changed": list_changes(run.config),
        "iterations": run.iteration,
        "learnt_with": run.learnt_with and run.learnt_with.to_fields(),
    }
