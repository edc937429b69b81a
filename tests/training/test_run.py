"""A run before its first iteration: what it says of itself, and what a gradient check gets of it."""

import numpy as np
import pytest

from bpcli.errors import DatasetError
from bpcli.training import load_config, set_up_check, train
from bpcli.training.run import outline_network


def test_a_run_says_how_far_it_is(make_run):
    run = make_run()
    network = "<Network Affine1 → ReLU1 → Affine2 → SoftmaxWithLoss: 332 parameters, float32>"
    assert repr(run) == f"<Run at iteration 0 of 60: {network}>"
    list(train(run))
    assert repr(run) == f"<Run at iteration 60 of 60, test 100.00%: {network}>"


def test_a_check_gets_real_images_in_float64(tiny_options):
    config = load_config(overrides=tiny_options[1::2])
    network, x, t = set_up_check(config, 7)
    assert (network.parameters.dtype, x.dtype, x.shape, t.shape) == (
        np.float64, np.float64, (7, 36), (7,),
    )  # fmt: skip
    assert 0 <= x.min() < 0.3 < x.max() <= 1
    again, *_ = set_up_check(config, 5)
    np.testing.assert_array_equal(network.parameters, again.parameters)


def test_a_check_of_a_network_that_the_images_do_not_fit_is_refused(tiny_options, run):
    config = load_config()
    with pytest.raises(DatasetError, match="train images: found 784 pixels, expected 36"):
        set_up_check(config, 3, run.network)


def test_a_network_can_be_outlined_that_no_machine_can_hold(tiny_options):
    overrides = [*tiny_options[1::2], "network.hidden=[1e12, 1e12]"]
    assert outline_network(load_config(overrides=overrides))[2].output == (10**12,)
