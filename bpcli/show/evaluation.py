"""an Evaluation, and mistakes, in -> text, pictures and the fields of JSON out."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpcli.arrays import Bytes
from bpcli.data.split import Split
from bpcli.errors import readable
from bpcli.show.number import json_fields, json_number
from bpcli.show.picture import draw_picture
from bpcli.show.table import lines_html, table_html
from bpcli.show.text import align_left, align_right, draw_csv, draw_row, join_lines, text_width
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.evaluation import Evaluation, Mistake
from bpcli.training.unseen import Measured

MOST_CLASSES = 16  # whose confusion matrix is shown
MOST_PAIRS = 20  # of classes that are shown where there are more


def draw_evaluation(saved: Checkpoint, measured: Measured, found: Evaluation) -> str:
    """Return what `bpcli eval` prints, without classes that no image is of or taken for.

    Of many classes there are no counts but those of the pairs that are confused most.
    """
    names, confusion = saved.names, found.confusion
    classes = _classes(found)
    is_wide = len(classes) > MOST_CLASSES
    width = max(5, len(str(confusion.max())) + 1)
    shown = [readable(name) for name in names]
    column = max(5, *(text_width(shown[c]) for c in classes))
    lines = [
        *_figures(saved, measured, found),
        "",
        f"{align_left('class', column)}  precision  recall      F1  "
        + ("images" if is_wide else "predicted as"),
    ]
    if not is_wide:
        heads = "".join(align_right(_cut(shown[c], width - 1), width) for c in classes)
        lines.append(" " * (column + 27) + heads)
    for c in classes:
        counts = [confusion[c].sum()] if is_wide else confusion[c, classes]
        cells = "".join(f"{count:{width + is_wide}d}" for count in counts)
        name = align_right(shown[c], column)
        lines.append("{}  {:>9}  {:>6}  {:>6}  {}".format(name, *_rates(found, c), cells))
    return join_lines(lines + (_list_confused(found, shown) if is_wide else []))


def evaluation_html(saved: Checkpoint, measured: Measured, found: Evaluation) -> str:
    """Return an evaluation as a notebook shows it: figures, and a row for each class."""
    rows = []
    for c in _classes(found):
        taken = [(n, p) for p, n in enumerate(found.confusion[c].tolist()) if n and p != c]
        mistakes = ", ".join(
            f"{readable(saved.names[p])} ({n:,})" for n, p in sorted(taken, key=lambda t: -t[0])[:3]
        )
        name, images = readable(saved.names[c]), f"{found.confusion[c].sum():,}"
        rows.append([name, images, *_rates(found, c), mistakes])
    heads = ["class", "images", "precision", "recall", "F1", "taken for, most often"]
    return lines_html(_figures(saved, measured, found)) + table_html(heads, rows)


def _classes(found: Evaluation) -> list[int]:
    """Return the classes that an image is of or taken for."""
    counts = found.confusion.sum(axis=0) + found.confusion.sum(axis=1)
    return [int(c) for c in np.flatnonzero(counts)]


def _rates(found: Evaluation, c: int) -> list[str]:
    return [_percent(rate[c]) for rate in (found.precision, found.recall, found.f1)]


def _figures(saved: Checkpoint, measured: Measured, found: Evaluation) -> list[str]:
    """Return what is said first: of how many images, and how it did on all of them."""
    return [
        f"{saved.path}: {_count(measured)}",
        *_describe_best(saved),
        f"accuracy {found.accuracy:.2%}, loss {found.loss:.4f}",
        f"balanced accuracy {found.balanced_accuracy:.2%}, macro F1 {found.macro_f1:.2%}",
    ]


def _cut(text: str, width: int) -> str:
    """Return the beginning of a text that is no wider than so many columns."""
    while text_width(text) > width:
        text = text[:-1]
    return text


def _count(measured: Measured) -> str:
    """Say how many images were measured, and how many were not."""
    split, images = measured.images.name, len(measured.images)
    words = f"{images:,} {split} images"
    if not measured.left_out or split == "train":
        return words
    return f"{words}; {measured.left_out:,} others that it has learnt from are left out"


def _describe_best(saved: Checkpoint) -> list[str]:
    if not saved.best_of:
        return []
    return [
        f"weights of iteration {saved.own_iteration:,}, the best of {saved.best_of} evaluations"
    ]


def _list_confused(found: Evaluation, names: Sequence[str]) -> list[str]:
    pairs = found.confused(MOST_PAIRS)
    lines = [f"  {names[c]} taken for {names[p]}: {count:,}" for c, p, count in pairs]
    return ["", "confused most (--csv has all of it):", *lines] if lines else []


def evaluation_csv(found: Evaluation, names: Sequence[str]) -> str:
    """Return a line for each class: its rates, and how often it is taken for each."""
    heads = ["class", "images", "precision", "recall", "f1"]
    rows: list[list[Any]] = [[*heads, *(f"predicted {name}" for name in names)]]
    rates = zip(found.precision, found.recall, found.f1, strict=True)
    for name, own, counts in zip(names, rates, found.confusion.tolist(), strict=True):
        rows.append([name, sum(counts), *own, *counts])
    return draw_csv(rows)


def evaluation_fields(
    saved: Checkpoint,
    measured: Measured,
    found: Evaluation,
    mistakes: Sequence[Mistake] | None,
) -> dict[str, Any]:
    """Return the fields of `bpcli eval --json`; `mistakes` only where they were asked for."""
    rates = zip(found.precision, found.recall, found.f1, strict=True)
    asked = {}
    if mistakes is not None:
        asked["mistakes"] = [
            json_fields(mistake) | _name(mistake, measured.images) for mistake in mistakes
        ]
    return {
        "model": str(saved.path),
        "seed": saved.config.seed,
        "digest": saved.digest,
        "iteration": saved.own_iteration,
        "split": measured.images.name,
        "images": found.images,
        "left_out": measured.left_out,
        "accuracy": found.accuracy,
        "balanced_accuracy": found.balanced_accuracy,
        "macro_f1": found.macro_f1,
        "loss": json_number(found.loss),
        "classes": saved.names,
        "confusion": found.confusion.tolist(),
        "per_class": [dict(zip(("precision", "recall", "f1"), own, strict=True)) for own in rates],
        **asked,
    }


def doubt_brightness(source: str, images: Bytes, white: int) -> list[str]:
    """Return a sentence on images that are brighter than those that a model was trained on."""
    brightest = int(images.max())
    if brightest <= white:
        return []
    return [
        f"{source}: grey levels go up to {brightest}, those that the model was trained on up to "
        f"{white}"
    ]


def draw_mistakes(
    mistakes: Sequence[Mistake], split: Split, width: int, *, ascii_only: bool
) -> str:
    """Return a small picture of each mistake, as many side by side as `width` columns hold."""
    pictures = []
    for mistake in mistakes:
        image = split.images[mistake.index].reshape(split.size)
        found = _name(mistake, split)
        label, predicted = readable(found["label"]), readable(found["predicted"])
        caption = f"#{found['index']}: {label}, taken for {predicted}"
        pictures.append([caption, *draw_picture(image, split.white, ascii_only=ascii_only)])
    return draw_row(pictures, width)


def _name(mistake: Mistake, split: Split) -> dict[str, Any]:
    """Return the number of a mistake's image in its part of the source, and names of classes."""
    label, predicted = split.names[mistake.label], split.names[mistake.predicted]
    return {"index": split.place(mistake.index), "label": label, "predicted": predicted}


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{fraction:.1%}"
