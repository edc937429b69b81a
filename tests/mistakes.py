"""Small networks to check, and ways to break their layers."""

import numpy as np
import pytest

from bpcli import gradcheck
from bpcli.backprop import Affine, build_network
from bpcli.gradcheck.numerical import METHODS

methods = pytest.mark.parametrize("method", METHODS)


def build(rng, **values):
    return build_network(12, 5, rng, dtype=np.float64, **values)


def images(rng, n=3):
    return rng.integers(0, 256, (n, 12)) / 255, rng.integers(0, 5, n)


def check(network, rng, n=3, **options):
    return gradcheck.check(network, *images(rng, n), **options)


def failures(found):
    return [(row.layer, row.name) for row in found.failures]


def changed_result(layer, method, change):
    """Make a method of a layer return, or leave behind, something else."""

    def apply(monkeypatch):
        right = getattr(layer, method)

        def broken(self, *args):
            result = right(self, *args)
            changed = change(self, result)
            return result if changed is None else changed

        monkeypatch.setattr(layer, method, broken)

    return apply


def scaled(name, factor):
    def change(layer, _result):
        layer.grads[name] *= factor

    return changed_result(Affine, "backward_params", change)
