"""a configuration and a number of seeds in -> what its runs reach on held-out images out."""

import contextlib
import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bpcli.errors import DivergedError, FileError, SaveError
from bpcli.files import atomic
from bpcli.files.path import exists
from bpcli.training import Config, Output, Record, load, resume_if_possible, train
from bpcli.tuning.metric import Metric
from bpcli.tuning.waiting import Interrupted

# The number of a seed, an evaluation of its run, and how many there were before.
Watch = Callable[[int, Record, int], None]


@dataclass(frozen=True)
class Outcome:
    """What the runs of a trial reached: if nothing, `failure` is diverged or invalid.

    `figures` are those of the metric that trials are ranked by.
    """

    accuracies: tuple[float, ...]
    figures: tuple[float, ...]
    failure: str = ""
    words: str = ""


def run_trial(
    configs: Sequence[Config],
    stem: Path,
    earlier: Sequence[Path],
    watch: Watch,
    is_stopped: Callable[[], bool],
    metric: Metric,
) -> Outcome:
    """Run a configuration with each of its seeds, into `stem`-seed-N.npz.

    A run that was begun `earlier`, under other stems, the last first, goes on from there, to the
    same arrays. Raises Interrupted once `is_stopped`, and whatever `watch` raises.
    """
    records = []
    for i, config in enumerate(configs):
        path = name_model(stem, i)
        _take_over(path, [name_model(other, i) for other in earlier])
        try:
            records.append(_run(config, path, functools.partial(watch, i), is_stopped))
        except DivergedError as error:
            return Outcome((), (), "diverged", str(error))
    figures = tuple(map(metric.of, records))
    if not all(map(math.isfinite, figures)):
        return Outcome((), (), "diverged", "its loss on held-out images is no number")
    return Outcome(tuple(record.accuracy for record in records), figures)


def name_stem(folder: Path, slot: int, number: int) -> Path:
    """Return what the names of all files begin with that a try of a slot writes."""
    return folder / f"trial-{slot:04d}-try-{number}"


def name_model(stem: Path, seed: int) -> Path:
    """Return the file of a seed's model."""
    return stem.with_name(f"{stem.name}-seed-{seed}.npz")


def _take_over(path: Path, earlier: Sequence[Path]) -> None:
    """Copy what an earlier try has left, finished or not, where it can be reached."""
    for other in earlier:
        for suffix in ("", ".part"):
            source, target = (p.with_name(p.name + suffix) for p in (other, path))
            if exists(source) and not exists(target):
                with contextlib.suppress(FileError, SaveError):
                    atomic.copy_into_place(source, target)


def _run(
    config: Config, path: Path, watch: Callable[[Record, int], None], is_stopped: Callable[[], bool]
) -> Record:
    if exists(path):
        saved = load(path)
        if saved.config == config and saved.record:
            return saved.record
    place = Output(path)
    with place.reserved():
        run = resume_if_possible(config, place).run
        for record in train(run):
            if record:
                watch(record, run.evaluations - 1)
                if not run.complete:
                    place.save(run)
            if is_stopped() and not run.complete:
                place.save(run)
                raise Interrupted
        place.finish(run)
    assert run.kept.record  # noqa: S101 - every run ends with an evaluation
    return run.kept.record
