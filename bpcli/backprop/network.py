"""layers in -> one differentiable function out: all parameters one vector, the gradient another."""

import copy
import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import (
    MATRIX,
    Array,
    Labels,
    Shape,
    check_classes,
    check_inputs,
    check_labels,
)
from bpcli.backprop.adapter import adapt, adapt_loss
from bpcli.backprop.layer import Layer, LossLayer
from bpcli.backprop.layers import Affine, BatchNormalization
from bpcli.errors import ArrayError


@dataclass(frozen=True)
class LayerSpec:
    """A layer as it stands in a network: the shape of what goes in for an image, and comes out.

    The loss layer returns one number for all images: (). `shapes` has the shapes of parameters, by
    the network's names for them.
    """

    name: str
    input: Shape
    output: Shape
    shapes: dict[str, Shape]

    @property
    def parameters(self) -> int:
        """How many numbers the layer learns."""
        return sum(map(math.prod, self.shapes.values()))


class Slots(dict[str, Array]):
    """Gradients by name that keep their place: to set one is to write into it."""

    def __setitem__(self, name: str, gradient: Array) -> None:
        if name in self:
            self[name][...] = gradient
        else:
            super().__setitem__(name, gradient)


class Network:
    """Layers in order, forward and in reverse, with the loss layer at the end (section 5.7).

    `parameters` (P,) holds all parameters and `gradient` (P,) what `backward` makes of them. The
    layers' own arrays are views into the two; `arrays` and `gradient_arrays` have them by name:
    W1, b1 of the first layer with parameters, W2, b2 of the next. `names` (Affine1, ReLU1, ...)
    are the layers'. `weight_decay` is the lambda of the penalty lambda / 2 * sum of W ** 2, which
    leaves all but matrices free: biases, and gamma and beta of batch normalisation.

    A layer stands in one network, and there once: its parameters are part of the network's vector.
    It may be one of the book's, or be written like those, which know of no network.
    Raises ArrayError if a layer is none or stands twice, or none has parameters; and so does a
    network that is used after a layer of it has gone to another one.
    """

    def __init__(self, layers: Sequence[Any], loss_layer: Any, weight_decay: float = 0.0) -> None:
        if len(set(map(id, layers))) < len(layers):
            raise ArrayError("layers: found one that stands twice, expected each once")
        self.layers = [adapt(layer) for layer in layers]
        self.loss_layer = adapt_loss(loss_layer)
        self.weight_decay = weight_decay
        self.names = layer_names([type(layer) for layer in self.layers])
        with_params = [layer for layer in self.layers if layer.params]
        if not with_params:
            raise ArrayError("layers: found none with parameters, expected one that can learn")
        self.first = self.layers.index(with_params[0])  # nobody asks for d loss / d image
        slots = {
            f"{name}{i}": (layer, name)
            for i, layer in enumerate(with_params, 1)
            for name in layer.params
        }
        if len(slots) < sum(len(layer.params) for layer in with_params):
            raise ArrayError("layers: found two parameters of one name, expected W1, b1, W2, ...")
        self.parameters = np.concatenate([one.params[name].ravel() for one, name in slots.values()])
        self.gradient = np.zeros_like(self.parameters)
        self.arrays: dict[str, Array] = {}
        self.gradient_arrays: dict[str, Array] = {}
        for layer in with_params:
            layer.grads = Slots()
        start = 0
        for called, (layer, name) in slots.items():
            shape, stop = layer.params[name].shape, start + layer.params[name].size
            layer.params[name] = self.parameters[start:stop].reshape(shape)
            layer.grads[name] = self.gradient[start:stop].reshape(shape)
            self.arrays[called] = layer.params[name]
            self.gradient_arrays[called] = layer.grads[name]
            start = stop
        self._slots = slots
        self._has_loss = False  # of a `forward`, of which `backward` can be the derivative

    def __repr__(self) -> str:
        way = " → ".join([*self.names, type(self.loss_layer).__name__])
        return f"<Network {way}: {self.parameters.size:,} parameters, {self.parameters.dtype}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Give a copy memory of its own, into which its layers have views again."""
        return type(self), (self.layers, self.loss_layer, self.weight_decay)

    def predict(self, x: Array) -> Array:
        """Return new logits (N, classes) of the inputs x (N, pixels).

        Dropout is left out, and batch normalisation is by what it has kept of earlier inputs.

        Raises ArrayError, as `forward` does, for an x that is no such array of real numbers.
        """
        check_inputs(x)
        self._check_memory()
        self._has_loss = False
        for layer in self.inference_layers:
            x = layer.predict(x)
        return x.copy()

    def forward(self, x: Array, t: Labels) -> float:
        """Return the loss to minimise: that of the loss layer, and the penalty on weights.

        x (N, pixels) are the inputs, t (N,) the labels.
        """
        check_inputs(x)
        check_labels(t, len(x))
        self._check_memory()
        for layer in self.layers:
            x = layer.forward(x)
        check_classes(t, x.shape[-1])
        loss = self.loss_layer.forward(x, t)
        self._has_loss = True
        return loss + self._penalty() if self.weight_decay else loss

    def backward(self) -> None:
        """Set `gradient` to the derivative of the loss that `forward` returned last.

        Raises ArrayError if there was none, or `predict` has been called since.
        """
        dout = self._begin_backward()
        for layer in reversed(self.layers[self.first + 1 :]):
            dout = layer.backward(dout)
        self.layers[self.first].backward_params(dout)
        if self.weight_decay:
            self._add_penalty_gradient()

    def backward_input(self) -> Array:
        """Return new dx (N, pixels), the derivative of the loss of the last `forward` by x.

        Raises ArrayError as `backward` does.
        """
        dout = self._begin_backward()
        for layer in reversed(self.layers):
            dout = layer.backward_input(dout)
        return dout.copy()

    def astype(self, dtype: npt.DTypeLike) -> "Network":
        """Return a copy of this network, layers and all, in another precision."""
        loss_layer = copy.deepcopy(self.loss_layer)
        return Network(cast(self.layers, dtype), loss_layer, self.weight_decay)

    def folded(self) -> "Network":
        """Return a network that predicts the same, of which nothing is there for training alone.

        W and b of an affine layer have the batch normalisation behind it in themselves.
        """
        layers: list[Layer] = []
        for layer in copy.deepcopy(self.inference_layers):
            before = layers[-1] if layers else None
            if isinstance(layer, BatchNormalization) and isinstance(before, Affine):
                layers[-1] = Affine(*layer.fold(**before.params))
            else:
                layers.append(layer)
        return Network(layers, copy.deepcopy(self.loss_layer), self.weight_decay)

    @property
    def contents(self) -> dict[str, Array]:
        """All that learning has made, by name and layer by layer: parameters, then statistics.

        These go by the number of the layer's parameters: mean2 and variance2 beside gamma2.
        """
        with_params = (layer for layer in self.layers if layer.params)
        return {
            f"{name}{i}": array
            for i, layer in enumerate(with_params, 1)
            for name, array in (layer.params | layer.statistics).items()
        }

    @property
    def inference_layers(self) -> list[Layer]:
        """The layers that predict: those that only training needs, as dropout, are left out."""
        return [layer for layer in self.layers if not layer.training_only]

    @property
    def specs(self) -> list[LayerSpec]:
        """What each layer is, in order, and the loss layer at the end."""
        shapes = iter({name: array.shape for name, array in self.arrays.items()}.items())
        own = [dict(itertools.islice(shapes, len(layer.params))) for layer in self.layers]
        kinds = [type(layer) for layer in self.layers]
        return layer_specs(kinds, own, type(self.loss_layer))

    def _begin_backward(self) -> Array:
        """Return the derivative of the loss by the logits, if there was a loss just before."""
        if not self._has_loss:
            raise ArrayError("found no loss to derive, expected a forward just before the backward")
        self._check_memory()
        return self.loss_layer.backward()

    def _check_memory(self) -> None:
        """Raise ArrayError if a layer no longer works on this network's memory."""
        for called, (layer, name) in self._slots.items():
            if layer.params[name] is not self.arrays[called]:
                where = self.names[self.layers.index(layer)]
                if layer.grads.get(name) is self.gradient_arrays[called]:
                    raise ArrayError(
                        f"{where}: found another array as params['{name}'] than the network's; "
                        f"write into that one: params['{name}'][...] = {name}"
                    )
                raise ArrayError(
                    f"{where}: stands in another network by now, and learns there; that one takes "
                    "a copy.deepcopy of it, too"
                )

    def _penalty(self) -> float:
        weights = (W.ravel() for W in self.arrays.values() if W.ndim > 1)
        squares: float = sum((w @ w).item() for w in weights)
        return self.weight_decay / 2 * squares

    def _add_penalty_gradient(self) -> None:
        for W, dW in zip(self.arrays.values(), self.gradient_arrays.values(), strict=True):
            if W.ndim > 1:
                dW += self.weight_decay * W


