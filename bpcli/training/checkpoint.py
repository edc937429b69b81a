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
from bpcli.data.dataset import Rule
from bpcli.data.holdout import Digests
from bpcli.files.part import Levels
from bpcli.files.source import find_again
from bpcli.training.config import Config, DatasetConfig
from bpcli.training.history import Point
from bpcli.training.inside import Inside
from bpcli.training.learnt_with import LearntWith
from bpcli.training.losses import Losses
from bpcli.training.record import Record
from bpcli.training.run import OPTIMIZER


@dataclass(frozen=True)
class Last:
    """The last state of a run whose model is the best one: its network's arrays, and its record."""

    arrays: dict[str, Array]
    record: Record | None


@dataclass(frozen=True)
class Checkpoint:
    """A model file that has been read and found to be in order.

    `names` are those of the classes, `size` that of an image, (height, width), in pixels;
    `white` is the grey level that becomes 1, `levels` the numbers that were black and white
    before they became grey levels, `label` where the labels were found; `is_prepared` tells
    whether the training images were as MNIST's, `is_dark` whether dark on light; `seconds` is
    how long the run has taken; `history` has a point for each evaluation, `losses` those of
    mini-batches, `inside` what happened in its layers; `record` is that of these weights, and
    `last` is what to go on from where they are not the last ones.
    `learnt` are digests of the images that it has learnt from, where the file has them, `unused`
    of those that `dataset.train` has left over;
    `can_find_learnt` tells whether its data have them, where they are what they were;
    `held_out_by` says how some were held out. `written_by` is a version of bpcli. `learnt_with`
    says whose layers it has learnt with, where these were not ours.
    """

    path: Path
    config: Config
    arrays: dict[str, Array]
    fingerprint: str
    names: tuple[str, ...]
    size: tuple[int, int]
    white: int
    levels: Levels
    label: str
    is_prepared: bool
    is_dark: bool
    iteration: int
    seconds: float
    dropout_state: dict[str, Any]
    record: Record | None
    last: Last | None
    history: list[Point]
    losses: Losses
    inside: Inside
    unused: Digests | None
    learnt: Digests | None
    can_find_learnt: bool
    held_out_by: Rule
    surroundings: dict[str, str]
    written_by: str
    learnt_with: LearntWith | None = None

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

    @property
    def best_of(self) -> int:
        """How many evaluations these weights are the best of; 0 where they are just the last."""
        return self.evaluations if self.last else 0

    @property
    def evaluations(self) -> int:
        """How many times the run has been evaluated since it began to learn."""
        return sum(point.has_learnt for point in self.history)

    @property
    def own_iteration(self) -> int:
        """The iteration that these weights are from."""
        return self.record.iteration if self.last and self.record else self.iteration

    def find_dataset(self) -> DatasetConfig:
        """Return its own data, whose path may have been relative to another working directory.

        Raises DatasetError if they are found neither here nor beside the model.
        """
        dataset = self.config.dataset
        return replace(dataset, source=find_again(dataset.source, self.path))

    def network(self) -> Network:
        """Return the trained network, in float32."""
        rng = np.random.default_rng(self.config.seed)  # the weights are overwritten
        options = vars(self.config.network)
        network = build_network(self.pixels, self.classes, rng, **options)
        for name, array in network.contents.items():
            array[...] = self.arrays[name]
        return network


def digest(parameters: Iterable[Array]) -> str:
    """Return the SHA-256 of a network's arrays, in order, as hexadecimal digits."""
    found = hashlib.sha256()
    for array in parameters:
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()
