"""a layer of anybody's in -> one with `params` and `grads`, as a network takes it, out.

The book writes layers that know of no network: a parameter is `self.W` and its gradient `self.dW`,
or both stand in `params` and `grads`, dictionaries or lists (as in its second volume); a Relu has
neither. What is adapted learns in a network's memory as our own layers do.
"""

import dis
import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from bpcli.arrays import Array, Labels
from bpcli.backprop.layer import Layer, LossLayer
from bpcli.errors import ArrayError

Place = tuple[str, str | int]  # an attribute ("", "W"), or what a container has: ("params", "W")


class AdaptedLayer(Layer):
    """A layer of somebody's, whose parameters live where the network has them.

    They are lent to the layer at each call of it, and what its backward has made of them is taken
    over into `grads`. It gets a copy of dout, as the book's Relu writes into that.
    """

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self.places = _find_parameters(layer)
        super().__init__(**{name: _get(layer, *at[0]) for name, at in self.places.items()})
        self.lent = dict(self.params)
        flags = [name for name in inspect.signature(layer.forward).parameters if "train" in name]
        self.predicting = dict.fromkeys(flags, False)  # the book's train_flg, where there is one

    def forward(self, x: Array) -> Array:
        self._lend()
        y: Array = self.layer.forward(x)
        return y

    def predict(self, x: Array) -> Array:
        self._lend()
        y: Array = self.layer.forward(x, **self.predicting)
        return y

    def backward(self, dout: Array) -> Array:
        dx: Array = self.layer.backward(dout.copy())
        for name, ((box, key), *_) in self.places.items():
            found = _get_gradient(self.layer, box, key)
            if not isinstance(found, np.ndarray) or found.shape != self.params[name].shape:
                got = f"an array {found.shape}" if isinstance(found, np.ndarray) else repr(found)
                raise ArrayError(
                    f"{type(self).__name__}: backward leaves {got} for d{name}, expected an array "
                    f"{self.params[name].shape}"
                )
            self.grads[name] = found
        return dx

    def _lend(self) -> None:
        """Put the network's arrays where the layer reads its parameters from."""
        for name, places in self.places.items():
            for place in places:
                if _get(self.layer, *place) is not self.lent[name]:
                    raise ArrayError(
                        f"{type(self).__name__}: found another array as {name} than the network's; "
                        f"write into that one: {name}[...] = ..."
                    )
                _put(self.layer, *place, self.params[name])
            self.lent[name] = self.params[name]


