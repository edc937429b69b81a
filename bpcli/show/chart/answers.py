"""the answers of a net, right and wrong, in -> a chart of them by their probability out."""

from bpcli.show.chart.axis import counts, linear
from bpcli.show.chart.chart import Bars, Chart
from bpcli.training.analysis import Analysis

RIGHT, WRONG = 0, 1  # numbers of colours
SHARE = 0.4  # of the room of a probability that a bar takes


def chart_doubt(analysis: Analysis) -> Chart:
    """Return how many answers are right and wrong at each probability."""
    right, wrong, images = analysis.right, analysis.wrong, analysis.evaluation.images
    width = 100 / len(right)
    found = []
    for heights, colour, name, start in (
        (right, RIGHT, "right", 0.5 - SHARE),
        (wrong, WRONG, "wrong", 0.5),
    ):
        bars = tuple(
            ((i + start) * width, (i + start + SHARE) * width, float(height))
            for i, height in enumerate(heights)
        )
        found.append(Bars(bars, colour, name))
    surest = right[-1] + wrong[-1]
    words = (
        f"bar chart: of {images:,} answers {surest:,} have a probability of 90% or more, and "
        f"{wrong[-1]:,} of those are wrong"
    )
    return Chart(
        words,
        linear("probability of the answer in %", 0, 100),
        counts(f"{analysis.images.name} images", max(right + wrong)),
        bars=tuple(found),
        key=tuple(found),
    )
