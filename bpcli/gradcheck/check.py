"""a layer, loss, network or functions, and inputs for it, in -> a GradientCheck out: is it right?

Section 5.7.3. Nothing is guessed: the inputs are what the gradients are checked at. Of a network
each layer is checked alone first, on random numbers, so that a mistake is found where it was made;
then the whole, every parameter by itself. The numerical gradients go through the `forward` that is
checked, in float64, or in complex128 for the complex step.
"""

import copy
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from bpcli.arrays import Array, Labels, check_classes, check_inputs, check_labels
from bpcli.backprop.network import Network
from bpcli.errors import ArgumentError, choose
from bpcli.gradcheck.alone import check_layers
from bpcli.gradcheck.anybody import compare_anything
from bpcli.gradcheck.comparison import Comparison
from bpcli.gradcheck.elements import Comparer, Watch
from bpcli.gradcheck.numerical import METHODS
from bpcli.gradcheck.rewind import make_rewind
from bpcli.gradcheck.whole import check_network, excuse_network

COARSEST = 0.1  # relative error that may pass; with more, wrong gradients would
IN_FULL = 50_000  # parameters of a network whose every gradient is compared
SOME = 1_000  # elements of each array of a larger one, and of anybody's

VIEWS: "dict[str, Callable[[GradientCheck], str]]" = {"text": repr}  # which `show` fills

quietly = np.errstate(all="ignore")  # a gradient that is not a number is reported, not warned of


@dataclass(frozen=True, repr=False)
class GradientCheck:
    """The comparison of every gradient of a `subject`, true if all are right.

    Of a network `parameters` has those in the whole, on so many `samples`, and `layers` each layer
    alone; of anything else `parameters` has all. `notes` say what was taken for granted. As text it
    is what the command prints, in a notebook a table: as far as `show` has said so in VIEWS.
    """

    subject: str
    parameters: tuple[Comparison, ...]
    layers: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()
    samples: int = 0
    method: str = "central"
    tolerance: float = 1e-6
    seconds: float = 0.0
    stopped: bool = False  # by Ctrl-C, before all was compared

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        return VIEWS["text"](self)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str | None:
        return VIEWS["html"](self) if "html" in VIEWS else None

    def __repr__(self) -> str:
        if self.failures:
            own = [
                (row.layer if self.layers else "", row.name, row.problem) for row in self.failures
            ]
            words = "; ".join(": ".join(filter(None, parts)) for parts in own)
            verdicts = {row.verdict for row in self.failures}
            verdict = "FAILED" if "FAILED" in verdicts else "not checked"
            return f"<check of {self.subject}: {verdict}: {words}>"
        end = "stopped before all was compared" if self.stopped else "all agree"
        return f"<check of {self.subject}: {end}>"

    @property
    def passed(self) -> bool:
        """Whether all comparisons passed, and none is missing."""
        return bool(self.parameters) and not self.failures and not self.stopped

    @property
    def failures(self) -> list[Comparison]:
        """What is wrong with layers alone, or, if nothing is, with the whole."""
        return [row for row in self.layers if not row.passed] or [
            row for row in self.parameters if not row.passed
        ]

    @property
    def checked(self) -> int:
        """Number of elements whose gradients in the whole were compared."""
        return sum(row.checked for row in self.parameters)

    @property
    def kinks(self) -> int:
        """How many of these lie at kinks."""
        return sum(row.kinks for row in self.parameters)


