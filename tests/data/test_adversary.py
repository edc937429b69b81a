"""Adversarial mini-batches: where they lie, what they do to the loss, and what a run learns."""

import numpy as np
import pytest

from bpcli.backprop.architecture import build_network
from bpcli.data.adversary import fast_gradient_sign
from bpcli.training.loop import train


@pytest.mark.parametrize("step", [0.01, 0.1])
@pytest.mark.parametrize("dropout", [0, 0.5])
def test_every_pixel_goes_a_step_up_the_loss(step, dropout, rng):
    network = build_network(
        20, 4, rng, hidden=[30], activation="tanh", weight_init="he", input_dropout=dropout
    )
    clean, t = rng.uniform(size=(500, 20)).astype(np.float32), rng.integers(0, 4, 500)
    x = clean.copy()
    ((worse, labels),) = fast_gradient_sign(network, [(x, t)], step)
    assert worse is x
    assert labels is t
    moved = np.abs(x - clean)
    assert np.isclose(moved, step, atol=1e-6).mean() == pytest.approx(1 - dropout, abs=0.03)
    assert np.isclose(moved, 0, atol=1e-6).mean() == pytest.approx(dropout, abs=0.03)
    network.layers = [layer for layer in network.layers if not layer.training_only]
    before, after = network.forward(clean, t), network.forward(x, t)
    random = clean + step * rng.choice([-1, 1], x.shape).astype(np.float32)
    assert after > network.forward(random, t) + 2 * step * (1 - dropout)
    assert after > before


def test_a_network_that_has_learnt_from_them_errs_less_on_them(make_run):
    losses = []
    for adversarial in (0, 0.1):
        run = make_run(
            "training.iterations=300", f"training.adversarial={adversarial}", "network.hidden=[30]"
        )
        list(train(run))
        images = run.dataset.held_out.images / np.float32(255)
        labels = run.dataset.held_out.labels.astype(np.intp)
        list(fast_gradient_sign(run.network, [(images, labels)], 0.1))
        losses.append(run.network.forward(images, labels))
    assert losses[1] < 0.7 * losses[0]
