"""a convention in which a unit is right -> others of the same in which a mistake would show, out.

A mistake hides where stride is 1, pictures are square, an option is off or a variance is large.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bpcli.gradcheck.foreign import tree, usage, vocabulary
from bpcli.gradcheck.foreign.arguments import is_required, parameters
from bpcli.gradcheck.foreign.convention import Convention
from bpcli.gradcheck.foreign.discover import bound
from bpcli.gradcheck.foreign.experiment import Experiment
from bpcli.gradcheck.foreign.layout import SERIES, Layout
from bpcli.gradcheck.foreign.values import NoValueError

TINY = 0.01  # of x, beside a constant against division by zero
OTHER, ON = 0.7, 0.1  # times the default of an option; where that is 0
MATRIX = 2  # axes
ANOTHER = "mean"  # beside the one word that an option may be
EPSILON = vocabulary.SMALL[1e-5]
SMALL_WINDOW = (2, 3)  # neither square nor of odd height


@dataclass(frozen=True)
class Variant:
    """Another convention of the same unit; `words` say what is different in it.

    Where `natural`, forward is asked for nothing unusual, and a backward that raises is wrong.
    """

    words: str
    convention: Convention
    natural: bool = True
    seen: bool = False  # whether it counts only if forward returns something else
    same: bool = False  # or only if it returns the same


def variants(convention: Convention, experiment: Experiment) -> Iterator[Variant]:
    """Yield other conventions that the unit is for as well."""
    options = _options(convention, experiment)
    if convention.layout.pictures or convention.layout.name == SERIES:
        yield from _windowed(convention, options, filters=_has_filters(experiment))
    if convention.layout.pictures:
        yield from _shaped(convention, options)
        if any(vocabulary.plain(n) in vocabulary.COUNTS for n in options):
            layout = _doubled(convention.layout)
            yield Variant("two channels in a group", replace(convention, layout=layout), False)
    for name, default in options.items():
        called = _uses(convention, name) & {usage.CALLED, usage.OBJECT}
        if vocabulary.plain(name) in vocabulary.DECAY and not default and not called:
            yield Variant(f"{name} = 0.1", _with(convention, {name: 0.1}))
    yield from _labelled(convention, experiment)
    for name, other in _others(convention, options):
        yield Variant(_spell({name: other}), _with(convention, {name: other}), False, seen=True)
    if any(vocabulary.plain(n) in EPSILON for n in options) or _has_epsilon(experiment):
        yield Variant("inputs of a small variance", replace(convention, scale=TINY))


def _labelled(convention: Convention, experiment: Experiment) -> Iterator[Variant]:
    """Yield the same labels as numbers, or as one-hot rows, of a loss that takes both."""
    for name in experiment.base.constants & experiment.base.inputs.keys():
        t, x = experiment.base.inputs[name], next(iter(experiment.base.inputs.values()))
        if not isinstance(t, np.ndarray) or np.ndim(x) != MATRIX or convention.layout.columns:
            continue
        hot = t.shape == x.shape and (t.sum(axis=-1) == 1).all() and np.isin(t, (0, 1)).all()
        numbers = t.ndim == 1 and len(t) == len(x) and t.dtype.kind == "i"
        if hot or numbers:
            other = t.argmax(axis=-1) if hot else np.eye(x.shape[1])[t]
            words = f"labels as {'numbers' if hot else 'one-hot rows'}"
            given = {**convention.given, name: other}
            yield Variant(words, replace(convention, given=given), False, same=True)


def _others(convention: Convention, options: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield options of which nothing is known, each with a value that is not its default."""
    for name, default in options.items():
        word = vocabulary.plain(name)
        known = word in (*vocabulary.DECAY, *EPSILON, *vocabulary.ALWAYS_GIVEN)
        mode = isinstance(default, str) and default not in vocabulary.MODES
        if (known and not mode) or vocabulary.is_rate(name) or vocabulary.FOR_USE.search(name):
            continue
        if isinstance(default, bool):
            yield name, not default
        elif isinstance(default, float):
            yield name, OTHER * default or ON
        elif isinstance(default, str):
            told = _texts(convention, name)
            texts = {ANOTHER} if told == {default} else told - {default}
            yield from ((name, t) for t in sorted(texts) if not vocabulary.FOR_ELSE.search(t))


def _called(
    convention: Convention, options: dict[str, Any], words: tuple[str, ...], use: str
) -> list[str]:
    """Return the options that are called by one of some words, or are whole numbers so used."""
    return [
        name
        for name, default in options.items()
        if vocabulary.plain(name) in words
        or (type(default) is int and default < 2 and use in _uses(convention, name))  # 0 or 1
    ]


def _texts(convention: Convention, name: str) -> set[str]:
    """Return what an option is compared with."""
    uses = _uses(convention, name)
    return {use.removeprefix(usage.TEXT) for use in uses if use.startswith(usage.TEXT)}


def _uses(convention: Convention, name: str) -> set[str]:
    """Return what an option is used as, in a constructor or in forward."""
    unit = convention.unit
    uses = set(usage.uses_of_arguments(bound(unit.thing, unit.forward)).get(name, ()))
    if unit.kind == "class" and not unit.static:
        uses |= usage.uses_of_constructor(unit.thing).get(name, set())
    return uses


