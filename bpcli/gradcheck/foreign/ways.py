"""a unit of a person's file in -> the ways in which it may be meant to be called, out.

Where an interface does not say it, every way is tried, and the one whose gradients agree believed.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bpcli.arrays import Shape
from bpcli.gradcheck.foreign import roles
from bpcli.gradcheck.foreign.calling import SHAPES, parameters
from bpcli.gradcheck.foreign.given import Shaped
from bpcli.gradcheck.foreign.labels import COLUMN, KINDS, find_input_and_labels
from bpcli.gradcheck.foreign.reading import Reading
from bpcli.gradcheck.foreign.scene import (
    ALONE,
    FILTERS,
    ONE_OUTPUT,
    SCENES,
    STEPS,
    WINDOW,
    Scene,
)  # fmt: skip
from bpcli.gradcheck.foreign.units import Unit

STYLES = ("upstream", "input", "output")


def readings(unit: Unit, given: Mapping[str, Any]) -> Iterator[list[Reading]]:
    """Yield groups of ways to call a unit: each group only if nothing of those before it works."""
    if unit.inputs:
        yield [Reading(unit, _given_scene(unit.inputs[0]), style) for style in STYLES[:1]]
        return
    names = [p.name for p in parameters(_raw(unit, unit.forward))]
    names = [name for name in names if name not in ("self", "cls")]
    takes_labels = bool(find_input_and_labels(names, with_labels=True)[1])
    x_name = find_input_and_labels(names, with_labels=takes_labels)[0]
    for scenes, kinds in _groups(unit, takes_labels=takes_labels):
        if isinstance(given.get(x_name), Shaped):
            scenes = tuple(_reshaped(scene, given[x_name].shape) for scene in scenes)
        group: list[Reading] = []
        if takes_labels:
            for scene, likely, labels in itertools.product(scenes, (False, True), kinds):
                group.append(Reading(unit, scene, "upstream", labels, likely, given=given))
        for scene, style in itertools.product(scenes, _styles(unit, names)):
            group.append(Reading(unit, scene, style, given=given))
        for scene in scenes[:1]:
            group.append(Reading(unit, scene, indices=True, given=given))
            if takes_labels:
                group += [
                    Reading(unit, scene, labels=labels, indices=True, given=given)
                    for labels in ("numbers like x", "numbers")
                ]
        yield group


def _groups(
    unit: Unit, *, takes_labels: bool
) -> Iterator[tuple[tuple[Scene, ...], tuple[str, ...]]]:
    """Yield layouts and kinds of labels, what is likelier first."""
    pictures = tuple(scene for scene in SCENES if scene.pictures)
    columns = tuple(scene for scene in SCENES if scene.name == "(D, N)")
    rows = tuple(scene for scene in SCENES if scene not in (*pictures, *columns))
    declared, every = tuple(_declared(unit)), (*KINDS, COLUMN)
    if not takes_labels:
        yield (*declared, *rows, *columns), ()
    else:
        yield (*declared, *rows), KINDS
        yield ONE_OUTPUT, every
        yield (*rows, *columns), every
    yield pictures, every
    yield ALONE, every


def _given_scene(x: Any) -> Scene:
    """Return the layout of an input that is given."""
    shape = np.shape(x)
    images = shape[0] if len(shape) > 1 else 1
    return Scene("as given", shape, (), (), (), images)


def _reshaped(scene: Scene, shape: Shape) -> Scene:
    """Return a layout for an input of another shape."""
    axis = 1 if scene.name == "(D, N)" and len(shape) > 1 else 0
    return replace(scene, x=shape, images=shape[axis] if shape else 1)


def _declared(unit: Unit) -> list[Scene]:
    """Return the layout of pictures that a constructor has for a default, if it has."""
    if unit.kind != "class":
        return []
    for parameter in parameters(unit.thing.__init__):
        size = parameter.default
        if roles.plain(parameter.name) in SHAPES and isinstance(size, tuple) and len(size) == 3:  # noqa: PLR2004
            c = size[0]
            return [Scene("(N, C, H, W)", (STEPS, *size), (FILTERS, c, WINDOW, WINDOW),
                          (FILTERS,), (c,), STEPS)]  # fmt: skip
    return []


def _raw(unit: Unit, function: Callable[..., Any] | str) -> Any:
    return getattr(unit.thing, function) if isinstance(function, str) else function


def _styles(unit: Unit, forward: list[str]) -> tuple[str, ...]:
    """Return what backward may take first, the likeliest first: forward's own x is not dout."""
    if unit.backward is None:
        return STYLES[:1]
    names = [p.name for p in parameters(_raw(unit, unit.backward)) if p.name != "self"]
    if not names:
        return STYLES[:1]
    own = names[0] in forward or roles.plain(names[0]) in roles.INPUT
    if roles.is_upstream(names[0]):
        return STYLES[:1]
    return (*STYLES[1:], STYLES[0]) if own else STYLES
