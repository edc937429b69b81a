"""a network + a mini-batch -> the mini-batch a step up the gradient of its loss."""

import numpy as np

from bpcli.layers import Array, Labels
from bpcli.network import Network


def worsen(network: Network, x: Array, t: Labels, step: float) -> None:
    """x += step sign(dx), in place, for the inputs x (N, pixels), of 0 to 1, with labels t (N,).

    To first order that is where the loss is highest for a change so small; a network that learns
    from such images errs less on others. It is the fast gradient sign method of Goodfellow et al.
    2015, "Explaining and harnessing adversarial examples", section 4. x may leave 0 to 1; pixels
    that dropout leaves out stay as they are. Dropout draws masks for this alone;
    `network.gradient` stays as it is.
    """
    network.forward(x, t)
    dx = network.backward_input()
    np.sign(dx, out=dx)
    dx *= step
    x += dx
