"""a network + a mini-batch -> the mini-batch a step up the gradient of its loss."""

import numpy as np

from bpcli.layers import Array, Labels
from bpcli.network import Network


def worsen(network: Network, x: Array, t: Labels, step: float) -> None:
    """x += step sign(dx): move each pixel of the inputs x (N, pixels), in place, by `step`.

    That is where the network errs most for a change so small, and a network that learns from such
    images errs less on others: the fast gradient sign method of Goodfellow et al. 2015,
    "Explaining and harnessing adversarial examples", section 4. Leaves `network.gradient` as it is.
    """
    network.forward(x, t)
    dx = network.backward_input()
    np.sign(dx, out=dx)
    dx *= step
    x += dx
