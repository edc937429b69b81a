"""what one evaluation found in -> a Record out, and that as the fields of a file or of JSON."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

LARGEST = 1e300  # figure of an evaluation; JSON can hold integers beyond all floats
SPLITS = ("test", "validation", "train")  # that are reported on; the last where there is no other
# What the field of a figure of a split is called: the split's name, and then this.
OF_SPLIT = {
    "accuracy": "_accuracy",
    "held_out_loss": "_loss",
    "balanced_accuracy": "_balanced_accuracy",
    "macro_f1": "_macro_f1",
}


@dataclass(frozen=True)
class Record:
    """What one evaluation found. Accuracies are fractions; `loss` is the loss layer's mean over the
    training images, in nats with softmax.

    `accuracy` is that on the images of `split`: `test`, or `validation` where images are held out;
    only where there are neither it is `train`, of what is learnt from. `held_out_loss` (None where
    it is too large for a number), `balanced_accuracy` and `macro_f1` are of the same images; older
    models do not have these. `epoch` is how often each training image has been used on average,
    `images_per_second` the speed of learning since the last evaluation, `seconds` the time since
    the run began.
    """

    iteration: int
    epoch: float
    loss: float
    train_accuracy: float
    split: str
    accuracy: float
    images_per_second: float
    seconds: float
    held_out_loss: float | None = None
    balanced_accuracy: float | None = None
    macro_f1: float | None = None

    def to_fields(self) -> dict[str, Any]:
        """Return the fields of JSON; figures of a split are under its name."""
        fields = asdict(self)
        split = fields.pop("split")
        return {
            split + OF_SPLIT[name] if name in OF_SPLIT else name: value
            for name, value in fields.items()
        }

    @classmethod
    def from_fields(cls, fields: dict[str, Any], iteration: int) -> Self:
        """Return the record that `to_fields` has made, of a run that is at `iteration`.

        An accuracy may be None, as older files have it for the other split. Raises ValueError if
        anything is missing, left over, or no figure of an evaluation.
        """
        figures = {name: value for name, value in fields.items() if value is not None}
        if not all(_is_figure(value) for value in figures.values()):
            raise ValueError("found values that are no figures of an evaluation")
        split = _find_split(figures)
        own = {split + end: name for name, end in OF_SPLIT.items()}
        named = {own.get(name, name): value for name, value in figures.items()}
        if split == "train":
            named["train_accuracy"] = named.get("accuracy")
        try:
            record = cls(**named, split=split)
        except TypeError as error:
            raise ValueError(f"found other fields than an evaluation has: {error}") from error
        if type(record.iteration) is not int or record.iteration > iteration:
            raise ValueError(f"found an evaluation at {record.iteration} of {iteration} iterations")
        shares = (record.train_accuracy, record.accuracy, record.balanced_accuracy, record.macro_f1)
        if max(share or 0 for share in shares) > 1:
            raise ValueError("found an accuracy above 1")
        return record


def _is_figure(value: Any) -> bool:
    is_number = type(value) in (int, float) and 0 <= value < LARGEST
    return is_number and math.copysign(1, value) > 0  # -0 is none


def _find_split(figures: dict[str, Any]) -> str:
    """Return the one split that figures are of: where it is train, it has more than an accuracy."""
    names = [
        f"{split}_balanced_accuracy" if split == "train" else f"{split}_accuracy"
        for split in SPLITS
    ]
    found = [split for split, name in zip(SPLITS, names, strict=True) if name in figures]
    if len(found) != 1:
        raise ValueError("found no accuracy, or two, on images that are not learnt from")
    return found[0]
