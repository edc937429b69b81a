"""a function and what there is to give in -> its arguments, by their names, out."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bpcli.gradcheck.foreign import roles
from bpcli.gradcheck.foreign.given import take
from bpcli.gradcheck.foreign.scene import NoValueError, Scene, value

ALWAYS = (
    "mode",
    "stride",
    "strides",
    "reg",
    "lambd",
    "regstrength",
    "weightinitstd",
    "weightscale",
    "std",
    "lam",
    "regularization",
    "keepprob",
    "pdropout",
)  # given even where there is a default: it would hide a mistake
OPTIMIZERS = ("optimizer", "optim", "opt", "optimiser")
MANY = 32  # units; a net of more is slow to copy, and no better to check
SHAPES = ("inputdim", "inputshape", "inputsize", "inshape", "imageshape", "imgshape")


class StochasticGradientDescent:
    """What a person's layer may be given for an optimizer: W <- W - rate dW, with any call."""

    rate = 0.1

    def update(self, *arrays: Any, **_options: Any) -> Any:
        """Return the first array less the second, times the rate."""
        return arrays[0] - self.rate * arrays[1]

    __call__ = step = optimize = update


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the arguments of a function that have a name. Raises NoValueError if it tells none."""
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise NoValueError("its arguments") from error
    named = (
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.KEYWORD_ONLY,
        inspect.Parameter.POSITIONAL_ONLY,
    )
    return [parameter for parameter in found if parameter.kind in named]


def fill(
    function: Callable[..., Any],
    known: Mapping[str, Any],
    scene: Scene,
    rng: np.random.Generator,
    given: Mapping[str, Any],
) -> dict[str, Any]:
    """Return values for the arguments of a function.

    They are what is `known` by name, what the user has `given`, defaults, or what such a name means
    in a scene. Raises NoValueError for one that nobody knows.
    """
    found: dict[str, Any] = {}
    for parameter in parameters(function):
        name, word = parameter.name, roles.plain(parameter.name)
        if name in given:
            found[name] = take(given[name], rng)
        elif name in known:
            found[name] = known[name]
        elif word in OPTIMIZERS and _is_required(parameter):
            found[name] = StochasticGradientDescent()
        elif word in ("activation", "act", "activationfunction") and _is_required(parameter):
            found[name] = "relu"
        elif _is_required(parameter) or word in ALWAYS or roles.TRAINING.fullmatch(word):
            found[name] = value(name, scene, rng)
        elif isinstance(parameter.default, int) and parameter.default > MANY:
            found[name] = _or_default(parameter, scene, rng)
        elif scene.pictures and word in SHAPES and isinstance(parameter.default, tuple):
            found[name] = scene.x[1:]
    return found


def _or_default(parameter: inspect.Parameter, scene: Scene, rng: np.random.Generator) -> Any:
    """Return a small size in place of a large default, if it is known what it is of."""
    try:
        return value(parameter.name, scene, rng)
    except NoValueError:
        return parameter.default


def _is_required(parameter: inspect.Parameter) -> bool:
    return parameter.default is inspect.Parameter.empty


def returned_names(function: Callable[..., Any]) -> list[str]:
    """Return the names in the last `return` of a function, as far as they are names."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError, SyntaxError):
        return []
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple | ast.Name):
            parts = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            found = [
                ast.unparse(part) if isinstance(part, ast.Name | ast.Attribute) else ""
                for part in parts
            ]
    return [name.rpartition(".")[2] for name in found]
