"""a configuration, and an earlier run or none, in -> a Run that begins or goes on, out."""

from dataclasses import dataclass

from bpcli import machine
from bpcli.arrays import WHITE
from bpcli.data.dataset import Dataset
from bpcli.errors import CheckpointError, readable
from bpcli.files.document import to_scalar
from bpcli.files.labels import find_places, list_names
from bpcli.files.path import exists
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.config import Config, flatten
from bpcli.training.output import Output
from bpcli.training.run import Run, load_data

ITERATIONS = "training.iterations"  # the one key that may change when a run goes on


@dataclass(frozen=True)
class Start:
    """A run that is ready to train, and `remarks` to the user on it, a sentence each.

    `is_new` tells that it does not go on with an earlier one.
    """

    run: Run
    remarks: tuple[str, ...]
    is_new: bool


def set_up(config: Config) -> Run:
    """Load the data that `config` names and return a new run. Raises DatasetError."""
    return Run(config, load_data(config))


def begin(config: Config, weights: Checkpoint | None = None) -> Start:
    """Begin a run, with the weights of a model if one is given.

    Raises DatasetError, and CheckpointError if the weights do not fit.
    """
    run = set_up(config)
    if weights:
        _take_weights(run, weights)
    return Start(run, tuple(_describe(run.dataset)), is_new=True)


def resume(config: Config, saved: Checkpoint) -> Start:
    """Go on with the run that was saved, as if it had never been stopped.

    Only `training.iterations` may differ, and not be fewer than are done. Raises CheckpointError
    otherwise, or if the training data are not the same, and DatasetError.
    """
    _check_same(config, saved)
    run = Run(config, load_data(config).ordered_as(saved.names))
    places = find_places(run.dataset.names, saved.names)
    if run.dataset.fingerprint != saved.fingerprint or places != [*range(len(saved.names))]:
        raise CheckpointError(
            f"{saved.path}: the training data of {config.dataset.source} are not those that it was "
            "trained on; put them back, or train anew without --resume"
        )
    for name, array in run.arrays.items():
        array[...] = saved.arrays[name]
    run.optimizer.updates = run.iteration = saved.iteration
    run.seconds = saved.seconds
    run.dropout_rng.bit_generator.state = saved.dropout_state
    run.record, run.history = saved.record, [*saved.history]
    return Start(run, tuple(_compare(run, saved)), is_new=False)


def resume_if_possible(config: Config, output: Output, weights: Checkpoint | None = None) -> Start:
    """Go on with the unfinished run at `output` if it fits, and begin one otherwise.

    Why it does not fit is a remark. Raises as `begin` does.
    """
    try:
        saved = output.find_unfinished()
        if saved:
            return resume(config, saved)
    except CheckpointError as error:
        started = begin(config, weights)
        why = f"{error}; beginning anew"
        return Start(started.run, (why, *started.remarks), is_new=True)
    return begin(config, weights)


def _take_weights(run: Run, saved: Checkpoint) -> None:
    for name, array in run.network.arrays.items():
        found = saved.arrays[name].shape if name in saved.arrays else "no such array"
        if found != array.shape:
            raise CheckpointError(
                f"{saved.path}: {name}: found {found}, expected {array.shape} by the "
                "configuration and data of the new run"
            )
        array[...] = saved.arrays[name]


def _check_same(config: Config, saved: Checkpoint) -> None:
    """Raise CheckpointError unless a run that was saved can go on with a configuration."""
    before, wanted = flatten(saved.config), flatten(config)
    changed = [
        f"{key} is {to_scalar(wanted[key])} but was {to_scalar(before[key])}"
        for key in before
        if before[key] != wanted[key] and key != ITERATIONS
    ]
    if changed:
        raise CheckpointError(
            f"{saved.path}: cannot go on with another configuration: {'; '.join(changed)}; "
            f"only {ITERATIONS} may change; put it back, or train anew without --resume"
        )
    if config.training.iterations < saved.iteration:
        raise CheckpointError(
            f"{saved.path}: {ITERATIONS} is {config.training.iterations}, expected "
            f"at least the {saved.iteration} that are done"
        )


def _compare(run: Run, saved: Checkpoint) -> list[str]:
    """Say why the result will not be, to the last bit, that of one uninterrupted run."""
    remarks, now = [], machine.describe()
    changed = [
        f"{name.replace('_', ' ')} {now[name]} and not {readable(before)}"
        for name, before in saved.surroundings.items()
        if before and before != now[name]
    ]
    if changed:
        remarks.append(
            f"{saved.path}: it was made otherwise ({'; '.join(changed)}): the last bits of the "
            "result are not those of one uninterrupted run"
        )
    schedule = run.config.optimizer.schedule
    last, before = run.config.training.iterations, saved.config.training.iterations
    if schedule != "constant" and last != before:
        remarks.append(
            f"the {schedule} schedule now ends at iteration {last} and not {before}: the "
            "result is not that of one uninterrupted run"
        )
    return remarks


def _describe(dataset: Dataset) -> list[str]:
    """Say what is not as with most data: whatever may not be as it was meant."""
    source, names, white, remarks = dataset.train.source, dataset.names, dataset.white, []
    if source == "mnist" and exists(source):
        remarks.append("mnist: these are the bundled data; for what is beside you write ./mnist")
    if white != WHITE:
        remarks.append(f"{source}: grey levels go up to {white}, not {WHITE}; {white} is white")
    if names != tuple(map(str, range(len(names)))):
        remarks.append(f"{source}: the {len(names)} classes are {list_names(names)}")
    return remarks
