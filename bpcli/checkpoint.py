"""a Run in -> one .npz file on disk, and such a file in -> a Checkpoint out.

The file holds the arrays W1, b1, W2, ... as numpy.load opens them, the optimizer's vectors under
`optimizer.NAME`, and one JSON text under `metadata`.
"""

import contextlib
import itertools
import json
import operator
import os
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from bpcli import __version__, atomic, blas
from bpcli.archive import open_file, read_arrays
from bpcli.config import Config, flatten, parse_config
from bpcli.document import readable, show, to_scalar
from bpcli.errors import CheckpointError, ConfigError, SaveError
from bpcli.layers import Array
from bpcli.network import Network, build_network
from bpcli.optimizer import Optimizer, build_optimizer
from bpcli.training import Record, Run

FORMAT = 1
ALWAYS = {"metadata.npy", "b1.npy"}  # members of every model, and of hardly anything else
LARGEST = 1e300  # figure of an evaluation; JSON can hold integers beyond all floats
OPTIMIZER = "optimizer."  # what the names of the optimizer's vectors begin with


@dataclass(frozen=True)
class Checkpoint:
    """A model file that has been read and found to be in order."""

    path: Path
    config: Config
    arrays: dict[str, Array]
    fingerprint: str
    iteration: int
    dropout: dict[str, Any]
    record: Record | None

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

    def network(self, dtype: npt.DTypeLike = np.float32) -> Network:
        """Return the trained network, in float32 or float64."""
        network = _network(self.config, self.pixels, self.classes, dtype)
        for name, array in network.arrays.items():
            array[...] = self.arrays[name]
        return network

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
                "only training.iterations may change"
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
        for name, array in _arrays(run.network, run.optimizer).items():
            array[...] = self.arrays[name]
        run.optimizer.updates = run.iteration = self.iteration
        run.dropout.bit_generator.state = self.dropout
        if self.record:
            run.seconds = self.record.seconds
            run.record = self.record


def part(path: Path) -> Path:
    """Return where the state of an unfinished run is kept: MODEL.part beside MODEL."""
    return path.parent / (path.name + ".part")


def _refuse_folder(path: Path) -> None:
    if os.path.isdir(path):  # noqa: PTH112 - is_dir() raises for a name that is too long
        raise CheckpointError(f"{path}: found a folder, expected a file name for the model")


def find(path: Path) -> Checkpoint:
    """Load the unfinished run that belongs to `path`, or else the finished one."""
    for candidate in (part(path), path):
        if os.path.lexists(candidate):
            return load(candidate)
    raise CheckpointError(
        f"{part(path)}: found neither it nor {path}; train without --resume first"
    )


def load(path: Path) -> Checkpoint:
    """Read a model file, trusting nothing in it. Raises CheckpointError."""
    arrays = _read_arrays(path)
    try:
        metadata = json.loads(str(arrays.pop("metadata")))
        if metadata["format"] != FORMAT:
            raise CheckpointError(
                f"{path}: found format {show(metadata['format'])}, expected {FORMAT}; it was "
                f"written by bpcli {show(metadata['bpcli'])}, this is {__version__}"
            )
        checkpoint = Checkpoint(
            path=path,
            config=parse_config(json.dumps(metadata["config"]), str(path)),
            arrays=arrays,
            fingerprint=str(metadata["dataset"]),
            iteration=operator.index(metadata["iteration"]),
            dropout=metadata["dropout"],
            record=None if metadata["record"] is None else Record(**metadata["record"]),
        )
        np.random.default_rng().bit_generator.state = checkpoint.dropout
        if checkpoint.iteration < 0 or not _is_in_order(checkpoint.record, checkpoint.iteration):
            raise CheckpointError(f"{path}: found no numbers in its record or iteration")
        _check_arrays(checkpoint)
    except (KeyError, IndexError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise CheckpointError(f"{path}: found no valid metadata of bpcli: {error}") from error
    except ConfigError as error:
        raise CheckpointError(f"{path}: found no valid configuration: {error}") from error
    return checkpoint


def _is_in_order(record: Record | None, iteration: int) -> bool:
    """Tell whether an evaluation has all its numbers, and one of its two accuracies."""
    if record is None:
        return True
    found = [value for value in vars(record).values() if value is not None]
    return (
        (record.test_accuracy is None) != (record.validation_accuracy is None)
        and len(found) == len(vars(record)) - 1
        and all(type(value) in (int, float) and 0 <= value < LARGEST for value in found)
        and type(record.iteration) is int
        and record.iteration <= iteration
        and max(record.train_accuracy, record.accuracy) <= 1
    )


def _read_arrays(path: Path) -> dict[str, Array]:
    try:
        file = open_file(path)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
    with file:
        try:
            arrays = read_arrays(file) if _is_model(file) else {}
        except ValueError as error:
            raise CheckpointError(f"{path}: not a model file, or damaged: {error}") from error
    if not arrays:
        raise CheckpointError(
            f"{path}: found no model, or a damaged one, expected an .npz as bpcli train writes it"
        )
    return arrays


def _is_model(file: BinaryIO) -> bool:
    """Tell whether a file looks like a model, of whatever version, by what it contains."""
    try:
        with zipfile.ZipFile(file) as archive:
            return set(archive.namelist()) >= ALWAYS
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error):
        return False
    finally:
        file.seek(0)


