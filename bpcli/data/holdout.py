"""training images in -> a digest of each, and which of them are held out or learnt from, out."""

import hashlib

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Bytes, Size

BITS = 64  # of a digest: of a million images, two that differ have the same once in 30 million sets

Digests = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]


def digest_images(images: Bytes, size: Size) -> Digests:
    """Return BLAKE2b of the size and the grey levels of each image (N, pixels): (N,).

    It is the same in every file, order and machine.
    """
    height, width = size
    start = hashlib.blake2b(f"{height} x {width}".encode(), digest_size=BITS // 8)
    found = []
    for row in np.ascontiguousarray(images):
        digest = start.copy()
        digest.update(row.data)
        found.append(digest.digest())
    return np.frombuffer(b"".join(found), "<u8").astype(np.uint64)


def choose_images(digests: Digests, labels: Bytes, count: int) -> Mask:
    """Return which of N images are chosen, `count` of them, by their digests and classes alone.

    Of each class it is the same share, up to one image; equal images stay together, and are of the
    first of their classes. Within a class the digests say which ones: neither the order of images
    nor chance has a part in it. Where equal images are many, it is as near to `count` as they let.
    """
    _, group, sizes = np.unique(digests, return_inverse=True, return_counts=True)
    classes = np.full(len(sizes), np.iinfo(labels.dtype).max, labels.dtype)
    np.minimum.at(classes, group, labels)
    totals = np.bincount(classes, sizes).astype(np.int64)
    chosen = np.zeros(len(sizes), bool)
    for label, share in enumerate(_shares(totals, count)):
        own = np.flatnonzero(classes == label)
        chosen[own[_fill(sizes[own].tolist(), share)]] = True
    return chosen[group]


def _shares(totals: npt.NDArray[np.int64], count: int) -> list[int]:
    """Return `count` parted as `totals` are, in whole numbers, by largest remainders."""
    shares, remainders = np.divmod(totals * count, totals.sum())
    shares[np.argsort(-remainders, kind="stable")[: count - shares.sum()]] += 1
    found: list[int] = shares.tolist()
    return found


def _fill(sizes: list[int], room: int) -> list[int]:
    """Return which of some groups, the first that go into it, fill a room as well as they can."""
    chosen = []
    for i, size in enumerate(sizes):
        if size <= room:
            chosen.append(i)
            room -= size
        if not room:
            return chosen
    others = sorted(set(range(len(sizes))) - set(chosen), key=lambda i: (sizes[i], i))
    is_nearer = bool(others) and sizes[others[0]] - room < room
    return chosen + others[:is_nearer]
