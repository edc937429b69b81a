"""a Split in -> what it holds out: counts, grey levels, a mean image and one of each class."""

from dataclasses import dataclass

import numpy as np

from bpcli.arrays import Bytes
from bpcli.data.dataset import Split


@dataclass(frozen=True)
class Contents:
    """What a split holds; `counts` has how many images there are of each class that there are.

    `mean` is their mean, and `firsts` has the first of each class: (height, width), in uint8, with
    grey levels from `darkest` to `brightest`.
    """

    name: str
    images: int
    size: tuple[int, int]
    darkest: int
    brightest: int
    counts: dict[int, int]
    mean: Bytes
    firsts: dict[int, Bytes]


def look_into(split: Split) -> Contents:
    """Return what a split holds."""
    classes, firsts, counts = np.unique(split.labels, return_index=True, return_counts=True)
    labels = classes.tolist()
    return Contents(
        name=split.name,
        images=len(split),
        size=split.size,
        darkest=int(split.images.min()),
        brightest=int(split.images.max()),
        counts=dict(zip(labels, counts.tolist(), strict=True)),
        mean=np.round(split.images.mean(axis=0)).astype(np.uint8).reshape(split.size),
        firsts={
            label: split.images[first].reshape(split.size)
            for label, first in zip(labels, firsts.tolist(), strict=True)
        },
    )