def _check_arrays(checkpoint: Checkpoint) -> None:
    sizes = [checkpoint.pixels, *checkpoint.config.network.hidden, checkpoint.classes]
    configured = sum(n * m + m for n, m in itertools.pairwise(sizes))
    stored = sum(array.size for array in checkpoint.parameters)
    if stored != configured:  # before memory is taken for so many
        raise CheckpointError(
            f"{checkpoint.path}: found {stored:,} parameters, expected {configured:,} by its "
            "configuration"
        )
    if not all(array.size for array in checkpoint.parameters):
        raise CheckpointError(f"{checkpoint.path}: found an array without numbers, expected some")
    for array in checkpoint.parameters:
        if array.dtype.kind != "f":  # of which a file can hold any number in no bytes
            raise CheckpointError(
                f"{checkpoint.path}: found parameters of type {array.dtype}, expected float32"
            )
    network = _network(checkpoint.config, checkpoint.pixels, checkpoint.classes, np.float32)
    optimizer = build_optimizer(checkpoint.config.optimizer, network.parameters, network.gradient)
    expected = _arrays(network, optimizer)
    for name in sorted(expected.keys() | checkpoint.arrays.keys()):
        found, wanted = (
            f"{arrays[name].dtype} {arrays[name].shape}" if name in arrays else "no such array"
            for arrays in (checkpoint.arrays, expected)
        )
        if found != wanted:
            raise CheckpointError(
                f"{checkpoint.path}: {readable(name)}: found {found}, expected {wanted}"
            )
        if not np.isfinite(checkpoint.arrays[name]).all():
            raise CheckpointError(
                f"{checkpoint.path}: {name}: found values that are not finite, expected numbers"
            )


def _network(config: Config, pixels: int, classes: int, dtype: npt.DTypeLike) -> Network:
    rng = np.random.default_rng(config.seed)  # its weights are overwritten
    return build_network(config.network, pixels, classes, rng, rng, dtype)


def _arrays(network: Network, optimizer: Optimizer) -> dict[str, Array]:
    """Return all arrays of a model file under their names in it."""
    return network.arrays | {OPTIMIZER + name: v for name, v in optimizer.state.items()}


@contextlib.contextmanager
def reserved(path: Path) -> Iterator[None]:
    """Hold `path` for one run. Raises CheckpointError if no model can or should be written there.

    Nothing is changed before the run saves something.
    """
    with contextlib.ExitStack() as stack:
        try:
            for target in (path, part(path)):
                _check_replaceable(target)
                stack.enter_context(atomic.reserved(target))
                with atomic.replacing(target, keep=False):
                    pass
        except BlockingIOError as error:
            raise CheckpointError(
                f"{path}: another run is writing there; wait for its end, or choose another file "
                "with -o"
            ) from error
        except OSError as error:
            raise CheckpointError(
                f"{path}: no model can be written there: {error.strerror}; choose another file "
                "with -o"
            ) from error
        yield


def _check_replaceable(target: Path) -> None:
    """Raise CheckpointError if what stands at `target` is neither a model nor an empty file."""
    _refuse_folder(target)
    if not target.exists():
        return
    if not target.is_file():
        raise CheckpointError(
            f"{target}: found a device or a pipe, expected a file name for the model"
        )
    if not target.stat().st_size:
        return
    with target.open("rb") as file:
        if not _is_model(file):
            raise CheckpointError(
                f"{target}: found a file that is no model, expected a model to replace, or none; "
                "choose another with -o"
            )


def save(path: Path, run: Run) -> None:
    """Write the state of `run` to `path`: all of it, or nothing.

    Raises SaveError, and CheckpointError if a file that is no model has been put there meanwhile.
    """
    metadata = {
        "format": FORMAT,
        "bpcli": __version__,
        "numpy": np.__version__,
        "blas_threads": blas.threads(),
        "config": asdict(run.config),
        "dataset": run.dataset.fingerprint,
        "iteration": run.iteration,
        "dropout": run.dropout.bit_generator.state,
        "record": run.record and asdict(run.record),
    }
    arrays: dict[str, Any] = _arrays(run.network, run.optimizer)
    try:
        _check_replaceable(path)
        with atomic.replacing(path) as file:
            np.savez(file, metadata=np.array(json.dumps(metadata)), **arrays)
    except OSError as error:
        raise SaveError(f"{path}: could not be written: {error.strerror}") from error


def finish(path: Path, run: Run) -> None:
    """Write the model of a complete `run` to `path`, and remove what was kept meanwhile.

    Raises as `save` does. The run then goes to MODEL.part, if that can be written.
    """
    kept = part(path)
    try:
        save(path, run)
    except CheckpointError as error:
        where = f"the finished run is in {kept}"
        try:
            save(kept, run)
        except CheckpointError as second:
            where = str(second)
        raise type(error)(f"{error}; {where}") from error
    try:
        _check_replaceable(kept)
        kept.unlink(missing_ok=True)
    except OSError as error:
        raise SaveError(f"{kept}: could not be removed: {error.strerror}") from error
    except CheckpointError:
        pass  # somebody else has put it there meanwhile, and may keep it