def _has_filters(experiment: Experiment) -> bool:
    """Tell whether an array beside x has more axes than a matrix, as that of a convolution."""
    paths = list(experiment.leaves)[1:]
    return any(tree.get(experiment.base, path).ndim > MATRIX for path in paths)


def _windowed(
    convention: Convention, options: dict[str, Any], *, filters: bool
) -> Iterator[Variant]:
    """Yield strides of 1 and 2, pads of 0 and 1, for windows that end where pictures do."""
    strides = _called(convention, options, vocabulary.STRIDE, usage.STRIDE)
    pads = _called(convention, options, vocabulary.PAD, usage.PAD)
    windows = strides or filters or any(vocabulary.plain(n) in vocabulary.WINDOW for n in options)
    amounts = (0, 1) if windows else (1, 2)  # a layer that only pads is for more than nothing
    for stride, pad in itertools.product((2, 1) if strides else (1,), amounts if pads else (0,)):
        values = dict.fromkeys(strides, stride) | dict.fromkeys(pads, pad)
        if values:
            other = _with(convention, values)
            size = _window(convention, options)
            if size:
                layout = _filled(convention.layout, size, stride, pad)
                other = replace(other, layout=layout)
            yield Variant(_spell(values), other, natural=bool(size))


def _window(convention: Convention, options: dict[str, Any]) -> int:
    """Return the size of a layer's windows, or 0 if it is not known."""
    named = [v for n, v in options.items() if vocabulary.plain(n) in vocabulary.WINDOW]
    if not named:
        return convention.layout.window[0] if convention.open else 0
    sizes = {convention.layout.window[0] if value is None else value for value in named}
    size = sizes.pop()
    return size if isinstance(size, int) and not sizes else 0


def _filled(layout: Layout, window: int, stride: int, pad: int) -> Layout:
    """Return a layout whose pictures hold 3 windows down and 4 across, and nothing besides.

    Pictures as high as wide, of a unit that takes no others, hold 3 each way.
    """
    counts = (2, 2) if layout.symmetric else (2, 3)
    down, across = (window + n * stride - 2 * pad for n in counts)
    if layout.name == SERIES:
        return replace(layout, x=(*layout.x[:2], across))
    n, *middle = layout.x
    first = layout.name == "(N, C, H, W)"
    x = (n, middle[0], down, across) if first else (n, down, across, middle[2])
    return replace(layout, x=x)


def _shaped(convention: Convention, options: dict[str, Any]) -> Iterator[Variant]:
    """Yield pictures that are higher than wide, and windows that are wider than high."""
    layout = convention.layout
    yield Variant("pictures higher than wide", replace(convention, layout=_turned(layout)))
    windows = {
        n: SMALL_WINDOW[vocabulary.plain(n) in vocabulary.WINDOW_WIDTH]
        for n in options
        if vocabulary.plain(n) in vocabulary.WINDOW
    }
    if any(vocabulary.plain(n) in vocabulary.WINDOW_WIDTH for n in windows) and len(windows) > 1:
        yield Variant("windows of 2 x 3", _with(convention, windows), natural=False)
    elif convention.open and not windows and layout.name == "(N, C, H, W)":
        c, f = layout.W[1], layout.W[0]
        other = replace(layout, window=SMALL_WINDOW, W=(f, c, *SMALL_WINDOW))
        yield Variant("windows of 2 x 3", replace(convention, layout=other), natural=False)


def _doubled(layout: Layout) -> Layout:
    """Return a layout of pictures with twice as many channels."""
    first, channels = layout.name == "(N, C, H, W)", 2 * layout.channels
    x = (layout.x[0], channels, *layout.x[2:]) if first else (*layout.x[:-1], channels)
    doubled = {layout.channels: channels}
    W = tuple(n if i == 0 else doubled.get(n, n) for i, n in enumerate(layout.W))
    feature = tuple(doubled.get(n, n) for n in layout.feature)
    return replace(layout, x=x, W=W, feature=feature)


def _options(convention: Convention, experiment: Experiment) -> dict[str, Any]:
    """Return the options of a unit and their values: arguments, and keys of dictionaries."""
    unit, found = convention.unit, dict[str, Any]()
    functions: list[Any] = [bound(experiment.base.unit, unit.forward)]
    functions += [unit.thing.__init__] * (unit.kind == "class" and not unit.static)
    for function in functions:
        try:
            named = parameters(function)
        except NoValueError:
            continue
        found |= {p.name: None if is_required(p) else p.default for p in named if p.name != "self"}
    for part in experiment.base.inputs.values():
        if isinstance(part, dict):
            found |= {k: v for k, v in part.items() if isinstance(v, int | float)}
    return {n: convention.options.get(n, v) for n, v in found.items() if n not in convention.given}


def _has_epsilon(experiment: Experiment) -> bool:
    attributes = getattr(experiment.base.unit, "__dict__", {})
    return any(vocabulary.plain(name) in EPSILON for name in attributes)


def _with(convention: Convention, values: dict[str, Any]) -> Convention:
    return replace(convention, options={**convention.options, **values})


def _turned(layout: Layout) -> Layout:
    n, *middle = layout.x
    first = layout.name == "(N, C, H, W)"
    c, h, w = middle if first else (middle[2], middle[0], middle[1])
    return replace(layout, x=(n, c, w, h) if first else (n, w, h, c))


def _spell(values: dict[str, Any]) -> str:
    return " and ".join(f"{name} = {value}" for name, value in values.items())