def layer_names(kinds: Sequence[type[Layer]]) -> list[str]:
    """Return a name for each layer of a network: Affine1, ReLU1, Affine2, ..."""
    counts: Counter[str] = Counter()
    names = []
    for kind in kinds:
        counts[kind.__name__] += 1
        names.append(f"{kind.__name__}{counts[kind.__name__]}")
    return names


def layer_specs(
    kinds: Sequence[type[Layer]], shapes: Sequence[dict[str, Shape]], loss: type[LossLayer]
) -> list[LayerSpec]:
    """Return the specs of layers whose parameters have such shapes, and of the loss layer.

    A layer with a matrix (D, M) makes M numbers out of D; any other returns as many as it takes.
    """
    matrices = [[s for s in own.values() if len(s) == MATRIX] for own in shapes]
    width = next((own[0][0] for own in matrices if own), 0)
    specs = []
    for name, own, found in zip(layer_names(kinds), shapes, matrices, strict=True):
        output = found[-1][1] if found else width
        specs.append(LayerSpec(name, (width,), (output,), own))
        width = output
    return [*specs, LayerSpec(loss.__name__, (width,), (), {})]


def cast(layers: Sequence[Layer], dtype: npt.DTypeLike) -> list[Layer]:
    """Return copies of layers, at the same point of their randomness, in another precision."""
    twins = copy.deepcopy(list(layers))  # together: dropout layers may share a generator
    for twin in twins:
        twin.params = {name: array.astype(dtype) for name, array in twin.params.items()}
        twin.grads = {name: np.zeros_like(array) for name, array in twin.params.items()}
        twin.statistics = {name: array.astype(dtype) for name, array in twin.statistics.items()}
    return twins
