"""a model and a picture of somebody's own in -> the digits that it shows, and every doubt, out."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Array, Bytes
from bpcli.backprop.layers import SquaredError
from bpcli.backprop.network import Network
from bpcli.data.dataset import WHITE, to_inputs
from bpcli.data.preparation import Prepared, fit, prepare
from bpcli.data.warp import deskew_images
from bpcli.errors import PictureError
from bpcli.files.image import to_grey
from bpcli.training.checkpoint import Checkpoint

Probabilities = npt.NDArray[np.float64]

LIKELIEST = 3
HALF = 0.5  # a probability below which an answer is in doubt
FAINT = 30.0  # grey levels of contrast, below which paper may have been taken for ink
STRANGE = 0.008  # of MNIST's test images, which have a smaller largest logit than strange pictures


@dataclass(frozen=True)
class Prediction:
    """What one digit, or whatever the classes are, on a picture is taken for.

    `image` (height, width) is what the network sees, `likeliest` the classes with the highest
    probabilities, highest first; `prepared` says how the image was made, or is None where only
    size and polarity were; `inverted` whether it was dark on light.
    """

    image: Bytes
    label: str
    likeliest: list[tuple[str, float]]
    doubts: list[str]
    inverted: bool
    prepared: Prepared | None


class Reader:
    """A model that reads pictures: as MNIST's were prepared, if it has learnt from those."""

    def __init__(self, saved: Checkpoint) -> None:
        self.saved, self.size = saved, saved.size
        self.network = saved.network()
        self.reads_mnist = saved.config.dataset.source == "mnist"

    def read(
        self, picture: Bytes, *, as_is: bool = False, name: str = "the picture"
    ) -> list[Prediction]:
        """Return what a picture (height, width, 3) shows from left to right.

        `as_is` it is an image already, of the size that the model has learnt from. Raises
        PictureError, with its name, where there is nothing on it, or it is no such image.
        """
        if as_is:
            if picture.shape[:2] != self.size:
                height, width = self.size
                found = f"{picture.shape[1]} x {picture.shape[0]} pixels"
                raise PictureError(
                    f"{name}: found {found}, expected {width} x {height} for a picture that is "
                    "taken as it is"
                )
            return self._answer([to_grey(picture)], [False], [None])
        if not self.reads_mnist:
            image, inverted = fit(picture, self.size)
            return self._answer([image], [inverted], [None])
        digits = prepare(picture)
        if not digits:
            raise PictureError(f"{name}: found nothing drawn on it, expected ink on paper")
        return self._answer(
            [digit.image for digit in digits], [digit.is_dark for digit in digits], [*digits]
        )

    def _answer(
        self, images: list[Bytes], inverted: list[bool], prepared: list[Prepared | None]
    ) -> list[Prediction]:
        logits = self._logits(np.stack(images))
        predictions = []
        for i, chances in enumerate(to_probabilities(self.network, logits)):
            order = np.argsort(-chances, kind="stable")[:LIKELIEST].tolist()
            likeliest = [(self.saved.names[c], float(chances[c])) for c in order]
            doubts = self._doubts(likeliest[0][1], float(logits[i].max()), prepared[i])
            predictions.append(
                Prediction(images[i], likeliest[0][0], likeliest, doubts, inverted[i], prepared[i])
            )
        return predictions

    def _logits(self, images: Bytes) -> Array:
        flat = images.reshape(len(images), -1)
        if self.saved.config.dataset.deskew:
            flat = deskew_images(flat, self.size)
        x = np.empty(flat.shape, self.network.parameters.dtype)
        white = self.saved.white if not self.reads_mnist else WHITE
        return self.network.predict(to_inputs(flat, white, x))

    def _doubts(self, chance: float, logit: float, prepared: Prepared | None) -> list[str]:
        doubts = []
        if prepared and prepared.contrast < FAINT:
            doubts.append("there is hardly any contrast")
        if chance < HALF:
            doubts.append(f"the probability is only {chance:.0%}")
        if self.reads_mnist and logit < self.least_logit:
            doubts.append("it looks like no digit that the net knows")
        return doubts

    @cached_property
    def least_logit(self) -> float:
        """The largest logit that all but STRANGE of MNIST's test images reach."""
        test = self.saved.load_images("test")
        x = np.empty(test.images.shape, self.network.parameters.dtype)
        logits = self.network.predict(to_inputs(test.images, test.white, x))
        return float(np.quantile(logits.max(axis=1), STRANGE))


def to_probabilities(network: Network, logits: Array) -> Probabilities:
    """Return probabilities (N, classes), in float64, of a network's logits.

    With softmax they are its outputs; with squared error those of the sigmoids, by their sum.
    """
    x = logits.astype(np.float64)
    if isinstance(network.loss_layer, SquaredError):
        y: Probabilities = 1 / (1 + np.exp(-x))
    else:
        y = np.exp(x - x.max(axis=1, keepdims=True))
    y /= y.sum(axis=1, keepdims=True)
    return y
