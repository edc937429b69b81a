"""the trials of a study in -> charts of how it went, and of what each key does, out."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from bpcli.files.document import to_scalar
from bpcli.show.chart.axis import Axis, linear, logarithmic, names
from bpcli.show.chart.chart import Chart, Far, Line, shorten
from bpcli.tuning.metric import Metric
from bpcli.tuning.results import TrialResult

TRIAL, BEST = 0, 1  # numbers of colours
DECADE = 10  # a key whose values go over more than that is drawn by its logarithm
FAR = 3  # quartile distances beyond the quartiles, where a trial is far from the others
ENOUGH = 4  # trials, of which one can be far from the others
EDGE = 0.05  # of the height, above and below the points


def chart_trials(trials: Sequence[TrialResult]) -> Chart:
    """Return the figure of each trial, and the best so far."""
    metric = trials[0].metric
    figures, better = _figures(trials), min if metric.is_loss else max
    places = [float(trial.slot) for trial in trials]
    y, is_near = _axis(f"held-out {_name_axis(metric)}", figures)
    best = list(zip(places, accumulate(figures, better), strict=True))
    steps = [best[0], *(p for a, b in pairwise(best) for p in ((b[0], a[1]), b))]
    found = _points(places, figures, is_near)
    line = Line(tuple(steps), BEST, "best so far")
    said = [metric.say(one.mean) for one in trials]
    ends = sorted(zip(figures, said, strict=True))
    words = (
        f"chart of {len(trials)} trials: {metric.name.replace('_', ' ')} from {ends[0][1]} to "
        f"{ends[-1][1]}, and the best so far"
    )
    x = linear("trial", min(places), max(places), whole=True)
    far = _far(places, figures, is_near, y)
    dots = replace(found, name="trial")
    shown = tuple(one for one in (line, found) if one.points)
    return Chart(words, x, y, shown, far=far, key=(dots,))


def chart_keys(trials: Sequence[TrialResult]) -> list[Chart]:
    """Return the figure of trials over each searched key."""
    return [_chart_key(key, trials) for key in sorted(trials[0].values)]


def _chart_key(key: str, trials: Sequence[TrialResult]) -> Chart:
    values, figures = [trial.values[key] for trial in trials], _figures(trials)
    y, is_near = _axis(_name_axis(trials[0].metric), figures)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        places = [float(value) for value in values]
        is_wide = min(places) > 0 and max(places) > DECADE * min(places)
        margin = EDGE * (max(places) - min(places))
        x = logarithmic(key, places) if is_wide else linear(key, min(places), max(places) + margin)
    else:
        texts = [to_scalar(value) for value in values]
        found = sorted(set(texts), key=lambda text: (len(text), text))
        places, x = (
            [float(found.index(text)) for text in texts],
            names(key, list(map(shorten, found))),
        )
    words = f"{_name_axis(trials[0].metric)} of each trial by {key}; the table has the numbers"
    line = _points(places, figures, is_near)
    far = _far(places, figures, is_near, y)
    return Chart(words, x, y, (line,) if line.points else (), far=far)


def _figures(trials: Sequence[TrialResult]) -> list[float]:
    return [trial.mean if trial.metric.is_loss else 100 * trial.mean for trial in trials]


def _name_axis(metric: Metric) -> str:
    return metric.name.replace("_", " ") + ("" if metric.is_loss else " in %")


def _axis(label: str, figures: Sequence[float]) -> tuple[Axis, list[bool]]:
    """Return an axis for figures, and which of them lie on it: a few that are far do not."""
    known = [figure for figure in figures if math.isfinite(figure)] or [0.0]
    low, high = min(known), max(known)
    if len(known) >= ENOUGH:
        first, _, third = statistics.quantiles(known, n=4, method="inclusive")
        room = FAR * (third - first) or high - low
        low = min(figure for figure in known if figure >= first - room)
        high = max(figure for figure in known if figure <= third + room)
    margin = EDGE * (high - low)
    return (
        linear(label, low - margin, high + margin),
        [low <= figure <= high for figure in figures],
    )


def _points(places: Sequence[float], figures: Sequence[float], is_near: Sequence[bool]) -> Line:
    pairs = zip(places, figures, is_near, strict=True)
    points = tuple((x, y) for x, y, near in pairs if near)
    return Line(points, TRIAL, is_joined=False, is_marked=True)


def _far(
    places: Sequence[float], figures: Sequence[float], is_near: Sequence[bool], y: Axis
) -> tuple[Far, ...]:
    """Return the trials that lie above the chart, and those below it."""
    triples = list(zip(places, figures, is_near, strict=True))
    above = tuple(x for x, figure, near in triples if not near and figure > y.high)
    below = tuple(x for x, figure, near in triples if not near and figure <= y.high)
    return tuple(
        Far(found, TRIAL, side) for found, side in ((above, True), (below, False)) if found
    )
