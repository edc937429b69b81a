"""a unit of a person's file in -> the ways in which it may be meant to be called, likeliest first.

How one is called is in calling.py; here stands in which order they are tried:

    dx = layer.backward(dout)             after y = layer.forward(x): `upstream`
    dx = f.derivative(x) * dout           of the input: `input`; of y, as in y * (1 - y): `output`
    dx = loss.backward()                  after loss.forward(p, t), with labels of every kind
    dW = net.gradient(x, t)["W"]          beside net.loss(x, t)
    net.backward(x, t), net.dW            after net.forward(x), of a loss that is nowhere: `assumed`
    loss, grads = net.loss(x, t)          of a unit without a backward
    y, cache = f(x, W, b); dx, dW, db = f_backward(dout, cache)
    layer.backward(dout, cache, grads)    which fills the dictionary that it is given
    F.forward(ctx, x); F.backward(ctx, dout)
"""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bpcli.gradcheck.foreign import calling, texts, tree, usage, vocabulary
from bpcli.gradcheck.foreign import layout as layouts
from bpcli.gradcheck.foreign.arguments import is_required, parameters
from bpcli.gradcheck.foreign.convention import Convention
from bpcli.gradcheck.foreign.discover import Unit, bound
from bpcli.gradcheck.foreign.given import Shaped
from bpcli.gradcheck.foreign.labels import COLUMN, KINDS, LOSSES, find_input_and_labels
from bpcli.gradcheck.foreign.layout import Layout, given, reshaped
from bpcli.gradcheck.foreign.state import MiscalledError
from bpcli.gradcheck.foreign.values import NoValueError

STYLES = ("upstream", "input", "output")
MOST_SIZES = 4  # of weights, or in a text, that an input is tried to fit
FITTING = "they fit"  # labels of the shape of what they stand beside


def conventions(unit: Unit, given_values: Mapping[str, Any]) -> Iterator[list[Convention]]:
    """Yield groups of ways to call a unit: each group only if nothing of those before it works."""
    if unit.inputs:
        yield [Convention(unit, given(unit.inputs[0]), style) for style in _given_styles(unit)]
        return
    names = names_of(unit, unit.forward)
    x_name, t_name = find_input_and_labels(names, with_labels=_is_loss(unit, names))
    if not t_name:
        x_name = find_input_and_labels(names, with_labels=False)[0]
    shape = given_values.get(x_name)
    labelled = _labelled(unit, names) if t_name else ()
    for group in itertools.chain(labelled, _plain(unit, names)):
        found = [replace(convention, given=given_values) for convention in group]
        if isinstance(shape, Shaped):
            found = [replace(c, layout=reshaped(c.layout, shape.shape)) for c in found]
        if unit.entry:
            found = [*found, *(replace(c, direct=True) for c in found)]
        yield found


def _labelled(unit: Unit, names: list[str]) -> Iterator[list[Convention]]:
    """Yield ways to call what takes labels: losses, and networks with a loss."""
    rows, columns = layouts.ROWS, layouts.COLUMN_LAYOUTS
    declared, every = _declared(unit), (*KINDS, COLUMN)
    styles = _label_styles(unit, names)
    x_name, _ = find_input_and_labels(names, with_labels=True)
    if texts.reads_first_alone(bound(unit.thing, unit.forward), x_name):
        yield [Convention(unit, layouts.ALONE[0], labels=labels) for labels in every]
    if _asks_for_arrays(unit, names):
        yield from _labelled_with_arrays(unit, styles)
    groups: tuple[tuple[Sequence[Layout], Sequence[str]], ...] = (
        ((*declared, *rows, *layouts.SEQUENCES[:2]), KINDS),
        (tuple(_weighed(unit)), KINDS),
        (layouts.ONE_OUTPUT, every),
        ((*rows, *columns), every),
        (layouts.PICTURE_LAYOUTS, every),
        (layouts.ALONE, every),
    )
    for chosen, kinds in groups:
        group = [
            Convention(unit, layout, style, labels, likely, mean=mean)
            for layout, likely, labels in itertools.product(chosen, (False, True), kinds)
            for style, mean in styles
        ]
        group += [
            Convention(unit, layout, labels=labels, indices=True)
            for layout in chosen[:1]
            for labels in ("numbers like x", "numbers")
        ]
        if unit.kind == "class" and chosen and chosen[0].x[-1] not in (layouts.FEATURES, 1):
            fitting = [
                Convention(unit, layout, style, FITTING, mean=mean, open=True)
                for layout in chosen
                for style, mean in styles
            ]
            group = fitting + group
        yield group


