"""nothing in -> the types of a source's parts: what is in one, and how it is to be read."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from bpcli.arrays import WHITE, Bytes
from bpcli.errors import quote
from bpcli.files.naming import PartName

Part = Literal["train", "test"]  # what a part is for
PARTS: tuple[Part, ...] = ("train", "test")
Levels = tuple[float, float]  # the numbers that are black and white

BYTES: Levels = (0.0, float(WHITE))
SHARES: Levels = (0.0, 1.0)
AROUND: Levels = (-1.0, 1.0)
MOST = 1e300  # of a level, with which can be calculated
FOUND, FIRST, LAST = "auto", "first", "last"  # where labels are, other than in what is named


def to_levels(value: Any) -> Levels:
    """Return what is black and white, as a file has it. Raises ValueError if these are none."""
    numbers = list(value) if isinstance(value, list | tuple) else []
    if [type(n) for n in numbers] != [float, float] or not -MOST < numbers[0] < numbers[1] < MOST:
        raise ValueError(f"found the levels {quote(value)}, expected black and white")
    return numbers[0], numbers[1]


def is_comparable(levels: Levels | None, others: Levels | None) -> bool:
    """Tell whether a picture becomes the same bytes by both levels, however it was stored."""
    usual = (None, BYTES, SHARES, AROUND)
    return levels == others or (levels in usual and others in usual)


@dataclass(frozen=True)
class Reading:
    """How a part is read: what its user, or a part or a model before it, says.

    `label` is where its labels are: `first` or `last` of the columns of a table, the name of a
    column or an array, or `auto` where the part itself tells. Images become `size` x `size` pixels;
    0 leaves them as they are. `levels` are those of the training images, where these are known;
    with `is_exact` they are taken whatever the numbers are, and what is beyond them is cut off.
    """

    label: str = FOUND
    size: int = 0
    levels: Levels | None = None
    is_exact: bool = False


AS_FOUND = Reading()


@dataclass(frozen=True, kw_only=True)
class Images:
    """Grey images (N, height, width) in bytes, in the order of their part.

    `levels` are the numbers that were black and white before; `called` (N) is what each image is
    called, empty where they have only numbers. `remarks` say, a sentence each, what was taken for
    what.
    """

    images: Bytes
    levels: Levels = BYTES
    called: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Labelled(Images):
    """Images, and the class of each.

    `labels` (N,) are bytes: places in `names`, which are what the classes are called. `label` is
    where they were found, as in a `Reading`.
    """

    labels: Bytes
    names: tuple[str, ...]
    label: str = FOUND


class Member(Protocol):
    """Images that belong together in a source, with their labels or without."""

    @property
    def place(self) -> str:
        """What messages call it."""

    @property
    def part(self) -> PartName:
        """Which part of the source it is by its name."""

    @property
    def is_labelled(self) -> bool:
        """Whether it has labels."""

    def read(self, reading: Reading) -> Labelled:
        """Return its images and labels. Raises DatasetError."""

    def read_images(self, reading: Reading) -> Images:
        """Return its images alone. Raises DatasetError."""
