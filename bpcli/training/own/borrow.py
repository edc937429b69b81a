"""our network, and a person's layers, in -> the same network of their layers out.

It begins with the weights of ours, so that both learn alike but for rounding.
"""

import itertools
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from bpcli.arrays import Array, Labels
from bpcli.backprop.layer import Layer, LossLayer
from bpcli.backprop.layers import Affine, Dropout
from bpcli.backprop.network import Network, cast
from bpcli.errors import SourceError
from bpcli.gradcheck.foreign.conventions import names_of, styles_of
from bpcli.gradcheck.foreign.discover import Unit
from bpcli.gradcheck.foreign.failure import spell_error
from bpcli.training.own.call import UnfitError, Way
from bpcli.training.own.layer import OwnLayer
from bpcli.training.own.loss import OwnLoss
from bpcli.training.own.roles import Roles

Part = TypeVar("Part", bound=Layer | LossLayer)

IMAGES = 7  # of the mini-batch by which it is found how a layer is called
MANY = 500  # by which a rate of dropout is found
CLOSE = 1e-3  # relative difference below which a layer does as ours does
RIGHT = 3  # the score of a way in which forward and backward do as ours do
NEAR = 0.05  # share of units by which a rate of dropout may be missed at random


def borrow(network: Network, roles: Roles, where: str) -> Network:
    """Return a network of the same weights in which the units stand where roles say so.

    How each is called is found by trying: of the ways that it can be called in, the first in which
    its forward and its backward do as ours is believed, else the first in which forward does, else
    the first. Raises SourceError for one that can be called in none; `where` is what it is from. A
    layer of theirs may work in
    float64; the parameters, and so what is learnt, stay in the network's precision.
    """
    try:
        return _borrow(network, roles)
    except UnfitError as error:
        raise SourceError(f"{where}: {error}") from error


def _borrow(network: Network, roles: Roles) -> Network:
    rng = np.random.default_rng(0)
    layers: list[Layer] = []
    width = network.specs[0].input[0]
    dtype = network.parameters.dtype
    for original, ours in zip(network.layers, cast(network.layers, dtype), strict=True):
        if isinstance(ours, Dropout) and isinstance(original, Dropout):
            ours.rng = original.rng  # which a run keeps the state of
        unit = roles.get(type(ours).__name__)
        after = ours.params["W"].shape[1] if isinstance(ours, Affine) else width
        count = MANY if isinstance(ours, Dropout) else IMAGES
        x, dout = (rng.normal(size=(count, size)).astype(dtype) for size in (width, after))
        layers.append(_fit_layer(unit, ours, x, dout) if unit else ours)
        width = after
    loss = network.loss_layer
    unit = roles.get(type(loss).__name__)
    x, t = rng.normal(size=(IMAGES, width)).astype(dtype), np.arange(IMAGES) * 2 % width
    return Network(layers, _fit_loss(unit, loss, x, t) if unit else type(loss)())


def _fit_layer(unit: Unit, ours: Layer, x: Array, dout: Array) -> Layer:
    """Return a unit in the place of one of our layers, called in the way that fits best."""

    (twin,) = cast([ours], x.dtype)  # as calls change what a layer keeps of its inputs
    expected = twin.forward(x)
    expected_dx = twin.backward(dout)

    def score(theirs: Layer) -> int:
        if isinstance(ours, Dropout):
            return _score_dropout(theirs, ours, x, dout)
        y = theirs.forward(x)
        if y.shape != expected.shape:
            raise UnfitError(f"forward returns {y.shape}, expected {expected.shape}")
        dx = theirs.backward(dout)
        same = _are_close(y, expected)
        right = _are_close(dx, expected_dx) and all(
            _are_close(np.asarray(theirs.grads[name]), gradient)
            for name, gradient in twin.grads.items()
        )
        return 2 * same + (same and right)

    def build(way: Way) -> Layer:
        return OwnLayer(unit, ours, way, x)

    best = _find_best(unit, _ways(unit, ours), build, score)
    return build(best)  # one that has not been called before


def _fit_loss(unit: Unit, ours: LossLayer, x: Array, t: Labels) -> LossLayer:
    def score(theirs: LossLayer) -> int:
        loss, dx = theirs.forward(x, t), theirs.backward()
        same = abs(loss - ours.forward(x, t)) < CLOSE
        return 2 * same + (same and _are_close(dx, ours.backward()))

    def build(way: Way) -> LossLayer:
        return OwnLoss(unit, ours, way)

    styles = ("upstream", "input", "output")
    ways = [
        Way(columns, style=style, hot=hot)
        for columns, style, hot in itertools.product((False, True), styles, (False, True))
    ]
    return build(_find_best(unit, ways, build, score))


def _find_best(
    unit: Unit, ways: list[Way], build: Callable[[Way], Part], score: Callable[[Part], int]
) -> Way:
    """Return the first way of those with the highest score; those that raise have none."""
    found: dict[Way, int] = {}
    first: Exception | None = None
    for way in ways:
        try:
            found[way] = score(build(way))
        except Exception as error:  # noqa: BLE001 - it may raise whatever it likes
            first = first or error
        if found.get(way) == RIGHT:
            break
    if not found:
        assert first  # noqa: S101 - there are ways
        words = str(first) if isinstance(first, UnfitError) else spell_error(first)
        raise UnfitError(f"{unit.name} cannot stand in the network: {words}") from first
    return max(found, key=lambda way: found[way])


def _ways(unit: Unit, ours: Layer) -> list[Way]:
    styles = styles_of(unit, names_of(unit, unit.forward))
    turns = [(False, False), (True, True), (False, True), (True, False)]
    keeps = (False, True) if isinstance(ours, Dropout) else (False,)
    return [
        Way(columns, turned, style, keep)
        for (columns, turned), style, keep in itertools.product(turns, styles, keeps)
    ]


def _score_dropout(theirs: Layer, ours: Dropout, x: Array, dout: Array) -> int:
    """Tell whether as many units are left out, and dout with them."""
    y, dx = theirs.forward(x), theirs.backward(dout)
    left_out = abs(np.mean(y == 0) - ours.ratio) < NEAR
    return 2 * bool(left_out) + bool(left_out and _are_close(dx * x, dout * y))


def _are_close(found: Array, expected: Array) -> bool:
    largest = float(np.abs(expected).max(initial=0)) or 1.0
    if found.shape != expected.shape:
        return False
    return bool(np.allclose(found, expected, rtol=0, atol=CLOSE * largest))
