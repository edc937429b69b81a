"""The page of a study: one bad trial flattens nothing, and columns that say nothing are not there."""

import re

import pytest

from bpcli.show.chart.axis import linear
from bpcli.show.chart.draw import ticks
from bpcli.show.chart.trials import chart_keys, chart_trials
from bpcli.show.page.study import draw_study
from bpcli.tuning.metric import ACCURACY, METRICS
from bpcli.tuning.results import TrialResult


def trials(figures, metric=ACCURACY, seeds=1):
    return [
        TrialResult(
            slot,
            "done",
            (0.9,) * seeds,
            tuple(figure + 0.001 * seed for seed in range(seeds)),
            {
                "optimizer.learning_rate": 10.0 ** (slot % 3 - 3),
                "network.hidden": [8 * (slot % 2 + 1)],
            },
            "",
            metric,
        )
        for slot, figure in enumerate(figures)
    ]


GOOD = [0.95, 0.953, 0.956, 0.951, 0.957, 0.954]


@pytest.mark.parametrize(("bad", "is_above"), [(0.1, False), (0.999, True)])
def test_one_trial_that_is_far_does_not_flatten_the_others(bad, is_above):
    for chart in (chart_trials(trials([*GOOD, bad])), *chart_keys(trials([*GOOD, bad]))):
        assert 94 < chart.y.low < chart.y.high < 97
        (far,) = chart.far
        assert far.is_above == is_above
        assert len(far.places) == 1
    assert "A triangle at an edge" in draw_study("s", trials([*GOOD, bad]), {}, "1")


def test_without_one_nothing_is_left_out():
    assert chart_trials(trials(GOOD)).far == ()
    assert "A triangle" not in draw_study("s", trials(GOOD), {}, "1")
    for chart in chart_keys(trials([0.5, 0.9, 0.7])):
        assert chart.far == ()
        assert chart.y.low < 50
        assert chart.y.high > 90


def test_a_loss_without_a_number_is_far_above_the_others():
    chart = chart_trials(trials([0.2, 0.3, float("inf")], METRICS["loss"]))
    assert chart.y.high < 1
    assert [far.is_above for far in chart.far] == [True]


def test_trials_that_are_all_equal_have_an_axis():
    chart = chart_trials(trials([0.9] * 5))
    assert chart.far == ()
    assert chart.y.low < 90 < chart.y.high


def test_a_column_of_dashes_is_not_there():
    def heads(page):
        return re.findall(r"<th scope=\"col\">(.*?)</th>", page)

    assert "deviation" not in heads(draw_study("s", trials(GOOD), {}, "1"))
    assert "deviation" in heads(draw_study("s", trials(GOOD, seeds=3), {}, "1"))


def test_a_logarithmic_axis_has_more_than_two_labels():
    rates = [chart for chart in chart_keys(trials(GOOD)) if chart.x.label.endswith("rate")]
    assert [len(ticks(chart.x)) >= 3 for chart in rates] == [True]
    assert rates[0].x.scale is not linear("x", 0, 1).scale


def test_a_study_without_a_trial_has_a_page():
    assert "No trial is done yet" in draw_study("s", [], {}, "1")
