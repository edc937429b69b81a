"""the trials of a study in -> a table of them, or the fields of JSON, out."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bpcli.errors import visible
from bpcli.files.document import to_scalar
from bpcli.show.text import fold_table, wrap
from bpcli.tuning.metric import ACCURACY
from bpcli.tuning.results import TrialResult


def draw_trials(trials: Sequence[TrialResult], importances: Mapping[str, float], width: int) -> str:
    """Return trials, the best first, and how much each key matters, in `width` columns."""
    parts = [fold_table(*list_rows(trials), width)]
    if importances:
        words = f"What the best have in common: {list_importances(importances)}"
        parts.append("\n".join(wrap(words, width)))
    return "\n\n".join(parts)


def rank(trials: Sequence[TrialResult]) -> list[TrialResult]:
    """Return trials in the order of their table: by what they have reached so far."""
    return sorted(trials, key=lambda one: (-one.score, one.slot))


def list_rows(trials: Sequence[TrialResult]) -> tuple[list[str], list[list[str]]]:
    """Return the head of a table of trials and its rows, the best first."""
    keys = sorted({key for trial in trials for key in trial.values})
    rows = []
    for trial in rank(trials):
        say, count = trial.metric.say, len(trial.figures)
        mean = say(trial.mean) if count else "-"
        deviation = say(trial.deviation) if count > 1 else "-"
        values = [_short(trial.values[key]) if key in trial.values else "-" for key in keys]
        rows.append([str(trial.slot), trial.state, mean, deviation, *values])
    name = trials[0].metric.name.replace("_", " ") if trials else ACCURACY.name
    return ["trial", "state", name, "deviation", *keys], rows


def list_importances(importances: Mapping[str, float]) -> str:
    """Return how much each key matters, in words."""
    return ", ".join(f"{key} {share:.0%}" for key, share in importances.items())


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else to_scalar(value)


def draw_best(best: TrialResult, path: str) -> str:
    """Return a line on the best trial and where its configuration is."""
    command = f"bpcli train {shlex.quote(path)}"
    reached = f"{best.metric.words}{best.metric.say(best.mean)}"
    return visible(f"{path}: {reached} of held-out images, trial {best.slot}; {command}")


def trials_fields(
    trials: Sequence[TrialResult], importances: Mapping[str, float]
) -> dict[str, Any]:
    """Return the fields of `bpcli tune --json`."""
    rows = [
        asdict(one) | {"metric": one.metric.name, "mean": one.mean, "deviation": one.deviation}
        for one in trials
    ]
    return {"trials": rows, "importances": dict(importances)}
