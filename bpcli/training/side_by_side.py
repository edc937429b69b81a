"""models in -> the keys that tell them apart, and what runs of other seeds share, out."""

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bpcli.training.checkpoint import Checkpoint
from bpcli.training.config import flatten

SEED = "seed"


@dataclass(frozen=True)
class Seeds:
    """Models, by their numbers, that only the seed tells apart: their accuracies' mean.

    `deviation` is the standard deviation of single runs, with n - 1 below.
    """

    models: tuple[int, ...]
    split: str
    mean: float
    deviation: float


@dataclass(frozen=True)
class ModelComparison:
    """Models side by side: `values` has what each says to each of the `keys` that differ."""

    models: tuple[Checkpoint, ...]
    keys: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]
    seeds: tuple[Seeds, ...]

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the images that the models were measured on, each once."""
        return tuple(dict.fromkeys(one.record.split for one in self.models if one.record))

    @property
    def best(self) -> tuple[int, ...]:
        """The models with the highest accuracy, by their numbers; none of other images each."""
        reached = [(one.record.split, one.record.accuracy) for one in self.models if one.record]
        if len(reached) < 2 or len({split for split, _ in reached}) > 1:
            return ()
        highest = max(accuracy for _, accuracy in reached)
        return tuple(
            i for i, one in enumerate(self.models) if one.record and one.record.accuracy == highest
        )


def rank(models: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Return models in the order of their accuracies, the highest first; equal ones by their names.

    What was measured on other images comes after them, and what was not measured last.
    """
    splits = [*dict.fromkeys(one.record.split for one in models if one.record)]

    def place(saved: Checkpoint) -> tuple[Any, ...]:
        record = saved.record
        reached = (splits.index(record.split), -record.accuracy) if record else (len(splits), 0.0)
        return *reached, _natural(str(saved.path))

    return sorted(models, key=place)


def put_in_order(models: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Return models in the order in which they were given, but 2 before 10 where a shell sorted.

    >>> sorted(["run-10.npz", "run-2.npz"], key=_natural)
    ['run-2.npz', 'run-10.npz']
    """
    paths = [str(saved.path) for saved in models]
    if paths == sorted(paths):
        return sorted(models, key=lambda saved: _natural(str(saved.path)))
    return list(models)


def _natural(name: str) -> list[tuple[str, int, str]]:
    """Return by what names are sorted as people do, whose numbers are numbers."""
    parts = re.findall(r"([^0-9]*)([0-9]*)", name)
    return [(words, int(digits or -1), digits) for words, digits in parts]


def compare(models: Sequence[Checkpoint]) -> ModelComparison:
    """Return what tells models apart, and what they reached where only the seed does."""
    flat = [flatten(saved.config) for saved in models]
    keys = tuple(key for key in flat[0] if any(one[key] != flat[0][key] for one in flat))
    values = tuple(tuple(one[key] for key in keys) for one in flat)
    alike: dict[str, list[int]] = {}
    for i, (one, saved) in enumerate(zip(flat, models, strict=True)):
        if saved.record:
            others = {key: value for key, value in one.items() if key != SEED}
            # With patience each seed ends at an iteration of its own.
            done = saved.config.training.patience or saved.iteration
            same = repr((others, saved.fingerprint, saved.record.split, done))
            alike.setdefault(same, []).append(i)
    seeds = [_seeds(models, numbers) for numbers in alike.values()]
    return ModelComparison(
        tuple(models), keys, values, tuple(found for found in seeds if len(found.models) > 1)
    )


def _seeds(models: Sequence[Checkpoint], numbers: Sequence[int]) -> Seeds:
    by_seed = {models[i].config.seed: i for i in numbers}  # a copy of a model is no other run
    records = [record for i in by_seed.values() if (record := models[i].record)]
    accuracies = [record.accuracy for record in records]
    deviation = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
    mean = statistics.fmean(accuracies)
    return Seeds(tuple(by_seed.values()), records[0].split, mean, deviation)
