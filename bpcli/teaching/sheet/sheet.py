"""names of layers in -> the parts of an exercise sheet, or of its solution, out."""

from collections.abc import Sequence
from dataclasses import dataclass

from bpcli.errors import choose
from bpcli.gradcheck.foreign.vocabulary import layer_called
from bpcli.teaching.sheet.source import STYLES, Source, names_of

LAYERS = {style: tuple(names_of(style)) for style in STYLES}
# What a layer is checked with, beside itself, where that is not one input.
ARRAYS = "rng.normal(size=(4, 3)), rng.normal(size=3)"
INPUT, LABELS = "rng.normal(size=(5, 4))", "np.array([0, 3, 1, 1, 2])"
BEGINNING = """import numpy as np

import bpcli

rng = np.random.default_rng(0)"""


@dataclass(frozen=True)
class Part:
    """A cell of a sheet: words, in Markdown, or code."""

    text: str
    is_code: bool = False


def make_sheet(layers: Sequence[str], style: str, *, solved: bool) -> list[Part]:
    """Return a sheet with the layers, of a style: `book` or `functions`; without names, of all.

    Each has its forward, a backward to be written, and a check of it. A layer may be called as the
    other style has it, or as the house does. Raises ArgumentError for one that there is not.
    """
    own = {layer_called(name): name for name in LAYERS[style]}
    known = {name: name for name in LAYERS[style]}
    known |= {name: own[layer_called(name)] for name in layers if layer_called(name) in own}
    names = [choose("--layers", name, known) for name in layers] or list(own.values())
    parts = [Part(_introduce(names, solved=solved)), Part(BEGINNING, is_code=True)]
    for name in names:
        source = Source(name, style)
        parts.append(Part(_describe(source, solved=solved)))
        parts.append(Part(source.text(solved=solved), is_code=True))
        parts.append(Part(f"print({_check(name, style)})", is_code=True))
    return parts


def _introduce(names: Sequence[str], *, solved: bool) -> str:
    if solved:
        return "# Backpropagation, layer by layer: the solution"
    required = ",".join(names)
    return (
        "# Backpropagation, layer by layer\n\n"
        "Each layer below has its forward. Write its backward: the gradient that comes from the "
        "right, `dout`, in; the gradients by the input and by the parameters out. The line below "
        "each layer compares them with numerical ones. The whole is marked by "
        f"`bpcli gradcheck FILE --require {required}`."
    )


def _describe(source: Source, *, solved: bool) -> str:
    where = f", section {source.section}" if source.section else ""
    words = f"## {source.name}{where}\n\nForward: `{source.formula}`."
    if solved:
        return words
    return words + "\n\nTo be written: " + ", ".join(f"`{side}`" for side in source.left_sides)


def _check(name: str, style: str) -> str:
    """Return the expression that checks a layer."""
    is_loss, is_affine = "loss" in name.lower(), name.lower() == "affine"
    if style == "book":
        thing, arrays = f"{name}({ARRAYS})" if is_affine else f"{name}()", ""
    else:
        thing, arrays = f"{name}_forward, {name}_backward", f", {ARRAYS}" * is_affine
    labels = f", {LABELS}" * is_loss
    return f"bpcli.check({thing}, {INPUT}{arrays}{labels})"
