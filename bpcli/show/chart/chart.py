"""lines and bars on two axes in -> a chart of them out, wherever it is drawn."""

from dataclasses import dataclass

from bpcli.errors import visible
from bpcli.show.chart.axis import Axis
from bpcli.show.text import text_width

Point = tuple[float, float]
# In pixels of a page, which are points of a picture.
WIDTH = 340.0  # of a chart: a telephone shows it as it is
HEIGHT = 170.0  # of its plot, at least
NEUTRAL = -1  # the number of no line's colour, for a key of them all
LETTER = 7.7  # the room for one
LONGEST = 16  # letters of a name that are shown where there is little room
# Dashes and gaps of lines, one after the other: in black and white they tell models apart.
DASHES: tuple[tuple[float, ...], ...] = ((), (7, 3), (2, 2.5), (9, 3, 2, 3), (4, 2))


@dataclass(frozen=True)
class Line:
    """Points of one colour, joined by a line or marked each, and the name at its end."""

    points: tuple[Point, ...]
    colour: int
    name: str = ""
    width: float = 2.0
    dash: tuple[float, ...] = ()
    is_joined: bool = True
    is_marked: bool = False
    is_hollow: bool = False
    is_light: bool = False


@dataclass(frozen=True)
class Bars:
    """Bars that stand on the x axis: each from a left to a right end, with a height."""

    bars: tuple[tuple[float, float, float], ...]
    colour: int
    name: str = ""


@dataclass(frozen=True)
class Far:
    """Values that lie beyond the chart: where along the x axis, and on which side of it."""

    places: tuple[float, ...]
    colour: int
    is_above: bool


@dataclass(frozen=True)
class Chart:
    """What is drawn on two axes; `words` say it to those who do not see it.

    `key` are names of looks, written above the plot with their marks.
    """

    words: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...] = ()
    bars: tuple[Bars, ...] = ()
    key: tuple[Line | Bars, ...] = ()
    far: tuple[Far, ...] = ()
    width: float = WIDTH
    height: float = HEIGHT


def shorten(name: str) -> str:
    """Return a name that has room at the end of a line; its end tells more than its middle."""
    text = visible(name)
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]}…{text[1 - half :]}"


def room(text: str) -> float:
    """Return how wide a text is at most."""
    return LETTER * text_width(text)
