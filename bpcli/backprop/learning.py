"""a network, an optimizer and mini-batches in -> the network learns, and the losses come out.

Sections 5.7.1 and 5.7.4.
"""

from collections.abc import Iterable, Iterator

from bpcli.arrays import Array, Labels
from bpcli.backprop.network import Network
from bpcli.backprop.optimizer import Optimizer


def learn(
    network: Network,
    optimizer: Optimizer,
    mini_batches: Iterable[tuple[Array, Labels]],
    learning_rates: Iterable[float],
) -> Iterator[float]:
    """Learn for as long as losses are asked for, and mini-batches and learning rates come.

    `optimizer` moves the network's parameters. A mini-batch has inputs x (N, pixels) and labels
    t (N,). Yields the loss of each mini-batch, once the network has learnt from it.
    """
    for learning_rate, (x, t) in zip(learning_rates, mini_batches, strict=False):
        # Step 1, mini-batch: some of the training images, x and t, have been chosen.

        # Step 2, gradient: of the loss by every parameter, by backpropagation.
        loss = network.forward(x, t)
        network.backward()

        # Step 3, update: move the parameters a little way down the gradient.
        optimizer.update(learning_rate)

        # Step 4, repeat; whoever asks for the losses may look at the accuracy now and then.
        yield loss
