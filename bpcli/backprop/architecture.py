"""a few words in -> the network that they describe out, or only its shapes.

Initial weights are those of section 6.2, batch normalisation is that of section 6.3, dropout and
weight decay those of section 6.4.
"""

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Shape, check_room
from bpcli.backprop.layer import Layer, LossLayer
from bpcli.backprop.layers import (
    Affine,
    BatchNormalization,
    Dropout,
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
PARAMETERS: dict[type[Layer], int] = {Affine: 2, BatchNormalization: 2}
GAINS = {"xavier": 1.0, "he": 2.0}  # the variance of initial weights, times the units before them


def shapes(
    pixels: int, classes: int, hidden: Sequence[int] = (50,), *, batch_norm: bool = False
) -> dict[str, Shape]:
    """Return the shape of every parameter of a network by its name, in order.

    >>> shapes(784, 10, [50])
    {'W1': (784, 50), 'b1': (50,), 'W2': (50, 10), 'b2': (10,)}
    """
    layers: list[dict[str, Shape]] = []
    for n, m in itertools.pairwise([pixels, *hidden, classes]):
        layers.append({"W": (n, m), "b": (m,)})
        if batch_norm:
            layers.append({"gamma": (m,), "beta": (m,)})
    if batch_norm:
        layers.pop()  # logits stay as they are
    return {f"{name}{i}": of[name] for i, of in enumerate(layers, 1) for name in of}


def statistics_shapes(parameters: Mapping[str, Shape]) -> dict[str, Shape]:
    """Return the shapes of the statistics of a network whose parameters have such shapes.

    >>> statistics_shapes(shapes(784, 10, [50], batch_norm=True))
    {'mean2': (50,), 'variance2': (50,)}
    """
    return {
        name.replace("gamma", statistic): shape
        for name, shape in parameters.items()
        if name.startswith("gamma")
        for statistic in ("mean", "variance")
    }


def build_network(
    pixels: int,
    classes: int,
    rng: np.random.Generator,
    *,
    hidden: Sequence[int] = (50,),
    activation: str = "relu",
    batch_norm: bool = False,
    weight_init: float | str = 0.01,
    loss: str = "softmax",
    input_dropout: float = 0.0,
    dropout: float = 0.0,
    weight_decay: float = 0.0,
    dropout_rng: np.random.Generator | None = None,
    dtype: npt.DTypeLike = np.float32,
) -> Network:
    """Return a network with new random weights and biases of zero.

    With `batch_norm` each hidden layer is normalised, with gamma 1 and beta 0, between its affine
    part and its activation.

    Weights are normal with mean 0 and the deviation `weight_init`, or sqrt(1 / n) for `xavier`
    (Glorot & Bengio 2010) and sqrt(2 / n) for `he` (He et al. 2015), n the units before them. They
    are drawn from `rng` as float64 and rounded to `dtype`; dropout draws its masks from
    `dropout_rng` or, without one, from `rng` too. Raises MemoryError, and ArgumentError for a word
    that is none of ACTIVATIONS, LOSSES and GAINS.
    """
    wanted = shapes(pixels, classes, hidden, batch_norm=batch_norm).values()
    check_room(2 * sum(map(math.prod, wanted)), dtype)  # with the gradient, before any is drawn
    matrices = (shape for shape in wanted if len(shape) > 1)
    layers: list[Layer] = []
    for kind in _kinds(hidden, activation, batch_norm, input_dropout, dropout):
        if kind is Affine:
            n, m = next(matrices)
            W = rng.normal(0, _deviation(weight_init, n), (n, m))
            layers.append(Affine(W.astype(dtype), np.zeros(m, dtype)))
        elif kind is BatchNormalization:
            layers.append(BatchNormalization(np.ones(m, dtype), np.zeros(m, dtype)))
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
    batch_norm: bool = False,
    loss: str = "softmax",
    input_dropout: float = 0.0,
    dropout: float = 0.0,
) -> list[LayerSpec]:
    """Return the specs of the layers that `build_network` would build, and take no memory."""
    parameters = iter(shapes(pixels, classes, hidden, batch_norm=batch_norm).items())
    kinds = _kinds(hidden, activation, batch_norm, input_dropout, dropout)
    own = [dict(itertools.islice(parameters, PARAMETERS.get(kind, 0))) for kind in kinds]
    return layer_specs(kinds, own, choose("loss", loss, LOSSES))


def _deviation(weight_init: float | str, n: int) -> float:
    if not isinstance(weight_init, str):
        return weight_init
    deviation: float = (choose("weight_init", weight_init, GAINS) / n) ** 0.5
    return deviation


def _kinds(
    hidden: Sequence[int], activation: str, batch_norm: bool, input_dropout: float, dropout: float
) -> list[type[Layer]]:
    """Return the kinds of the layers, in order."""
    kinds: list[type[Layer]] = [Dropout] if input_dropout else []
    between = choose("activation", activation, ACTIVATIONS)
    for _ in hidden:
        normal: list[type[Layer]] = [BatchNormalization] if batch_norm else []
        kinds += [Affine, *normal, between, *([Dropout] if dropout else [])]
    return [*kinds, Affine]
