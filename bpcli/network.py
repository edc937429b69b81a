"""layers in -> one differentiable function out: all parameters one vector, the gradient another."""

import itertools
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bpcli.config import NetworkConfig
from bpcli.layers import (
    Affine,
    Array,
    Dropout,
    Labels,
    Layer,
    LossLayer,
    ReLU,
    Sigmoid,
    SoftmaxWithLoss,
    SquaredError,
    Tanh,
)

ACTIVATIONS: dict[str, type[Layer]] = {"relu": ReLU, "sigmoid": Sigmoid, "tanh": Tanh}
LOSSES: dict[str, type[LossLayer]] = {"softmax": SoftmaxWithLoss, "squared": SquaredError}


class Network:
    """Layers in order, forward and in reverse, with the loss layer at the end (section 5.7).

    `parameters` (P,) holds all parameters and `gradient` (P,) what `backward` makes of them. The
    layers' own arrays are views into the two; `arrays` and `gradient_arrays` have them by name:
    W1, b1 of the first layer with parameters, W2, b2 of the next. `names` (Affine1, ReLU1, ...)
    are the layers'. `weight_decay` is the lambda of the penalty lambda / 2 * sum of W ** 2.
    """

    def __init__(
        self, layers: Sequence[Layer], loss_layer: LossLayer, weight_decay: float = 0.0
    ) -> None:
        self.layers = list(layers)
        self.loss_layer = loss_layer
        self.weight_decay = weight_decay
        self.names = _number([type(layer).__name__ for layer in layers])
        with_params = [layer for layer in layers if layer.params]
        self.first = self.layers.index(with_params[0])  # nobody asks for d loss / d image
        slots = [
            (layer, i, name) for i, layer in enumerate(with_params, 1) for name in layer.params
        ]
        self.parameters = np.concatenate([layer.params[name].ravel() for layer, _, name in slots])
        self.gradient = np.zeros_like(self.parameters)
        self.arrays: dict[str, Array] = {}
        self.gradient_arrays: dict[str, Array] = {}
        start = 0
        for layer, i, name in slots:
            shape, stop = layer.params[name].shape, start + layer.params[name].size
            layer.params[name] = self.parameters[start:stop].reshape(shape)
            layer.grads[name] = self.gradient[start:stop].reshape(shape)
            self.arrays[f"{name}{i}"] = layer.params[name]
            self.gradient_arrays[f"{name}{i}"] = layer.grads[name]
            start = stop

    def predict(self, x: Array) -> Array:
        """Return the logits (N, classes) of the inputs x (N, pixels), without dropout."""
        for layer in self.layers:
            if not layer.training_only:
                x = layer.forward(x)
        return x

    def forward(self, x: Array, t: Labels) -> float:
        """Return the loss to minimise: that of the loss layer, and the penalty on weights."""
        for layer in self.layers:
            x = layer.forward(x)
        return self.loss_layer.forward(x, t) + self._penalty()

    def backward(self) -> None:
        """Set `gradient` to the derivative of the loss that `forward` returned last."""
        dout = self.loss_layer.backward()
        for layer in reversed(self.layers[self.first + 1 :]):
            dout = layer.backward(dout)
        self.layers[self.first].backward_params(dout)
        self._add_penalty_gradient()

    def backward_input(self) -> Array:
        """Return dx (N, pixels), the derivative of the loss that `forward` returned last by x."""
        dout = self.loss_layer.backward()
        for layer in reversed(self.layers):
            dout = layer.backward_input(dout)
        return dout

    def _penalty(self) -> float:
        if not self.weight_decay:
            return 0.0
        weights = (W.ravel() for W in self.arrays.values() if W.ndim > 1)
        squares: float = sum((w @ w).item() for w in weights)
        return self.weight_decay / 2 * squares

    def _add_penalty_gradient(self) -> None:
        if not self.weight_decay:
            return
        for W, dW in zip(self.arrays.values(), self.gradient_arrays.values(), strict=True):
            if W.ndim > 1:  # biases are free
                dW += self.weight_decay * W


def _number(names: list[str]) -> list[str]:
    counts: Counter[str] = Counter()
    numbered = []
    for name in names:
        counts[name] += 1
        numbered.append(f"{name}{counts[name]}")
    return numbered


def build_network(
    config: NetworkConfig,
    pixels: int,
    classes: int,
    weights: np.random.Generator,
    dropout: np.random.Generator,
    dtype: npt.DTypeLike = np.float32,
) -> Network:
    """Return the network that `config` describes, with new random weights and biases of zero.

    Weights are normal with mean 0 and the deviation `weight_init`, or sqrt(1 / n) for `xavier`
    (Glorot & Bengio 2010) and sqrt(2 / n) for `he` (He et al. 2015), n the units before them:
    section 6.2. They are drawn from `weights`, as float64, and rounded to `dtype`; dropout draws
    its masks from `dropout`.
    """
    layers: list[Layer] = []
    if config.input_dropout:
        layers.append(Dropout(config.input_dropout, dropout))
    for i, (n, m) in enumerate(itertools.pairwise([pixels, *config.hidden, classes])):
        if i:
            layers.append(ACTIVATIONS[config.activation]())
            if config.dropout:
                layers.append(Dropout(config.dropout, dropout))
        deviations = {"xavier": (1 / n) ** 0.5, "he": (2 / n) ** 0.5}
        init = config.weight_init
        W = weights.normal(0, deviations[init] if isinstance(init, str) else init, (n, m))
        layers.append(Affine(W.astype(dtype), np.zeros(m, dtype)))
    return Network(layers, LOSSES[config.loss](), config.weight_decay)
