"""a configuration, and an earlier run or none, in -> a Run that begins or goes on, out."""

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bpcli import machine
from bpcli.arrays import WHITE
from bpcli.data.dataset import Dataset, Rule, load_dataset
from bpcli.data.holdout import Digests
from bpcli.errors import CheckpointError, readable
from bpcli.files.document import to_scalar
from bpcli.files.labels import find_places, list_names
from bpcli.files.part import is_comparable
from bpcli.files.path import exists
from bpcli.training.checkpoint import Checkpoint
from bpcli.training.config import Config, flatten
from bpcli.training.evaluation import evaluate
from bpcli.training.output import Output
from bpcli.training.run import NOTHING, Run, State
from bpcli.training.unseen import find_learnt

ITERATIONS = "training.iterations"  # the one key that may change when a run goes on


@dataclass(frozen=True)
class Start:
    """A run that is ready to train, and `remarks` to the user on it, a sentence each.

    `is_new` tells that it does not go on with an earlier one.
    """

    run: Run
    remarks: tuple[str, ...]
    is_new: bool


def set_up(
    config: Config, learnt_before: Digests | None = NOTHING, held_out_by: Rule = "digest"
) -> Run:
    """Load the data that `config` names and return a new run. Raises DatasetError.

    Its first weights may have learnt from images before, of which it then reports on none; what is
    held out may be found as older models had it.
    """
    return Run(config, _load(config, learnt_before, held_out_by), learnt_before)


def _load(config: Config, learnt_before: Digests | None, held_out_by: Rule) -> Dataset:
    before = learnt_before if learnt_before is not None and learnt_before.size else None
    return load_dataset(**vars(config.dataset), held_out_by=held_out_by, learnt=before)


def begin(config: Config, weights: Checkpoint | None = None) -> Start:
    """Begin a run, with the weights of a model if one is given.

    Raises DatasetError, and CheckpointError if the weights do not fit.
    """
    learnt = find_learnt(weights) if weights else NOTHING
    run = set_up(config, learnt)
    if weights and not is_comparable(weights.levels, run.dataset.train.reading.levels):
        learnt = None  # as the same image may be other bytes here
        run = Run(config, run.dataset, learnt)
    remarks = describe_data(run.dataset)
    if weights:
        _take_weights(run, weights)
        if learnt is None:
            remarks.append(
                f"{weights.path}: it is not known what it has learnt from: there may be some of it "
                f"among the {run.dataset.held_out.name} images"
            )
    return Start(run, tuple(remarks), is_new=True)


def resume(config: Config, saved: Checkpoint) -> Start:
    """Go on with the run that was saved, as if it had never been stopped.

    Only `training.iterations` may differ, and not be fewer than are done. Raises CheckpointError
    otherwise, or if the training data are not the same, and DatasetError.
    """
    _check_same(config, saved)
    before = _find_before(saved)
    there = replace(config, dataset=saved.find_dataset())
    dataset = _load(there, before, saved.held_out_by).ordered_as(saved.names)
    run = Run(config, dataset, before)
    places = find_places(run.dataset.names, saved.names)
    if run.dataset.fingerprint != saved.fingerprint or places != [*range(len(saved.names))]:
        raise CheckpointError(
            f"{saved.path}: the training data of {config.dataset.source} are not those that it was "
            "trained on; put them back, or train anew without --resume"
        )
    going_on = saved.arrays | (saved.last.arrays if saved.last else {})
    for name, array in run.arrays.items():
        array[...] = going_on[name]
    run.optimizer.updates = run.iteration = saved.iteration
    run.seconds, run.learnt_with = saved.seconds, saved.learnt_with
    run.dropout_rng.bit_generator.state = saved.dropout_state
    run.record, run.history = saved.record, [*saved.history]
    run.losses, run.inside = copy.deepcopy((saved.losses, saved.inside))
    if saved.last:
        kept = {name: saved.arrays[name] for name in run.network.contents}
        evaluation = evaluate(saved.network(), run.dataset.held_out)
        run.best, run.record = State(kept, saved.record, evaluation), saved.last.record
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


def _find_before(saved: Checkpoint) -> Digests | None:
    """Return what the weights that a run goes on with have learnt from, where its data do not say.

    What the run itself has learnt from is in it, too.
    """
    if saved.learnt is None and saved.can_find_learnt:
        return NOTHING
    return saved.learnt


def _take_weights(run: Run, saved: Checkpoint) -> None:
    for name, array in run.network.contents.items():
        found = saved.arrays[name].shape if name in saved.arrays else "no such array"
        if found != array.shape:
            raise CheckpointError(
                f"{saved.path}: {name}: found {found}, expected {array.shape} by the "
                "configuration and data of the new run"
            )
        array[...] = saved.arrays[name]


def _tell(value: Any) -> str:
    return readable(to_scalar(value))


def _check_same(config: Config, saved: Checkpoint) -> None:
    """Raise CheckpointError unless a run that was saved can go on with a configuration."""
    before, wanted = flatten(saved.config), flatten(config)
    changed = [
        f"{key} is {_tell(wanted[key])} but was {_tell(before[key])}"
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


def _describe_held_out(dataset: Dataset) -> list[str]:
    """Say what there is to know of the images that are reported on before one trusts a figure."""
    train, held_out, source = dataset.train, dataset.held_out, dataset.train.source
    if held_out is train:
        why = (
            f"all {dataset.left_out:,} test images are among the training images"
            if dataset.left_out
            else "there are no others to measure on"
        )
        return [
            f"{source}: {why}: what it is measured on here is what it learns from, and says "
            "nothing of other images; -s dataset.validation=0.1 holds some out"
        ]
    remarks = []
    if dataset.left_out:
        remarks.append(
            f"{source}: {dataset.left_out:,} {held_out.name} images are left out: it learns, or "
            "has learnt before, from images that equal them"
        )
    counts = [np.bincount(split.labels, minlength=dataset.classes) for split in (train, held_out)]
    of_class = [(name, *pair) for name, *pair in zip(dataset.names, *counts, strict=True)]
    single = [name for name, *pair in of_class if sum(pair) == 1]
    for words, found in (
        ("is learnt from", [name for name, learnt, _ in of_class if not learnt]),
        ("is reported on", [name for name, _, reported in of_class if not reported]),
    ):
        if found:
            alone = [name for name in found if name in single]
            reason = f" ({list_names(alone)}: there is one image alone)" if alone else ""
            remarks.append(f"{source}: no image of the class {list_names(found)} {words}{reason}")
    return remarks


def describe_data(dataset: Dataset) -> list[str]:
    """Say what is not as with most data: whatever may not be as it was meant."""
    source, names, white = dataset.train.source, dataset.names, dataset.white
    remarks = [*_describe_held_out(dataset), *dataset.remarks]
    if source == "mnist" and exists(source):
        remarks.append("mnist: these are the bundled data; for what is beside you write ./mnist")
    if white != WHITE:
        remarks.append(f"{source}: grey levels go up to {white}, not {WHITE}; {white} is white")
    if names != tuple(map(str, range(len(names)))):
        remarks.append(f"{source}: the {len(names)} classes are {list_names(names)}")
    return remarks
