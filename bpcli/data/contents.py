"""a Split in -> what it holds out: counts, grey levels, a mean image and one of each class."""

from dataclasses import dataclass

import numpy as np

from bpcli.arrays import Bytes, Size
from bpcli.data.split import Split


@dataclass(frozen=True)
class Contents:
    """What a split holds; `counts` has how many images there are of each class, by its name.

    `mean` is their mean, and `firsts` has the first of each class: (height, width), in uint8, with
    grey levels from `darkest` to `brightest`.
    """

    name: str
    images: int
    size: Size
    darkest: int
    brightest: int
    counts: dict[str, int]
    mean: Bytes
    firsts: dict[str, Bytes]


def look_into(split: Split) -> Contents:
    """Return what a split holds."""
    classes, firsts, counts = np.unique(split.labels, return_index=True, return_counts=True)
    names = [split.names[label] for label in classes]
    return Contents(
        name=split.name,
        images=len(split),
        size=split.size,
        darkest=int(split.images.min()),
        brightest=int(split.images.max()),
        counts=dict(zip(names, counts.tolist(), strict=True)),
        mean=np.round(split.images.mean(axis=0)).astype(np.uint8).reshape(split.size),
        firsts={
            name: split.images[first].reshape(split.size)
            for name, first in zip(names, firsts.tolist(), strict=True)
        },
    )
