"""a few words in -> the network that they describe out, or only its shapes.

Initial weights are those of section 6.2, dropout and weight decay those of section 6.4.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Shape, check_room
from bpcli.backprop.layers import (
    Affine,
    Dropout,
    Layer,
    LossLayer,
    ReLU,
    Sigmoid,
    SoftmaxWithLoss,
    SquaredError,
    Tanh,
)
from bpcli.backprop.network import LayerSpec, Network, layer_specs
from bpcli.errors import choose

ACTIVATIONS: dict[str, type[Layer]] = {"relu": ReLU, "sigmoid": Sigmoid, "tanh": Tanh}
LOSSES: dict[str, type[LossLayer]] = {"softmax": SoftmaxWithLoss, "squared": SquaredError}
GAINS = {"xavier": 1.0, "he": 2.0}  # the variance of initial weights, times the units before them


def shapes(pixels: int, classes: int, hidden: Sequence[int] = (50,)) -> dict[str, Shape]:
    """Return the shape of every parameter of a network by its name, in order.

    >>> shapes(784, 10, [50])
    {'W1': (784, 50), 'b1': (50,), 'W2': (50, 10), 'b2': (10,)}
    """
    named: dict[str, Shape] = {}
    for i, (n, m) in enumerate(itertools.pairwise([pixels, *hidden, classes]), 1):
        named |= {f"W{i}": (n, m), f"b{i}": (m,)}
    return named


def build_network(
    pixels: int,
    classes: int,
    rng: np.random.Generator,
    *,
    hidden: Sequence[int] = (50,),
    activation: str = "relu",
    weight_init: float | str = 0.01,
    loss: str = "softmax",
    input_dropout: float = 0.0,
    dropout: float = 0.0,
    weight_decay: float = 0.0,
    dropout_rng: np.random.Generator | None = None,
    dtype: npt.DTypeLike = np.float32,
) -> Network:
    """Return a network with new random weights and biases of zero.

    Weights are normal with mean 0 and the deviation `weight_init`, or sqrt(1 / n) for `xavier`
    (Glorot & Bengio 2010) and sqrt(2 / n) for `he` (He et al. 2015), n the units before them. They
    are drawn from `rng` as float64 and rounded to `dtype`; dropout draws its masks from
    `dropout_rng` or, without one, from `rng` too. Raises MemoryError, and ArgumentError for a word
    that is none of ACTIVATIONS, LOSSES and GAINS.
    """
    wanted = shapes(pixels, classes, hidden).values()
    check_room(2 * sum(map(math.prod, wanted)), dtype)  # with the gradient, before any is drawn
    matrices = (shape for shape in wanted if len(shape) > 1)
    layers: list[Layer] = []
    for kind in _kinds(hidden, activation, input_dropout, dropout):
        if kind is Affine:
            n, m = next(matrices)
            W = rng.normal(0, _deviation(weight_init, n), (n, m))
            layers.append(Affine(W.astype(dtype), np.zeros(m, dtype)))
        elif kind is Dropout:
            layers.append(Dropout(dropout if layers else input_dropout, dropout_rng or rng))
        else:
            layers.append(kind())
    return Network(layers, choose("loss", loss, LOSSES)(), weight_decay)


def outline(
    pixels: int,
    classes: int,
    *,
    hidden: Sequence[int] = (50,),
    activation: str = "relu",
    loss: str = "softmax",
    input_dropout: float = 0.0,
    dropout: float = 0.0,
) -> list[LayerSpec]:
    """Return the specs of the layers that `build_network` would build, and take no memory."""
    parameters = iter(shapes(pixels, classes, hidden).items())
    kinds = _kinds(hidden, activation, input_dropout, dropout)
    own = [dict(itertools.islice(parameters, 2 if kind is Affine else 0)) for kind in kinds]
    return layer_specs(kinds, own, choose("loss", loss, LOSSES))


def _deviation(weight_init: float | str, n: int) -> float:
    if not isinstance(weight_init, str):
        return weight_init
    deviation: float = (choose("weight_init", weight_init, GAINS) / n) ** 0.5
    return deviation


def _kinds(
    hidden: Sequence[int], activation: str, input_dropout: float, dropout: float
) -> list[type[Layer]]:
    """Return the kinds of the layers, in order."""
    kinds: list[type[Layer]] = [Dropout] if input_dropout else []
    between = choose("activation", activation, ACTIVATIONS)
    for _ in hidden:
        kinds += [Affine, between, *([Dropout] if dropout else [])]
    return [*kinds, Affine]
