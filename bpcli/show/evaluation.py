"""an Evaluation, and mistakes, in -> text, pictures and the fields of JSON out."""

from collections.abc import Sequence
from typing import Any

from bpcli.data.dataset import Split
from bpcli.show.number import json_fields, json_number
from bpcli.show.picture import draw_picture, draw_row
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.evaluation import Evaluation, Mistake


def draw_evaluation(model: str, split: str, found: Evaluation) -> str:
    """Return the page that `bpcli eval` prints."""
    width = max(5, len(str(found.confusion.max())) + 1)
    classes = range(len(found.confusion))
    lines = [
        f"{model}: {found.images:,} {split} images",
        f"accuracy {found.accuracy:.2%}, loss {found.loss:.4f}",
        "",
        "class  precision  recall  predicted as",
        " " * 24 + "".join(f"{c:{width}d}" for c in classes),
    ]
    for c, precision, recall, counts in zip(
        classes, found.precision, found.recall, found.confusion.tolist(), strict=True
    ):
        cells = "".join(f"{count:{width}d}" for count in counts)
        lines.append(f"{c:5d}  {_percent(precision):>9}  {_percent(recall):>6}  {cells}")
    return "\n".join(lines)


def evaluation_fields(
    model: str,
    saved: Checkpoint,
    split: str,
    found: Evaluation,
    mistakes: Sequence[Mistake] | None,
) -> dict[str, Any]:
    """Return the fields of `bpcli eval --json`; `mistakes` only where they were asked for."""
    pairs = zip(found.precision, found.recall, strict=True)
    asked = {} if mistakes is None else {"mistakes": [json_fields(mistake) for mistake in mistakes]}
    return {
        "model": model,
        "seed": saved.config.seed,
        "digest": saved.digest,
        "split": split,
        "images": found.images,
        "accuracy": found.accuracy,
        "loss": json_number(found.loss),
        "confusion": found.confusion.tolist(),
        "per_class": [{"precision": precision, "recall": recall} for precision, recall in pairs],
        **asked,
    }


def draw_mistakes(
    mistakes: Sequence[Mistake], split: Split, width: int, *, ascii_only: bool
) -> str:
    """Return a small picture of each mistake, as many side by side as `width` columns hold."""
    pictures = []
    for mistake in mistakes:
        image = split.images[mistake.index].reshape(split.size)
        caption = f"#{mistake.index}: {mistake.label}, taken for {mistake.predicted}"
        pictures.append([caption, *draw_picture(image, split.white, ascii_only=ascii_only)])
    return draw_row(pictures, width)


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{fraction:.1%}"
