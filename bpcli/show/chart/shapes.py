"""strokes, areas, marks and words in -> a drawing of them, in pixels of a page, out."""

from dataclasses import dataclass, field

from bpcli.errors import visible
from bpcli.show.text import text_width

Point = tuple[float, float]
SIZE, LETTER = 12.0, 7.7  # of letters, and the room for one
RADIUS, RING = 3.0, 1.8  # of a disc, and how much larger a ring is
LONGEST = 16  # letters of a name that are shown where there is little room


@dataclass(frozen=True)
class Stroke:
    """A line through points; `role` names its colour."""

    points: tuple[Point, ...]
    role: str
    width: float = 1.0
    dash: tuple[float, ...] = ()
    opacity: float = 1.0


@dataclass(frozen=True)
class Area:
    """A shape with corners that is filled with the colour of a role."""

    points: tuple[Point, ...]
    role: str


@dataclass(frozen=True)
class Mark:
    """A disc, or a ring, whose colour is that of a role."""

    place: Point
    role: str
    is_hollow: bool = False

    @property
    def radius(self) -> float:
        """A ring is larger: both are seen where they lie at the same place."""
        return RADIUS + RING * self.is_hollow


@dataclass(frozen=True)
class Words:
    """A text on its base line; `anchor` is start, middle or end."""

    place: Point
    text: str
    role: str = "ink"
    anchor: str = "start"


Shape = Stroke | Area | Mark | Words


@dataclass
class Drawing:
    """Shapes from (0, 0) at the upper left to `width` and `height`, y downwards, the later above.

    Its `title` says what is to be seen to those who do not see it.
    """

    title: str
    width: float
    height: float
    shapes: list[Shape] = field(default_factory=list)


def room(text: str) -> float:
    """Return how wide a text is at most."""
    return LETTER * text_width(text)


def shorten(name: str) -> str:
    """Return a name that has room at the end of a line; its end tells more than its middle."""
    text = visible(name)
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]}…{text[1 - half :]}"