def _labelled_with_arrays(unit: Unit, styles: list[tuple[str, bool]]) -> Iterator[list[Convention]]:
    """Yield ways to call a loss that is given its weights, too: of many outputs, or of one."""
    rows, columns = layouts.ROWS, layouts.COLUMN_LAYOUTS
    one = [replace(layout, one_unit=True) for layout in (rows[0], columns[0])]
    yield [
        *(
            Convention(unit, layout, style, labels, mean=mean, open=True)
            for layout in (rows[0], columns[0], *one)
            for labels in (FITTING, "numbers", "one-hot", "zeros and ones by image", COLUMN)
            for style, mean in styles
        ),
        *(
            Convention(unit, rows[-1], style, labels, mean=mean)
            for labels in ("zeros and ones by image", "numbers that are real")
            for style, mean in styles
        ),
    ]
    yield [
        Convention(unit, layout, style, "numbers", indices=True, open=True)
        for layout in _of_indices(unit)
        for style, _ in styles[:1]
    ]


def _plain(unit: Unit, names: list[str]) -> Iterator[list[Convention]]:
    """Yield ways to call what takes no labels: layers, cells and activations."""
    rows, columns = layouts.ROWS, layouts.COLUMN_LAYOUTS
    few = [replace(layout, few=True) for layout in (rows[0], columns[0])]
    square = [replace(layout, square=True) for layout in (rows[0], layouts.SEQUENCES[0])]
    open_ = (rows[0], columns[0], *few, rows[1], *square, *layouts.SEQUENCES, *layouts.GATED)
    open_ += (replace(layouts.SEQUENCES[0], hidden=layouts.FEATURES), *layouts.STACKED)
    styles = styles_of(unit, names)
    pictures = (*_declared(unit), *layouts.PICTURE_LAYOUTS)
    groups: tuple[tuple[Sequence[Layout], bool], ...] = (
        ((*_declared(unit), *open_), True),
        ((*rows, *columns, *layouts.SEQUENCES, *layouts.HEADS, *layouts.GATED), False),
        (pictures, True),
        (pictures, False),
        (tuple(_weighed(unit)), False),
        (layouts.ALONE, True),
        (layouts.ALONE, False),
        (layouts.ONLY_NUMBERS, False),
    )
    if texts.passes_over_zeros(bound(unit.thing, unit.backward or unit.forward)):
        yield [
            Convention(unit, layout, open=open_, alone=True)
            for layout in layouts.VECTORS
            for open_ in (True, False)
        ]
    for chosen, is_open in groups:
        yield [
            *(
                Convention(unit, layout, style, open=is_open)
                for layout, style in itertools.product(chosen, styles)
            ),
            *(Convention(unit, layout, indices=True, open=is_open) for layout in chosen[:1]),
            *(Convention(unit, layout, likely=True) for layout in rows[:1] if not is_open),
        ]


def assumed(unit: Unit, given_values: Mapping[str, Any]) -> list[Convention]:
    """Return the ways in which a network's backward may take a loss for granted.

    It is that to labels which backward takes, or to the input, as of an autoencoder; nothing for a
    backward that takes a gradient from the right. Of two functions only labels say so.
    """
    functions = unit.kind == "functions"
    if not (functions or unit.kind == "class") or unit.backward is None or unit.forward == "loss":
        return []
    forward = names_of(unit, unit.forward)
    names = [n for n in names_of(unit, unit.backward) if not vocabulary.is_rate(n)]
    if not forward or any(map(vocabulary.is_labels, forward[1:])):
        return []
    taken = [name for name in names if vocabulary.is_labels(name) and name not in forward]
    if not taken and any(name not in forward for name in names):
        return []
    if functions and any(map(vocabulary.is_upstream, names)):
        return []
    if not taken and (functions or styles_of(unit, forward)[0] != "upstream"):
        return []
    target = "t" if taken else "x"
    flat = [*layouts.ROWS, *layouts.COLUMN_LAYOUTS, *layouts.SEQUENCES[:2], *layouts.ALONE[:4]]
    flat += _weighed(unit)
    flat += [replace(layout, one_unit=True) for layout in (flat[0], layouts.COLUMN_LAYOUTS[0])]
    return [
        Convention(unit, layout, loss=loss, target=target, given=given_values, open=functions)
        for layout, loss in itertools.product(flat, LOSSES)
    ]


def loss_of(unit: Unit) -> Unit:
    """Return a network by its loss, if backward takes labels and only the loss does before it."""
    if unit.kind != "class" or unit.backward is None:
        return unit
    forward, backward = names_of(unit, unit.forward), names_of(unit, unit.backward)
    for name in vocabulary.LOSS_METHODS:
        method = getattr(unit.thing, name, None)
        if not callable(method) or not any(map(vocabulary.is_labels, backward)):
            continue
        names = names_of(unit, name)
        takes = any(map(vocabulary.is_labels, names)) and any(n in forward for n in names)
        if takes and not any(map(vocabulary.is_labels, forward)):
            return replace(unit, forward=name)
    return unit


def names_of(unit: Unit, function: Callable[..., Any] | str) -> list[str]:
    """Return what the arguments of a unit's function are called, without the object itself."""
    try:
        names = [parameter.name for parameter in parameters(bound(unit.thing, function))]
    except NoValueError:
        return []
    return [n for n in names if n not in ("self", "cls")]