class AdaptedLoss(LossLayer):
    """A loss of somebody's, that returns it from forward(x, t), and dx from backward()."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Array, t: Labels) -> float:
        return float(self.layer.forward(x, t))

    def backward(self) -> Array:
        dx: Array = self.layer.backward()
        return dx


def adapt(layer: Any) -> Layer:
    """Return a layer as a network takes it: itself, if it is one of ours.

    Raises ArrayError if it is no layer, or one of ours that was not initialised.
    """
    if isinstance(layer, Layer):
        _check_initialised(
            layer, "super().__init__(W=W, b=b) of its parameters, or super().__init__()"
        )
        return layer
    _check_methods("layers", layer)
    kind: type[AdaptedLayer] = type(type(layer).__name__, (AdaptedLayer,), {})  # called as it is
    return kind(layer)


def adapt_loss(layer: Any) -> LossLayer:
    """Return a loss layer as a network takes it. Raises ArrayError as `adapt` does."""
    if isinstance(layer, LossLayer):
        _check_initialised(layer, "super().__init__()")
        return layer
    _check_methods("loss_layer", layer)
    kind: type[AdaptedLoss] = type(type(layer).__name__, (AdaptedLoss,), {})
    return kind(layer)


def _check_initialised(layer: Layer | LossLayer, expected: str) -> None:
    if not vars(layer).keys() >= ({"params", "grads"} if isinstance(layer, Layer) else {"_memory"}):
        name = type(layer).__name__
        raise ArrayError(f"{name}: found no params in it, expected {expected} in its __init__")


def _check_methods(what: str, layer: Any) -> None:
    if isinstance(layer, type):
        name = layer.__name__
        raise ArrayError(f"{what}: found the class {name}, expected an object of it, {name}(...)")
    if not all(callable(getattr(layer, name, None)) for name in ("forward", "backward")):
        raise ArrayError(
            f"{what}: found a {type(layer).__name__}, expected layers with forward and backward"
        )


def _find_parameters(layer: Any) -> dict[str, list[Place]]:
    """Return where a layer reads each of its parameters from, by name.

    That is what is in `params`, and each array as an attribute for whose gradient there is one.
    Raises ArrayError where there is something else, which would not learn.
    """
    found: dict[int, list[Place]] = {}
    for place in [*_places_in_params(layer), *_places_of_attributes(layer)]:
        found.setdefault(id(_get(layer, *place)), []).append(place)
    if getattr(layer, "params", None) and not found:
        raise ArrayError(
            f"{type(layer).__name__}: found no arrays in its params, expected W, b, ..."
        )
    held = {id(part): name for name, part in vars(layer).items() if isinstance(part, np.ndarray)}
    named: dict[str, list[Place]] = {}
    for identity, places in found.items():
        _, key = places[0]
        name = key if isinstance(key, str) else held.get(identity, _name(layer, key))
        named[name] = places
    return named


def _places_in_params(layer: Any) -> Iterator[Place]:
    params: Any = getattr(layer, "params", None) or ()
    keys = params if isinstance(params, dict) else range(len(params))
    yield from (("params", key) for key in keys if _is_real(params[key]))


def _places_of_attributes(layer: Any) -> Iterator[Place]:
    classes = type(layer).__mro__
    functions = [f for kind in classes for f in vars(kind).values() if inspect.isfunction(f)]
    mentioned = {name for function in functions for name in function.__code__.co_names}
    forward = getattr(type(layer), "forward", None)
    steps = list(dis.get_instructions(forward)) if inspect.isfunction(forward) else []
    kept = {step.argval for step in steps if step.opname == "STORE_ATTR"}  # of a call, as self.x
    read = {step.argval for step in steps if step.opname == "LOAD_ATTR"}
    stands_in_params = {id(_get(layer, *place)) for place in _places_in_params(layer)}
    for name, part in vars(layer).items():
        if not _is_real(part) or name in kept:
            continue
        if f"d{name}" in mentioned or hasattr(layer, f"d{name}") or id(part) in stands_in_params:
            yield "", name
        elif name in read:
            kind = type(layer).__name__
            raise ArrayError(
                f"{kind}: found the array {name}, which its forward reads, and no gradient by it; "
                f"expected self.d{name} to be set by its backward"
            )


def _name(layer: Any, index: int) -> str:
    """Return a name for a parameter that only has a number: W is a matrix, b a vector."""
    kinds = ["W" if array.ndim > 1 else "b" for array in layer.params]
    return kinds[index] if kinds.count(kinds[index]) == 1 else f"{kinds[index]}_{index}_"


def _is_real(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.dtype.kind == "f" and part.size > 0


def _get(layer: Any, box: str, key: Any) -> Any:
    return getattr(layer, box)[key] if box else getattr(layer, key)


def _put(layer: Any, box: str, key: Any, array: Array) -> None:
    if box:
        getattr(layer, box)[key] = array
    else:
        setattr(layer, key, array)


def _get_gradient(layer: Any, box: str, key: Any) -> Any:
    """Return the gradient by a parameter: of params["W"] grads["W"], else dW."""
    grads = getattr(layer, "grads", None)
    if box and isinstance(grads, dict | list):
        return grads.get(key) if isinstance(grads, dict) else grads[key]
    return getattr(layer, f"d{key}", None)
