"""an Analysis in -> the confusion matrix of a page, and the images behind its cells, out."""

from typing import Any

import numpy as np

from bpcli.arrays import WHITE, Bytes
from bpcli.data.split import Split
from bpcli.errors import readable
from bpcli.files.image import encode_png
from bpcli.show.chart.chart import shorten
from bpcli.show.page.page import data_uri
from bpcli.show.page.wording import count_images
from bpcli.training.analysis import IN_A_CELL, Analysis

SHADES = 4  # of the cells
SHORT = 3  # letters of a name that stand above a column as they are; longer ones are turned
FEW, SOME, MANY = 12, 30, 60  # classes: so small the letters get on paper; more are not printed
PAIRS = 20  # that are listed of many classes
IMAGES = 250  # about as many are on a page
LEVELS = 16  # of grey, which take half a byte


def tabulate(analysis: Analysis) -> dict[str, Any]:
    """Return the fields of the matrix: its `rows`, its `look`, `pairs`, and `cells` to open."""
    names = list(map(readable, analysis.saved.names))
    found, classes = analysis.evaluation, len(names)
    counts = found.confusion.tolist()
    sizes = (("few", FEW), ("some", SOME), ("many", MANY), ("huge", classes))
    longest = max((len(f"{count:,}") for row in counts for count in row), default=1)
    turned = "turned" if max(map(len, names)) > SHORT else ""
    size = next(size for size, most in sizes if classes <= most)
    pairs = found.confused(PAIRS) if classes > FEW else []
    return {
        "names": list(zip(names, map(shorten, names), strict=True)),
        "look": f"{size} {turned} w{longest}",
        "turned": bool(turned),
        "rows": [
            {
                "name": name,
                "cells": [_cell(analysis, c, p, n) for p, n in enumerate(counts[c])],
                "recall": _percent(found.recall[c]),
                "precision": _percent(found.precision[c]),
            }
            for c, name in enumerate(names)
        ],
        "pairs": [f"{names[c]} taken for {names[p]}: {count:,}" for c, p, count in pairs],
        "cells": _open_cells(analysis, names),
    }


def brighten(images: Split, index: int) -> Bytes:
    """Return an image whose white is white."""
    image = images.images[index].reshape(images.size)
    bright: Bytes = np.minimum(image * (WHITE / images.white), WHITE).astype(np.uint8)
    return bright


def _cell(analysis: Analysis, c: int, p: int, count: int) -> dict[str, str]:
    """Return a cell: of no image it is blank."""
    if not count:
        return {"count": "", "shade": "", "id": ""}
    largest = int(analysis.evaluation.confusion.max())
    # Few mistakes are to be seen beside many right answers: the shade goes by the logarithm.
    shade = max(1, int(np.ceil(SHADES * np.log1p(count) / np.log1p(largest))))
    return {"count": f"{count:,}", "shade": f"s{shade}", "id": f"c{c}-{p}"}


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.2%}"


def _open_cells(analysis: Analysis, names: list[str]) -> list[dict[str, str]]:
    """Return what a click on each cell shows: a few of its images, and their numbers."""
    images, confusion = analysis.images, analysis.evaluation.confusion
    most = min(IN_A_CELL, max(1, IMAGES // max(1, len(analysis.cells))))
    found = []
    for (c, p), indices in sorted(analysis.cells.items()):
        shown = indices[:most]
        strip = np.concatenate([brighten(images, index) for index in shown], axis=1)
        what = f"{names[c]}, and right" if c == p else f"{names[c]} taken for {names[p]}"
        count = count_images(int(confusion[c, p]), images.name)
        found.append(
            {
                "id": f"c{c}-{p}",
                "words": f"{what}: {count}",
                "numbers": ", ".join(f"#{images.place(index)}" for index in shown),
                "image": data_uri(_encode(strip), "png"),
            }
        )
    return found


def _encode(strip: Bytes) -> bytes:
    """Return grey levels as a small PNG."""
    levels = (np.arange(LEVELS) * (WHITE // (LEVELS - 1))).astype(np.uint8)
    numbers = np.round(strip / WHITE * (LEVELS - 1)).astype(np.uint8)
    return encode_png(numbers, np.repeat(levels[:, np.newaxis], 3, axis=1))