def styles_of(unit: Unit, forward: list[str]) -> tuple[str, ...]:
    """Return what backward may take first, the likeliest first: forward's own x is not dout."""
    if unit.backward is None:
        return STYLES[:1]
    names = names_of(unit, unit.backward)
    if not names or vocabulary.CONTEXT.fullmatch(names[0].lower()):
        return STYLES[:1]
    own = names[0] in forward or vocabulary.plain(names[0]) in vocabulary.INPUT
    if vocabulary.is_upstream(names[0]) and not own:
        return STYLES[:1]
    if names == [names[0]] and vocabulary.is_output(names[0]) and not own:
        return STYLES[::-1]  # Tanh.backward(self, y)
    return (*STYLES[1:], STYLES[0]) if own else STYLES


def _given_styles(unit: Unit) -> tuple[str, ...]:
    return styles_of(unit, names_of(unit, unit.forward))


def _label_styles(unit: Unit, forward: list[str]) -> list[tuple[str, bool]]:
    """Return what a loss's backward may take first, and whether losses of images are averaged."""
    if unit.backward is None:
        return [("upstream", False)]
    names = names_of(unit, unit.backward)
    own = any(vocabulary.is_labels(name) for name in names)
    if own and names and names[0] not in forward and not vocabulary.is_labels(names[0]):
        first = [("input", False), ("input", True), ("output", False)]  # dvalues, y_true
        return [*first, ("upstream", False)]
    return [("upstream", False), ("upstream", True)]


def _asks_for_arrays(unit: Unit, names: list[str]) -> bool:
    """Tell whether forward takes arrays beside x and t, or dictionaries of them."""
    x_name, t_name = find_input_and_labels(names, with_labels=True)
    required = parameters(bound(unit.thing, unit.forward))
    others = [p.name for p in required if is_required(p) and p.name not in (x_name, t_name, "self")]
    return bool(others) or bool(unit.globals)


def _weighed(unit: Unit) -> Iterator[Layout]:
    """Yield layouts whose input fits the weights that a class makes whatever it is given.

    And those of as many features as stand in its text: np.eye(10)[y].
    """
    methods = (unit.forward, unit.backward or unit.forward)
    written = [n for method in methods for n in texts.sizes_written(bound(unit.thing, method))]
    sizes: dict[int, None] = {}
    if unit.kind == "class":
        with contextlib.suppress(MiscalledError):
            state = calling.build(Convention(unit, layouts.ROWS[0]), 0)
            for _, array in sorted(tree.arrays(state.unit).items(), key=lambda i: len(i[0])):
                if array.ndim in (1, 2):
                    sizes |= dict.fromkeys(array.shape)
    row, column = layouts.ROWS[0], layouts.COLUMN_LAYOUTS[0]
    likely = [size for size in sizes if size > 1][:MOST_SIZES]
    for size in dict.fromkeys([*likely, *written[:MOST_SIZES]]):
        yield replace(row, x=(layouts.IMAGES, size))
        yield replace(column, x=(size, layouts.IMAGES))
        yield replace(layouts.SEQUENCES[0], x=(layouts.IMAGES, layouts.STEPS, size))
        yield replace(layouts.ALONE[2], x=(size,))


def _is_loss(unit: Unit, names: list[str]) -> bool:
    """Tell whether forward may take labels: they are called so, or the unit is a loss by name."""
    kinds = getattr(unit.thing, "__mro__", (type(unit.thing),))
    name = " ".join([unit.name, *(kind.__name__ for kind in kinds)])
    uses = usage.uses_of_arguments(bound(unit.thing, unit.forward))
    numbers = len(names) > 1 and usage.INDEX in uses.get(names[1], ())  # p[np.arange(n), t]
    return numbers or any(map(vocabulary.is_labels, names)) or bool(vocabulary.LOSS.search(name))


def _of_indices(unit: Unit) -> Iterator[Layout]:
    """Yield layouts of whole numbers beside a hidden state that fits the weights there are."""
    arrays: list[Any] = list(unit.globals.values())
    if unit.kind == "class":
        with contextlib.suppress(MiscalledError):
            built = calling.build(Convention(unit, layouts.ROWS[0]), 0)
            arrays = list(tree.arrays(built.unit).values())
    square = {len(a): None for a in arrays if a.ndim == 2 and a.shape[0] == a.shape[1]}
    yield from (replace(layouts.INDICES, feature=(size, 1)) for size in square)
    yield layouts.INDICES


def _declared(unit: Unit) -> list[Layout]:
    """Return the layout of pictures that a constructor has for a default, if it has."""
    if unit.kind != "class" or unit.static:
        return []
    try:
        named = parameters(unit.thing.__init__)
    except NoValueError:
        return []
    sizes = [p.default for p in named if vocabulary.plain(p.name) in vocabulary.INPUT_SHAPE]
    return [layouts.declared(s) for s in sizes if isinstance(s, tuple) and len(s) == 3]
