"""a network that learns, at its evaluations, in -> what happens in each of its layers out.

Sections 6.2 and 6.3. A layer is here what begins with weights W, and ends before the next ones: the
affine part, its batch normalisation and its activation.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bpcli.arrays import Array
from bpcli.backprop.layer import Layer
from bpcli.backprop.layers import Affine, ReLU, Sigmoid, Tanh
from bpcli.backprop.network import Network
from bpcli.backprop.optimizer import Optimizer
from bpcli.data.split import Split, to_inputs

PREFIX = "inside."  # what the names of their arrays in a model file begin with
OUTPUTS = ("mean", "deviation", "stuck")
STEPS = ("gradient", "bias_gradient", "update", "weights")
FIGURES = OUTPUTS + STEPS
MOST = 100  # evaluations that are kept
BINS = 30  # of a histogram
FLAT = 0.1  # of its steepest slope; a sigmoid or tanh that is flatter is saturated
NUMBERS = 2_000_000  # that the widest layer makes of the images that are looked at, at most
# Times that the first layer's gradient is smaller or larger than the last one's, beyond which it is
# said to vanish or to explode: with one learning rate for all, one of them hardly moves beside the
# other. Networks that begin to learn at once have less than a tenth of it.
STEEP = 1000
BLOCK = 2**20  # numbers that are squared at a time

Figures = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int32]


def _dead(y: Array) -> float:
    return float(np.mean(~(y > 0).any(axis=0)))


def _flat_sigmoid(y: Array) -> float:
    return float(np.mean(y * (1 - y) < FLAT / 4))


def _flat_tanh(y: Array) -> float:
    return float(np.mean(1 - y * y < FLAT))


# How the outputs of an activation tell what is stuck, and where they lie, if that is known.
STUCK: dict[type[Layer], Callable[[Array], float]] = {
    ReLU: _dead,
    Sigmoid: _flat_sigmoid,
    Tanh: _flat_tanh,
}
ENDS: dict[type[Layer], tuple[float, float]] = {Sigmoid: (0, 1), Tanh: (-1, 1)}


@dataclass(frozen=True)
class Histograms:
    """How often the outputs of each layer fall into BINS equal parts of a range.

    `counts` (layers, BINS) are of all units and images, `ends` (layers, 2) the range: that of the
    activation, or of the outputs where it has no ends.
    """

    iteration: int
    counts: Counts
    ends: Figures


@dataclass
class Inside:
    """What has happened in the layers of a run at its evaluations, the first before it learns.

    `figures` has an array (FIGURES, layers) for each of `iterations`; NaN is what is not known.
    Of the outputs, on held-out images that are evenly spaced: `mean` and standard `deviation`, and
    the share that is `stuck`: of units of ReLU those that are 0 for every image, of outputs of
    sigmoid or tanh those where its slope is below a tenth of the steepest. Of the mini-batch just
    before, at iteration 0 of the first one, root mean squares: the `gradient` by the weights, and
    `bias_gradient`, by what is added to each unit (b, or beta), by which Nielsen 2015, chapter 5,
    compares how fast layers learn; the `update` of the weights, and the `weights` themselves.

    `histograms` are those of the first and the last of `iterations`. Where there would be more than
    MOST of these every second one is left out, as often as needed, but never the last.
    """

    layers: int
    iterations: list[int] = field(default_factory=list)
    figures: list[Figures] = field(default_factory=list)
    histograms: list[Histograms] = field(default_factory=list)

    def add(self, outputs: Figures, steps: Figures, found: Histograms, history: list[int]) -> None:
        """Add an evaluation, the last of all those whose iterations are given."""
        rows = [
            (at, row)
            for at, row in zip(self.iterations, self.figures, strict=True)
            if at < found.iteration
        ]
        rows.append((found.iteration, np.concatenate([outputs, steps])))
        stride = 1
        while len(history) > MOST * stride:
            stride *= 2
        wanted = {*history[::stride], found.iteration}
        kept = [(at, row) for at, row in rows if at in wanted]
        self.iterations, self.figures = [at for at, _ in kept], [row for _, row in kept]
        self.histograms[1:] = [found]

    def begin(self, steps: Figures) -> None:
        """Say what the first mini-batch did, which is of the weights before learning."""
        if self.iterations[:1] == [0]:
            self.figures[0] = np.concatenate([self.figures[0][: len(OUTPUTS)], steps])

    def figure(self, name: str) -> Figures:
        """Return one of FIGURES: (evaluations, layers)."""
        rows = [row[FIGURES.index(name)] for row in self.figures]
        return np.array(rows, np.float32).reshape(len(rows), self.layers)

    @property
    def names(self) -> list[str]:
        """What the layers are called: by their affine part."""
        return [f"{Affine.__name__}{i + 1}" for i in range(self.layers)]


def find_layers(network: Network) -> list[list[Layer]]:
    """Return the layers of a network in groups, each of which begins with weights W."""
    groups: list[list[Layer]] = []
    for layer in network.layers:
        if "W" in layer.params:
            groups.append([])
        if groups:
            groups[-1].append(layer)
    return groups


def measure_steepness(inside: Inside, i: int) -> float:
    """Return how many times the last layer's gradient the first one's is, at evaluation i.

    That is of what is added to units. NaN if it is not known, or the last one's is 0.
    """
    if not inside.iterations:
        return math.nan
    found = inside.figure("bias_gradient")[i]
    first, last = float(found[0]), float(found[-1])
    return first / last if last > 0 else math.nan


def find_steepness(inside: Inside, i: int) -> str:
    """Say that gradients vanish or explode on their way back, at evaluation i, or nothing."""
    ratio = measure_steepness(inside, i)
    first, last = inside.names[0], inside.names[-1]
    if ratio * STEEP < 1:
        return f"gradients vanish: the one that reaches {first} is {ratio:.0e} times that of {last}"
    if ratio > STEEP:
        return (
            f"gradients explode: the one that reaches {first} is {ratio:,.0f} times that of {last}"
        )
    return ""


class Watched(Optimizer):
    """An optimizer that measures, where it is asked to, what it is given and what it does."""

    def __init__(self, optimizer: Optimizer, network: Network) -> None:
        self.optimizer = optimizer
        self.groups = find_layers(network)
        self.is_asked = False
        self.steps = np.full((len(STEPS), len(self.groups)), np.nan, np.float32)

    def update(self, learning_rate: float) -> None:
        """Do an update by the optimizer."""
        if not self.is_asked:
            self.optimizer.update(learning_rate)
            return
        weights = [group[0].params["W"] for group in self.groups]
        gradients = [_size(group[0].grads["W"]) for group in self.groups]
        of_biases = [_size(_bias_gradient(group)) for group in self.groups]
        before = [W.copy() for W in weights]
        self.optimizer.update(learning_rate)
        updates = [_size(np.subtract(W, b, out=b)) for W, b in zip(weights, before, strict=True)]
        self.steps = _figures([gradients, of_biases, updates, [_size(W) for W in weights]])


def _bias_gradient(group: Sequence[Layer]) -> Array:
    """Return the gradient by the last vector that is added to all images in a layer."""
    last = [layer for layer in group if layer.params][-1]
    vectors = [name for name, array in last.params.items() if array.ndim == 1]
    return last.grads[vectors[-1]] if vectors else np.full(1, np.nan)


def _size(array: Array) -> float:
    """Return the root mean square; squares are of float64, in which none is 0 or overflows."""
    flat = array.reshape(-1)
    blocks = (flat[i : i + BLOCK] for i in range(0, flat.size, BLOCK))
    total = sum(float(np.square(block, dtype=np.float64).sum()) for block in blocks)
    return float(np.sqrt(total / flat.size))


def _figures(rows: Sequence[Sequence[float]]) -> Figures:
    """Return figures in single precision; what is no number is not known."""
    found = np.array(rows, np.float64)
    found[~(np.abs(found) <= np.finfo(np.float32).max)] = np.nan
    return found.astype(np.float32)


def look_at_outputs(network: Network, split: Split, iteration: int) -> tuple[Figures, Histograms]:
    """Return OUTPUTS (3, layers) and histograms of what layers make of images of a split."""
    widest = max(max(spec.input + spec.output) for spec in network.specs)
    images = split.sample(max(1, NUMBERS // widest)).images
    y = to_inputs(images, split.white, np.empty(images.shape, network.parameters.dtype))
    rows, counts, ends = [], [], []
    for group in find_layers(network):
        for layer in (layer for layer in group if not layer.training_only):
            y, last = layer.predict(y), type(layer)
        mean = float(y.mean(dtype=np.float64))
        deviation = float(y.std(dtype=np.float64))
        rows.append((mean, deviation, STUCK[last](y) if last in STUCK else np.nan))
        ends.append(_find_ends(y, last))
        counts.append(np.histogram(y, BINS, ends[-1])[0])
    return (
        _figures(np.reshape(rows, (-1, len(OUTPUTS))).T.tolist()),
        Histograms(iteration, np.array(counts, np.int32), np.array(ends, np.float32)),
    )


def _find_ends(y: Array, kind: type[Layer]) -> tuple[float, float]:
    known = y[np.isfinite(y)]
    low, high = ENDS.get(kind) or ((known.min(), known.max()) if known.size else (0, 0))
    return float(low), float(high)


def to_arrays(inside: Inside) -> dict[str, npt.NDArray[Any]]:
    """Return what happened in layers as arrays by their names in a file."""
    n, found = inside.layers, inside.histograms
    arrays: dict[str, npt.NDArray[Any]] = {
        "iteration": np.array(inside.iterations, np.int64),
        "counts": np.array([one.counts for one in found], np.int32).reshape(-1, n, BINS),
        "ends": np.array([one.ends for one in found], np.float32).reshape(-1, n, 2),
    }
    arrays |= {name: inside.figure(name) for name in FIGURES}
    return {PREFIX + name: array for name, array in arrays.items()}


def from_arrays(arrays: dict[str, npt.NDArray[Any]], history: Sequence[int]) -> Inside:
    """Take what happened in layers, at some iterations of a history, out of arrays.

    Raises ValueError if it is nothing that a run can have found.
    """
    names = [name for name in arrays if name.startswith(PREFIX)]
    found = {name.removeprefix(PREFIX): arrays.pop(name) for name in names}
    count = found["iteration"].size if "iteration" in found else 0
    kept, layers = min(count, 2), found["counts"].shape[1:2] if "counts" in found else ()
    kinds = {name: (array.dtype, array.shape) for name, array in found.items()}
    expected: dict[str, Any] = {
        "iteration": (np.dtype(np.int64), (count,)),
        "counts": (np.dtype(np.int32), (kept, *layers, BINS)),
        "ends": (np.dtype(np.float32), (kept, *layers, 2)),
    } | dict.fromkeys(FIGURES, (np.dtype(np.float32), (count, *layers)))
    if kinds != expected or not layers:
        raise ValueError("found no figures of layers in its arrays")
    at = found["iteration"].tolist()
    is_ordered = count <= MOST + 1 and all(a < b for a, b in itertools.pairwise(at))
    is_last = at[-1:] == list(history[-1:]) or not at
    if not (is_ordered and is_last and set(at) <= set(history) and _are_figures(found)):
        raise ValueError("found figures of layers that no run has")
    figures = np.array([found[name] for name in FIGURES]).swapaxes(0, 1)
    histograms = map(Histograms, at[:1] + at[1:][-1:], found["counts"], found["ends"])
    return Inside(layers[0], at, [*figures], [*histograms])


def _are_figures(found: dict[str, npt.NDArray[Any]]) -> bool:
    """Tell whether no figure is infinite, nor below 0 but a mean, and no range turned around."""
    sizes = [found[name] for name in FIGURES if name != "mean"]
    ends = found["ends"]
    return (
        not any(np.isinf(found[name]).any() for name in FIGURES)
        and not any((size < 0).any() for size in sizes)
        and not (found["stuck"] > 1).any()
        and bool((found["counts"] >= 0).all())
        and bool(np.isfinite(ends).all() and (ends[..., 0] <= ends[..., 1]).all())
    )
