"""the arguments of a forward in -> which are x and t, and labels of every kind for them, out."""

from collections.abc import Callable
from typing import Any

import numpy as np

from bpcli.arrays import Array
from bpcli.gradcheck.foreign import vocabulary
from bpcli.gradcheck.foreign.layout import CHANNELS, UNITS, Layout

KINDS = (
    "numbers",
    "one-hot",
    "one-hot like x",
    "numbers like x",
    "like x",
    "zeros and ones",
    "numbers of steps",
    "zeros and ones by image",
    "numbers that are real",
)
PAIR = 2  # arguments of a loss
COLUMN = "column"  # of a network with one output; many a loss takes it by mistake


# What a network's backward may take for its loss, of what is predicted and the target.
LOSSES: dict[str, Callable[[Array, Array], Any]] = {
    "half the sum of squares": lambda p, t: 0.5 * np.sum((p - t) ** 2),
    "the sum of squares": lambda p, t: np.sum((p - t) ** 2),
    "half the mean of squares by image": lambda p, t: 0.5 * np.sum((p - t) ** 2) / len(p),
    "the mean of squares by image": lambda p, t: np.sum((p - t) ** 2) / len(p),
    "the mean of all squares": lambda p, t: np.mean((p - t) ** 2),
    "cross-entropy by image": lambda p, t: -np.sum(t * np.log(p)) / len(p),
    "cross-entropy": lambda p, t: -np.sum(t * np.log(p)),
    "binary cross-entropy by image": lambda p, t: np.sum(_binary(p, t)) / len(p),
    "binary cross-entropy": lambda p, t: np.sum(_binary(p, t)),
    "the mean of binary cross-entropy": lambda p, t: np.mean(_binary(p, t)),
    "cross-entropy by column": lambda p, t: -np.sum(t * np.log(p)) / p.shape[-1],
    "binary cross-entropy by column": lambda p, t: np.sum(_binary(p, t)) / p.shape[-1],
    "cross-entropy of softmax by image": lambda p, t: np.sum(_of_softmax(p, t)) / len(p),
    "cross-entropy of softmax": lambda p, t: np.sum(_of_softmax(p, t)),
    "half the mean of squares by column": lambda p, t: 0.5 * np.sum((p - t) ** 2) / p.shape[-1],
}


def _binary(p: Array, t: Array) -> Array:
    return np.asarray(-t * np.log(p) - (1 - t) * np.log(1 - p))


def _of_softmax(p: Array, t: Array) -> Array:
    return np.asarray(np.log(np.exp(p).sum(axis=-1)) - np.sum(t * p, axis=-1))


def make_target(predicted: Array) -> Array:
    """Return labels for what a network predicts: one-hot rows, which are zeros and ones too."""
    order = np.arange(predicted.size).reshape(predicted.shape) * 7 % 5
    if predicted.ndim < 2 or predicted.shape[-1] == 1:  # rows and columns
        return (order % 2).astype(float)
    hot: Array = np.eye(predicted.shape[-1])[np.arange(len(predicted)) * 2 % predicted.shape[-1]]
    return hot


def find_input_and_labels(names: list[str], *, with_labels: bool) -> tuple[str, str]:
    """Return which arguments of forward are x and t; the latter may be none."""
    t_name = ""
    likely = [name for name in names if vocabulary.is_labels(name)]
    if with_labels and not likely and len(names) == PAIR and _may_be_labels(names[1]):
        return names[0], names[1]  # the second argument of a loss, whatever it is called
    if with_labels and likely and len(names) > 1:
        t_name = likely[-1]
        if len(likely) > 1 and any(vocabulary.plain(n) in ("t", "ytrue", "target") for n in likely):
            t_name = next(n for n in likely if vocabulary.plain(n) in ("t", "ytrue", "target"))
    rest = [name for name in names if name != t_name]
    named = [n for n in rest if vocabulary.plain(n) in (*vocabulary.INPUT, *vocabulary.PREDICTED)]
    return (named or rest or [""])[0], t_name


def _may_be_labels(name: str) -> bool:
    word = vocabulary.plain(name)
    known = (*vocabulary.INPUT, *vocabulary.PREDICTED, *vocabulary.DECAY, *vocabulary.FRACTIONS)
    return word not in known and not vocabulary.is_array(name) and not vocabulary.is_rate(name)


def make_labels(kind: str, x: Array, layout: Layout, rng: np.random.Generator) -> Any:
    """Return labels t for x, in one of the ways that people have."""
    images = x.shape[1] if layout.columns and x.ndim > 1 else len(np.atleast_1d(x))
    classes = UNITS if x.ndim > 1 else CHANNELS
    numbers = rng.permutation(np.arange(images) % classes)  # of several classes in any case
    match kind:
        case "numbers":
            return numbers
        case "one-hot":
            hot = np.eye(classes)[numbers]
            return hot.T if layout.columns else hot
        case "one-hot like x":
            axis = 0 if layout.columns else -1
            order = rng.random(x.shape)
            return (order == order.max(axis=axis, keepdims=True)).astype(float)
        case "numbers like x":
            return rng.permutation(np.arange(x.size) % 2).reshape(x.shape)
        case "like x":
            return rng.normal(size=x.shape)
        case "numbers of steps":
            return rng.integers(0, classes, x.shape[:-1])
        case "zeros and ones by image":
            return rng.permutation(np.arange(images) % 2).astype(float)
        case "numbers that are real":
            return rng.normal(size=images)
        case "zeros and ones":
            return rng.permutation(np.arange(x.size) % 2).reshape(x.shape).astype(float)
    return numbers.reshape(-1, 1)
