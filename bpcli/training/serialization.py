"""a Run in -> the contents of a model file out, and such a file in -> a Checkpoint out.

The file is an .npz: the arrays W1, b1, W2, ... as numpy.load opens them, the optimizer's vectors
under `optimizer.NAME`, the curve of the run under `history.NAME`, and one JSON text under
`metadata`. Where the best state is kept, `last.NAME` are the arrays to go on from. `learnt` are
digests of the images that it has learnt from, sorted, where MNIST does not have them, and `unused`
of those that `dataset.train` has left over. `losses.NAME` are those of mini-batches, and
`inside.NAME` says what happened in the layers.
"""

import json
import math
import warnings
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np

from bpcli import __version__, machine
from bpcli.arrays import WHITE, Array, Shape
from bpcli.backprop.architecture import shapes, statistics_shapes
from bpcli.backprop.optimizer import METHODS
from bpcli.data.preparation import SIDE
from bpcli.errors import CheckpointError, ConfigError, PlaceError, quote, readable
from bpcli.files import atomic
from bpcli.files.labels import MOST
from bpcli.files.model import is_model, open_model, read_model, write_model
from bpcli.files.part import BYTES, FOUND, to_levels
from bpcli.files.path import look, open_file
from bpcli.training import history, inside, learnt, losses
from bpcli.training.checkpoint import Checkpoint, Last
from bpcli.training.config import parse_config
from bpcli.training.inside import Inside
from bpcli.training.learnt_with import LearntWith
from bpcli.training.loop import check_finite
from bpcli.training.losses import Losses
from bpcli.training.record import LARGEST, Record
from bpcli.training.run import OPTIMIZER, Run

Value = TypeVar("Value", int, str, bool)

# What messages call what is expected.
KINDS: dict[type[Any], str] = {int: "a whole number", str: "text", bool: "true or false"}
LONGEST = 300  # characters of what is wrong with metadata
FORMAT = 4  # of what is written
# The first has neither history nor size; before the third the last images were held out, and what
# a model has learnt from was not kept; before the fourth losses were those of evaluations alone.
READABLE = (1, 2, 3, 4)
LAST = "last."  # what the names of the arrays to go on from begin with, where others are kept


def save(path: str | Path, run: Run) -> None:
    """Write the state of `run` to `path`: all of it, or nothing.

    Raises DivergedError if it is not made of finite numbers, SaveError if it cannot be written, and
    CheckpointError if a file that is no model has been put there meanwhile.
    """
    check_finite(run)
    check_replaceable(path)
    with atomic.replacing(path) as file:
        write(file, run)


def check_replaceable(target: str | Path) -> None:
    """Raise CheckpointError if what stands at `target` is neither a model nor an empty file."""
    found = look(target, PlaceError)
    if found == "nothing":
        return
    if found != "file":
        raise CheckpointError(f"{target}: found a {found}, expected a file name for the model")
    with open_file(target, CheckpointError) as file:
        if file.peek(1) and not is_model(file):
            raise CheckpointError(
                f"{target}: found a file that is no model, expected a model to replace, or none; "
                "delete it, or choose another with -o"
            )


def write(file: BinaryIO, run: Run) -> None:
    """Write all of `run` to a file."""
    metadata = {
        "format": FORMAT,
        "bpcli": __version__,
        **machine.describe(),
        "config": asdict(run.config),
        "dataset": run.dataset.fingerprint,
        "names": run.dataset.names,
        "size": run.dataset.size,
        "white": run.dataset.white,
        "levels": run.dataset.train.reading.levels,
        "label": run.dataset.train.reading.label,
        "prepared": run.is_prepared,
        "dark": run.is_dark,
        "iteration": run.iteration,
        "seconds": run.seconds,
        "dropout": run.dropout_rng.bit_generator.state,
        "record": run.kept.record and run.kept.record.to_fields(),
        "last": run.best and run.record and run.record.to_fields(),
        "held_out_by": run.dataset.held_out_by,
        "learnt_with": run.learnt_with and run.learnt_with.to_fields(),
        learnt.LEARNT: learnt.describe(run),
    }
    arrays = run.arrays | run.kept.arrays | history.to_arrays(run.history)
    arrays |= losses.to_arrays(run.losses) | inside.to_arrays(run.inside) | learnt.to_arrays(run)
    if run.best:
        arrays |= {LAST + name: array for name, array in run.network.contents.items()}
    write_model(file, metadata, arrays)


