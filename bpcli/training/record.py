"""what one evaluation found in -> a Record out, and that as the fields of a file or of JSON."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

LARGEST = 1e300  # figure of an evaluation; JSON can hold integers beyond all floats
HELD_OUT = ("test", "validation")  # splits that are not learnt from
ACCURACY = "_accuracy"  # what the name of the field of a split's accuracy ends with


@dataclass(frozen=True)
class Record:
    """What one evaluation found. Accuracies are fractions; `loss` is the loss layer's mean over the
    training images, in nats with softmax.

    `accuracy` is that on the images of `split`, which are not learnt from: `test`, or `validation`
    where images are held out. `epoch` is how often each training image has been used on average,
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

    def to_fields(self) -> dict[str, Any]:
        """Return the fields of JSON; the accuracy is under the name of its split."""
        fields: dict[str, Any] = {}
        for name, value in asdict(self).items():
            if name == "accuracy":
                fields[self.split + ACCURACY] = value
            elif name != "split":
                fields[name] = value
        return fields

    @classmethod
    def from_fields(cls, fields: dict[str, Any], iteration: int) -> Self:
        """Return the record that `to_fields` has made, of a run that is at `iteration`.

        An accuracy may be None, as older files have it for the other split. Raises ValueError if
        anything is missing, left over, or no figure of an evaluation.
        """
        figures = {name: value for name, value in fields.items() if value is not None}
        splits = [split for split in HELD_OUT if split + ACCURACY in figures]
        if len(splits) != 1:
            raise ValueError("found no accuracy, or two, on images that are not learnt from")
        if not all(_is_figure(value) for value in figures.values()):
            raise ValueError("found values that are no figures of an evaluation")
        accuracy = figures.pop(splits[0] + ACCURACY)
        try:
            record = cls(**figures, split=splits[0], accuracy=accuracy)
        except TypeError as error:
            raise ValueError(f"found other fields than an evaluation has: {error}") from error
        if type(record.iteration) is not int or record.iteration > iteration:
            raise ValueError(f"found an evaluation at {record.iteration} of {iteration} iterations")
        if max(record.train_accuracy, accuracy) > 1:
            raise ValueError("found an accuracy above 1")
        return record


def _is_figure(value: Any) -> bool:
    is_number = type(value) in (int, float) and 0 <= value < LARGEST
    return is_number and math.copysign(1, value) > 0  # -0 is none
