"""the sizes of a network and of mini-batches in -> arrays in shared memory out."""

import math
import mmap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.arrays import Array, Labels
from bpcli.backprop.network import Network
from bpcli.training.own.network import list_statistics

EDGE = 64  # bytes at which each array begins


@dataclass(frozen=True)
class Sizes:
    """What is exchanged: so many parameters and statistics, images, their pixels and classes."""

    parameters: int
    statistics: int
    images: int
    pixels: int
    classes: int

    @classmethod
    def of(cls, network: Network, images: int) -> "Sizes":
        """Return the sizes of a network that gets up to so many images at a time."""
        specs = network.specs
        kept = sum(array.size for array in list_statistics(network))
        return cls(network.parameters.size, kept, images, specs[0].input[0], specs[-1].input[0])

    @property
    def arrays(self) -> dict[str, tuple[tuple[int, ...], type]]:
        """The shape and type of each array, by its name, in order."""
        return {
            "parameters": ((self.parameters,), np.float32),
            "gradient": ((self.parameters,), np.float32),
            "statistics": ((self.statistics,), np.float32),
            "x": ((self.images, self.pixels), np.float32),
            "y": ((self.images, self.classes), np.float32),
            "t": ((self.images,), np.int64),
        }

    @property
    def bytes(self) -> int:
        """How many bytes all of them take."""
        return sum(map(_room, self.arrays.values()))


class Exchange:
    """The arrays of some sizes, in memory that two processes have.

    Each process reads and writes them only while the other waits.
    """

    def __init__(self, sizes: Sizes, memory: mmap.mmap) -> None:
        self.sizes = sizes
        found: dict[str, Any] = {}
        start = 0
        for name, (shape, kind) in sizes.arrays.items():
            count = math.prod(shape)
            found[name] = np.frombuffer(memory, kind, count, start).reshape(shape)
            start += _room((shape, kind))
        self.parameters: Array = found["parameters"]
        self.gradient: Array = found["gradient"]
        self.x: Array = found["x"]
        self.y: Array = found["y"]
        self.t: Labels = found["t"]
        self.kept: Array = found["statistics"]

    def statistics_like(self, kept: Sequence[Array]) -> list[Array]:
        """Return the statistics as arrays of the shapes that those of a network have."""
        arrays, start = [], 0
        for array in kept:
            arrays.append(self.kept[start : start + array.size].reshape(array.shape))
            start += array.size
        return arrays


def _room(array: tuple[tuple[int, ...], type]) -> int:
    shape, kind = array
    size = math.prod(shape) * np.dtype(kind).itemsize
    return -(-size // EDGE) * EDGE
