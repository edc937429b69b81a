"""a network + mini-batches in -> the mini-batches, each a step up the gradient of the loss, out."""

from collections.abc import Iterable, Iterator

import numpy as np

from bpcli.arrays import Array, Labels
from bpcli.backprop.network import Network


def fast_gradient_sign(
    network: Network, mini_batches: Iterable[tuple[Array, Labels]], step: float
) -> Iterator[tuple[Array, Labels]]:
    """Yield each mini-batch with x += step sign(dx), in place, for inputs x (N, pixels) of 0 to 1.

    To first order that is where the loss of the network, as it is by then, is highest for a change
    so small; a network that learns from such images errs less on others. It is the fast gradient
    sign method of Goodfellow et al. 2015, "Explaining and harnessing adversarial examples",
    section 4. x may leave 0 to 1; pixels that dropout leaves out stay as they are. Dropout draws
    masks for this alone.
    """
    for x, t in mini_batches:
        network.forward(x, t)
        dx = network.backward_input()
        np.sign(dx, out=dx)
        dx *= step
        x += dx
        yield x, t
