"""training images and a seed in -> the mini-batches of a run out."""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Array, Bytes, Indices, Labels
from bpcli.data.split import Split, to_inputs
from bpcli.errors import choose

AHEAD = 2**21  # bytes of images to gather in advance, but for no more than an epoch
DISTORTION = 1  # sets the generators for distortions apart from those for orders

Distort = Callable[[Bytes, np.random.Generator], Bytes]


def draw_balanced(rng: np.random.Generator, labels: Labels) -> Indices:
    """Return the order of an epoch (N,) that is of each class as often, up to once.

    Within a class each image comes once before any comes again.
    """
    there = np.unique(labels)
    classes = rng.permutation(np.resize(rng.permutation(there), len(labels)))
    order = np.empty(len(labels), np.intp)
    for label in there:
        own, places = np.flatnonzero(labels == label), np.flatnonzero(classes == label)
        rounds = np.tile(own, (-(-len(places) // len(own)), 1))
        order[places] = rng.permuted(rounds, axis=1).ravel()[: len(places)]
    return order


# How an epoch orders images with these labels: each once, drawn with replacement as in the book, or
# so that classes are as frequent as one another.
SAMPLINGS: dict[str, Callable[[np.random.Generator, Labels], Indices]] = {
    "shuffle": lambda rng, labels: rng.permutation(len(labels)),
    "replacement": lambda rng, labels: rng.integers(len(labels), size=len(labels)),
    "balanced": draw_balanced,
}


class MiniBatches:
    """An endless stream of mini-batches (x, t); what number i holds depends on seeds and i alone.

    Every epoch has an order of its own, by one of SAMPLINGS. The orders follow one another without
    a gap, so that every mini-batch is full, even where its size does not divide the number of
    images. Inputs x (batch, pixels) go from 0 to 1 and are of `dtype`; labels t are (batch,).
    `distort` changes the images of a mini-batch, each in its own way.

    Images in random order are slow to fetch from memory, and slower to distort, so a second thread
    prepares those of the next few mini-batches while the network learns from these.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        seeds: np.random.SeedSequence,
        *,
        sampling: str = "shuffle",
        dtype: npt.DTypeLike = np.float32,
        distort: Distort | None = None,
    ) -> None:
        self.split = split
        self.batch_size = batch_size
        self._sample = choose("sampling", sampling, SAMPLINGS)
        self.seeds = seeds
        self.distort = distort
        pixels = split.images.shape[1]
        ahead = min(AHEAD // (batch_size * pixels), len(split) // batch_size)
        self._chunk_size = batch_size * max(1, ahead)
        self._chunk = -1  # the number of the chunk that mini-batches are taken from
        self._buffers = [
            (np.empty((self._chunk_size, pixels), np.uint8), np.empty(self._chunk_size, np.intp))
            for _ in range(2)
        ]
        self._x = np.empty((batch_size, pixels), dtype)
        self._labels = split.labels.astype(np.intp)
        self._epoch = -1  # the number of the epoch that `_order` is that of
        self._order = np.empty(0, np.intp)
        self._thread = ThreadPoolExecutor(1)
        self._coming: Future[None] | None = None  # the chunk after that

    def __iter__(self) -> Iterator[tuple[Array, Labels]]:
        return map(self.draw, itertools.count())

    def draw(self, iteration: int) -> tuple[Array, Labels]:
        """Return a mini-batch (x, t) by its number. Both are overwritten by the next draws."""
        chunk, start = divmod(iteration * self.batch_size, self._chunk_size)
        if chunk != self._chunk:
            self._turn_to(chunk)
        images, labels = self._buffers[chunk % 2]
        stop = start + self.batch_size
        return to_inputs(images[start:stop], self.split.white, self._x), labels[start:stop]

    def choose(self, start: int, stop: int) -> Indices:
        """Return the indices of images `start` to `stop` - 1, counted from the run's beginning."""
        n = len(self.split)
        first, last = start // n, (stop - 1) // n
        orders = np.concatenate([self.order(epoch) for epoch in range(first, last + 1)])
        return orders[start - first * n : stop - first * n]

    def order(self, epoch: int) -> Indices:
        """Return the order in which `epoch` visits the images: indices (N,)."""
        if epoch != self._epoch:
            self._order = self._sample(self._generator(epoch), self._labels)
            self._epoch = epoch
        return self._order

    def _generator(self, *key: int) -> np.random.Generator:
        spawned = np.random.SeedSequence(
            self.seeds.entropy, spawn_key=(*self.seeds.spawn_key, *key)
        )
        return np.random.default_rng(spawned)

    def _turn_to(self, chunk: int) -> None:
        """Wait for a chunk, and have the one after it gathered."""
        if self._coming is None or chunk != self._chunk + 1:
            self._coming = self._begin(chunk)
        self._coming.result()
        self._chunk = chunk
        self._coming = self._begin(chunk + 1)

    def _begin(self, chunk: int) -> Future[None]:
        try:
            return self._thread.submit(self._gather, chunk)
        except RuntimeError as error:  # which is how Python says it
            raise MemoryError("Unable to allocate a thread") from error

    def _gather(self, chunk: int) -> None:
        images, labels = self._buffers[chunk % 2]
        chosen = self.choose(chunk * self._chunk_size, (chunk + 1) * self._chunk_size)
        # Without "clip", take(out=...) works in a copy; the indices are in range by construction.
        self.split.images.take(chosen, 0, images, "clip")
        self._labels.take(chosen, 0, labels, "clip")
        if self.distort:
            for start in range(0, self._chunk_size, self.batch_size):
                mini_batch = images[start : start + self.batch_size]
                number = (chunk * self._chunk_size + start) // self.batch_size
                mini_batch[...] = self.distort(mini_batch, self._generator(number, DISTORTION))
