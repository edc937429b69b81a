"""an Evaluation, and mistakes, in -> text, pictures and the fields of JSON out."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bpcli.arrays import Bytes
from bpcli.data.split import Split
from bpcli.errors import readable
from bpcli.show.number import json_fields, json_number
from bpcli.show.picture import draw_picture
from bpcli.show.table import lines_html, table_html
from bpcli.show.text import (
    GAP,
    align_left,
    align_right,
    draw_csv,
    draw_row,
    join_lines,
    text_width,
)
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.evaluation import Evaluation, Mistake
from bpcli.training.unseen import Measured

MOST_CLASSES = 16  # whose confusion matrix is shown
RATES = ("precision", "recall", "F1")
CELL = 3  # characters of a class's name above a column of the matrix, or more where counts have
MOST_PAIRS = 20  # of classes that are shown where there are more


def draw_evaluation(saved: Checkpoint, measured: Measured, found: Evaluation, width: int) -> str:
    """Return what `bpcli eval` prints, without classes that no image is of or taken for.

    The confusion matrix is beside the figures of the classes, or where that is wider than `width`
    columns below them. Of many classes there are no counts but of the pairs that are confused most.
    """
    shown, classes = [readable(name) for name in saved.names], _classes(found)
    names = _column("class", [shown[c] for c in classes], align_left)
    rates = zip(*(_rates(found, c) for c in classes), strict=True)
    figures = [names, *map(_column, RATES, rates)]
    lines = [*_figures(saved, measured, found), ""]
    if len(classes) > MOST_CLASSES:
        images = _column("images", [f"{found.confusion[c].sum():,}" for c in classes])
        lines += _beside(*figures, images)
        return join_lines([*lines, *_list_confused(found, shown)])
    matrix = _draw_matrix(found, [shown[c] for c in classes], classes)
    whole = _beside(*([one[0], " " * text_width(one[0]), *one[1:]] for one in figures), matrix)
    if max(map(text_width, whole)) > width:
        whole = [*_beside(*figures), "", *_beside([" " * text_width(names[0]), *names], matrix)]
    return join_lines(lines + whole)


def _column(
    head: str, cells: Sequence[str], align: Callable[[str, int], str] = align_right
) -> list[str]:
    """Return a column of a table as lines of the same width."""
    width = max(map(text_width, [head, *cells]))
    return [align(head, width), *(align_right(cell, width) for cell in cells)]


def _draw_matrix(found: Evaluation, names: Sequence[str], classes: Sequence[int]) -> list[str]:
    """Return how often each class is taken for each as lines, below their names and a head."""
    columns = []
    for name, c in zip(names, classes, strict=True):
        counts = [f"{count:,}" for count in found.confusion[classes, c]]
        columns.append(_column(_cut(name, max(CELL, *map(len, counts))), counts))
    return ["predicted as", *(" ".join(line) for line in zip(*columns, strict=True))]


def _beside(*columns: Sequence[str]) -> list[str]:
    """Return columns of lines side by side."""
    return [GAP.join(line).rstrip() for line in zip(*columns, strict=True)]


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
    return "-" if fraction is None else f"{fraction:.2%}"
