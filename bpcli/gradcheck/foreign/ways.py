"""a unit of a person's file in -> the ways in which it may be meant to be called, out.

Where an interface does not say it, every way is tried, and the one whose gradients agree believed.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bpcli.arrays import Shape
from bpcli.gradcheck.foreign import roles, tree
from bpcli.gradcheck.foreign.calling import SHAPES, parameters
from bpcli.gradcheck.foreign.given import Shaped
from bpcli.gradcheck.foreign.labels import COLUMN, KINDS, LOSSES, find_input_and_labels
from bpcli.gradcheck.foreign.reading import MisreadError, Reading
from bpcli.gradcheck.foreign.scene import (
    ALONE,
    FILTERS,
    IMAGES,
    ONE_OUTPUT,
    SCENES,
    STEPS,
    WINDOW,
    Scene,
)
from bpcli.gradcheck.foreign.units import Unit, bound

STYLES = ("upstream", "input", "output")


def readings(unit: Unit, given: Mapping[str, Any]) -> Iterator[list[Reading]]:
    """Yield groups of ways to call a unit: each group only if nothing of those before it works."""
    if unit.inputs:
        yield [Reading(unit, _given_scene(unit.inputs[0]), style) for style in STYLES[:1]]
        return
    names = _names(unit, unit.forward)
    takes_labels = bool(find_input_and_labels(names, with_labels=True)[1])
    x_name = find_input_and_labels(names, with_labels=takes_labels)[0]
    styles = _styles(unit, names)
    for scenes, kinds in _groups(unit, takes_labels=takes_labels):
        if isinstance(given.get(x_name), Shaped):
            scenes = tuple(_reshaped(scene, given[x_name].shape) for scene in scenes)
        group: list[Reading] = []
        for scene, likely, labels in itertools.product(scenes, (False, True), kinds):
            for style, mean in _label_styles(unit, names):
                group.append(Reading(unit, scene, style, labels, likely, mean=mean, given=given))
        if not kinds:
            for scene, style in itertools.product(scenes, styles):
                group.append(Reading(unit, scene, style, given=given))
        for scene in scenes[:1]:
            group += [
                Reading(unit, scene, labels=labels, indices=True, given=given)
                for labels in (("numbers like x", "numbers") if kinds else ("",))
            ]
        yield group


def assumed(unit: Unit, given: Mapping[str, Any]) -> list[Reading]:
    """Return the ways in which a network's backward may take a loss for granted.

    It is that to labels which backward takes, or to the input, as of an autoencoder; nothing for a
    backward that takes a gradient from the right.
    """
    if unit.kind != "class" or unit.backward is None or unit.forward == "loss":
        return []
    forward = _names(unit, unit.forward)
    names = _names(unit, unit.backward)
    names = [name for name in names if not roles.RATE.fullmatch(roles.plain(name))]
    if find_input_and_labels(forward, with_labels=True)[1]:
        return []
    taken = [name for name in names if roles.is_labels(name) and name not in forward]
    if not taken and any(name not in forward for name in names):
        return []
    target = "t" if taken else "x"
    scenes = [scene for scene in SCENES if not scene.pictures and scene.gates == 1]
    return [
        Reading(unit, scene, loss=loss, target=target, given=given)
        for scene, loss in itertools.product(scenes, LOSSES)
    ]


def loss_of(unit: Unit) -> Unit:
    """Return a network by its loss, if backward takes labels and only the loss does before it."""
    if unit.kind != "class" or unit.backward is None:
        return unit
    forward, backward = _names(unit, unit.forward), _names(unit, unit.backward)
    for name in ("loss", "compute_loss", "cost", "calculate_loss", "get_loss"):
        method = getattr(unit.thing, name, None)
        if method is None or not any(map(roles.is_labels, backward)):
            continue
        names = _names(unit, name)
        takes = any(map(roles.is_labels, names)) and any(n in forward for n in names)
        if takes and not any(map(roles.is_labels, forward)):
            return replace(unit, forward=name)
    return unit


def _label_styles(unit: Unit, forward: list[str]) -> list[tuple[str, bool]]:
    """Return what a loss's backward may take first, and whether losses of images are averaged."""
    if unit.backward is None:
        return [("upstream", False)]
    names = _names(unit, unit.backward)
    own = any(roles.is_labels(name) for name in names)
    if own and names and names[0] not in forward and not roles.is_labels(names[0]):
        first = [("input", False), ("input", True), ("output", False)]  # dvalues, y_true
        return [*first, ("upstream", False)]
    return [("upstream", False), ("upstream", True)]


