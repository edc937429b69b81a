"""what a model file holds in -> what one can ask of a model, as its network and images, out."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.arrays import Array
from bpcli.backprop.architecture import build_network
from bpcli.backprop.network import Network
from bpcli.data.dataset import BUNDLED, Split, SplitName, load_dataset, load_split
from bpcli.errors import DatasetError
from bpcli.files.source import parts
from bpcli.training.config import Config
from bpcli.training.history import Point
from bpcli.training.record import Record
from bpcli.training.run import OPTIMIZER


@dataclass(frozen=True)
class Checkpoint:
    """A model file that has been read and found to be in order.

    `names` are those of the classes, `size` that of an image, (height, width), in pixels; `white`
    is the grey level that becomes 1; `is_prepared` tells whether the training images were as
    MNIST's, `is_dark` whether dark on light; `history` has a point for each evaluation, `record`
    the last; `written_by` is a version of bpcli.
    """

    path: Path
    config: Config
    arrays: dict[str, Array]
    fingerprint: str
    names: tuple[str, ...]
    size: tuple[int, int]
    white: int
    is_prepared: bool
    is_dark: bool
    iteration: int
    dropout_state: dict[str, Any]
    record: Record | None
    history: list[Point]
    surroundings: dict[str, str]
    written_by: str

    @property
    def parameters(self) -> list[Array]:
        """The network's arrays, without those of the optimizer, in order."""
        return [a for name, a in self.arrays.items() if not name.startswith(OPTIMIZER)]

    @property
    def pixels(self) -> int:
        """Number of pixels of the images that the network takes."""
        return len(self.parameters[0])

    @property
    def classes(self) -> int:
        """Number of classes that the network tells apart."""
        return len(self.parameters[-1])

    @property
    def digest(self) -> str:
        """SHA-256 of the network's arrays."""
        return digest(self.parameters)

    def network(self) -> Network:
        """Return the trained network, in float32."""
        rng = np.random.default_rng(self.config.seed)  # the weights are overwritten
        options = vars(self.config.network)
        network = build_network(self.pixels, self.classes, rng, **options)
        for name, array in network.arrays.items():
            array[...] = self.arrays[name]
        return network

    def load_images(
        self, split: SplitName, source: str | None = None, *, transpose: bool = False
    ) -> Split:
        """Return the images of a split, prepared as those that the model was trained on.

        Without a source they are of the data that it was trained on; `validation` are those of them
        that were held out. With `transpose` their rows become columns. Raises DatasetError.
        """
        dataset = replace(self.config.dataset, transpose=transpose ^ self.config.dataset.transpose)
        where = dataset.source if source is None else source
        if split != "validation":
            turned = dataset.transpose
            there = parts(where, BUNDLED)
            images = load_split(
                where,
                split if split in there else there[0],
                deskew=dataset.deskew,
                transpose=turned,
                white=self.white,
            )
        elif source is None and dataset.validation:
            images = replace(load_dataset(**vars(dataset)).held_out, white=self.white)
        else:
            raise DatasetError(
                f"{self.path}: found no validation images, expected a model that was trained with "
                "dataset.validation, and its own data"
            )
        images.check_fits(self.pixels, self.classes)
        return images.renumbered(self.names)


def digest(parameters: Iterable[Array]) -> str:
    """Return the SHA-256 of a network's arrays, in order, as hexadecimal digits."""
    found = hashlib.sha256()
    for array in parameters:
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()
