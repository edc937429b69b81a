"""training images and a seed in -> the mini-batches of a run out."""

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from bpcli.dataset import Split, to_inputs
from bpcli.distortion import Distortion

AHEAD = 2**21  # bytes of images to gather in advance, but for no more than an epoch
DISTORTION = 1  # sets the generators for distortions apart from those for orders

Indices = npt.NDArray[np.intp]


class MiniBatches:
    """The mini-batches of a run; what number i holds depends on the seeds and on i alone.

    Every epoch has an order of its own: a permutation (`shuffle`), or draws with replacement as in
    the book (`replacement`). The orders follow one another without a gap, so that every mini-batch
    is full, even where its size does not divide the number of images.

    Images in random order are slow to fetch from memory, and slower to distort, so a second thread
    prepares those of the next few mini-batches while the network learns from these.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        sampling: str,
        seeds: np.random.SeedSequence,
        dtype: npt.DTypeLike,
        distort: Distortion | None = None,
    ) -> None:
        self.split = split
        self.batch_size = batch_size
        self.sampling = sampling
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

    def draw(self, iteration: int) -> tuple[npt.NDArray[np.floating], Indices]:
        """Return inputs x (batch, pixels) from 0 to 1 and labels t (batch,) of a mini-batch.

        Both are overwritten by the next draws.
        """
        chunk, start = divmod(iteration * self.batch_size, self._chunk_size)
        if chunk != self._chunk:
            self._turn_to(chunk)
        images, labels = self._buffers[chunk % 2]
        stop = start + self.batch_size
        return to_inputs(images[start:stop], self._x), labels[start:stop]

    def choose(self, start: int, stop: int) -> Indices:
        """Return the indices of images `start` to `stop` - 1, counted from the run's beginning."""
        n = len(self.split)
        first, last = start // n, (stop - 1) // n
        orders = np.concatenate([self.order(epoch) for epoch in range(first, last + 1)])
        return orders[start - first * n : stop - first * n]

    def order(self, epoch: int) -> Indices:
        """Return the order in which `epoch` visits the images: indices (N,)."""
        if epoch != self._epoch:
            rng, n = self._generator(epoch), len(self.split)
            shuffle = self.sampling == "shuffle"
            self._order = rng.permutation(n) if shuffle else rng.integers(n, size=n)
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
            self._coming = self._thread.submit(self._gather, chunk)
        self._coming.result()
        self._chunk = chunk
        self._coming = self._thread.submit(self._gather, chunk + 1)

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