def _groups(
    unit: Unit, *, takes_labels: bool
) -> Iterator[tuple[tuple[Scene, ...], tuple[str, ...]]]:
    """Yield layouts and kinds of labels, what is likelier first."""
    pictures = tuple(scene for scene in SCENES if scene.pictures)
    columns = tuple(scene for scene in SCENES if scene.name == "(D, N)")
    rows = tuple(scene for scene in SCENES if scene not in (*pictures, *columns))
    declared, every = tuple(_declared(unit)), (*KINDS, COLUMN)
    if takes_labels:
        yield (*declared, *rows), KINDS
        yield ONE_OUTPUT, every
        yield (*rows, *columns), every
        yield pictures, every
    yield (*declared, *rows, *columns), ()
    yield pictures, ()
    yield ALONE, every if takes_labels else ()
    yield tuple(_weighed(unit)), ()


def _given_scene(x: Any) -> Scene:
    """Return the layout of an input that is given."""
    shape = np.shape(x)
    images = shape[0] if len(shape) > 1 else 1
    return Scene("as given", shape, (), (), (), images)


def _reshaped(scene: Scene, shape: Shape) -> Scene:
    """Return a layout for an input of another shape."""
    axis = 1 if scene.name == "(D, N)" and len(shape) > 1 else 0
    return replace(scene, x=shape, images=shape[axis] if shape else 1)


def _weighed(unit: Unit) -> Iterator[Scene]:
    """Yield layouts whose input fits the first weights that a class makes whatever it is given."""
    if unit.kind != "class":
        return
    try:
        world = Reading(unit, SCENES[0]).build(0)
    except MisreadError:
        return
    for _, array in sorted(tree.arrays(world.unit).items(), key=lambda item: len(item[0])):
        if array.ndim == 2:  # rows and columns
            rows, columns = array.shape
            yield replace(SCENES[0], x=(IMAGES, rows))
            yield replace(SCENES[0], x=(IMAGES, columns))
            yield replace(SCENES[5], x=(columns, IMAGES))
            return


def _declared(unit: Unit) -> list[Scene]:
    """Return the layout of pictures that a constructor has for a default, if it has."""
    if unit.kind != "class":
        return []
    for parameter in parameters(unit.thing.__init__):
        size = parameter.default
        if roles.plain(parameter.name) in SHAPES and isinstance(size, tuple) and len(size) == 3:
            c = size[0]
            return [
                Scene(
                    "(N, C, H, W)",
                    (STEPS, *size),
                    (FILTERS, c, WINDOW, WINDOW),
                    (FILTERS,),
                    (c,),
                    STEPS,
                )
            ]
    return []


def _names(unit: Unit, function: Callable[..., Any] | str) -> list[str]:
    """Return what the arguments of a unit's function are called, without the object itself."""
    names = [parameter.name for parameter in parameters(bound(unit.thing, function))]
    return [name for name in names if name not in ("self", "cls")]


def _styles(unit: Unit, forward: list[str]) -> tuple[str, ...]:
    """Return what backward may take first, the likeliest first: forward's own x is not dout."""
    if unit.backward is None:
        return STYLES[:1]
    names = _names(unit, unit.backward)
    if not names:
        return STYLES[:1]
    own = names[0] in forward or roles.plain(names[0]) in roles.INPUT
    if roles.is_upstream(names[0]):
        return STYLES[:1]
    return (*STYLES[1:], STYLES[0]) if own else STYLES
