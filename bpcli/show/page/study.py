"""the trials of a study in -> one page of HTML, with everything in it, out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bpcli.show.chart import draw_keys, draw_trial_curve
from bpcli.show.page.page import data_uri, fill_page
from bpcli.show.tuning import list_importances, list_rows
from bpcli.tuning.best import find_best
from bpcli.tuning.results import TrialResult


def draw_study(
    title: str, trials: Sequence[TrialResult], importances: Mapping[str, float], version: str
) -> str:
    """Return a page on a study: how it went, what each key does, and a table of its trials.

    Raises ExtraError without jinja2 or matplotlib.
    """
    heads, rows = list_rows(trials)
    states = Counter(trial.state for trial in trials)
    return fill_page(
        "study.html.jinja",
        version=version,
        title=title,
        best=find_best(trials),
        trials=len(trials),
        states=", ".join(f"{count} {state}" for state, count in states.items()),
        importances=list_importances(importances),
        heads=heads,
        rows=[(first, cells) for first, *cells in rows],
        **_charts(trials),
    )


def _charts(trials: Sequence[TrialResult]) -> dict[str, Any]:
    measured = [trial for trial in trials if trial.figures]
    if not measured:
        return {"curve": ""}
    metric, means = measured[0].metric, [trial.mean for trial in measured]
    name = metric.name.replace("_", " ")
    names = ", ".join(sorted(measured[0].values))
    return {
        "curve": data_uri(draw_trial_curve(measured), "svg+xml"),
        "curve_words": (
            f"chart of {len(measured)} trials: {name} from {metric.say(min(means))} to "
            f"{metric.say(max(means))}, and the best so far"
        ),
        "keys": data_uri(draw_keys(measured), "svg+xml"),
        "keys_words": f"{name} of each trial by {names}; the table has the numbers",
    }
