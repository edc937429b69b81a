"""an array of somebody's and what a backward left behind in -> where the gradient by it is, out."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.gradcheck.foreign import tree
from bpcli.gradcheck.foreign.tree import Path
from bpcli.gradcheck.foreign.vocabulary import GRADIENT, HELD, SHORT, plain

OWNER: Path = ((".", "owner"),)
RETURNED: Path = ((".", "returned"),)


@dataclass
class Left:
    """What a backward left behind: the object that it belongs to, and what it returned, by name."""

    owner: Any
    returned: dict[str, Any]


def names_gradient(word: str, name: str) -> bool:
    """Tell whether somebody would call the gradient by `name` so.

    >>> [names_gradient(word, "W") for word in ("dW", "grad_W", "W_grad", "W", "db")]
    [True, True, True, False, False]
    >>> names_gradient("dw", "weights")
    True
    """
    word, name, marks = plain(word), plain(name), GRADIENT.pattern
    return any(
        re.fullmatch(f"({marks})+{re.escape(own)}|{re.escape(own)}({marks})", word)
        for own in {name, SHORT.get(name, name)}
    )


def places(left: Left, path: Path) -> Iterator[Path]:
    """Yield where in what is left the gradient by the array at `path` may be, the likeliest first.

    W and dW; params["W"] and grads["W"], also in what was returned; layers[0].W and layers[0].dW;
    W.data and W.grad.
    """
    (*parents, (kind, key)), name = path, str(path[-1][1])
    holder = OWNER + tuple(parents)
    pools = [RETURNED, *([] if left.owner is None else [holder])]
    if kind == "[" and parents:
        pools += [OWNER + tuple(parents[:-1])]
    own = str(parents[-1][1]) if kind == "[" and parents else ""  # of params["W"], params
    held = kind == "." and bool(parents) and plain(name) in HELD  # of W.data, W.grad
    for pool in pools:
        for step, part in list(tree.children(tree.get(left, pool))):
            word = str(step[1])
            same = pool == RETURNED and word == key  # as of {"W": ...}
            if same or names_gradient(word, name) or (held and GRADIENT.fullmatch(plain(word))):
                yield (*pool, step)
            elif (
                GRADIENT.fullmatch(plain(word))
                or (own and names_gradient(word, own))
                or (pool == RETURNED and word.isdigit())  # as of (loss, {"W1": ..., ...})
            ):
                if isinstance(part, dict):
                    keys = [k for k in part if k == key or names_gradient(str(k), name)]
                    yield from ((*pool, step, ("[", k)) for k in keys)
                elif isinstance(part, list | tuple) and isinstance(key, int) and key < len(part):
                    yield (*pool, step, ("[", key))


def spell(place: Path) -> str:
    """Return a place as the person would write it.

    >>> spell(OWNER + ((".", "grads"), ("[", "W"))), spell(RETURNED + (("[", "dW"),))
    ("grads['W']", 'dW, which backward returns')
    """
    words = tree.spell(place[1:])
    if place[0] == OWNER[0]:
        return words
    return f"{words.replace('[', '', 1).replace(']', '', 1).strip(chr(39))}, which backward returns"


def name_returned(
    returned: Any, function: Callable[..., Any], *, skipped: int = 0
) -> dict[str, Any]:
    """Return what a backward returned by the names that it has for it, or by numbers.

    The first `skipped` of what the function returns are not among it, but count.
    """
    if isinstance(returned, dict):
        return {str(key): part for key, part in returned.items()}
    if not isinstance(returned, tuple | list):
        return {} if returned is None else {"0": returned}
    names = _returned_names(function)[skipped:]
    told = [name for name in names if name]
    if len(names) != len(returned) or len(set(told)) < len(told):
        names = [""] * len(returned)
    numbered = enumerate(zip(names, returned, strict=True), skipped)
    return {name or str(i): part for i, (name, part) in numbered}


def _returned_names(function: Callable[..., Any]) -> list[str]:
    """Return the names in the last `return` of a function, as far as they are names."""
    try:
        text = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError, SyntaxError):
        return []
    found: list[str] = []
    for node in ast.walk(text):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            found = [
                ast.unparse(part).rpartition(".")[2]
                if isinstance(part, ast.Name | ast.Attribute)
                else ""
                for part in node.value.elts
            ]
    return found


def as_gradient(part: Any) -> Any:
    """Return what may be a gradient as an array of real or complex numbers, None if it is none."""
    if isinstance(part, np.ndarray | float | int | complex | np.number) and not isinstance(
        part, bool
    ):
        array = np.array(part)
        return array.astype(float) if array.dtype.kind in "fiub" else array
    return None
