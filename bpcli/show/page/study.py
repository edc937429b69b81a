"""the trials of a study in -> one page of HTML, with everything in it, out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bpcli.show.chart.trials import chart_keys, chart_trials
from bpcli.show.number import typeset
from bpcli.show.page.page import fill_page, page_charts
from bpcli.show.tuning import list_importances, list_rows
from bpcli.tuning.best import find_best
from bpcli.tuning.results import TrialResult


def draw_study(
    title: str, trials: Sequence[TrialResult], importances: Mapping[str, float], version: str
) -> str:
    """Return a page on a study: how it went, what each key does, and a table of its trials.

    Raises ExtraError without jinja2 or matplotlib.
    """
    heads, rows = _table(trials)
    states = Counter(trial.state for trial in trials)
    return fill_page(
        "study.html.jinja",
        version=version,
        title=title,
        best=find_best(trials),
        trials=len(trials),
        states=", ".join(f"{count} {state}" for state, count in states.items()),
        importances=typeset(list_importances(importances)),
        heads=heads,
        rows=[(first, list(map(typeset, cells))) for first, *cells in rows],
        **_charts(trials),
    )


def _table(trials: Sequence[TrialResult]) -> tuple[list[str], list[list[str]]]:
    """Return the table of trials without columns of which nothing is known."""
    heads, rows = list_rows(trials)
    kept = [i for i in range(len(heads)) if not rows or any(row[i] != "-" for row in rows)]
    return [heads[i] for i in kept], [[row[i] for i in kept] for row in rows]


def _charts(trials: Sequence[TrialResult]) -> dict[str, Any]:
    measured = [trial for trial in trials if trial.figures]
    if not measured:
        return {"curve": []}
    trial, keys = chart_trials(measured), chart_keys(measured)
    return {
        "curve": page_charts([trial]),
        "keys": page_charts(keys),
        "far": any(chart.far for chart in (trial, *keys)),
    }