@quietly
def check(
    subject: Any,
    *inputs: Any,
    gradient: Callable[..., Any] | None = None,
    params: Mapping[str, str | int] | None = None,
    method: str = "central",
    tolerance: float = 1e-6,
    elements: int | str | None = None,
    watch: Watch = lambda _elements: None,
) -> GradientCheck:
    """Compare each gradient of a layer, loss, network or function with a numerical one.

    `check(layer, x)`, `check(loss, x, t)`, `check(network, x, t)`: ours or anybody's, with a
    forward and a backward. `check(affine_forward, affine_backward, x, W, b)`: the one returns an
    output, or it and a cache, the other takes dout and what it needs of these. `check(f, x,
    gradient=df)`: a function and its derivative. `check(loss, W, x, t)`: loss and gradients in one.

    Real inputs settle shapes, layout and labels. It is differentiated by the arrays and numbers
    among them; those of a loss, or whole ones, that have no gradient are taken as given. `params`
    says which arrays have a gradient, and where no usual name tells, where that is: {"W": "dW"},
    {"layers[0].w": "layers[0].g"}, or the number of a value that backward returns.

    `method` is `central`, (f(p + h) - f(p - h)) / 2h, or `complex`, Im f(p + ih) / h (Squire &
    Trapp 1998). Relative errors up to `tolerance` pass. Of each array so many `elements` are
    compared one by one: a number, or `all`; by itself 1,000, or all of a network of up to 50,000.

    What is checked is a copy in float64, and random numbers are drawn again alike. What cannot be
    known says `not checked`, or raises ArgumentError, or ArrayError for what a network cannot take.

    >>> from bpcli.backprop import ReLU
    >>> check(ReLU(), np.array([[1.0, -2.0]]))
    <check of ReLU: all agree>
    """
    _check_options(method, tolerance, elements)
    start, put_back = time.perf_counter(), make_rewind(None)
    comparer = partial(Comparer, method=method, tolerance=tolerance, watch=watch)
    try:
        if not isinstance(subject, Network):
            compare = partial(comparer, elements=_or_all(SOME if elements is None else elements))
            with warnings.catch_warnings(action="ignore"):  # of somebody's code; theirs to see
                given = compare_anything(subject, inputs, gradient, params, compare)
            found = GradientCheck(given.name, given.rows, notes=given.notes)
        elif len(inputs) == 2 and not gradient and params is None:
            found = _check_network(subject, *inputs, comparer, elements)
        else:
            raise ArgumentError("Network: found other inputs, expected check(network, x, t)")
    finally:
        put_back()
    seconds = time.perf_counter() - start
    return replace(found, method=method, tolerance=tolerance, seconds=seconds)


def _check_options(method: str, tolerance: float, elements: int | str | None) -> None:
    """Raise ArgumentError for options that no check takes."""
    choose("method", method, METHODS)
    if not 0 < tolerance <= COARSEST:
        raise ArgumentError(
            f"tolerance: found {tolerance}, expected a relative error above 0 and up to {COARSEST}"
        )
    if not (elements in (None, "all") or (isinstance(elements, int) and elements > 1)):
        raise ArgumentError(f"elements: found {elements!r}, expected a number above 1, or 'all'")


def _check_network(
    network: Network,
    x: Array,
    t: Labels,
    comparer: Callable[..., Comparer],
    elements: int | str | None,
) -> GradientCheck:
    """Check the layers of a network alone, then the whole; Ctrl-C ends it with what there is."""
    check_inputs(x)
    check_labels(t, len(x))
    classes = _count_classes(network, x)
    if classes:
        check_classes(t, classes)
    network, x = network.astype(np.float64), x.astype(np.float64)
    compare = partial(comparer, elements=_most(network, elements))
    alone = partial(compare, watch=lambda _elements: None)
    rng = np.random.default_rng(0)
    layers, stopped = _collect(check_layers(network, x, t, rng, alone))
    whole = check_network(network, x, t, compare)
    parameters, stopped = ((), True) if stopped else _collect(whole)
    if not stopped:
        parameters = excuse_network(parameters, network, x, t, alone)
    return GradientCheck("Network", parameters, layers, samples=len(x), stopped=stopped)


def _count_classes(network: Network, x: Array) -> int:
    """Return how many classes a network tells apart, 0 if a wrong layer keeps it from telling."""
    try:
        return int(network.astype(x.dtype).predict(x).shape[1])
    except Exception:  # noqa: BLE001 - whatever a wrong layer raises is to be reported
        return 0


def count_elements(network: Network, elements: int | str | None) -> int:
    """Return how many gradients `check` compares one by one, for those who watch."""
    most = _most(network, elements)
    sizes = [array.size for array in network.arrays.values()]
    return sum(sizes) if most is None else sum(min(size, most) for size in sizes)


def _most(network: Network, elements: int | str | None) -> int | None:
    """Return how many elements of an array are compared one by one at most, None for all."""
    if elements is None and network.parameters.size > IN_FULL:
        return SOME
    return _or_all(elements)


def _or_all(elements: int | str | None) -> int | None:
    return elements if isinstance(elements, int) else None


def _collect(rows: Iterable[Comparison]) -> tuple[tuple[Comparison, ...], bool]:
    """Return the rows that there are, and whether Ctrl-C came before the last of them."""
    found: list[Comparison] = []
    try:
        found.extend(rows)
    except KeyboardInterrupt:
        return tuple(found), True
    return tuple(found), False


@quietly
def clearest(
    network: Network, mini_batches: Iterable[tuple[Array, Labels]]
) -> tuple[Array, Labels]:
    """Return the mini-batch (x, t) on which inputs of layers stay farthest from their kinks."""
    return max(mini_batches, key=lambda mini_batch: _clearance(network, mini_batch[0]))


def _clearance(network: Network, x: Array) -> float:
    nearest = np.inf
    for layer in copy.deepcopy(network.layers):  # the check needs layers that were never used
        if layer.has_kink:
            nearest = min(nearest, float(np.abs(x).min()))
        x = layer.forward(x)
    return nearest
