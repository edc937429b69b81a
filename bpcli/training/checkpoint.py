"""a Run in -> the contents of a model file out, and such a file in -> a Checkpoint out.

The file is an .npz: the arrays W1, b1, W2, ... as numpy.load opens them, the optimizer's vectors
under `optimizer.NAME`, and one JSON text under `metadata`.
"""

import hashlib
import json
import math
import operator
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from bpcli import __version__, machine
from bpcli.arrays import Array, Shape
from bpcli.backprop.architecture import build_network, shapes
from bpcli.backprop.network import Network
from bpcli.backprop.optimizer import METHODS
from bpcli.data.dataset import WHITE, Split, SplitName, load_dataset, load_split
from bpcli.errors import CheckpointError, ConfigError, DatasetError
from bpcli.files.document import readable, show, to_scalar
from bpcli.files.model import read_model, write_model
from bpcli.training.config import Config, flatten, parse_config
from bpcli.training.record import Record
from bpcli.training.run import Run

FORMAT = 1
OPTIMIZER = "optimizer."  # what the names of the optimizer's vectors begin with


@dataclass(frozen=True)
class Checkpoint:
    """A model file that has been read and found to be in order."""

    path: Path
    config: Config
    arrays: dict[str, Array]
    fingerprint: str
    white: int
    iteration: int
    dropout_state: dict[str, Any]
    record: Record | None
    surroundings: dict[str, str]

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
            images = load_split(
                where, split, deskew=dataset.deskew, transpose=turned, white=self.white
            )
        elif source is None and dataset.validation:
            images = replace(load_dataset(**vars(dataset)).held_out, white=self.white)
        else:
            raise DatasetError(
                f"{self.path}: found no validation images, expected a model that was trained with "
                "dataset.validation, and its own data"
            )
        images.check_fits(self.pixels, self.classes)
        return images

    def pass_on(self, run: Run) -> None:
        """Let a new run begin with these weights. Raises CheckpointError if they do not fit."""
        for name, array in run.network.arrays.items():
            found = self.arrays[name].shape if name in self.arrays else "no such array"
            if found != array.shape:
                raise CheckpointError(
                    f"{self.path}: {name}: found {found}, expected {array.shape} by the "
                    "configuration and data of the new run"
                )
            array[...] = self.arrays[name]

    def restore(self, run: Run) -> None:
        """Make `run`, which has just been set up, the run that was saved.

        Only `training.iterations` may differ, and not be fewer than are done. Raises
        CheckpointError otherwise, or if the training data are not the same.
        """
        saved, wanted = flatten(self.config), flatten(run.config)
        changed = [
            f"{key} is {to_scalar(wanted[key])} but was {to_scalar(saved[key])}"
            for key in saved
            if saved[key] != wanted[key] and key != "training.iterations"
        ]
        if changed:
            raise CheckpointError(
                f"{self.path}: cannot go on with another configuration: {'; '.join(changed)}; "
                "only training.iterations may change; put it back, or train anew without --resume"
            )
        if run.config.training.iterations < self.iteration:
            raise CheckpointError(
                f"{self.path}: training.iterations is {run.config.training.iterations}, expected "
                f"at least the {self.iteration} that are done"
            )
        if run.dataset.fingerprint != self.fingerprint:
            raise CheckpointError(
                f"{self.path}: the training data of {run.config.dataset.source} are not those that "
                "it was trained on; put them back, or train anew without --resume"
            )
        for name, array in _arrays(run).items():
            array[...] = self.arrays[name]
        run.optimizer.updates = run.iteration = self.iteration
        run.dropout_rng.bit_generator.state = self.dropout_state
        run.record = self.record


