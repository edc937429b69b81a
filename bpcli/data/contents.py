"""the parts of a source in -> what they hold out: counts, grey levels, first images, and oddities.

Oddities are what a person would want to know before any training: images that are there twice, or
in both parts, images of one grey level, classes that are rare, an order by classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bpcli.arrays import Bytes, Size
from bpcli.data.holdout import Digests, digest_images
from bpcli.data.split import Split


@dataclass(frozen=True)
class Contents:
    """What a part holds; `counts` has how many images there are of each class, by its name.

    `mean` is their mean, and `firsts` has the first of each class: (height, width), in uint8, with
    grey levels from `darkest` to `brightest`. `repeated` counts images that equal one before them
    in their part, `empty` those of one grey level, and `shared` those that are in the first part of
    the source, too, where this is another one. `is_sorted` says that no class comes after another
    one that it comes before in the numbering.
    """

    name: str
    images: int
    size: Size
    darkest: int
    brightest: int
    counts: dict[str, int]
    mean: Bytes
    firsts: dict[str, Bytes]
    repeated: int
    empty: int
    shared: int
    is_sorted: bool

    @property
    def rarest(self) -> tuple[str, float]:
        """The class of the fewest images, the first of such, and its share of all."""
        name = min(self.counts, key=self.counts.__getitem__)
        return name, self.counts[name] / self.images


def look_into(splits: Sequence[Split]) -> list[Contents]:
    """Return what the parts of a source hold, the first of which is what is learnt from."""
    digests = [digest_images(split.images, split.size) for split in splits]
    shared = [0, *(int(np.isin(own, digests[0]).sum()) for own in digests[1:])]
    return [_look(*one) for one in zip(splits, digests, shared, strict=True)]


def _look(split: Split, digests: Digests, shared: int) -> Contents:
    classes, firsts, counts = np.unique(split.labels, return_index=True, return_counts=True)
    names = [split.names[label] for label in classes]
    darkest, brightest = split.images.min(axis=1), split.images.max(axis=1)
    return Contents(
        name=split.name,
        images=len(split),
        size=split.size,
        darkest=int(darkest.min()),
        brightest=int(brightest.max()),
        counts=dict(zip(names, counts.tolist(), strict=True)),
        mean=np.round(split.images.mean(axis=0)).astype(np.uint8).reshape(split.size),
        firsts={
            name: split.images[at].reshape(split.size)
            for name, at in zip(names, firsts.tolist(), strict=True)
        },
        repeated=len(split) - len(np.unique(digests)),
        empty=int((darkest == brightest).sum()),
        shared=shared,
        is_sorted=_is_sorted(split.labels),
    )


def _is_sorted(labels: Bytes) -> bool:
    """Tell whether all images of a class stand together, of two classes or more."""
    changes = int(np.count_nonzero(labels[1:] != labels[:-1]))
    classes = len(np.unique(labels))
    return changes == classes - 1 and 1 < classes < len(labels)