def load(path: str | Path) -> Checkpoint:
    """Read a model file. Raises CheckpointError, too if its arrays are not its configuration's."""
    path = Path(path)
    with open_model(path) as file:
        return read(file, path)


def read(file: BinaryIO, path: Path) -> Checkpoint:
    """Read what `write` writes, and call it `path`. Raises CheckpointError as `load` does."""
    metadata, arrays = read_model(file, path)
    try:
        if type(metadata["format"]) is not int or metadata["format"] not in READABLE:
            raise CheckpointError(
                f"{path}: found format {quote(metadata['format'])}, expected {READABLE[0]} to "
                f"{FORMAT}; it was written by bpcli {quote(metadata['bpcli'])}, this is "
                f"{__version__}"
            )
        checkpoint = _describe(path, metadata, arrays)
        _check_arrays(checkpoint)
        names = _read_names(metadata.get("names"), checkpoint.classes)
        size = _read_size(metadata.get("size"), checkpoint.pixels)
        _check_prepared(size, is_prepared=checkpoint.is_prepared)
    except (
        AttributeError,
        DeprecationWarning,
        IndexError,
        KeyError,
        OverflowError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        words = readable(str(error), LONGEST)
        raise CheckpointError(f"{path}: found no valid metadata of bpcli: {words}") from error
    except ConfigError as error:
        words = "; ".join(error.lines)
        raise CheckpointError(f"{path}: found no valid configuration: {words}") from error
    return replace(checkpoint, names=names, size=size)


def _describe(path: Path, metadata: dict[str, Any], arrays: dict[str, Array]) -> Checkpoint:
    """Return what the metadata say, as far as they make sense by themselves."""
    config = parse_config(json.dumps(metadata["config"]), str(path))
    version = metadata["format"]
    iteration, white = _read_counts(metadata, config.training.iterations)
    with warnings.catch_warnings(action="error"):  # numpy 1.26 warns of what later ones refuse
        np.random.default_rng().bit_generator.state = metadata["dropout"]
    record = metadata["record"]
    if record is not None:
        record = Record.from_fields(record, iteration)
    last = _take_last(arrays, metadata.get("last"), iteration)
    of_end = (last and last.record) or record
    is_new = version >= FORMAT
    columns = [c for c in history.COLUMNS if is_new or (version > 1 and c not in history.LATER)]
    curve = history.from_arrays(arrays, iteration, of_end, expected=columns)
    at = [point.iteration for point in curve]
    digests, place = learnt.take_learnt(arrays, metadata)
    with_whom = metadata.get("learnt_with")
    return Checkpoint(
        path=path,
        config=config,
        arrays=arrays,
        fingerprint=_read(metadata, "dataset", str),
        names=(),
        size=(0, 0),
        white=white,
        levels=to_levels(metadata.get("levels", BYTES)),
        label=_read(metadata, "label", str, FOUND),
        is_prepared=_read(metadata, "prepared", bool, config.dataset.source == "mnist"),
        is_dark=_read(metadata, "dark", bool, False),
        iteration=iteration,
        seconds=_read_seconds(metadata.get("seconds"), record),
        dropout_state=metadata["dropout"],
        record=record,
        last=last,
        history=curve,
        losses=losses.from_arrays(arrays, iteration) if is_new else Losses(iteration),
        inside=inside.from_arrays(arrays, at) if is_new else Inside(len(config.network.hidden) + 1),
        unused=learnt.take_unused(arrays, config.dataset),
        learnt=digests,
        can_find_learnt=place == learnt.IN_DATA,
        held_out_by=learnt.read_rule(metadata),
        surroundings={name: str(metadata.get(name, "")) for name in machine.describe()},
        written_by=str(metadata["bpcli"]),
        learnt_with=with_whom and LearntWith.from_fields(with_whom),
    )


def _read_counts(metadata: dict[str, Any], iterations: int) -> tuple[int, int]:
    """Return how far a run is, and the grey level that is white, which older models do not say."""
    iteration, white = _read(metadata, "iteration", int), _read(metadata, "white", int, WHITE)
    if not (0 <= iteration <= iterations and 1 <= white <= WHITE):
        raise ValueError(
            f"found {quote(iteration)} of {iterations:,} iterations, and the grey level "
            f"{quote(white)}"
        )
    return iteration, white


def _read(
    metadata: dict[str, Any], name: str, kind: type[Value], older: Value | None = None
) -> Value:
    """Return a value of a kind; what older models say by not saying it may be given."""
    value = metadata[name] if older is None else metadata.get(name, older)
    if type(value) is not kind:  # true is no 1
        raise TypeError(f"{name}: found {quote(value)}, expected {KINDS[kind]}")
    return value


def _read_seconds(seconds: Any, last: Record | None) -> float:
    """Return how long a run has taken; older models say it of their last evaluation alone."""
    least = last.seconds if last else 0.0
    if seconds is None:
        return least
    if type(seconds) not in (int, float) or not least <= seconds < LARGEST:
        raise ValueError("found another time of the run than its last evaluation can have")
    return float(seconds)


def _take_last(arrays: dict[str, Any], record: Any, iteration: int) -> Last | None:
    """Take what a run goes on from out of the arrays of its best state, if there is any."""
    names = [name for name in arrays if name.startswith(LAST)]
    if not names:
        return None
    found = {name.removeprefix(LAST): arrays.pop(name) for name in names}
    return Last(found, None if record is None else Record.from_fields(record, iteration))


def _read_names(names: Any, classes: int) -> tuple[str, ...]:
    """Return what so many classes are called; older models do not say it."""
    if names is None:
        return tuple(map(str, range(classes)))
    is_list = isinstance(names, list) and all(isinstance(name, str) and name for name in names)
    if not is_list or not len(set(names)) == len(names) == classes:
        raise ValueError(f"found no names for {classes} classes")
    return tuple(names)


def _read_size(size: Any, pixels: int) -> tuple[int, int]:
    """Return the height and width of images; older models do not say it, and most are square."""
    if size is None:
        side = math.isqrt(pixels)
        return (side, side) if side * side == pixels else (1, pixels)
    if not (isinstance(size, list) and [type(n) for n in size] == [int, int]):
        raise TypeError(f"size: found {quote(size)}, expected height and width")
    height, width = size
    if height < 1 or height * width != pixels:
        raise ValueError(f"found a size of {quote(size)} for {pixels} pixels")
    return height, width


def _check_prepared(size: tuple[int, int], *, is_prepared: bool) -> None:
    """Raise ValueError for images that are said to be prepared as MNIST's, and cannot be."""
    if is_prepared and size != (SIDE, SIDE):
        raise ValueError(
            f"found prepared images of {size[1]} x {size[0]} pixels, expected {SIDE} x {SIDE}"
        )


def _check_arrays(checkpoint: Checkpoint) -> None:
    """Raise CheckpointError unless the arrays are those of the configuration's network."""
    if not all(array.size for array in checkpoint.parameters):
        raise CheckpointError(f"{checkpoint.path}: found an array without numbers, expected some")
    if checkpoint.classes > MOST:
        raise CheckpointError(
            f"{checkpoint.path}: found {checkpoint.classes:,} classes, expected at most {MOST}"
        )
    last = checkpoint.last.arrays if checkpoint.last else {}
    arrays = checkpoint.arrays | {LAST + name: array for name, array in last.items()}
    expected = _expected_shapes(checkpoint)
    for name in sorted(expected.keys() | arrays.keys()):
        array = arrays.get(name)
        found = "no such array" if array is None else f"{array.dtype} {array.shape}"
        wanted = f"float32 {expected[name]}" if name in expected else "no such array"
        if found != wanted:
            raise CheckpointError(
                f"{checkpoint.path}: {readable(name)}: found {found}, expected {wanted}"
            )
        if not np.isfinite(arrays[name]).all():
            raise CheckpointError(
                f"{checkpoint.path}: {name}: found values that are not finite, expected numbers"
            )
        if name.removeprefix(LAST).startswith("variance") and arrays[name].min() < 0:
            raise CheckpointError(
                f"{checkpoint.path}: {name}: found a variance below 0, expected none"
            )
    if checkpoint.inside.layers != len(checkpoint.config.network.hidden) + 1:
        raise CheckpointError(
            f"{checkpoint.path}: found figures of {checkpoint.inside.layers} layers, expected as "
            "many as its network has"
        )


def _expected_shapes(checkpoint: Checkpoint) -> dict[str, Shape]:
    """Return the shape of every array of a model with this configuration, by its name."""
    network = checkpoint.config.network
    parameters = shapes(
        checkpoint.pixels, checkpoint.classes, network.hidden, batch_norm=network.batch_norm
    )
    own = parameters | statistics_shapes(parameters)
    total = sum(map(math.prod, parameters.values()))
    vectors = METHODS[checkpoint.config.optimizer.method].remembers
    last = {LAST + name: shape for name, shape in own.items()} if checkpoint.last else {}
    return own | last | {OPTIMIZER + name: (total,) for name in vectors}