def write(file: BinaryIO, run: Run) -> None:
    """Write all of `run` to a file. Raises OSError."""
    metadata = {
        "format": FORMAT,
        "bpcli": __version__,
        **machine.describe(),
        "config": asdict(run.config),
        "dataset": run.dataset.fingerprint,
        "white": run.dataset.white,
        "iteration": run.iteration,
        "dropout": run.dropout_rng.bit_generator.state,
        "record": run.record and run.record.to_fields(),
    }
    write_model(file, metadata, _arrays(run))


def digest(parameters: Iterable[Array]) -> str:
    """Return the SHA-256 of a network's arrays, in order, as hexadecimal digits."""
    found = hashlib.sha256()
    for array in parameters:
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def _arrays(run: Run) -> dict[str, Array]:
    """Return all arrays of a model file under their names in it."""
    return run.network.arrays | {OPTIMIZER + name: v for name, v in run.optimizer.state.items()}


def load(path: str | Path) -> Checkpoint:
    """Read a model file. Raises CheckpointError, too if its arrays are not its configuration's."""
    path = Path(path)
    metadata, arrays = read_model(path)
    try:
        if metadata["format"] != FORMAT:
            raise CheckpointError(
                f"{path}: found format {show(metadata['format'])}, expected {FORMAT}; it was "
                f"written by bpcli {show(metadata['bpcli'])}, this is {__version__}"
            )
        checkpoint = _describe(path, metadata, arrays)
        _check_arrays(checkpoint)
    except (
        AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError,
    ) as error:  # fmt: skip
        raise CheckpointError(f"{path}: found no valid metadata of bpcli: {error}") from error
    except ConfigError as error:
        raise CheckpointError(f"{path}: found no valid configuration: {error}") from error
    return checkpoint


def _describe(path: Path, metadata: dict[str, Any], arrays: dict[str, Array]) -> Checkpoint:
    """Return what the metadata say, as far as they make sense by themselves."""
    iteration, record = operator.index(metadata["iteration"]), metadata["record"]
    white = operator.index(metadata.get("white", WHITE))  # which older models do not say
    if iteration < 0 or not 1 <= white <= WHITE:
        raise ValueError(f"found {iteration} iterations and a grey level of {white}")
    np.random.default_rng().bit_generator.state = metadata["dropout"]
    return Checkpoint(
        path=path,
        config=parse_config(json.dumps(metadata["config"]), str(path)),
        arrays=arrays,
        fingerprint=str(metadata["dataset"]),
        white=white,
        iteration=iteration,
        dropout_state=metadata["dropout"],
        record=None if record is None else Record.from_fields(record, iteration),
        surroundings={name: str(metadata.get(name, "")) for name in machine.describe()},
    )


def _check_arrays(checkpoint: Checkpoint) -> None:
    """Raise CheckpointError unless the arrays are those of the configuration's network."""
    if not all(array.size for array in checkpoint.parameters):
        raise CheckpointError(f"{checkpoint.path}: found an array without numbers, expected some")
    expected = _expected_shapes(checkpoint)
    for name in sorted(expected.keys() | checkpoint.arrays.keys()):
        array = checkpoint.arrays.get(name)
        found = "no such array" if array is None else f"{array.dtype} {array.shape}"
        wanted = f"float32 {expected[name]}" if name in expected else "no such array"
        if found != wanted:
            raise CheckpointError(
                f"{checkpoint.path}: {readable(name)}: found {found}, expected {wanted}"
            )
        if not np.isfinite(checkpoint.arrays[name]).all():
            raise CheckpointError(
                f"{checkpoint.path}: {name}: found values that are not finite, expected numbers"
            )


def _expected_shapes(checkpoint: Checkpoint) -> dict[str, Shape]:
    """Return the shape of every array of a model with this configuration, by its name."""
    hidden = checkpoint.config.network.hidden
    own = shapes(checkpoint.pixels, checkpoint.classes, hidden)
    total = sum(map(math.prod, own.values()))
    vectors = METHODS[checkpoint.config.optimizer.method].remembers
    return own | {OPTIMIZER + name: (total,) for name in vectors}
