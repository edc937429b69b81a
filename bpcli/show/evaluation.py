"""an Evaluation, and mistakes, in -> text, pictures and the fields of JSON out."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpcli.data.dataset import Split
from bpcli.errors import readable
from bpcli.show.number import json_fields, json_number
from bpcli.show.picture import draw_picture
from bpcli.show.text import align_left, align_right, draw_row, join_lines, text_width
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.evaluation import Evaluation, Mistake


def draw_evaluation(model: str, split: str, found: Evaluation, names: Sequence[str]) -> str:
    """Return what `bpcli eval` prints, without classes that no image is of or taken for."""
    confusion = found.confusion
    classes = np.flatnonzero(confusion.sum(axis=0) + confusion.sum(axis=1)).tolist()
    width = max(5, len(str(confusion.max())) + 1)
    shown = [readable(name) for name in names]
    column = max(5, *(text_width(shown[c]) for c in classes))
    heads = "".join(align_right(_cut(shown[c], width - 1), width) for c in classes)
    lines = [
        f"{model}: {found.images:,} {split} images",
        f"accuracy {found.accuracy:.2%}, loss {found.loss:.4f}",
        "",
        f"{align_left('class', column)}  precision  recall  predicted as",
        " " * (column + 19) + heads,
    ]
    for c in classes:
        precision, recall = _percent(found.precision[c]), _percent(found.recall[c])
        cells = "".join(f"{confusion[c, other]:{width}d}" for other in classes)
        name = align_right(shown[c], column)
        lines.append(f"{name}  {precision:>9}  {recall:>6}  {cells}")
    return join_lines(lines)


def _cut(text: str, width: int) -> str:
    """Return the beginning of a text that is no wider than so many columns."""
    while text_width(text) > width:
        text = text[:-1]
    return text


def evaluation_fields(
    model: str,
    saved: Checkpoint,
    split: str,
    found: Evaluation,
    mistakes: Sequence[Mistake] | None,
) -> dict[str, Any]:
    """Return the fields of `bpcli eval --json`; `mistakes` only where they were asked for."""
    pairs = zip(found.precision, found.recall, strict=True)
    asked = {}
    if mistakes is not None:
        asked["mistakes"] = [
            json_fields(mistake) | _name(mistake, saved.names) for mistake in mistakes
        ]
    return {
        "model": model,
        "seed": saved.config.seed,
        "digest": saved.digest,
        "split": split,
        "images": found.images,
        "accuracy": found.accuracy,
        "loss": json_number(found.loss),
        "classes": saved.names,
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
        label, predicted = map(readable, _name(mistake, split.names).values())
        caption = f"#{mistake.index}: {label}, taken for {predicted}"
        pictures.append([caption, *draw_picture(image, split.white, ascii_only=ascii_only)])
    return draw_row(pictures, width)


def _name(mistake: Mistake, names: Sequence[str]) -> dict[str, str]:
    """Return what the classes of a mistake are called."""
    return {"label": names[mistake.label], "predicted": names[mistake.predicted]}


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{fraction:.1%}"
