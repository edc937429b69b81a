"""models in -> the keys that tell them apart, and what runs of other seeds share, out."""

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
    def best(self) -> tuple[int, ...]:
        """The models with the highest accuracy, by their numbers; none of other images each."""
        reached = [(one.record.split, one.record.accuracy) for one in self.models if one.record]
        if len(reached) < 2 or len({split for split, _ in reached}) > 1:
            return ()
        highest = max(accuracy for _, accuracy in reached)
        return tuple(
            i for i, one in enumerate(self.models) if one.record and one.record.accuracy == highest
        )


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
